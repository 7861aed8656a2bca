"""From the vectors of tokens to one vector for each text; all on torch tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldpan.errors import EmbeddingError
from goldpan.files import read_json

if TYPE_CHECKING:
    import torch
    from torch import Tensor

MODES = {"cls": "cls", "mean": "mean", "last": "lasttoken"}
"""Names of pooling modes in a study, and what sentence-transformers calls them."""


@dataclass(frozen=True)
class Pooler:
    """What follows the encoder.

    Attributes:
        modes: pooling modes whose vectors are put side by side.
        dense: layers applied to the pooled vector in turn.
        normalize: scale to length 1 at the end.
    """

    modes: tuple[str, ...]
    dense: tuple[torch.nn.Module, ...]
    normalize: bool

    def __call__(self, hidden: Tensor, lengths: Tensor, first: Tensor) -> Tensor:
        """Pool in float32, whatever the encoder computed in.

        Args:
            hidden: [B, L, H] vectors of tokens, padding included.
            lengths: [B] numbers of real tokens.
            first: [B] places of the first real token; not 0 where padding stands at the left.

        Returns:
            [B, D] float32.
        """
        import torch

        places = torch.arange(hidden.shape[1], device=hidden.device)
        mask = (places >= first[:, None]) & (places < (first + lengths)[:, None])
        vectors = [_POOL[mode](hidden, mask, lengths, first).float() for mode in self.modes]
        pooled = torch.cat(vectors, dim=-1) if len(vectors) > 1 else vectors[0]
        for layer in self.dense:
            pooled = layer(pooled)
        return torch.nn.functional.normalize(pooled, dim=-1) if self.normalize else pooled


def load_dense(folder: Path, device: str) -> torch.nn.Module:
    """A dense layer of a sentence-transformers folder, in float32.

    Raises:
        EmbeddingError: it is of a form that is not known here.
    """
    import torch

    config = read_json(folder / "config.json")
    if config.get("use_residual") or config.get("module_input_name", _POOLED) != _POOLED:
        raise EmbeddingError("this dense layer is of a form that is not known here", where=str(folder))
    linear = torch.nn.Linear(config["in_features"], config["out_features"], bias=config.get("bias", True))
    state = _state(folder)
    linear.load_state_dict({name.removeprefix("linear."): value.float() for name, value in state.items()})
    activation = _activation(config.get("activation_function", "torch.nn.modules.activation.Tanh"), folder)
    return torch.nn.Sequential(linear, activation).to(device).eval()


_POOLED = "sentence_embedding"


def _state(folder: Path) -> dict[str, Tensor]:
    import torch
    from safetensors.torch import load_file

    if (folder / "model.safetensors").is_file():
        return load_file(folder / "model.safetensors")
    return dict(torch.load(folder / "pytorch_model.bin", map_location="cpu", weights_only=True))


def _activation(name: str, folder: Path) -> torch.nn.Module:
    import torch

    kind = getattr(torch.nn, name.rsplit(".", 1)[-1], None) if name.startswith("torch.nn.") else None
    if not (isinstance(kind, type) and issubclass(kind, torch.nn.Module)):
        raise EmbeddingError(f"the activation `{name}` is not known here", where=str(folder))
    return kind()


def _cls(hidden: Tensor, mask: Tensor, lengths: Tensor, first: Tensor) -> Tensor:
    return _gather(hidden, first)


def _last(hidden: Tensor, mask: Tensor, lengths: Tensor, first: Tensor) -> Tensor:
    return _gather(hidden, first + lengths - 1)


def _sum(hidden: Tensor, weights: Tensor) -> Tensor:
    """[B, H] sums of [B, L, H] with [B, L] weights, accumulated in float32."""
    import torch

    return torch.einsum("blh,bl->bh", hidden.float(), weights.float())


def _mean(hidden: Tensor, mask: Tensor, lengths: Tensor, first: Tensor) -> Tensor:
    return _sum(hidden, mask) / lengths[:, None]


def _mean_sqrt(hidden: Tensor, mask: Tensor, lengths: Tensor, first: Tensor) -> Tensor:
    return _sum(hidden, mask) / lengths[:, None].float().sqrt()


def _weighted_mean(hidden: Tensor, mask: Tensor, lengths: Tensor, first: Tensor) -> Tensor:
    """Later tokens count more: weights 1, 2, ... from the first real token on."""
    weights = mask.float().cumsum(dim=1) * mask
    return _sum(hidden, weights) / weights.sum(dim=1, keepdim=True)


def _max(hidden: Tensor, mask: Tensor, lengths: Tensor, first: Tensor) -> Tensor:
    return hidden.masked_fill(~mask[..., None], float("-inf")).amax(dim=1)


def _gather(hidden: Tensor, places: Tensor) -> Tensor:
    import torch

    return hidden[torch.arange(hidden.shape[0], device=hidden.device), places]


_POOL: dict[str, Callable[..., Any]] = {
    "cls": _cls,
    "max": _max,
    "mean": _mean,
    "mean_sqrt_len_tokens": _mean_sqrt,
    "weightedmean": _weighted_mean,
    "lasttoken": _last,
}
