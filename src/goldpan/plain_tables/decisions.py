"""Decisions that people have filled in on a list of disagreements: read, checked, and never lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goldpan.cells import csv_text
from goldpan.errors import SourceError
from goldpan.files import write_bytes
from goldpan.plain_tables.merged_sheet import shown_label
from goldpan.plain_tables.notes import few
from goldpan.plain_tables.sheet import TextTable, is_blank, is_blank_row, read_sheet
from goldpan.plain_tables.table import TableAnswers, id_in_cell
from goldpan.tasks.nearest import suggestion
from goldpan.visible_text import with_code_points
from goldpan.waves.merging.files import ANSWER, FILLED_IN, disagreement_rows
from goldpan.waves.merging.merged import Merged


@dataclass
class Decisions:
    """What was decided, and what a reader must know about it.

    Attributes:
        labels: feature -> item id -> label; None is "cannot tell".
        notes: decisions that may be typing errors, or were made on other answers, which hold all the same;
            and those about items that are gone, which are passed over.
    """

    labels: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def has_entries(path: str | Path) -> bool:
    """Whether a list of disagreements is there on which somebody has filled in anything."""
    return Path(path).is_file() and any(_is_filled_in(row) for _, row in read_sheet(Path(path)).rows)


def _is_filled_in(row: Mapping[str, str]) -> bool:
    return not is_blank_row(row.get(name, "") for name in FILLED_IN)


def read_decision_table(path: Path, answers: TableAnswers) -> Decisions:
    """The labels filled in on a list of disagreements.

    Raises:
        SourceError: an item is decided twice and differently, or all decisions are about other items.
    """
    sheet, decisions = read_sheet(path), Decisions()
    sheet.check_entered(["final_label"])
    gone: list[str] = []
    rows: dict[tuple[str, str], int] = {}
    unknown: dict[str, list[str]] = {}
    changed: dict[str, list[str]] = {}
    for number, row in sheet.rows:
        cell = row.get("final_label", "")
        if is_blank(cell):
            continue
        feature, item = row.get("feature", ""), _item(row, answers)
        if item not in answers.ratings.get(feature, {}):
            gone.append(f"{sheet.where(number)}: item `{item}`, feature `{feature}`")
            continue
        label = answers.label(feature, cell)
        decided = decisions.labels.setdefault(feature, {})
        if item in decided and decided[item] != label:
            raise SourceError(
                f"`{feature}` of item `{item}` is decided as {cell.strip()!r} here, but as "
                f"{shown_label(feature, decided[item])!r} in row {rows[feature, item]}",
                where=sheet.where(number),
                remedy="keep one of the two rows",
            )
        decided[item], rows[feature, item] = label, number
        known = dict.fromkeys(answers.labels[feature].of_cell.values())
        if label is not None and label not in known:
            unknown.setdefault(feature, []).append(
                f"`{with_code_points(label)}` (item `{item}`; {suggestion(label, known)})"
            )
        if difference := _changed_answers(sheet, row, answers, feature, item):
            changed.setdefault(feature, []).append(f"item `{item}` ({difference})")
    if gone and not decisions.labels:
        raise SourceError(
            f"none of these decisions is about an item and a feature of the table: {few(gone)}",
            where=str(path),
            remedy="give the list of disagreements of this table",
        )
    if gone:
        decisions.notes.append(
            f"{len(gone):,} decisions are about items or features that are not in the table, and are passed "
            f"over: {few(gone)}"
        )
    decisions.notes += [
        *(
            f"{feature}: decided with a label that nobody gave: {few(what)}"
            for feature, what in unknown.items()
        ),
        *(
            f"{feature}: decided when answers were others, and the decisions hold: {few(what)}"
            for feature, what in changed.items()
        ),
    ]
    return decisions


def _item(row: Mapping[str, str], answers: TableAnswers) -> str:
    item = row.get("item_id", "")
    # An item without an id is called FILE:ROW, which no spreadsheet changes; another may become 1.0.
    return item if item in answers.fields else id_in_cell(item)


def _changed_answers(
    sheet: TextTable, row: Mapping[str, str], answers: TableAnswers, feature: str, item: str
) -> str:
    """What the answers were when they were listed, and what they are; empty if they are the same."""
    columns = [name for name in sheet.header if name.startswith(ANSWER)]
    listed = {
        name.removeprefix(ANSWER): shown_label(feature, answers.label(feature, row[name]))
        for name in columns
        if not is_blank(row[name])
    }
    ratings = answers.ratings[feature][item]
    now = {name: shown_label(feature, ratings[name]) for name in answers.annotators if name in ratings}
    if not columns or listed == now:
        return ""
    return f"{_answers(listed)}; now {_answers(now)}"


def _answers(by_annotator: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {label}" for name, label in by_annotator.items()) or "no answers"


def grow_disagreements(path: str | Path, rows: Sequence[Merged], answers: TableAnswers) -> None:
    """Add what is to be decided and not yet listed; what stands on the list stays, with all its entries."""
    sheet = read_sheet(Path(path))
    listed = {(_item(row, answers), row.get("feature", "")) for _, row in sheet.rows}
    header, table = disagreement_rows(rows, shown_label, answers.fields)
    added = [row for row in table if (row["item_id"], row["feature"]) not in listed]
    if not added:
        return
    names = list(dict.fromkeys([*sheet.header, *header]))
    cells = [[row.get(name, "") for name in names] for row in (*(row for _, row in sheet.rows), *added)]
    write_bytes(path, csv_text([names, *cells]).encode("utf-8-sig"))
