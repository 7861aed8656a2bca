"""What is loaded from a folder of a Hugging Face model, with errors that say what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from goldpan.errors import EmbeddingError


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
    """The error for what transformers cannot load: `part` is the model or the tokenizer."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return EmbeddingError(
        f"the {part} cannot be loaded: {lines[0]}",
        where=str(folder),
        remedy="check that the folder is complete, and whether the model needs `trust_remote_code: true`",
    )
