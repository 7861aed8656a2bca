"""Which files of a folder may be filled sheets."""

from __future__ import annotations

from pathlib import Path

SUFFIXES = frozenset({".csv", ".tsv", ".xlsx", ".xlsm", ".json", ".jsonl"})
"""Files that may be sheets."""

_TEMPORARY = (".", "~$")


def sheet_files(folder: Path) -> list[Path]:
    """All files in the folder and below that may be sheets, by name; nothing is opened."""
    return [path for path in all_files(folder) if path.suffix.lower() in SUFFIXES]


def all_files(folder: Path) -> list[Path]:
    """All files in the folder and below, by name, but for hidden ones and those a program keeps open."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(
        path
        for path in files
        if not any(part.startswith(_TEMPORARY) for part in path.relative_to(folder).parts)
    )
