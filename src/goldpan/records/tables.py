"""Reading CSV and other delimited text."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from goldpan.compressed import damage_errors, damaged, open_decompressed
from goldpan.errors import SourceError
from goldpan.files import LONGEST_LINE, line_too_long
from goldpan.records.fields import check_columns
from goldpan.records.rows import Row, RowError

_LONGEST_CELL = 1 << 24
"""Characters a cell may have; an unclosed quote would otherwise read the whole file into memory."""

_UNDECODABLE = re.compile("[\udc80-\udcff]")
"""What a byte that does not fit the encoding becomes under the `surrogateescape` error handler."""


def read_csv(path: Path, delimiter: str, encoding: str, required: list[str]) -> Iterator[Row]:
    """Yield the rows of a delimited file with a header; all cells are strings. Blank lines are passed over.

    A row is numbered by the line it begins at: a quoted cell may hold newlines.

    Args:
        path: the file; plain, gzip or zstd.
        delimiter: one character.
        encoding: a text encoding that Python knows.
        required: columns that must be there.

    Raises:
        SourceError: the file cannot be read to its end, a row is too long, its header is unusable, a quote is
            misplaced (nobody can say where rows begin after it), or the encoding or delimiter is not one.
    """
    if delimiter in '"\r\n':
        raise SourceError(
            f"{delimiter!r} cannot be a delimiter", where=str(path), remedy="correct `delimiter`"
        )
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))
    with open_decompressed(path) as binary:
        text = io.TextIOWrapper(binary, _codec(path, encoding), errors="surrogateescape", newline="")
        taken = _Taken(text)
        lines = csv.reader(taken, delimiter=delimiter, strict=True)
        line = 0
        try:
            header = next((cells for cells in lines if cells), None)
            if header is None:
                return
            columns = column_names(header, path)
            check_columns(columns, required, str(path))
            line = lines.line_num
            for cells in lines:
                if cells:
                    yield _row(line + 1, cells, columns)
                line, taken.characters = lines.line_num, 0
        except _TooLongError:
            raise line_too_long(f"{path}:{line + 1}") from None
        except csv.Error as error:
            raise _broken(path, line + 1, error) from None
        except UnicodeError as error:
            raise _undecodable(f"{path}, after line {line}", encoding, str(error)) from None
        except damage_errors() as error:
            raise damaged(f"{path}, after line {line}", error) from None


class _TooLongError(Exception):
    """A row has more than LONGEST_LINE characters."""


class _Taken:
    """The lines of a text, with a limit on what the csv reader takes for one row of them.

    A limit on a cell, which the csv module has, does not hold for a row: it may have any number of cells.

    Attributes:
        characters: taken since the row began; to be set to 0 when it has ended.
    """

    def __init__(self, text: io.TextIOWrapper):
        self._readline = partial(text.readline, LONGEST_LINE + 1)
        self.characters = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._readline()
        self.characters += len(line)
        if self.characters > LONGEST_LINE:
            raise _TooLongError
        if not line:
            raise StopIteration
        return line


def _row(line: int, cells: list[str], columns: list[str]) -> Row:
    if len(cells) != len(columns):
        problem = f"the row has {len(cells)} cells, but the header has {len(columns)}"
        remedy = "put cells that hold the delimiter or a newline in double quotes"
        return Row(line, {}, RowError("bad_row", problem, remedy=remedy))
    for column, cell in zip(columns, cells, strict=True):
        if "\0" in cell:
            return Row(line, {}, RowError("bad_row", f"the cell of column `{column}` holds a NUL byte"))
        if not cell.isascii() and _UNDECODABLE.search(cell):
            problem = f"the cell of column `{column}` holds bytes that are not of the given encoding"
            remedy = "give the right `encoding` of the source, e.g. cp1252"
            return Row(line, {}, RowError("bad_encoding", problem, remedy=remedy))
    return Row(line, dict(zip(columns, cells, strict=True)))


def column_names(header: list[str], path: Path) -> list[str]:
    """The column names. The first may be empty: that is how table tools write their row index."""
    where = f"{path}:1"
    for position, name in enumerate(header, 1):
        if "\0" in name or _UNDECODABLE.search(name):
            remedy = "give the `encoding` of the source, e.g. cp1252 or utf-16"
            raise SourceError("the header is not in the given encoding", where=where, remedy=remedy)
        if not name.strip() and position > 1:
            remedy = "give every column a name"
            raise SourceError(f"column {position} of the header has no name", where=where, remedy=remedy)
        if name in header[: position - 1]:
            remedy = "rename one of the two"
            raise SourceError(f"the header has the column `{name}` twice", where=where, remedy=remedy)
    return header


def _codec(path: Path, encoding: str) -> str:
    """The codec to read with; that for UTF-8 drops a byte order mark."""
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        remedy = "correct `encoding` of the source, e.g. utf-8, cp1252, latin-1"
        raise SourceError(f"there is no encoding `{encoding}`", where=str(path), remedy=remedy) from None
    return "utf-8-sig" if name == "utf-8" else name


def _broken(path: Path, line: int, error: csv.Error) -> SourceError:
    if "field larger than" in str(error) or "unexpected end" in str(error):
        what = "a cell that begins in this row never ends: a double quote is not closed"
        remedy = "close the quote; a quote inside a quoted cell is written twice"
    else:
        what = f"not valid CSV: {error}"
        remedy = "put cells that hold quotes in double quotes, and write each quote inside them twice"
    return SourceError(what, where=f"{path}:{line}", remedy=remedy)


def _undecodable(where: str, encoding: str, problem: str) -> SourceError:
    remedy = "give the right `encoding` of the source"
    return SourceError(f"the bytes are not of the encoding {encoding}: {problem}", where=where, remedy=remedy)
