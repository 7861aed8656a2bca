"""How notes name some of many."""

from __future__ import annotations

from collections.abc import Sequence

_MOST_SHOWN = 5


def few(texts: Sequence[str]) -> str:
    """The first texts, and how many more there are."""
    more = f" and {len(texts) - _MOST_SHOWN} more" if len(texts) > _MOST_SHOWN else ""
    return ", ".join(texts[:_MOST_SHOWN]) + more
