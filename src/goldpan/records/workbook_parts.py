"""What is known of a workbook before its cells are read: how large it is, and which cells are merged."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from goldpan.errors import SourceError
from goldpan.files import LONGEST_LINE

_CHUNK = 1 << 20
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^<>]*?\bref\s*=\s*[\"']([A-Z]+)(\d+):([A-Z]+)(\d+)[\"']")
_LONGEST_TAG = 1 << 10


@dataclass(frozen=True)
class MergedArea:
    """Cells that are merged; all but the first at its top left are empty. Rows and columns count from 1."""

    name: str
    first_row: int
    last_row: int
    first_column: int
    last_column: int


def check_parts(path: Path, archive: zipfile.ZipFile, at_most: int, kind: str) -> None:
    """Check, before a workbook is read, that it can be held in memory.

    A part that says it is smaller than it is gains nothing: zipfile reads no more of it than it says to have.

    Args:
        path: for the error.
        archive: its parts.
        at_most: bytes they may have, unpacked.
        kind: of what is read, for the error.

    Raises:
        SourceError: they have more, or a cell has more than LONGEST_LINE bytes.
    """
    size = sum(part.file_size for part in archive.infolist())
    if size > at_most:
        raise SourceError(
            f"the workbook unpacks to {size:,} bytes, more than the {at_most:,} that a {kind} may have",
            where=str(path),
            remedy="delete what does not belong to the table, such as pictures, or save the page as CSV",
        )
    for part in archive.infolist():
        if part.file_size <= LONGEST_LINE or not part.filename.endswith(".xml"):
            continue
        with archive.open(part) as source:
            if _longest_text(source) > LONGEST_LINE:
                raise SourceError(
                    f"`{part.filename}` in the workbook has a cell of more than {LONGEST_LINE:,} bytes",
                    where=str(path),
                    remedy="split its text; if a small workbook from elsewhere unpacks to this, do not trust"
                    " it",
                )


def _longest_text(source: IO[bytes]) -> int:
    """Bytes of the longest text without a tag, once it is longer than LONGEST_LINE or a chunk."""
    length = longest = 0
    while length <= LONGEST_LINE and (chunk := source.read(_CHUNK)):
        first, last = chunk.find(b"<"), chunk.rfind(b"<")
        longest = max(longest, length + (first if first >= 0 else len(chunk)))
        length = length + len(chunk) if last < 0 else len(chunk) - last - 1
    return max(longest, length)


def merged_areas(source: IO[bytes]) -> Iterator[MergedArea]:
    """The merged cells of a page, from the XML of its part; cells are not read for it."""
    from openpyxl.utils.cell import column_index_from_string as column

    rest = b""
    while chunk := source.read(_CHUNK):
        chunk = rest + chunk
        # What a tag that goes on in the next chunk begins with.
        start = chunk.rfind(b"<")
        cut = start if start >= 0 and b">" not in chunk[start:] else len(chunk)
        rest = chunk[cut:] if len(chunk) - cut <= _LONGEST_TAG else b""
        for found in _MERGED.finditer(chunk, 0, cut):
            left, top, right, bottom = (group.decode() for group in found.groups())
            yield MergedArea(
                f"{left}{top}:{right}{bottom}", int(top), int(bottom), column(left), column(right)
            )
