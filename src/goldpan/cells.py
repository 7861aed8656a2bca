"""Text in spreadsheet cells: what a spreadsheet would run as a formula is written as text, and comes back.

A cell that begins with one of `= + - @` (or a full-width form of them, a tab or a line end) may be run as a
formula when a CSV file is opened. Such text gets a leading apostrophe. Plain numbers such as -1 and +0.5e3
stay as they are. Where the text had an apostrophe there already it gets one more, so the way back is exact.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def neutralise(text: str) -> str:
    """`text` as it can safely stand in a cell; `restore` gives `text` back."""
    return f"'{text}" if _is_formula(text.lstrip("'")) else text


def restore(text: str) -> str:
    """The text that `neutralise` was given; text that it would never have written is left as it is."""
    return text[1:] if text.startswith("'") and _is_formula(text.lstrip("'")) else text


def csv_text(rows: Iterable[Sequence[str]], line_end: str = "\n") -> str:
    """Rows of texts as CSV, each cell neutralised."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=line_end)
    writer.writerows([neutralise(cell) for cell in row] for row in rows)
    return text.getvalue()


def _is_formula(text: str) -> bool:
    return bool(_FORMULA.match(text)) and not _NUMBER.fullmatch(text)
