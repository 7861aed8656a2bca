"""Whether the model that answered is the one that a stage asks, whatever version of its name was used."""

from __future__ import annotations

import re

# Dates and versions behind a name: gpt-4o-mini-2024-07-18, claude-3-5-haiku-20241022,
# gemini-2.0-flash-001@default.
_VERSION = re.compile(r"(?:[-@:](?:\d{4}-\d{2}-\d{2}|\d{3,}|v\d+(?::\d+)?|default))+")


def is_same_model(asked: str, answered: str) -> bool:
    """Whether two names are of one model: the same but for a service before it, and a date or version behind.

    Of two dated names the dates must be the same.
    """
    shorter, longer = sorted((_bare(asked), _bare(answered)), key=len)
    return longer == shorter or (
        longer.startswith(shorter) and _VERSION.fullmatch(longer, len(shorter)) is not None
    )


def _bare(name: str) -> str:
    """Without the service that stands before it: `openai/gpt-4o`, `models/gemini-2.0-flash`."""
    return name.strip().lower().rpartition("/")[2].removesuffix("-latest")
