"""Small source files that share a job: to start one takes longer than to read some dozens of them.

A file is dealt to a group by a hash of its name, so that it stays there when others come or go. The number of
groups is a power of two: where it doubles, the small files of that source are read once more, and of what is
made from them only what differs is made anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

SMALL_FILE = 64 << 10
"""Bytes of a file that shares a job, at most. Larger ones take longer to read than a job to start."""

MOST_FILES = 50
"""Files of a group on average, at most. Snakemake notes the checksums of all inputs of a job with each of its
outputs, so what it does for a group grows with the square of this."""


def file_groups(files: Iterable[str]) -> dict[str, list[str]]:
    """Deal files to groups: the name of a group, such as `3of8` -> its files, in their order.

    Args:
        files: short names of the files.

    Returns:
        Groups of two files at least; files that are alone in theirs are in none.
    """
    names, count = list(files), 1
    while len(names) > count * MOST_FILES:
        count *= 2
    groups: dict[int, list[str]] = {}
    for name in names:
        digest = hashlib.sha256(name.encode()).digest()
        groups.setdefault(int.from_bytes(digest[:8]) % count, []).append(name)
    return {f"{number}of{count}": groups[number] for number in sorted(groups) if len(groups[number]) > 1}


def is_small(path: Path) -> bool:
    """Whether a file is small enough to share a job; one that cannot be looked at is not."""
    try:
        return path.stat().st_size <= SMALL_FILE
    except OSError:
        return False
