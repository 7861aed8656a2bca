"""Reading XLSX, row by row."""

from __future__ import annotations

import datetime
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldpan.errors import SourceError
from goldpan.records.columnar import json_value, seekable
from goldpan.records.fields import check_columns, check_fields, convert_cells
from goldpan.records.rows import Row, RowError
from goldpan.records.tables import column_names
from goldpan.records.workbook_parts import MergedArea, check_parts, merged_areas
from goldpan.study.model import FieldType

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

_LARGEST_BOOK = 1 << 30
"""Bytes all parts of a workbook may have, unpacked: its texts are held in memory, its rows are not."""


@dataclass(frozen=True)
class WorkbookRow:
    """A row of a page in which something stands.

    Attributes:
        number: as a spreadsheet counts.
        cells: their values; None where empty, a RowError where there is none to be had.
        formulas: place among the cells -> name, as in B3, of those that hold a formula.
    """

    number: int
    cells: list[Any]
    formulas: dict[int, str]


def read_xlsx(path: Path, required: list[str], page: str | None = None) -> Iterator[Row]:
    """Yield the rows of a page of a workbook, numbered as a spreadsheet does, with values as JSON has them.

    The first row that is not empty names the columns; empty rows are passed over. Dates become ISO 8601 text,
    formulas the value that was last computed, empty cells null. A row is bad where merged cells take a value
    from it.

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
    header = ["" if cell is None else str(cell) for cell in first.cells]
    while not header[-1].strip():
        header.pop()
    columns = column_names(header, path)
    check_columns(columns, required, str(path))
    for row in rows:
        try:
            yield Row(row.number, _data(columns, row.cells))
        except RowError as error:
            yield Row(row.number, {}, error)


def read_workbook(
    path: Path, page: str | None = None, at_most: int = _LARGEST_BOOK, has_header: bool = True
) -> Iterator[WorkbookRow]:
    """Yield each row of a page that is not empty.

    Args:
        path: the file.
        page: name of the page; default the first that is visible.
        at_most: bytes that the parts of the workbook may have, unpacked.
        has_header: whether the first of these rows names the columns: then cells merged within it, or beyond
            its last name, are no matter.

    Raises:
        SourceError: no workbook, too large, or no such page.
    """
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    # What openpyxl raises depends on which part of a damaged file it reaches first.
    damage = (InvalidFileException, zipfile.BadZipFile, zlib.error, SyntaxError, KeyError, TypeError,
              ValueError, EOFError)  # fmt: skip
    number = 0
    with seekable(path) as values, seekable(path) as formulas:
        try:
            archive = zipfile.ZipFile(values)
            check_parts(path, archive, at_most, "table")
            computed = _page(path, load_workbook(values, read_only=True, data_only=True), page)
            typed = _page(path, load_workbook(formulas, read_only=True), page)
            with archive.open(computed._worksheet_path) as source:
                merged = _Merged(merged_areas(source))
            width = None
            for number, (row, as_typed) in enumerate(
                zip(computed.iter_rows(), typed.iter_rows(), strict=True), 1
            ):
                cells = [_cell(*pair) for pair in zip(row, as_typed, strict=True)]
                filled = [place for place, cell in enumerate(cells, 1) if cell is not None]
                is_header = has_header and width is None
                if filled and width is None:
                    width = filled[-1] if has_header else len(cells)
                merged.mark(number, cells, width or 0, is_header)
                if any(cell is not None for cell in cells):
                    computed_cells = {
                        place: cell.coordinate for place, cell in enumerate(as_typed) if cell.data_type == "f"
                    }
                    yield WorkbookRow(number, cells, computed_cells)
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


class _Merged:
    """The merged cells of a page, row by row."""

    def __init__(self, areas: Iterator[MergedArea]):
        self._to_come = sorted(areas, key=lambda area: area.first_row, reverse=True)
        self._here: list[MergedArea] = []

    def mark(self, number: int, cells: list[Any], width: int, is_header: bool) -> None:
        """Put a RowError where merging has left a cell without the value that people see in it.

        Args:
            number: of the row; each is given once, in order.
            cells: of the row; some are replaced.
            width: cells of each row that count.
            is_header: whether the row names the columns.
        """
        self._here = [area for area in self._here if area.last_row >= number]
        while self._to_come and self._to_come[-1].first_row <= number:
            area = self._to_come.pop()
            # Nothing is lost where nothing stands, and a heading over several columns is no answer.
            if area.first_column <= len(cells) and cells[area.first_column - 1] is not None:
                self._here.append(area)
        for area in () if is_header else self._here:
            end = min(area.last_column, width)
            # Rows end with their last cell, which need not be the last of the area.
            cells += [None] * (end - len(cells))
            for place in range(area.first_column - 1, end):
                if cells[place] is None:
                    cells[place] = RowError(
                        "bad_row",
                        f"cells {area.name} are merged, so all but the first are empty",
                        remedy="split the cells, and enter in each what it should hold",
                    )


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


def filled_pages(path: Path) -> list[str]:
    """Names of the visible pages of a workbook: the first, and others with any value."""
    from openpyxl import load_workbook

    try:
        with seekable(path) as opened:
            first, *others = _visible(load_workbook(opened, read_only=True))
            return [first.title, *(page.title for page in others if _is_filled(page))]
    except Exception:
        # A page that is damaged, and that nobody has asked for.
        return []


def _is_filled(page: ReadOnlyWorksheet) -> bool:
    page.reset_dimensions()
    return any(cell is not None for row in page.iter_rows(values_only=True) for cell in row)


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
