"""Reading CSV files as people save them: with comma, semicolon or tab, with or without a byte order mark.

Nothing is guessed about values: every cell is text.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from goldpan.errors import SheetError, SourceError
from goldpan.files import LONGEST_LINE, read_whole_unpacked
from goldpan.waves.collect.table_rows import KEY_COLUMNS, RawTable

DELIMITERS = (",", ";", "\t")
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
# A cell may hold a whole document; the limit of the csv module is meant for smaller ones.
_LONGEST_FIELD = LONGEST_LINE


def read_csv_table(path: Path) -> RawTable:
    """A CSV file as a table.

    Raises:
        SheetError: damaged, too large, not UTF-8 or UTF-16, not a table, or quotes that do not close.
    """
    text = _decoded(path)
    named = _SEPARATOR_LINE.match(text)
    skipped = 1 if named else 0
    text = text[named.end() :] if named else text
    delimiter = named[1] if named else _delimiter(text)
    rows = _rows(path, text, delimiter, skipped)
    header = next(rows, None)
    if header is None:
        raise SheetError(
            "the file is empty", where=str(path), remedy="save it again with its rows, or leave it out"
        )
    return RawTable(str(path), header[1], rows)


def _decoded(path: Path) -> str:
    try:
        data = read_whole_unpacked(path)
    except SourceError as error:
        raise SheetError(error.what, where=error.where, remedy=error.remedy) from None
    # Excel's "Unicode text" is UTF-16 with a byte order mark.
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if not is_utf16 and is_utf16_without_mark(data):
        raise SheetError(
            "this seems to be UTF-16 without a byte order mark",
            where=str(path),
            remedy="save it as `CSV UTF-8`",
        )
    try:
        return data.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SheetError(
            f"not valid {error.encoding.upper()}: {error.reason}",
            where=f"{path}, line {line}",
            remedy="save it as `CSV UTF-8`; any other encoding can change letters",
        ) from None


def is_utf16_without_mark(data: bytes) -> bool:
    """Whether every other byte at the beginning is a zero, as in UTF-16 of Latin letters."""
    start = data[: 1 << 10]
    return len(start) > 3 and any(
        start[place::2].count(0) * 10 > len(start) // 2 * 9 and 0 not in start[1 - place :: 2]
        for place in (0, 1)
    )


def _delimiter(text: str) -> str:
    """The delimiter under which the first row is that of a sheet; else the one found most often in it."""
    first = text.split("\n", 1)[0]
    for delimiter in DELIMITERS:
        if set(KEY_COLUMNS) <= {name.strip().strip('"') for name in first.split(delimiter)}:
            return delimiter
    return max(DELIMITERS, key=first.count)


def _rows(path: Path, text: str, delimiter: str, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """Rows with their number as a spreadsheet counts them, from 1 for the header."""
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = skipped
    try:
        for number, row in enumerate(reader, skipped + 1):
            yield number, row
    except csv.Error as error:
        raise SheetError(
            f"not valid CSV: {error}",
            where=f"{path}, after row {number}",
            remedy="a text with quotes must be quoted as a whole, with its own quotes doubled",
        ) from None
