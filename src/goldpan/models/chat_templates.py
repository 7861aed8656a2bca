"""Whether the folder of a model says how a conversation is written for it."""

from __future__ import annotations

from pathlib import Path

from goldpan.errors import SourceError
from goldpan.files import read_json

NO_TEMPLATE = "the model has no chat template, so nobody knows how it is asked: it may be a base model"
WITHOUT_TEMPLATE = (
    "take the model's instruction-tuned form, or set `chat_template: plain`, which writes the messages one"
    " after the other"
)


def has_chat_template(folder: Path) -> bool:
    """Whether a model has a chat template, by the files of its folder: no tokenizer is loaded."""
    if any(folder.glob("chat_template*")) or (folder / "additional_chat_templates").is_dir():
        return True
    try:
        settings = read_json(folder / "tokenizer_config.json")
    except (OSError, SourceError):
        return False
    return isinstance(settings, dict) and bool(settings.get("chat_template"))
