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


def not_loaded(part: str, folder: Path, error: Exception) -> EmbeddingError:
    """The error for what transformers cannot load: `part` is the model or the tokenizer."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return EmbeddingError(
        f"the {part} cannot be loaded: {lines[0]}",
        where=str(folder),
        remedy="check that the folder is complete, and whether the model needs `trust_remote_code: true`",
    )
