"""A table that people keep, as it stands in its file: CSV, tab-separated, XLSX or JSON Lines."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goldpan.cells import restore
from goldpan.errors import SourceError
from goldpan.files import LARGEST_DOCUMENT, check_name_is_utf8, iter_lines, iter_rows
from goldpan.records.formats import OTHER_SPREADSHEETS, SAVE_AS_XLSX
from goldpan.records.rows import RowError
from goldpan.records.workbook import filled_pages, read_workbook, workbook_pages
from goldpan.statistics.scales import value_text
from goldpan.visible_text import visible
from goldpan.waves.collect.csv_file import read_csv_table

SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".xlsx", ".xlsm", ".jsonl", ".ndjson")
"""How the name of a table ends."""
_TAB_NAMES = frozenset({".tsv", ".tab", ".txt"})
_JSON_LINES = frozenset({".jsonl", ".ndjson"})
_WORKBOOKS = frozenset({".xlsx", ".xlsm"})


@dataclass(frozen=True)
class TextTable:
    """A table as texts, without rows in which nothing stands.

    Attributes:
        path: its file.
        header: names of the columns; their numbers from 1 where the table has no header.
        rows: number of the row in the file, and column -> cell.
        values: of JSON Lines, number of the row -> the row with its values as they are; else empty.
        formulas: of a workbook, number of the row and column -> name of a cell that holds a formula.
        notes: what a reader must know about the table.
    """

    path: Path
    header: list[str]
    rows: list[tuple[int, dict[str, str]]]
    values: dict[int, dict[str, Any]] = field(default_factory=dict)
    formulas: dict[tuple[int, str], str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def check_entered(self, columns: Iterable[str]) -> None:
        """Raise SourceError where a cell of these columns, which hold answers, is computed by a formula."""
        answered = set(columns)
        for (number, column), cell in self.formulas.items():
            if column in answered:
                raise SourceError(
                    f"cell {cell} in column `{column}` holds a formula, not an answer",
                    where=self.where(number),
                    remedy="copy the column, and paste it as values only",
                )

    def where(self, number: int) -> str:
        """The place of a row, for messages."""
        return f"{self.path}, row {number}"


def read_sheet(path: Path, has_header: bool = True, page: str | None = None) -> TextTable:
    """Read one table; `page` is that of a workbook, by default its first visible one.

    Raises:
        SourceError: the file cannot be read, two columns have one name, or a row has more cells than there
            are columns.
    """
    _check_name(path)
    values = dict(iter_rows(path, SourceError)) if _is_a(path, _JSON_LINES) else {}
    formulas: dict[int, dict[int, str]] = {}
    if _is_a(path, _WORKBOOKS):
        table = _workbook_rows(path, page, has_header, formulas)
    else:
        table = _json_rows(values) if values else _rows(path)
    rows = [(number, [restore(cell) for cell in cells]) for number, cells in table]
    while rows and is_blank_row(rows[0][1]):
        rows.pop(0)
    if not rows:
        return TextTable(path, [], [])
    if has_header:
        names = [visible(cell).strip() for cell in rows.pop(0)[1]]
        # Spreadsheets write empty columns at the right, and other programs a first one that has no name.
        while names and not names[-1]:
            names.pop()
        header = [name or f"column {place}" for place, name in enumerate(names, 1)]
    else:
        header = [str(number) for number in range(1, len(rows[0][1]) + 1)]
    if twice := next((name for name in header if header.count(name) > 1), None):
        raise SourceError(f"there are two columns `{twice}`", where=str(path), remedy="rename one of them")
    sheet = TextTable(path, header, [], values if has_header else {})
    for number, cells in rows:
        if not is_blank_row(cells):
            sheet.rows.append((number, _cells(header, cells, sheet.where(number))))
            named = formulas.get(number, {}).items()
            sheet.formulas.update(
                {(number, header[place]): cell for place, cell in named if place < len(header)}
            )
    if _is_a(path, _WORKBOOKS) and page is None and (others := filled_pages(path)[1:]):
        listed = ", ".join(f"`{name}`" for name in others)
        sheet.notes.append(
            f"{path.name}: only its first visible page is read; there is something on {listed}, too, and"
            " `--page` names the one to read"
        )
    return sheet


def is_blank(cell: str) -> bool:
    """Whether nothing that anybody sees stands in a cell."""
    # Most cells begin with a letter or digit, and some are whole documents.
    return not "!" <= cell[:1] <= "~" and not visible(cell).strip()


def is_blank_row(cells: Iterable[str]) -> bool:
    """Whether all cells are blank."""
    return all(map(is_blank, cells))


def existing(path: str | Path) -> Path:
    """The path of a file.

    Raises:
        SourceError: there is none.
    """
    path = Path(path)
    if not path.is_file():
        raise SourceError("there is no such file", where=str(path), remedy="check the name")
    return path


def _check_name(path: Path) -> None:
    """Raise SourceError for what cannot be read as a table, or not be named in results, by its name."""
    check_name_is_utf8(path)
    if path.suffix.lower() in OTHER_SPREADSHEETS:
        raise SourceError(
            OTHER_SPREADSHEETS[path.suffix.lower()],
            where=str(path),
            remedy=SAVE_AS_XLSX,
        )


@contextmanager
def naming_pages(path: Path, page: str | None) -> Iterator[None]:
    """Name, in a SourceError about a workbook with several pages, the one that is read and the others."""
    try:
        yield
    except SourceError as error:
        pages = workbook_pages(path) if _is_a(path, _WORKBOOKS) and page is None else []
        if len(pages) < 2:
            raise
        others = ", ".join(f"`{name}`" for name in pages[1:])
        remedy = f"page `{pages[0]}` is read, there are also {others}, and `--page` names the one to read"
        raise SourceError(
            error.what, where=error.where, remedy="; ".join(filter(None, [error.remedy, remedy]))
        ) from None


def _cells(header: Sequence[str], cells: Sequence[str], where: str) -> dict[str, str]:
    if len(cells) > len(header) and not is_blank_row(cells[len(header) :]):
        raise SourceError(
            f"the row has {len(cells)} cells, but there are {len(header)} columns: {', '.join(header)}",
            where=where,
            remedy="a text that holds the delimiter must be quoted; the first row that is not empty names "
            "the columns, so a title above it must go",
        )
    return dict(zip(header, [*cells, *[""] * (len(header) - len(cells))], strict=False))


def _rows(path: Path) -> Iterable[tuple[int, list[str]]]:
    """Number and cells of each row, the header included.

    Tab-separated files are split at tabs alone where that gives rows of one length: in them a quotation mark
    is mostly just a quotation mark.
    """
    if _is_a(path, _JSON_LINES):
        return []
    if _is_a(path, _TAB_NAMES):
        lines = [(number, line.decode("utf-8", "strict").split("\t")) for number, line in _utf8(path)]
        if len({len(cells) for _, cells in lines}) == 1 and len(lines[0][1]) > 1:
            return lines
    table = read_csv_table(path)
    return [(1, table.header), *((number, [str(cell) for cell in cells]) for number, cells in table.rows)]


def _is_a(path: Path, suffixes: Collection[str]) -> bool:
    """Whether the name of a file, compressed or not, ends like that."""
    return any(suffix.lower() in suffixes for suffix in path.suffixes[-2:])


def _workbook_rows(
    path: Path, page: str | None, has_header: bool, formulas: dict[int, dict[int, str]]
) -> Iterable[tuple[int, list[str]]]:
    """Number and cells of each row; `formulas` gets the cells of each that hold one."""
    for row in read_workbook(path, page, LARGEST_DOCUMENT, has_header):
        if fault := next((cell for cell in row.cells if isinstance(cell, RowError)), None):
            raise SourceError(fault.what, where=f"{path}, row {row.number}", remedy=fault.remedy)
        formulas[row.number] = row.formulas
        yield row.number, [_cell_text(cell) for cell in row.cells]


def _json_rows(values: Mapping[int, Mapping[str, Any]]) -> Iterable[tuple[int, list[str]]]:
    header = list(dict.fromkeys(name for row in values.values() for name in row))
    rows = ((number, [_cell_text(row.get(name)) for name in header]) for number, row in values.items())
    return [(0, header), *rows] if header else []


def _cell_text(value: Any) -> str:
    """A typed cell as text: as a spreadsheet writes it to CSV."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return value_text(value)


def _utf8(path: Path) -> Iterable[tuple[int, bytes]]:
    for number, line in iter_lines(path):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            raise SourceError(
                f"not valid UTF-8: {error.reason}",
                where=f"{path}, line {number}",
                remedy="save the file as UTF-8",
            ) from None
        yield number, line
