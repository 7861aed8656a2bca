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
from typing import Any, Protocol

_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class SupportsWrite(Protocol):
    """What text can be written to."""

    def write(self, text: str, /) -> Any:
        """Take some text."""


def neutralise(text: str) -> str:
    """`text` as it can safely stand in a cell; `restore` gives `text` back."""
    return f"'{text}" if _is_formula(text.lstrip("'")) else text


def restore(text: str) -> str:
    """The text that `neutralise` was given; text that it would never have written is left as it is."""
    return text[1:] if text.startswith("'") and _is_formula(text.lstrip("'")) else text


def unprotect(text: str) -> str:
    """`restore`, and without the apostrophe that people put before a number such as -1, too.

    For tables that people keep. What goldpan writes has none there, so `restore` leaves it.
    """
    restored = restore(text)
    return text[1:] if restored == text and text.startswith("'") and _FORMULA.match(text[1:]) else restored


class CsvWriter:
    """Writes rows as CSV; all that goldpan writes as CSV goes through here.

    Texts are neutralised. A cell with a line end of any kind is quoted, a lone carriage return too: readers
    would otherwise begin a new row there, at text that nobody has made harmless.

    Args:
        out: where the lines go.
        line_end: of each row.
    """

    def __init__(self, out: SupportsWrite, line_end: str = "\n"):
        self._out, self._line_end = out, line_end
        # Python quotes the signs of its own line end only, so it is given both, and `write` puts ours there.
        self._writer = csv.writer(self, lineterminator="\r\n")

    def write(self, line: str) -> None:
        """Take one row from Python's writer."""
        self._out.write(line[:-2] + self._line_end)

    def add(self, row: Iterable[Any]) -> None:
        """Write one row; cells that are no text are written as Python shows them."""
        self._writer.writerow([neutralise(cell) if isinstance(cell, str) else cell for cell in row])


def csv_text(rows: Iterable[Sequence[str]], line_end: str = "\n") -> str:
    """Rows of texts as CSV, each cell neutralised."""
    text = io.StringIO(newline="")
    writer = CsvWriter(text, line_end)
    for row in rows:
        writer.add(row)
    return text.getvalue()


def _is_formula(text: str) -> bool:
    return bool(_FORMULA.match(text)) and not _NUMBER.fullmatch(text)
