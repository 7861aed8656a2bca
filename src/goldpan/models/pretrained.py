"""What is loaded from a folder of a Hugging Face model, with errors that say what is wrong with it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from goldpan.errors import EmbeddingError

_WITH_WEIGHTS = ("model", "adapter")
_MISMATCH = "ignore_mismatched_sizes"
"""What transformers' message is known by where weights have other shapes than the model; what shapes it says
in a table on stderr alone."""


def load_fast_tokenizer(folder: Path, trust_remote_code: bool) -> Any:
    """The tokenizer of a model, in its form with a Rust core.

    Raises:
        EmbeddingError: it cannot be loaded, or has no such form.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, trust_remote_code=trust_remote_code, local_files_only=True
        )
    except Exception as error:  # the tokenizers library raises plain Exception
        raise not_loaded("tokenizer", folder, error) from None
    if not getattr(tokenizer, "is_fast", False):
        raise EmbeddingError(
            "the tokenizer has no fast form (tokenizer.json), which cuts texts into windows",
            where=str(folder),
            remedy="save one beside the model: AutoTokenizer.from_pretrained(...).save_pretrained(...)",
        )
    return tokenizer


def load_causal_weights(folder: Path, dtype: str, *, trust_remote_code: bool, **options: Any) -> Any:
    """The causal language model of a folder, on the CPU.

    Args:
        dtype: of its weights; `auto` as they are stored.
        options: further ones of `from_pretrained`.

    Raises:
        EmbeddingError: it cannot be loaded, or weights are missing, which would be random.
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    loader: Any = AutoModelForCausalLM
    try:
        model, report = loader.from_pretrained(
            folder,
            dtype="auto" if dtype == "auto" else getattr(torch, dtype),
            trust_remote_code=trust_remote_code,
            local_files_only=True,
            output_loading_info=True,
            **options,
        )
    except Exception as error:  # transformers and safetensors have no error in common
        raise not_loaded("model", folder, error) from None
    if missing := sorted(report["missing_keys"]):
        raise EmbeddingError(
            f"the checkpoint lacks {len(missing)} of the model's weights, such as {missing[0]}",
            where=str(folder),
            remedy="copy the model again, or give the folder of a causal language model",
        )
    return model


def not_loaded(part: str, folder: Path, error: Exception) -> EmbeddingError:
    """The error for what transformers cannot load: `part` is model, adapter, tokenizer, or a file's name."""
    if part in _WITH_WEIGHTS and (file := _damaged_weights(folder)) is not None:
        return EmbeddingError(
            f"the {part} cannot be loaded: this file of its weights is cut short or damaged",
            where=str(file),
            remedy="copy the file again; it must have as many bytes as where it comes from",
        )
    if part == "model" and _MISMATCH in str(error):
        unlike = _unlike_shape(folder)
        return EmbeddingError(
            "the model cannot be loaded: its weights have other shapes than config.json says"
            + (f": {unlike}" if unlike else ""),
            where=str(folder),
            remedy="put the config.json and the weights of the same model there",
        )
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return EmbeddingError(
        f"the {part} cannot be loaded: {lines[0]}",
        where=str(folder),
        remedy="check that the folder is complete, and whether the model needs `trust_remote_code: true`",
    )


def _damaged_weights(folder: Path) -> Path | None:
    """The first file of weights of a folder that is no whole safetensors file."""
    from safetensors import SafetensorError, safe_open

    for file in sorted(folder.glob("*.safetensors")):
        try:
            # Opened, its header is read, and held against the length of the file.
            with safe_open(file, framework="pt"):
                pass
        except SafetensorError:
            return file
        except OSError:
            # Not to be read, or no file: transformers says so itself.
            continue
    return None


def _unlike_shape(folder: Path) -> str | None:
    """One tensor of a folder that has another shape than config.json gives it, with both.

    Code of the folder is not run: of a model that is made by it, nothing is known here.
    """
    import torch
    import transformers
    from safetensors import safe_open

    with suppress(Exception):  # this only adds to an error that is told anyhow
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
        # The class whose weights were stored gives tensors the names they have in the files.
        model_class = getattr(transformers, config.architectures[0])
        with torch.device("meta"):
            wanted = model_class(config).state_dict()
        for file in sorted(folder.glob("*.safetensors")):
            with safe_open(file, framework="pt") as stored:
                for name in stored.keys():  # noqa: SIM118 - it is no mapping
                    shape = stored.get_slice(name).get_shape()
                    if name in wanted and shape != [*wanted[name].shape]:
                        return f"{name} is {shape} by the weights, {[*wanted[name].shape]} by config.json"
    return None
