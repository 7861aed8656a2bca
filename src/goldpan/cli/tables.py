"""What commands print: plain tables and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from goldpan.visible_text import printable


def print_table(head: Sequence[str], rows: Sequence[Sequence[Any]], *, empty: str) -> None:
    """Print rows under a head, numbers to the right; `empty` stands for no rows."""
    if not rows:
        print(empty)
        return
    texts = [["-" if cell is None else printable(str(cell)) for cell in row] for row in rows]
    head = [printable(name) for name in head]
    widths = [max(len(name), *(len(row[at]) for row in texts)) for at, name in enumerate(head)]
    is_number = [all(isinstance(row[at], int | float | None) for row in rows) for at in range(len(head))]
    for row in [list(head), *texts]:
        cells = [
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, is_number, strict=True)
        ]
        print("  ".join(cells).rstrip())


def json_text(value: Any) -> str:
    """A value as indented JSON, with a final newline."""
    import orjson

    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
