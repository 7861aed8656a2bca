"""Reading XLSX files: typed cells as they are; formulas and merged cells are refused where answers belong."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldpan.errors import SheetError, SourceError
from goldpan.records.workbook_parts import check_parts
from goldpan.waves.collect.filled import Problems
from goldpan.waves.collect.table_rows import RawTable, is_sheet
from goldpan.waves.sheets.xlsx_sheet import unescape

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

_LARGEST_BOOK = 128 << 20
"""Bytes all parts of a workbook may have, unpacked: each takes some tens of bytes in memory. A sheet of
10,000 rows with a page of text each has 20 MB."""
_MOST_CELLS = 5_000_000
"""Cells of the table from its first to its last; one lone cell in the last row of a page makes them thousands
of millions, of which each would be made."""
_IGNORED_COLUMNS = frozenset({"agreement"})


def read_xlsx_table(path: Path) -> RawTable:
    """The page of a workbook that is a sheet, as a table.

    Raises:
        SheetError: not a workbook, too large, no page or several pages that are sheets, formulas, error
            values or merged cells in the table.
    """
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    # What openpyxl raises depends on which part of a damaged file it reaches first.
    damage = (
        InvalidFileException,
        zipfile.BadZipFile,
        zlib.error,
        SyntaxError,
        KeyError,
        TypeError,
        ValueError,
    )
    try:
        _check_size(path)
        book = load_workbook(path)
    except (*damage, EOFError, OSError) as error:
        raise SheetError(
            f"cannot be read as a workbook: {error}",
            where=str(path),
            remedy="open it and save it again as .xlsx, without a password",
        ) from None
    pages = [page for page in book.worksheets if is_sheet(_header(page))]
    if len(pages) != 1:
        names = ", ".join(f"`{page.title}`" for page in pages or book.worksheets)
        what = "no page has" if not pages else f"{len(pages)} pages have"
        raise SheetError(
            f"{what} the columns `item_id` and `sheet` ({names})",
            where=str(path),
            remedy="one page of the file must be the sheet that was given out, with all its columns",
        )
    page = pages[0]
    if page.max_row * page.max_column > _MOST_CELLS:
        raise SheetError(
            f"page `{page.title}` reaches to row {page.max_row:,} and column {page.max_column:,}",
            where=str(path),
            remedy="delete the empty rows and columns around the sheet, and save it again",
        )
    header = _header(page)
    problems = Problems(str(path))
    _check_cells(page, header, problems)
    problems.raise_if_any("enter these answers as plain values, one in each cell")
    return RawTable(str(path), header, _rows(page))


def _check_size(path: Path) -> None:
    """Raises SheetError when the parts of a workbook say that they are too large."""
    with zipfile.ZipFile(path) as archive:
        try:
            check_parts(path, archive, _LARGEST_BOOK, "sheet")
        except SourceError as error:
            raise SheetError(error.what, where=error.where, remedy=error.remedy) from None


def _header(page: Worksheet) -> list[str]:
    first = next(page.iter_rows(max_row=1), ())
    return ["" if cell.value is None else str(_value(cell)) for cell in first]


def _rows(page: Worksheet) -> Iterator[tuple[int, list[Any]]]:
    for number, row in enumerate(page.iter_rows(min_row=2), 2):
        yield number, [_value(cell) for cell in row]


def _value(cell: Cell) -> Any:
    return unescape(cell.value) if isinstance(cell.value, str) else cell.value


def _check_cells(page: Worksheet, header: list[str], problems: Problems) -> None:
    for area in page.merged_cells.ranges:
        is_empty = page.cell(area.min_row, area.min_col).value is None
        if area.max_row == 1 or area.min_col > len(header) or is_empty:
            continue
        problems.add(str(area), "these cells are merged, so all but the first are empty")
    for row in page.iter_rows(min_row=2):
        for cell, name in zip(row, header, strict=False):
            if name in _IGNORED_COLUMNS:
                continue
            if cell.data_type == "f":
                problems.add(f"cell {cell.coordinate}", f"column `{name}` holds a formula, not a value")
            elif cell.data_type == "e":
                problems.add(f"cell {cell.coordinate}", f"column `{name}` holds the error {cell.value}")
