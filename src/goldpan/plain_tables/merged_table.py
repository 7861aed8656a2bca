"""A table that `merge` has written, read back: its labels, and those that somebody has set since."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from goldpan.errors import SourceError
from goldpan.plain_tables.columns import OWN_COLUMNS, Layout, columns_of_table, is_merged, own_columns
from goldpan.plain_tables.merged_sheet import json_label
from goldpan.plain_tables.notes import few
from goldpan.plain_tables.set_by_hand import set_by_hand
from goldpan.plain_tables.sheet import TextTable, existing, is_blank, read_sheet
from goldpan.plain_tables.table import TableAnswers, id_in_cell, read_table_answers
from goldpan.plain_tables.values import Values
from goldpan.waves.merging.merged import UNRESOLVED, Merged, Resolution

_ANNOTATOR, _FIELD = "annotator_", "field_"


@dataclass(frozen=True)
class MergedTable:
    """A merged table as it was read.

    Attributes:
        answers: the annotators'.
        cells: (item id, feature) -> our columns about it, by kind.
        places: (item id, feature) -> where they stand, for messages.
        data: item id -> the item's other columns.
    """

    answers: TableAnswers
    cells: dict[tuple[str, str], dict[str, str]]
    places: dict[tuple[str, str], str]
    data: dict[str, dict[str, Any]]


def read_merged_table(paths: Sequence[str | Path], layout: Layout, values: Values) -> MergedTable:
    """Read what `merge` has written; several files are parts of one table.

    Raises:
        SourceError: a file is no merged table.
    """
    files = [existing(path) for path in paths]
    sheets = [read_sheet(file, layout.header, layout.page) for file in files]
    for sheet in sheets:
        if not is_merged(sheet.header):
            raise SourceError(
                "this is no table of merged labels: it has no columns `final_label` and `resolution`",
                where=str(sheet.path),
                remedy="make one of it: `goldpan merge FILE --out MERGED`",
            )
        sheet.check_entered(name for name in sheet.header if "final_label" in name)
    if all({"feature", "item_id"} <= set(sheet.header) for sheet in sheets):
        return _read_rows_of_features(sheets, layout, values)
    return _read_beside(files, layout, values)


def _read_beside(files: Sequence[Path], layout: Layout, values: Values) -> MergedTable:
    """A sheet with the columns of its labels."""
    answers = read_table_answers(files, layout, values.order or (), merged=True)
    features = list(answers.ratings)
    own = {feature: own_columns(features, feature) for feature in features}
    columns = columns_of_table(files[0], answers.header, layout)
    needed = [names[kind] for names in own.values() for kind in ("final_label", "resolution")]
    if missing := next((name for name in needed if name not in answers.header), None):
        raise SourceError(
            f"there is no column `{missing}`", where=str(files[0]), remedy="merge the table anew"
        )
    left_out = {*columns.answers, columns.item, *(name for names in own.values() for name in names.values())}
    table = MergedTable(answers, {}, {}, {})
    for item, row in answers.rows.items():
        table.data[item] = {name: cell for name, cell in row.items() if name not in left_out}
        for feature in features:
            table.cells[item, feature] = {kind: row.get(name, "") for kind, name in own[feature].items()}
            table.places[item, feature] = f"{answers.files[item]}, item `{item}`"
    return table


def _read_rows_of_features(sheets: Sequence[TextTable], layout: Layout, values: Values) -> MergedTable:
    """A row for each item and feature."""
    answers = TableAnswers()
    table = MergedTable(answers, {}, {}, {})
    for sheet in sheets:
        people = [name for name in sheet.header if name.startswith(_ANNOTATOR) and name not in OWN_COLUMNS]
        names = [name.removeprefix(_ANNOTATOR) for name in people]
        answers.annotators = list(dict.fromkeys([*answers.annotators, *names]))
        fixed = {"item_id", "feature", *OWN_COLUMNS, *people}
        others = {name: name.removeprefix(_FIELD) for name in sheet.header if name not in fixed}
        for number, row in sheet.rows:
            item, feature, where = id_in_cell(row["item_id"]), row["feature"].strip(), sheet.where(number)
            if not item or not feature or (item, feature) in table.cells:
                raise SourceError(
                    f"`{feature}` of item `{item}` is there twice, or one of them is empty", where=where
                )
            table.cells[item, feature], table.places[item, feature] = row, where
            table.data.setdefault(item, {}).update({name: row[column] for column, name in others.items()})
            answers.files.setdefault(item, sheet.path.name)
            for column, name in zip(people, names, strict=True):
                answers.add(feature, item, name, row[column], where)
    answers.spell(values.order or (), layout.exact)
    return table


def merged_rows(table: MergedTable) -> tuple[list[Merged], list[str]]:
    """The labels of a merged table, and a note for each feature of which some were set by hand.

    Raises:
        SourceError: a label and its resolution contradict each other.
    """
    return set_by_hand([_merged(table, item, feature) for item, feature in table.cells], table.answers)


def labels_set_by_hand(path: Path, layout: Layout, values: Values) -> list[str]:
    """Notes on labels of a merged table that `merge` cannot have written; none of any other file."""
    for exact in (False, True):
        # The table may have been merged with `--exact`, which takes the errors of a spreadsheet for labels.
        with suppress(SourceError):
            table = read_merged_table([path], replace(layout, exact=exact), values)
            break
    else:
        # Another file, or one that was merged with other columns in mind.
        return []
    filled_in = [
        table.places[key]
        for key, cells in table.cells.items()
        if cells["resolution"].strip() in UNRESOLVED and not is_blank(cells["final_label"])
    ]
    notes = [f"{len(filled_in):,} open labels were filled in: {few(filled_in)}"] if filled_in else []
    try:
        return [*notes, *merged_rows(table)[1]]
    except SourceError as error:
        return [*notes, error.what]


def _merged(table: MergedTable, item: str, feature: str) -> Merged:
    cells, where, answers = table.cells[item, feature], table.places[item, feature], table.answers
    try:
        resolution = Resolution(cells["resolution"].strip())
    except ValueError:
        raise SourceError(
            f"`{cells['resolution']}` is no resolution",
            where=where,
            remedy="keep this column as `merge` wrote it",
        ) from None
    final, label = cells["final_label"], None
    if not is_blank(final):
        if resolution in UNRESOLVED:
            resolution = Resolution.ADJUDICATED
        label = answers.label(feature, final)
    elif resolution not in UNRESOLVED:
        raise SourceError(
            f"`{feature}` was resolved ({resolution}), but has no label",
            where=where,
            remedy="put the label back, or merge the table anew",
        )
    labels, by_annotator = answers.labels[feature], answers.ratings[feature].get(item, {})
    return Merged(
        item_id=item,
        feature=feature,
        final_label=None if label is None else json_label(labels.written(label)),
        resolution=resolution,
        annotator_agreement=None if len(by_annotator) < 2 else len(set(by_annotator.values())) == 1,
        soft_label=_soft_label(cells.get("soft_label", ""), where),
        answers=by_annotator,
    )


def _soft_label(cell: str, where: str) -> dict[str, float]:
    try:
        soft = orjson.loads(cell or "{}")
    except orjson.JSONDecodeError:
        soft = None
    if not isinstance(soft, dict):
        raise SourceError("`soft_label` is no JSON object", where=where, remedy="merge the table anew")
    return soft
