"""Answers from the rows of a table, whether it came as CSV or as XLSX."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from goldpan.cells import restore
from goldpan.errors import AnswerError
from goldpan.records.look_up import look_up
from goldpan.tasks.nearest import suggestion
from goldpan.visible_text import visible, with_code_points
from goldpan.waves.answer_text import answer_text
from goldpan.waves.codebook import FIXED_COLUMNS
from goldpan.waves.collect.cell_values import is_empty, read_cell
from goldpan.waves.collect.filled import (
    FilledSheet,
    GivenOut,
    Problems,
    Repair,
    SheetAnswer,
    SheetIdCheck,
    ShownOtherwise,
    UnreadColumn,
)
from goldpan.waves.collect.shown_records import MISJOINED_REMEDY, ShownRecords
from goldpan.waves.sheets.sheet import SIDE_BY_SIDE, redraw_of
from goldpan.waves.sheets.spreadsheet import fold
from goldpan.waves.sheets.table import SheetColumn, answer_columns
from goldpan.waves.sheets.yes_and_no import means_yes

KEY_COLUMNS = ("item_id", "sheet")
"""A table with these columns is a filled sheet."""

_REMEDY = "correct these cells in the file; what may stand there is in the codebook of the sheet"
_OTHER_PERSON = (
    "put back the sheet id that was given out, which is that of all annotators; or empty the others' columns"
)
_FLAGGED = frozenset({"x", "y", "1", "flag"})
_NOT_FLAGGED = frozenset({"n", "0"})


@dataclass(frozen=True)
class RawTable:
    """A table as read from a file.

    Attributes:
        file: its name, for messages.
        header: names of the columns.
        rows: number of the row in the file, and its cells (text, or typed from a workbook).
    """

    file: str
    header: list[str]
    rows: Iterable[tuple[int, Sequence[Any]]]


def is_sheet(header: Iterable[str]) -> bool:
    """Whether a table with this header is a filled sheet."""
    return set(KEY_COLUMNS) <= set(header)


def read_table(table: RawTable, given_out: GivenOut) -> FilledSheet:
    """The answers of a table, joined by nothing but the ids in its rows.

    Raises:
        SheetError: a column is missing or there twice, a row belongs to another wave or codebook, or a cell
            is no answer, or most rows show the texts of other items; up to ten problems are listed.
    """
    problems = Problems(table.file)
    header = [visible(restore(name)).strip() for name in table.header]
    columns = _columns(header, given_out, problems)
    problems.raise_if_any("keep the columns of the sheet as they were given out")
    filled = FilledSheet(table.file)
    shown = ShownRecords(given_out, header, columns)
    known = shown.names | {column.name for column in columns} | {*KEY_COLUMNS, *FIXED_COLUMNS}
    filled_cells: Counter[str] = Counter()
    sheet_ids = SheetIdCheck(given_out, problems)
    for number, cells in table.rows:
        if all(is_empty(cell) for cell in cells):
            continue
        place = f"row {number}"
        if any(not is_empty(cell) for cell in cells[len(header) :]):
            problems.add(place, "it has more cells than the header; a text in it may have lost its quotes")
            continue
        cell_of = dict(zip(header, cells, strict=False))
        filled_cells.update(name for name in cell_of if name not in known and not is_empty(cell_of[name]))
        annotator = sheet_ids.annotator(_text(cell_of.get("sheet")), f"{place}, column `sheet`")
        if annotator is not None:
            _read_row(filled, place, cell_of, annotator, columns, given_out, problems)
            redraw = redraw_of(_text(cell_of["sheet"]))
            if differing := shown.differing(_text(cell_of["item_id"]), redraw, cell_of):
                where = f"{table.file}, {place}"
                filled.shown_otherwise.append(ShownOtherwise(where, _text(cell_of["item_id"]), differing))
    if sorted_by_itself := shown.sorted_by_itself():
        problems.add("", sorted_by_itself, MISJOINED_REMEDY)
    problems.raise_if_any(_REMEDY)
    filled.not_read = [
        UnreadColumn(table.file, name, count)
        for name, count in filled_cells.items()
        if not _is_shown_somewhere(name, given_out)
    ]
    return filled


def _is_shown_somewhere(name: str, given_out: GivenOut) -> bool:
    """Whether a column may show what goldpan gave out: in an earlier draw it may have been another field."""
    of_llm = {f"llm_{feature.name}" for feature in given_out.codebook.features}
    return name in of_llm or any(look_up(item.data, name)[0] for item in given_out.items.values())


def _columns(header: list[str], given_out: GivenOut, problems: Problems) -> list[SheetColumn]:
    """The answer columns, all of which must be there."""
    wave = given_out.wave
    # On a sheet of one annotator the id of each row says who it is.
    annotators = wave.annotators if wave.layout == SIDE_BY_SIDE else [""]
    columns = list(answer_columns(given_out.codebook, annotators, wave.layout))
    for name in dict.fromkeys([*KEY_COLUMNS, *(column.name for column in columns)]):
        if header.count(name) > 1:
            problems.add("", f"there are {header.count(name)} columns called `{name}`")
        elif name not in header:
            problems.add("", f"the column `{name}` is missing; {suggestion(name, header)}")
    return columns


def _read_row(
    filled: FilledSheet,
    place: str,
    cell_of: dict[str, Any],
    annotator: str,
    columns: list[SheetColumn],
    given_out: GivenOut,
    problems: Problems,
) -> None:
    together = annotator == SIDE_BY_SIDE
    by_annotator: dict[str, dict[str, Any]] = {}
    for column in columns:
        cell = cell_of.get(column.name)
        if is_empty(cell) or column.feature is None:
            continue
        if not together and column.annotator not in ("", annotator):
            what = (
                f"it is for the answers of `{column.annotator}`, but the row is of a sheet of `{annotator}`"
            )
            problems.add(f"{place}, column `{column.name}`", what, _OTHER_PERSON)
            continue
        try:
            read = read_cell(column.feature, cell, given_out.codebook.cannot_tell)
        except AnswerError as error:
            problems.add(f"{place}, column `{column.name}`", error.what)
            continue
        who = column.annotator if together else annotator
        by_annotator.setdefault(who, {})[column.feature.name] = read.value
        if read.repaired:
            filled.repairs.append(
                Repair(
                    where=f"{filled.file}, {place}, column `{column.name}`",
                    feature=column.feature.name,
                    found=with_code_points(str(cell)),
                    taken_as=answer_text(column.feature, read.value),
                )
            )
    item_id, note = _text(cell_of.get("item_id")), _note(cell_of.get("notes"))
    redraw = redraw_of(_text(cell_of.get("sheet")))
    try:
        flag = _is_flagged(cell_of.get("flag"))
    except ValueError as error:
        problems.add(f"{place}, column `flag`", str(error))
        flag = False
    for who, values in by_annotator.items():
        filled.answers.append(
            SheetAnswer(
                item_id, who, filled.file, place, values, flag, "" if together else note, redraw=redraw
            )
        )
    if together and note:
        filled.answers.append(
            SheetAnswer(item_id, SIDE_BY_SIDE, filled.file, place, {}, note=note, redraw=redraw)
        )
    elif not by_annotator:
        # Kept without answers: the id must be checked all the same, and a note must not be lost.
        filled.answers.append(
            SheetAnswer(item_id, annotator, filled.file, place, {}, flag, note, redraw=redraw)
        )


def _is_flagged(cell: Any) -> bool:
    text = "" if is_empty(cell) else fold(_text(cell))
    if text in _FLAGGED or means_yes(text):
        return True
    if text in _NOT_FLAGGED or not text or means_yes(text) is False:
        return False
    raise ValueError(f"`{text}` is neither yes nor no; remarks belong into `notes`")


def _note(cell: Any) -> str:
    return "" if is_empty(cell) else restore(str(cell))


def _text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else restore(visible(str(cell)).strip()).strip()
