"""Which search for a better prompt a task file comes from: its first line says so."""

from __future__ import annotations

import re
from pathlib import Path

_BY = "Proposed by the search `{}` (goldpan)"
_FIRST_LINE = re.compile(r"# Proposed by the search `([^`]+)` \(goldpan\)")


def proposed_by(search: str) -> str:
    """How the file of a proposed task begins, behind its `# `."""
    return _BY.format(search)


def search_that_proposed(file: Path) -> str | None:
    """The name of the search that a task file comes from; None where it comes from none, or is not there."""
    if not file.exists():
        return None
    with file.open(encoding="utf-8", errors="replace") as text:
        match = _FIRST_LINE.match(text.readline(1_000))
    return match[1] if match else None
