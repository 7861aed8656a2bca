"""Whether the rows of a filled table still show the records that were given out under their ids.

Answers are joined by id. Whoever sorts some columns without the ids has answers beside other records than the
annotator saw; nothing but the texts on the rows can tell.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from goldpan.cells import restore
from goldpan.waves.answer_text import field_text
from goldpan.waves.collect.cell_values import is_empty
from goldpan.waves.collect.filled import GivenOut
from goldpan.waves.sheets.sheet import field_names, shown_fields
from goldpan.waves.sheets.spreadsheet import NUMBER, as_number, fold, readings, share_a_reading
from goldpan.waves.sheets.table import CUT, SheetColumn, shown_columns

MISJOINED_REMEDY = (
    "take the file as it was before it was sorted, and sort whole rows, hidden columns too; where there is"
    " none, fill in a new copy of the sheet"
)

_SHORTENED = 200
"""Characters from which on a text may be the beginning of a longer one: programs cut long cells, the oldest
at 255 characters."""
_FEWEST_MOVED = 2
_CONTROL_PICTURES = dict.fromkeys(range(0x2400, 0x2420))
_WITH_TIME = re.compile(r"(.*\d)[ t](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?:z|[+-]00:?00)?", re.ASCII)


class ShownRecords:
    """Compares the rows of one table with what was given out.

    Args:
        given_out: the wave.
        header: names of the table's columns; those that are not there are not compared.
        answers: its answer columns.

    Attributes:
        names: of the columns that sheets of the wave show records in.
    """

    def __init__(self, given_out: GivenOut, header: Sequence[str], answers: Sequence[SheetColumn]):
        self._given_out, self._wave = given_out, given_out.wave
        items = given_out.items.values()
        self._items = {item.item_id: item for item in items} | {item.repeat_id: item for item in items}
        names = field_names(list(items), self._wave, given_out.name)
        columns = shown_columns(given_out.codebook, names, answers, self._wave.blind)
        self.names = {column.name for column in columns}
        self._columns = [column for column in columns if header.count(column.name) == 1]
        self._rows = 0
        self._other_texts: dict[str, list[Any]] = {column.name: [] for column in self._columns}

    def differing(self, item_id: str, redraw: int, cell_of: Mapping[str, Any]) -> list[str]:
        """The columns of a row that show something else than was given out.

        None of a row whose id is unknown, or of a sheet from before its record was edited.

        Args:
            item_id, redraw: the ids of the row say them.
            cell_of: column -> cell.
        """
        item = self._items.get(item_id)
        if item is None or not self._given_out.shows_newest_text(item.id, redraw):
            return []
        self._rows += 1
        fields = shown_fields(item.data, self._wave.show)
        differing = []
        for column in self._columns:
            cell = cell_of.get(column.name)
            if not shows(cell, field_text(fields.get(column.source))):
                differing.append(column.name)
                self._other_texts[column.name].append(cell)
        return differing

    def sorted_by_itself(self) -> str | None:
        """What is wrong where most rows have the text of another row in a column; else None."""
        for column in self._columns:
            cells = self._other_texts[column.name]
            if len(cells) < _FEWEST_MOVED or len(cells) * 2 <= self._rows:
                continue
            # Each text that was given out can have moved to one row; one that is copied down is on many.
            moved = (Counter(_key(restore(str(cell))) for cell in cells) & self._given(column)).total()
            if moved >= _FEWEST_MOVED and moved * 2 > self._rows:
                return (
                    f"in {moved:,} of {self._rows:,} rows column `{column.name}` has the text of another item"
                    " than the id of the row: rows seem to be sorted without all of their columns"
                )
        return None

    def _given(self, column: SheetColumn) -> Counter[str]:
        items = [item for name, item in self._items.items() if name == item.item_id or item.repeated_by]
        fields = (shown_fields(item.data, self._wave.show) for item in items)
        return Counter(_key(field_text(shown.get(column.source))) for shown in fields)


def shows(cell: Any, text: str) -> bool:
    """Whether a cell may be what a spreadsheet program has made of a text that was given out.

    White space, case, the way of writing numbers, dates and truth values, a figure that is rounded, and a
    long text that is cut make no difference. An empty cell shows nothing that could mislead.

    Args:
        cell: text, or as a workbook has it.
        text: what stood there.
    """
    if is_empty(cell) or cell == text:
        return True
    found, given = _plain(restore(str(cell))), _plain(text)
    if found == given or _is_rounded(found, given):
        return True
    if len(found) >= _SHORTENED and given.startswith(found.removesuffix(_plain(CUT)).rstrip()):
        return True
    typed = readings(cell) or readings(found)
    return share_a_reading(typed, readings(given)) or _is_same_time(found, given)


def _plain(text: str) -> str:
    # Some programs take away apostrophes before a text; workbooks have pictures of control characters.
    return fold(text.translate(_CONTROL_PICTURES).lstrip(" '"))


def _key(text: str) -> str:
    """What a text is found by among others; numbers however they are written."""
    plain = _plain(text)
    number = as_number(plain)
    return plain if number is None else f"{number:.6g}"


def _is_rounded(found: str, given: str) -> bool:
    """Whether a number is another one to as many digits as it shows."""
    number, exact = as_number(found), as_number(given)
    if number is None or exact is None:
        return False
    if math.isclose(number, exact, rel_tol=1e-12):
        return True
    form = NUMBER.fullmatch(found)
    assert form is not None
    _, _, decimals = form[1].replace(",", ".").partition(".")
    power = int(form[3][1:]) if form[3] else 0
    # As far as a program shows a whole number as one, it rounds it to no less than what it shows.
    shown_to = 10.0 ** (power - len(decimals))
    return (bool(decimals) or power > 0) and abs(number - exact) <= shown_to * 0.5 * (1 + 1e-9)


def _is_same_time(found: str, given: str) -> bool:
    """Whether two texts are the same minute, however its day is written."""
    first, second = _WITH_TIME.fullmatch(found), _WITH_TIME.fullmatch(given)
    if first is None or second is None or not share_a_reading(readings(first[1]), readings(second[1])):
        return False
    return (int(first[2]), first[3]) == (int(second[2]), second[3])
