"""From the settings of an embedding to a model that is ready: device, dtype, limits, pooling."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from goldpan.embeddings.modules import Modules, read_modules
from goldpan.embeddings.pooling import MODES, Pooler, load_dense
from goldpan.embeddings.positions import most_positions
from goldpan.errors import EmbeddingError
from goldpan.models.device import available_device
from goldpan.models.folders import ModelFiles, find_model
from goldpan.models.pretrained import load_fast_tokenizer, not_loaded

if TYPE_CHECKING:
    import torch

    from goldpan.study.embedding import Embedding

_GPU_BUDGET, _CPU_BUDGET = 65_536, 1024
_NO_LIMIT = 1_000_000


@dataclass(frozen=True)
class LoadedModel:
    """A model with everything that shapes its embeddings.

    Attributes:
        files: where it came from.
        encoder: the model; `last_hidden_state` is what is pooled.
        tokenizer: a transformers tokenizer with a Rust core.
        pooler: from vectors of tokens to one vector.
        dimension: D, of the embeddings.
        max_length: tokens of a text or chunk, special ones included.
        prefix: stands before each text.
        padding: side of the padding.
        device: where it lies, such as `cpu` or `cuda`.
        compute_dtype: of the encoder's weights.
        budget: tokens of a batch to begin with.
    """

    files: ModelFiles
    encoder: torch.nn.Module
    tokenizer: Any
    pooler: Pooler
    dimension: int
    max_length: int
    prefix: str
    padding: Literal["left", "right"]
    device: str
    compute_dtype: str
    budget: int


def load_model(settings: Embedding, root: Path = Path()) -> LoadedModel:
    """Load the model of an embedding.

    Args:
        settings: what the study says.
        root: where a relative folder of the model starts.

    Raises:
        EmbeddingError: it cannot be found, lacks weights, or does not fit the settings.
    """
    files = find_model(
        settings.model,
        root=root,
        revision=settings.revision,
        trust_remote_code=settings.trust_remote_code,
    )
    modules = read_modules(files.folder)
    modes = _pooling_modes(settings, modules, files)
    prefix = modules.prompt if settings.prefix is None else settings.prefix
    if prefix and settings.pooling == "model" and not modules.pools_prompt:
        raise EmbeddingError(
            "this model leaves its prompt out of the pooling, which is not done here",
            where=settings.model,
            remedy='set `prefix: ""`, or say `pooling` in the study',
        )
    device = available_device(settings.device)
    dtype = _compute_dtype(settings, device)
    encoder = _encoder(modules.transformer, dtype, device, settings)
    tokenizer = _tokenizer(modules, settings)
    dense = tuple(load_dense(folder, device) for folder in modules.dense)
    padding = settings.padding
    if padding == "auto":
        padding = "left" if modes == ("lasttoken",) else "right"
    return LoadedModel(
        files=files,
        encoder=encoder,
        tokenizer=tokenizer,
        pooler=Pooler(
            modes, dense, modules.normalize if settings.normalize == "model" else settings.normalize
        ),
        dimension=_dimension(encoder, modes, dense),
        max_length=_max_length(settings, modules, encoder, tokenizer),
        prefix=prefix,
        padding=padding,
        device=device,
        compute_dtype=dtype,
        budget=settings.batch_tokens or (_CPU_BUDGET if device == "cpu" else _GPU_BUDGET),
    )


def _pooling_modes(settings: Embedding, modules: Modules, files: ModelFiles) -> tuple[str, ...]:
    if settings.pooling != "model":
        return (MODES[settings.pooling],)
    if not modules.pooling:
        raise EmbeddingError(
            "this model's folder does not say how it is pooled (it has no modules.json)",
            where=str(files.folder),
            remedy="say `pooling: mean`, `cls` or `last`, as the model's authors do",
        )
    return modules.pooling


def _compute_dtype(settings: Embedding, device: str) -> str:
    import torch

    if settings.compute_dtype != "auto":
        return settings.compute_dtype
    has_bfloat16 = device.startswith("cuda") and torch.cuda.get_device_capability(device) >= (8, 0)
    return "bfloat16" if has_bfloat16 else "float32"


def _encoder(folder: Path, dtype: str, device: str, settings: Embedding) -> torch.nn.Module:
    """The encoder, with PyTorch's fused attention (SDPA) wherever transformers has it for the model."""
    import torch
    from transformers import AutoModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        model, report = AutoModel.from_pretrained(
            folder,
            dtype=getattr(torch, dtype),
            trust_remote_code=settings.trust_remote_code,
            local_files_only=True,
            output_loading_info=True,
        )
    except Exception as error:  # transformers and safetensors have no error in common
        raise not_loaded("model", folder, error) from None
    # A pooler that a checkpoint lacks is not used; any other weights would be random.
    missing = sorted(name for name in report["missing_keys"] if "pooler." not in name)
    if missing:
        raise EmbeddingError(
            f"the checkpoint lacks {len(missing)} of the model's weights, such as {missing[0]}",
            where=str(folder),
            remedy="copy the model again, or give the folder of an encoder",
        )
    if model.config.is_encoder_decoder:
        model = model.get_encoder()
    return model.to(device).eval()


def _dimension(encoder: Any, modes: tuple[str, ...], dense: tuple[Any, ...]) -> int:
    return int(dense[-1][0].out_features if dense else encoder.config.hidden_size * len(modes))


def _tokenizer(modules: Modules, settings: Embedding) -> Any:
    tokenizer = load_fast_tokenizer(modules.transformer, settings.trust_remote_code)
    if modules.lower_case:
        _lower_case(tokenizer.backend_tokenizer)
    return tokenizer


def _lower_case(core: Any) -> None:
    from tokenizers.normalizers import Lowercase, Sequence

    core.normalizer = Sequence([Lowercase(), *([core.normalizer] if core.normalizer else [])])


def _max_length(settings: Embedding, modules: Modules, encoder: Any, tokenizer: Any) -> int:
    """The study's limit, else the model's own; never more than the model has positions for."""
    positions = most_positions(encoder)
    own = min(modules.max_length or tokenizer.model_max_length, positions)
    max_length = settings.max_length or own
    special = tokenizer.num_special_tokens_to_add()
    if max_length >= _NO_LIMIT:
        problem, remedy = "the model does not say how long its texts may be", "set `max_length`"
    elif max_length > positions:
        problem = f"max_length is {max_length}, but the model has positions for {positions:.0f} tokens"
        remedy = f"set `max_length` to at most {positions:.0f}"
    elif max_length <= special:
        problem = f"max_length is {max_length}, of which {special} are special tokens"
        remedy = "raise `max_length`"
    else:
        return int(max_length)
    raise EmbeddingError(problem, where=settings.model, remedy=remedy)
