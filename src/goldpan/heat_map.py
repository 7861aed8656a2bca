"""A table of counts as a picture: inline SVG for the pages of `goldpan.html`."""

from __future__ import annotations

from collections.abc import Sequence

from goldpan.html import Markup, copy_bar, element

_CELL_WIDTH, _CELL_HEIGHT, _FONT_WIDTH = 54, 30, 7
_LONGEST_LABEL = 22
_LIGHT, _DARK = (243, 246, 250), (11, 60, 120)


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
    longest = max((len(_short(label)) for label in column_labels), default=0)
    upright = longest * _FONT_WIDTH < _CELL_WIDTH
    left = 30 + _FONT_WIDTH * max((len(_short(label)) for label in row_labels), default=0)
    top = 42 if upright else 34 + _FONT_WIDTH * longest
    across, down = _CELL_WIDTH * len(column_labels), _CELL_HEIGHT * len(row_labels)
    # A small table under a long name is as wide as the name.
    width = left + max(across, _FONT_WIDTH * len(columns)) + 2
    height = top + max(down, _FONT_WIDTH * len(rows)) + 2
    largest = max((max(row, default=0) for row in counts), default=0) or 1
    square = list(row_labels) == list(column_labels)
    parts = [
        _text((left + width) / 2, 14, columns, text_anchor="middle", class_="axis"),
        _upwards(14, (top + height) / 2, rows, text_anchor="middle", class_="axis"),
    ]
    for column, label in enumerate(column_labels):
        x = left + _CELL_WIDTH * (column + 0.5)
        name = _short(label)
        parts.append(
            _text(x, top - 8, name, text_anchor="middle") if upright else _upwards(x + 4, top - 8, name)
        )
    for row, label in enumerate(row_labels):
        parts.append(_text(left - 6, top + _CELL_HEIGHT * (row + 0.5) + 4, _short(label), text_anchor="end"))
        for column, count in enumerate(counts[row]):
            name = f"{rows}: {label}, {columns}: {column_labels[column]}: {count:,}"
            x, y = left + _CELL_WIDTH * column, top + _CELL_HEIGHT * row
            parts.append(_cell(x, y, count, (count / largest) ** 0.5, name, framed=square and row == column))
    picture = element(
        "svg",
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
        aria_label=f"Counts of {rows} (rows) by {columns} (columns)",
    )
    table = [[label, *(f"{count:,}" for count in row)] for label, row in zip(row_labels, counts, strict=True)]
    bar = copy_bar(
        [f"{rows} / {columns}", *column_labels],
        table,
        numbers=[False, *(True for _ in column_labels)],
        caption=f"Rows: {rows}, columns: {columns}",
    )
    return picture + bar


def _cell(x: int, y: int, count: int, shade: float, name: str, framed: bool) -> Markup:
    colour = "#" + "".join(
        f"{round(light + (dark - light) * shade):02x}" for light, dark in zip(_LIGHT, _DARK, strict=True)
    )
    box = element(
        "rect",
        x=x + 1,
        y=y + 1,
        width=_CELL_WIDTH - 2,
        height=_CELL_HEIGHT - 2,
        fill=colour,
        stroke="#c05a00" if framed else None,
        stroke_width=2 if framed else None,
    )
    number = _text(
        x + _CELL_WIDTH / 2,
        y + _CELL_HEIGHT / 2 + 4,
        f"{count:,}",
        text_anchor="middle",
        class_="on-dark" if shade > 0.5 else "on-light",
    )
    return element("g", element("title", name), box, number)


def _text(x: float, y: float, text: str, **attributes: str) -> Markup:
    return element("text", text, x=f"{x:g}", y=f"{y:g}", **attributes)


def _upwards(x: float, y: float, text: str, **attributes: str) -> Markup:
    return _text(x, y, text, transform=f"rotate(-90 {x:g} {y:g})", **attributes)


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"
