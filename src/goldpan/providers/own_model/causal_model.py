"""A causal model on its device, asked for the logits after tokens that lie at stated positions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldpan.errors import ProviderError
from goldpan.models.device import available_device
from goldpan.models.folders import find_model
from goldpan.models.installed import check_installed
from goldpan.models.pretrained import load_causal_weights, load_fast_tokenizer, not_loaded

if TYPE_CHECKING:
    from torch import Tensor

    from goldpan.providers.own_model.slot_cache import SlotCache

CPU_DTYPE, GPU_DTYPE, OTHER_DTYPE = "float64", "bfloat16", "float32"
_DTYPES = ("bfloat16", "float16", "float32", "float64")
_ATTENTION = {"full_attention", "sliding_attention"}
_CHECKED = 24
_TOLERANCE = {"bfloat16": 0.3, "float16": 0.05, "float32": 2e-3, "float64": 1e-4}
"""By how much logits may differ between two ways to compute them, in standard deviations of them."""


class CausalModel:
    """A model with its tokenizer.

    Args:
        model, adapter, revision, trust_remote_code, device, compute_dtype: as of `TransformersAnswerer`.

    Raises:
        EmbeddingError: there is no such model or device, or packages are missing.
        ProviderError: the model cannot be computed the way this engine does.
    """

    def __init__(
        self,
        model: Path | str,
        *,
        adapter: Path | None = None,
        revision: str | None = None,
        trust_remote_code: bool = False,
        device: str = "auto",
        compute_dtype: str = "auto",
    ):
        check_installed()
        self.name = str(model)
        self.device = available_device(device)
        self.dtype = _dtype(compute_dtype, self.device)
        files = find_model(self.name, revision=revision, trust_remote_code=trust_remote_code)
        self.tokenizer = load_fast_tokenizer(files.folder, trust_remote_code)
        self._model = _load(files.folder, adapter, self.dtype, trust_remote_code).to(self.device).eval()
        config = self._model.config.get_text_config(decoder=True)
        self.layers: int = config.num_hidden_layers
        self.context: int | None = getattr(config, "max_position_embeddings", None)
        self.vocabulary: int = config.vocab_size
        self._window: int | None = getattr(config, "sliding_window", None)
        if getattr(config, "use_sliding_window", True) is False:
            self._window = None
        kinds = getattr(config, "layer_types", None)
        self._kinds: set[str] = {*kinds} if kinds else set()
        if self._kinds - _ATTENTION:
            raise _not_computed(self.name, f"it has layers of {', '.join(sorted(self._kinds - _ATTENTION))}")
        self._adds_mask = self._model.config._attn_implementation == "eager"
        self.ends = _ends(self._model, self.tokenizer)
        self._check_positions()

    def cache(self, rows: int, capacity: int, prefix: SlotCache | None = None, length: int = 0) -> SlotCache:
        """Room for the keys and values of a batch; see `SlotCache`."""
        from goldpan.providers.own_model.slot_cache import SlotCache

        return SlotCache(self.layers, rows, capacity, prefix=prefix, prefix_length=length)

    def places(self, rows: list[int]) -> Tensor:
        """Numbers of rows, on the device."""
        import torch

        return torch.tensor(rows, device=self.device)

    def logits(self, tokens: list[list[int]], positions: list[int], cache: SlotCache) -> Tensor:
        """Logits after the last of the new tokens of each row.

        Args:
            tokens: for each row; none for one that has nothing new, whose logits then mean nothing.
            positions: of the first of them.
            cache: with all tokens before these; holds these afterwards, too.

        Returns:
            [B, V] on the device.
        """
        import torch

        width = max(map(len, tokens))
        ids = torch.zeros(len(tokens), width, dtype=torch.long)
        places = torch.full((len(tokens), width), -1, dtype=torch.long)
        for row, (new, first) in enumerate(zip(tokens, positions, strict=True)):
            ids[row, width - len(new) :] = torch.tensor(new, dtype=torch.long)
            places[row, width - len(new) :] = torch.arange(first, first + len(new))
        length = int(places.max()) + 1
        ids, places = ids.to(self.device), places.to(self.device)
        cache.aim(torch.where(places < 0, cache.capacity, places), length)
        # Padding looks at the first slot, lest it have nothing to look at and become NaN.
        places = places.clamp(min=0)
        with torch.inference_mode():
            return self._model(
                input_ids=ids,
                position_ids=places,
                attention_mask=self._mask(places, length),
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]

    def _mask(self, places: Tensor, length: int) -> Any:
        """Which slots each new token looks at, for each kind of layer where there are several."""
        import torch

        slots = torch.arange(length, device=places.device)
        full = slots <= places[..., None]
        if self._window is None:
            sliding = full
        else:
            sliding = full & (slots > places[..., None] - self._window)
        if self._kinds:
            masks = {"full_attention": full, "sliding_attention": sliding}
            shaped = {kind: self._shaped(masks[kind]) for kind in self._kinds}
            return shaped if len(shaped) > 1 else next(iter(shaped.values()))
        return self._shaped(sliding)

    def _shaped(self, mask: Tensor) -> Tensor:
        """[B, 1, Q, L], as the attention takes it: true where it looks, or added to its scores."""
        import torch

        mask = mask[:, None]
        if not self._adds_mask:
            return mask
        dtype = getattr(torch, self.dtype)
        return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill_(
            ~mask, torch.finfo(dtype).min
        )

    def _check_positions(self) -> None:
        """Compare what comes of stated positions, in parts, with what the model computes by itself.

        Raises:
            ProviderError: it is not the same: the model's positions or memory are of another kind.
        """
        import torch

        ids = [1 + number * 7 % (min(self.vocabulary, 1000) - 1) for number in range(_CHECKED)]
        with torch.inference_mode():
            alone = self._model(input_ids=torch.tensor([ids], device=self.device)).logits[0, -1]
        if not bool(torch.isfinite(alone).all()):
            raise ProviderError(
                "the model computes no numbers: its logits are infinite or not a number",
                where=self.name,
                remedy="its weights are damaged: copy it again; in float16 take another `compute_dtype`",
            )
        try:
            cache = self.cache(2, _CHECKED + 1)
            self.logits([ids[:9], ids[:2]], [0, 0], cache)
            together = self.logits([ids[9:], ids[2:3]], [9, 2], cache)[0]
        except Exception as error:
            raise _not_computed(self.name, f"{type(error).__name__}: {error}") from error
        spread = float(alone.float().std()) or 1.0
        off = float((alone - together).abs().max().float()) / spread
        if not off <= _TOLERANCE[self.dtype]:
            raise _not_computed(self.name, f"its logits differ by {off:.2g} of their spread")


def _dtype(name: str, device: str) -> str:
    if name == "auto":
        kind = device.partition(":")[0]
        return {"cpu": CPU_DTYPE, "cuda": GPU_DTYPE}.get(kind, OTHER_DTYPE)
    if name not in _DTYPES:
        raise ProviderError(
            f"`{name}` is no type to compute with",
            where="compute_dtype",
            remedy=f"take auto or one of {', '.join(_DTYPES)}",
        )
    return name


def _load(folder: Path, adapter: Path | None, dtype: str, trust_remote_code: bool) -> Any:
    import torch

    # An adapter is merged at full precision: rounded first, small changes of weights would be lost.
    wanted = getattr(torch, dtype)
    loaded = wanted if adapter is None else torch.promote_types(wanted, torch.float32)
    name = str(loaded).removeprefix("torch.")
    # The quick kernels for mixtures of experts know no float64.
    experts = {"experts_implementation": "eager"} if loaded == torch.float64 else {}
    model = load_causal_weights(folder, name, trust_remote_code=trust_remote_code, **experts)
    return model if adapter is None else _merged(model, adapter).to(wanted)


def _merged(model: Any, adapter: Path) -> Any:
    try:
        from peft import PeftModel
    except ImportError:
        raise ProviderError(
            "an adapter needs peft, not installed in this environment",
            where=str(adapter),
            remedy="pip install 'goldpan[finetune]', or give the merged folder as `model`",
        ) from None
    try:
        return PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
    except Exception as error:
        raise not_loaded("adapter", adapter, error) from None


def _ends(model: Any, tokenizer: Any) -> list[int]:
    """Tokens that end an answer: the model may have several."""
    found: list[Any] = []
    for source in (getattr(model, "generation_config", None), model.config, tokenizer):
        given = getattr(source, "eos_token_id", None)
        found += given if isinstance(given, list) else [given]
    return list(dict.fromkeys(token for token in found if token is not None))


def _not_computed(name: str, why: str) -> ProviderError:
    return ProviderError(
        f"this engine cannot compute the model in batches: {why}",
        where=name,
        remedy="serve it with vLLM (`kind: vllm`, or `kind: openai` with its address)",
    )
