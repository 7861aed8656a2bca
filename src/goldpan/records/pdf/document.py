"""What a document is called: the name of its file, whatever other files a source has."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePath


def document_name(patterns: Sequence[str], path: Path) -> str:
    """The name of a file, with the folders that a pattern leaves open, `__` for `/`.

    `papers/a.pdf` is `a.pdf` for `papers/*.pdf`; `reports/2024/a.pdf` is `2024__a.pdf` for `reports/**/*.pdf`
    and for `reports/*/a.pdf`. So it stays when other files come, and two files of one name are told apart.

    Args:
        patterns: `files` of the source.
        path: the file, however its place is given.
    """
    for pattern in patterns:
        fixed, open_parts = _split(PurePath(pattern).parts)
        # From the end: the same folders lead to a file, from wherever its path begins.
        for start in range(len(path.parts) - 1, len(fixed) - 1, -1):
            rest = path.parts[start:]
            if path.parts[start - len(fixed) : start] == fixed and _matches(rest, open_parts):
                return "__".join(rest)
    return path.name


def _split(parts: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The folders of a pattern that are given, and what it leaves open: at least the name of the file."""
    count = next((number for number, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    count = min(count, len(parts) - 1)
    return tuple(part for part in parts[:count] if part != "."), parts[count:]


def _matches(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    if not pattern:
        return not parts
    if pattern[0] == "**" and _matches(parts, pattern[1:]):
        return True
    if not parts or (pattern[0] != "**" and parts[0] != pattern[0] and not fnmatchcase(parts[0], pattern[0])):
        return False
    return _matches(parts[1:], pattern if pattern[0] == "**" else pattern[1:])
