"""Which files of a folder may be filled sheets."""

from __future__ import annotations

from pathlib import Path

from goldpan.errors import SheetError
from goldpan.files import check_name_is_utf8

SUFFIXES = frozenset({".csv", ".tsv", ".xlsx", ".xlsm", ".json", ".jsonl"})
"""Files that may be sheets."""

_TEMPORARY = (".", "~$")


def sheet_files(folder: Path) -> list[Path]:
    """All files in the folder and below that may be sheets, by name; nothing is opened.

    Raises:
        SheetError: as `all_files`.
    """
    return [path for path in all_files(folder) if path.suffix.lower() in SUFFIXES]


def all_files(folder: Path) -> list[Path]:
    """All files in the folder and below, by name, but for hidden ones and those a program keeps open.

    Raises:
        SheetError: the name of one is not UTF-8.
    """
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(_TEMPORARY) for part in path.relative_to(folder).parts)
    )
    for path in files:
        check_name_is_utf8(path, SheetError)
    return files
