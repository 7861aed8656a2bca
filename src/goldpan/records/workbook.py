"""Reading XLSX, row by row."""

from __future__ import annotations

import datetime
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldpan.errors import SourceError
from goldpan.records.columnar import json_value, seekable
from goldpan.records.fields import check_columns, check_fields, convert_cells
from goldpan.records.rows import Row, RowError
from goldpan.records.tables import column_names
from goldpan.study.model import FieldType

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

_LARGEST_BOOK = 1 << 30
"""Bytes all parts of a workbook may have, unpacked: its texts are held in memory, its rows are not."""


def read_xlsx(path: Path, required: list[str], page: str | None = None) -> Iterator[Row]:
    """Yield the rows of a page of a workbook, numbered as a spreadsheet does, with values as JSON has them.

    The first row that is not empty names the columns; empty rows are passed over. Dates become ISO 8601 text,
    formulas the value that was last computed, empty cells null.

    Args:
        path: the file.
        required: columns that must be there.
        page: name of the page; default the first that is visible.

    Raises:
        SourceError: no workbook, no such page, or a header that cannot be used.
    """
    rows = read_workbook(path, page)
    first = next(rows, None)
    if first is None:
        return
    header = ["" if cell is None else str(cell) for cell in first[1]]
    while not header[-1].strip():
        header.pop()
    columns = column_names(header, path)
    check_columns(columns, required, str(path))
    for number, cells in rows:
        try:
            yield Row(number, _data(columns, cells))
        except RowError as error:
            yield Row(number, {}, error)


def read_workbook(path: Path, page: str | None = None) -> Iterator[tuple[int, list[Any]]]:
    """Yield number and cells of each row of a page that is not empty.

    Raises:
        SourceError: no workbook, or no such page.
    """
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    # What openpyxl raises depends on which part of a damaged file it reaches first.
    damage = (InvalidFileException, zipfile.BadZipFile, zlib.error, SyntaxError, KeyError, TypeError,
              ValueError, EOFError)  # fmt: skip
    number = 0
    with seekable(path) as values, seekable(path) as formulas:
        try:
            _check_size(path, zipfile.ZipFile(values))
            computed = _page(path, load_workbook(values, read_only=True, data_only=True), page)
            typed = _page(path, load_workbook(formulas, read_only=True), page)
            for number, (row, as_typed) in enumerate(
                zip(computed.iter_rows(), typed.iter_rows(), strict=True), 1
            ):
                cells = [_cell(*pair) for pair in zip(row, as_typed, strict=True)]
                if any(cell is not None for cell in cells):
                    yield number, cells
        except damage as error:
            raise SourceError(
                f"cannot be read as a workbook: {error}",
                where=f"{path}, after row {number}",
                remedy="open it and save it again as .xlsx, without a password",
            ) from None


def typed_cells(data: dict[str, Any], fields: Mapping[str, FieldType]) -> dict[str, Any]:
    """The cells of a row with those named in `fields` brought to their types: 12 to "12", "12" to 12.

    Raises:
        RowError: as `convert_cells` and `check_fields`.
    """
    typed = dict(data)
    for name, wanted in fields.items():
        value = "" if data.get(name) is None else data[name]
        if wanted == "string":
            value = _as_text(value)
        elif isinstance(value, str):
            value = convert_cells({name: value}, {name: wanted})[name]
        elif wanted == "integer" and isinstance(value, float) and value.is_integer():
            value = int(value)
        elif wanted == "boolean" and type(value) is int and value in (0, 1):
            value = bool(value)
        typed[name] = value
    check_fields(typed, fields)
    return typed


def _as_text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).upper() if isinstance(value, bool) else str(value)


def _data(columns: list[str], cells: list[Any]) -> dict[str, Any]:
    for cell in cells:
        if isinstance(cell, RowError):
            raise cell
    if any(cell is not None for cell in cells[len(columns) :]):
        raise RowError(
            "bad_row",
            f"the row has cells beyond the {len(columns)} columns that the header names",
            remedy="name the column, or empty the cell",
        )
    cells = [*cells, *[None] * (len(columns) - len(cells))]
    return {name: json_value(cell, name) for name, cell in zip(columns, cells, strict=False)}


def _cell(computed: Any, typed: Any) -> Any:
    """The value of a cell, None if it is empty; a RowError where it has none."""
    from openpyxl.utils.escape import unescape

    value = computed.value
    if value is None and typed.value is not None:
        return RowError(
            "bad_row",
            f"cell {typed.coordinate} holds a formula that was never computed",
            remedy="open the file in a spreadsheet program and save it",
        )
    if computed.data_type == "e":
        return RowError("bad_row", f"cell {computed.coordinate} holds the error {value}")
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date()
    if isinstance(value, str):
        return unescape(value) or None
    return value


def workbook_pages(path: Path) -> list[str]:
    """The names of the visible pages of a workbook; the first is the one that is read by default."""
    from openpyxl import load_workbook

    try:
        with seekable(path) as book:
            return [page.title for page in _visible(load_workbook(book, read_only=True))]
    except Exception:
        # Whoever asks has an error about this workbook to tell already.
        return []


def _visible(book: Workbook) -> list[ReadOnlyWorksheet]:
    return [page for page in book.worksheets if page.sheet_state == "visible"] or book.worksheets


def _page(path: Path, book: Workbook, name: str | None) -> ReadOnlyWorksheet:
    pages = _visible(book)
    if name is not None:
        pages = [page for page in book.worksheets if page.title == name]
    if not pages:
        titles = ", ".join(f"`{page.title}`" for page in book.worksheets) or "none"
        raise SourceError(
            f"there is no page `{name}`; the pages are: {titles}",
            where=str(path),
            remedy="correct the name of the page",
        )
    # The size that a file says its page has is often wrong.
    pages[0].reset_dimensions()
    return pages[0]


def _check_size(path: Path, archive: zipfile.ZipFile) -> None:
    """Raises SourceError when the parts of a workbook say that they are too large.

    To say less would not help them: zipfile reads no more of a part than it says to have.
    """
    size = sum(part.file_size for part in archive.infolist())
    if size > _LARGEST_BOOK:
        raise SourceError(
            f"the workbook unpacks to {size:,} bytes, more than the {_LARGEST_BOOK:,} that it may have",
            where=str(path),
            remedy="delete what does not belong to the table, such as pictures, or save the page as CSV",
        )
