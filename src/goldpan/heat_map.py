"""A table of counts or coefficients as a picture: inline SVG for the pages of `goldpan.html`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from goldpan.html import Markup, copy_bar, element, svg
from goldpan.visible_text import shortened

_CELL_WIDTH, _CELL_HEIGHT, _FONT_WIDTH = 54, 30, 7
_LONGEST_LABEL = 22
_LIGHT, _DARK = (243, 246, 250), (11, 60, 120)


@dataclass(frozen=True)
class _Cell:
    """What a cell says, its shade from 0 to 1, what it says when it is pointed at, whether it is framed."""

    text: str
    shade: float
    title: str
    framed: bool


def heat_map(
    rows: str,
    columns: str,
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    counts: Sequence[Sequence[int]],
) -> Markup:
    """A heat map with the count in each cell, and buttons that copy it as a table.

    The diagonal is framed where both sides have the same labels. A cell's shade goes by the square root of
    its count, so that small counts can be told from none.

    Args:
        rows: what the rows are, e.g. the first annotator's name.
        columns: what the columns are.
        row_labels: one per row.
        column_labels: one per column.
        counts: shape (rows, columns).
    """
    largest = max((max(row, default=0) for row in counts), default=0) or 1
    square = list(row_labels) == list(column_labels)
    cells = [
        [
            _Cell(
                f"{count:,}",
                (count / largest) ** 0.5,
                f"{rows}: {label}, {columns}: {column_labels[column]}: {count:,}",
                framed=square and row == column,
            )
            for column, count in enumerate(counts[row])
        ]
        for row, label in enumerate(row_labels)
    ]
    description = f"Counts of {rows} (rows) by {columns} (columns)"
    return _picture(rows, columns, row_labels, column_labels, cells, description)


def coefficient_map(
    coefficient: str,
    names: Sequence[str],
    values: Sequence[Sequence[float | None]],
    groups: Sequence[Sequence[str]] = (),
) -> Markup:
    """A coefficient of each pair, from white at 0 and below to dark at 1; pairs within a group are framed.

    Args:
        coefficient: what the values are, for people.
        names: of those who stand in rows and columns.
        values: shape (names, names); None where undefined; the diagonal is not shown.
        groups: names of those who belong together.
    """
    cells: list[list[_Cell]] = []
    for row, name in enumerate(names):
        cells.append([])
        for column, other in enumerate(names):
            value = None if row == column else values[row][column]
            together = any(name in group and other in group for group in groups)
            shown = "" if row == column else "-" if value is None else f"{value:.2f}"
            shade = max(0.0, value or 0.0)
            title = name if row == column else f"{name} and {other}: {shown}"
            cells[-1].append(_Cell(shown, shade, title, together))
    return _picture("", "", names, names, cells, f"{coefficient} of each pair")


def _picture(
    rows: str,
    columns: str,
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    cells: Sequence[Sequence[_Cell]],
    description: str,
) -> Markup:
    longest = max((len(shortened(label, _LONGEST_LABEL)) for label in column_labels), default=0)
    upright = longest * _FONT_WIDTH < _CELL_WIDTH
    left = 30 + _FONT_WIDTH * max((len(shortened(label, _LONGEST_LABEL)) for label in row_labels), default=0)
    top = 42 if upright else 34 + _FONT_WIDTH * longest
    across, down = _CELL_WIDTH * len(column_labels), _CELL_HEIGHT * len(row_labels)
    # A small table under a long name is as wide as the name.
    width = left + max(across, _FONT_WIDTH * len(columns)) + 2
    height = top + max(down, _FONT_WIDTH * len(rows)) + 2
    parts = [
        _text((left + width) / 2, 14, columns, text_anchor="middle", class_="axis"),
        _upwards(14, (top + height) / 2, rows, text_anchor="middle", class_="axis"),
    ]
    for column, label in enumerate(column_labels):
        x = left + _CELL_WIDTH * (column + 0.5)
        name = shortened(label, _LONGEST_LABEL)
        parts.append(
            _text(x, top - 8, name, text_anchor="middle") if upright else _upwards(x + 4, top - 8, name)
        )
    for row, label in enumerate(row_labels):
        name, y = shortened(label, _LONGEST_LABEL), top + _CELL_HEIGHT * (row + 0.5) + 4
        parts.append(_text(left - 6, y, name, text_anchor="end"))
        for column, cell in enumerate(cells[row]):
            parts.append(_cell(left + _CELL_WIDTH * column, top + _CELL_HEIGHT * row, cell))
    return svg(parts, width, height, description) + copy_bar(
        [f"{rows} / {columns}" if rows else "", *column_labels],
        [[label, *(cell.text for cell in row)] for label, row in zip(row_labels, cells, strict=True)],
        numbers=[False, *(True for _ in column_labels)],
        caption=description,
    )


def _cell(x: int, y: int, cell: _Cell) -> Markup:
    colour = "#" + "".join(
        f"{round(light + (dark - light) * cell.shade):02x}" for light, dark in zip(_LIGHT, _DARK, strict=True)
    )
    box = element(
        "rect",
        x=x + 1,
        y=y + 1,
        width=_CELL_WIDTH - 2,
        height=_CELL_HEIGHT - 2,
        fill=colour,
        stroke="#c05a00" if cell.framed else None,
        stroke_width=2 if cell.framed else None,
    )
    number = _text(
        x + _CELL_WIDTH / 2,
        y + _CELL_HEIGHT / 2 + 4,
        cell.text,
        text_anchor="middle",
        class_="on-dark" if cell.shade > 0.5 else "on-light",
    )
    return element("g", element("title", cell.title), box, number)


def _text(x: float, y: float, text: str, **attributes: str) -> Markup:
    return element("text", text, x=f"{x:g}", y=f"{y:g}", **attributes)


def _upwards(x: float, y: float, text: str, **attributes: str) -> Markup:
    return _text(x, y, text, transform=f"rotate(-90 {x:g} {y:g})", **attributes)
