"""Versions of a data set: each a file of its own beside the first one, so that what was measured on an
earlier version can be looked up in it.

Version 1 of `m12` is `m12.jsonl`, version 2 is `m12.v2.jsonl`.
"""

from __future__ import annotations

import re
from pathlib import Path

_SUFFIX = ".jsonl"


def version_file(name: str, number: int) -> str:
    """Name of the file of a version of the data set `name`."""
    return f"{name}{_SUFFIX}" if number == 1 else f"{name}.v{number}{_SUFFIX}"


def versions(folder: Path, name: str) -> list[int]:
    """The versions of the data set `name` that lie in a folder, ascending."""
    pattern = re.compile(rf"{re.escape(name)}\.v([1-9][0-9]*){re.escape(_SUFFIX)}")
    later = (pattern.fullmatch(path.name) for path in folder.glob(f"{name}.v*{_SUFFIX}"))
    numbers = {int(found[1]) for found in later if found} - {1}
    first = {1} if (folder / version_file(name, 1)).exists() else set()
    return sorted(numbers | first)


def newest_version(folder: Path, name: str) -> int:
    """The newest version of the data set `name` in a folder; 1 where there is none."""
    return max(versions(folder, name), default=1)
