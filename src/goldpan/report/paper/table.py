"""A table of the paper kit: one content, written as CSV, LaTeX and Markdown.

CSV has every value to six decimals (more of one that is nearly 0), and an interval in columns of its own; the
others have it rounded as a paper prints it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from goldpan.cells import csv_text
from goldpan.html import three_decimals
from goldpan.latex import latex_table
from goldpan.markdown import markdown_table, markdown_text
from goldpan.report.paper.quoting import dollar_text, share_text

Kind = Literal["text", "hash", "count", "number", "share", "usd", "estimate"]
_DASH = "–"
_HASH_DIGITS = 12


@dataclass(frozen=True)
class PaperColumn:
    """A column: its name, and what its cells are.

    Attributes:
        kind: of `text` and `hash` cells are texts, of `estimate` an `Estimated`, of the others numbers; None
            is a value that is not there.
        wide: whether its texts are so long that LaTeX has to break them into lines.
    """

    name: str
    kind: Kind = "text"
    wide: bool = False


@dataclass(frozen=True)
class Estimated:
    """A figure with its interval; `reason` says why it has no value or no interval."""

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None

    @classmethod
    def of(cls, made: Mapping[str, Any]) -> Estimated:
        """From `value`, `interval` and `reason` as all our JSON has them."""
        interval = made.get("interval") or {}
        return cls(made["value"], interval.get("low"), interval.get("high"), made.get("reason"))


@dataclass(frozen=True)
class PaperTable:
    """A table.

    Attributes:
        name: of its files.
        caption: what it shows.
        columns: c of them.
        rows: each of c cells.
    """

    name: str
    caption: str
    columns: tuple[PaperColumn, ...]
    rows: tuple[tuple[Any, ...], ...]

    def as_csv(self) -> str:
        """CSV with a header; an estimate is four columns: value, low, high and note."""
        header = [name for column in self.columns for name in _csv_names(column)]
        rows = [
            [
                text
                for column, cell in zip(self.columns, row, strict=True)
                for text in _csv_cells(column, cell)
            ]
            for row in self.rows
        ]
        return csv_text([header, *rows])

    def as_latex(self) -> str:
        """A `tabular` for the package booktabs."""
        wide = [column.wide for column in self.columns]
        return latex_table(self._header, self._shown, numbers=self._numbers, caption=self.caption, wide=wide)

    def as_markdown(self) -> str:
        """A table with a final newline, and its caption above it."""
        header = [markdown_text(name) for name in self._header]
        rows = [[markdown_text(cell) for cell in row] for row in self._shown]
        return f"{markdown_text(self.caption)}\n\n{markdown_table(header, rows, self._numbers)}\n"

    @property
    def _header(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def _numbers(self) -> list[bool]:
        return [column.kind not in ("text", "hash") for column in self.columns]

    @property
    def _shown(self) -> list[list[str]]:
        return [
            [_shown(column, cell) for column, cell in zip(self.columns, row, strict=True)]
            for row in self.rows
        ]


def table_of(
    name: str, caption: str, columns: Sequence[PaperColumn], rows: Sequence[Sequence[Any]]
) -> PaperTable:
    """A table from rows of any kind of sequence."""
    return PaperTable(name, caption, tuple(columns), tuple(map(tuple, rows)))


def _csv_names(column: PaperColumn) -> list[str]:
    if column.kind != "estimate":
        return [column.name]
    return [column.name, f"{column.name} low", f"{column.name} high", f"{column.name} note"]


def _csv_cells(column: PaperColumn, cell: Any) -> list[str]:
    if column.kind != "estimate":
        return [_csv_number(cell) if isinstance(cell, float) else "" if cell is None else str(cell)]
    cell = cell or Estimated(None)
    numbers = ["" if number is None else _csv_number(number) for number in (cell.value, cell.low, cell.high)]
    return [*numbers, cell.reason or ""]


def _csv_number(number: float) -> str:
    return repr(round(number, 6) if abs(number) >= 1e-3 else number)


def _shown(column: PaperColumn, cell: Any) -> str:
    if cell is None:
        return _DASH
    match column.kind:
        case "count":
            return f"{cell:,}"
        case "number":
            return three_decimals(cell)
        case "share":
            return share_text(cell)
        case "usd":
            return dollar_text(cell)
        case "hash":
            return str(cell)[:_HASH_DIGITS]
        case "estimate":
            return _estimate_text(cell)
    return str(cell)


def _estimate_text(cell: Estimated) -> str:
    if cell.value is None:
        return f"{_DASH} ({cell.reason})" if cell.reason else _DASH
    if cell.low is None or cell.high is None:
        return f"{three_decimals(cell.value)} ({cell.reason or 'no interval'})"
    return f"{three_decimals(cell.value)} [{three_decimals(cell.low)}, {three_decimals(cell.high)}]"
