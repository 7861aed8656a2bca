"""Which files of a folder may be filled sheets."""

from __future__ import annotations

from pathlib import Path

from goldpan.errors import SheetError
from goldpan.visible_text import is_utf8_name

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
    if wrong := next((path for path in files if not is_utf8_name(path)), None):
        raise SheetError(
            "the name of this file is not UTF-8, so no result can name it",
            where=str(wrong),
            remedy="rename the file; the bytes that are no UTF-8 are shown as in `\\xff`",
        )
    return files
