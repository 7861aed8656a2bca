"""Answers of annotators in a plain table outside any study, wide or long.

Wide: a row for each item, and a column for each annotator: `annotator_a, annotator_b, ...` for one feature,
`annotator_a_NAME, annotator_b_NAME, ...` for several, with the LLM's answers in `llm` or `llm_NAME`; or the
columns one names. Long: a row for each answer, with the columns `item_id` (or `id`, `row_id`, `item`),
`annotator`, `label` and perhaps `feature`, in any case. An empty cell is no answer;
`(cannot tell)` is an abstention.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goldpan.errors import SourceError
from goldpan.plain_tables.columns import (
    ONE_FEATURE,
    Layout,
    columns_of_table,
    is_merged,
    is_ours,
    item_column,
)
from goldpan.plain_tables.labels import Labels, labels_of
from goldpan.plain_tables.sheet import TextTable, existing, is_blank, is_blank_row, naming_pages, read_sheet
from goldpan.visible_text import visible
from goldpan.waves.codebook import CANNOT_TELL
from goldpan.waves.sheets.spreadsheet import fold, is_error_value

_VALUE_COLUMNS = ("label", "value", "answer")
_WHOLE_NUMBER = re.compile(r"(\d+)\.0", re.ASCII)


@dataclass
class TableAnswers:
    """What plain tables hold.

    Attributes:
        annotators: in the order of their columns; sorted for a long table.
        ratings: feature -> item id -> annotator -> label; None is an abstention.
        asked: feature -> the annotators who have a cell for it, filled in or not.
        places: (feature, cell) -> where an annotator's cell like that stands first, and whose it is.
        llm: feature -> item id -> label.
        fields: item id -> the columns that are no answers.
        labels: feature -> its labels and how they are spelled.
        header: the columns of all wide tables; empty where a table is long.
        rows: item id -> its row of a wide table, as it stands there.
        values: item id -> its (first) row of JSON Lines, with its values as they are.
        files: item id -> the name of the file it stands in first.
        notes: about the tables: what was passed over, and why.
    """

    annotators: list[str] = field(default_factory=list)
    ratings: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    asked: dict[str, set[str]] = field(default_factory=dict)
    places: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    llm: dict[str, dict[str, Any]] = field(default_factory=dict)
    fields: dict[str, dict[str, str]] = field(default_factory=dict)
    labels: dict[str, Labels] = field(default_factory=dict)
    header: list[str] = field(default_factory=list)
    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, feature: str, item: str, annotator: str, cell: str, where: str) -> None:
        """Add one answer.

        Raises:
            SourceError: the annotator has answered this already.
        """
        answers = self.ratings.setdefault(feature, {}).setdefault(item, {})
        self.asked.setdefault(feature, set()).add(annotator)
        if is_blank(cell):
            return
        if annotator in answers:
            raise SourceError(
                f"`{annotator}` answers `{feature}` of item `{item}` twice",
                where=where,
                remedy="keep the answer that holds; items need different ids in all files",
            )
        answers[annotator] = _value(cell)
        self.places.setdefault((feature, cell), (where, annotator))

    def annotators_of(self, feature: str) -> tuple[str, ...]:
        """Who answers a feature, in order; all annotators of the table where fewer than two do.

        An empty column is nobody's, for else two annotators would be measured and merged as three.
        """
        active = {name for answers in self.ratings[feature].values() for name in answers}
        answering = tuple(name for name in self.annotators if name in active)
        return answering if len(answering) > 1 else tuple(self.annotators)

    def notes_of(self, feature: str) -> list[str]:
        """What a reader must know about the answers to a feature."""
        idle = [name for name in self.annotators if name in self.asked[feature]]
        idle = [name for name in idle if name not in self.annotators_of(feature)]
        notes = [f"annotator `{name}` has no answers, and does not count" for name in idle]
        return [*notes, *self.labels[feature].notes]

    def spell(self, declared: Sequence[str], exact: bool) -> None:
        """Give each label one spelling, once all answers are there."""
        for feature, ratings in self.ratings.items():
            by_annotators = (value for answers in ratings.values() for value in answers.values())
            cells = Counter([*by_annotators, *self.llm.get(feature, {}).values()])
            del cells[None]
            self._check_no_error_values(feature, cells, declared, exact)
            labels = labels_of(cells, declared, exact)
            self.labels[feature] = labels
            for answers in ratings.values():
                answers.update({who: _spelled(labels, value) for who, value in answers.items()})
            llm = self.llm.get(feature, {})
            llm.update({item: _spelled(labels, value) for item, value in llm.items()})

    def _check_no_error_values(
        self, feature: str, cells: Iterable[str], declared: Sequence[str], exact: bool
    ) -> None:
        """Raise SourceError where a spreadsheet's error stands for an answer, and is no declared label."""
        for cell in () if exact else cells:
            if is_error_value(cell) and cell.strip() not in declared:
                where, who = self.places.get((feature, cell), ("", "llm"))
                if not where:
                    answers = self.llm[feature].items()
                    where = next(f"item `{item}`" for item, answer in answers if answer == cell)
                raise SourceError(
                    f"`{who}` answers `{feature}` with the error {cell.strip()} of a spreadsheet",
                    where=where,
                    remedy="enter the answer; if this is a label, say `--exact` or name it in `--order`",
                )

    def label(self, feature: str, cell: str) -> str | None:
        """The label that a cell from elsewhere, such as a decision, stands for; None is an abstention."""
        labels = self.labels[feature]
        value = _value(cell)
        if value is None or value in labels.of_cell:
            return _spelled(labels, value)
        known = list(dict.fromkeys(labels.of_cell.values()))
        return labels_of({**dict.fromkeys(known, 1), value: 1}, known).of_cell[value]


def read_table_answers(
    paths: Iterable[str | Path], layout: Layout, declared: Sequence[str] = (), merged: bool = False
) -> TableAnswers:
    """Read all tables into one set of answers.

    Args:
        paths: the tables.
        layout: which columns hold what.
        declared: labels that are spelled as wanted.
        merged: whether a table that `merge` has written is meant.

    Raises:
        SourceError: there is no such file, it is a result of goldpan's, no columns of answers are found, a
            named column is missing, a row has too many cells or no id, or an annotator answers twice.
    """
    answers, files = TableAnswers(), [existing(path) for path in paths]
    is_long = False
    for file in files:
        with naming_pages(file, layout.page):
            sheet = read_sheet(file, layout.header, layout.page)
            if not sheet.header:
                continue
            if layout.columns is None and not merged and is_ours(sheet.header):
                raise _one_of_ours(sheet)
            if layout.columns is None and "annotator" in map(str.casefold, sheet.header):
                is_long = True
                _read_long(sheet, layout, answers)
            else:
                _read_wide(sheet, layout, answers)
    if is_long:
        answers.header = []
    answers.notes = list(dict.fromkeys(answers.notes))
    if not answers.ratings:
        raise SourceError(
            "there are no answers: nothing but the names of the columns",
            where=", ".join(map(str, files)),
            remedy="give the table that was filled in, or say `--no-header` if the first row holds answers",
        )
    answers.spell(declared, layout.exact)
    return answers


def id_in_cell(cell: str) -> str:
    """An item's id, as it stands in a cell; a column of numbers with a gap comes back as 1.0, 2.0, ..."""
    text = visible(cell).strip()
    whole = _WHOLE_NUMBER.fullmatch(text)
    return whole[1] if whole else text


def _one_of_ours(sheet: TextTable) -> SourceError:
    if is_merged(sheet.header):
        return SourceError(
            "this is a table of merged labels, not one of answers",
            where=str(sheet.path),
            remedy="give the table of answers it was merged from; `goldpan gold` takes this one",
        )
    return SourceError(
        "this is a list of disagreements, not a table of all answers",
        where=str(sheet.path),
        remedy="give the table of answers it was made from; filled in, this one goes with `--decisions`",
    )


def _read_wide(sheet: TextTable, layout: Layout, answers: TableAnswers) -> None:
    columns = columns_of_table(sheet.path, sheet.header, layout)
    sheet.check_entered([*columns.answers, *columns.llm])
    others = columns.others(sheet.header)
    answers.annotators = list(
        dict.fromkeys([*answers.annotators, *(name for name, _ in columns.answers.values())])
    )
    answers.notes += [*sheet.notes, *columns.notes()]
    answers.header = list(dict.fromkeys([*answers.header, *sheet.header]))
    for number, cell_of in sheet.rows:
        where = sheet.where(number)
        item = id_in_cell(cell_of[columns.item]) if columns.item else f"{sheet.path.name}:{number}"
        if not item and not is_blank_row(cell_of[column] for column in (*columns.answers, *columns.llm)):
            raise _without_id(columns.item, where)
        if not item:
            answers.notes.append(f"{where}: neither an item id nor an answer, so it is passed over")
            continue
        if item in answers.fields:
            raise SourceError(f"item `{item}` is there twice", where=where, remedy="give items different ids")
        answers.fields[item] = {name: cell_of[name] for name in others}
        answers.rows[item], answers.files[item] = cell_of, sheet.path.name
        if number in sheet.values:
            answers.values[item] = sheet.values[number]
        for column, (annotator, feature) in columns.answers.items():
            answers.add(feature, item, annotator, cell_of[column], where)
        for column, feature in columns.llm.items():
            if not is_blank(cell_of[column]):
                answers.llm.setdefault(feature, {})[item] = _value(cell_of[column])


def _read_long(sheet: TextTable, layout: Layout, answers: TableAnswers) -> None:
    # `Annotator` is `annotator`; of columns that differ in case alone the first is meant.
    by_folded = {name.casefold(): name for name in reversed(sheet.header)}
    item_name = item_column(sheet.path, sheet.header, layout) or by_folded.get("item")
    value = next((by_folded[name] for name in _VALUE_COLUMNS if name in by_folded), None)
    if item_name is None or value is None:
        raise SourceError(
            "a table with a column `annotator` also needs `item_id` and `label`; the columns are: "
            f"{', '.join(sheet.header)}",
            where=str(sheet.path),
            remedy="name these columns so, or say which ones hold the ids (`--item`) and, in a table with a "
            "column for each annotator, the answers (`--columns`)",
        )
    sheet.check_entered([value])
    answers.notes += sheet.notes
    who, about = by_folded["annotator"], by_folded.get("feature")
    others = [name for name in sheet.header if name not in (item_name, value, who, about)]
    for number, cell_of in sheet.rows:
        where, cell = sheet.where(number), cell_of[value]
        item, annotator = id_in_cell(cell_of[item_name]), visible(cell_of[who]).strip()
        if not item or (not is_blank(cell) and not annotator):
            raise _without_id(item_name if annotator else who, where)
        answers.fields.setdefault(item, {name: cell_of[name] for name in others})
        answers.files.setdefault(item, sheet.path.name)
        if number in sheet.values:
            answers.values.setdefault(item, sheet.values[number])
        feature = (visible(cell_of[about]).strip() if about else "") or ONE_FEATURE
        if annotator.casefold() == "llm":
            if item in answers.llm.get(feature, {}):
                raise SourceError(f"the LLM answers `{feature}` of item `{item}` twice", where=where)
            if not is_blank(cell):
                answers.llm.setdefault(feature, {})[item] = _value(cell)
            continue
        answers.add(feature, item, annotator, cell, where)
        if annotator and annotator not in answers.annotators:
            answers.annotators = sorted([*answers.annotators, annotator])


def _without_id(column: str | None, where: str) -> SourceError:
    return SourceError(
        f"the row has an answer, but nothing in column `{column}`",
        where=where,
        remedy="fill it in, or take the row out",
    )


def _value(cell: str) -> str | None:
    return None if fold(cell) == CANNOT_TELL else cell


def _spelled(labels: Labels, value: str | None) -> str | None:
    return None if value is None else labels.of_cell[value]
