"""A gold set from a plain table that `merge` has written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from goldpan.errors import SourceError
from goldpan.files import sha256_file
from goldpan.plain_tables.agreement import agreement_of
from goldpan.plain_tables.columns import OWN_COLUMNS, Layout, column_named, columns_of, is_merged, own_columns
from goldpan.plain_tables.merged_sheet import json_label, shown_label
from goldpan.plain_tables.set_by_hand import set_by_hand
from goldpan.plain_tables.sheet import Sheet, existing, read_sheet
from goldpan.plain_tables.table import TableAnswers, item_id, read_table_answers
from goldpan.plain_tables.values import Values
from goldpan.study.wave import Gold, Split
from goldpan.waves.gold.card import GoldDescription
from goldpan.waves.gold.files import write_gold_folder
from goldpan.waves.gold.gold_set import GoldSet, freeze_gold
from goldpan.waves.items import Item
from goldpan.waves.merging.merged import UNRESOLVED, Merged, Resolution
from goldpan.waves.merging.wave import awaiting_notes

_ANNOTATOR, _FIELD = "annotator_", "field_"
_NOT_STATED = "not stated"


@dataclass(frozen=True)
class GoldSettings:
    """How a gold set is made of a table.

    Attributes:
        group: column of which items with one value stay in one split; None for each item alone.
        split: shares of the splits.
        seed: of the split.
        description: one paragraph for the card.
    """

    group: str | None = None
    split: Split = field(default_factory=Split)
    seed: int = 0
    description: str = ""


@dataclass(frozen=True)
class _MergedTable:
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


def gold_of_files(
    paths: Sequence[str | Path], layout: Layout, values: Values, settings: GoldSettings, folder: str | Path
) -> tuple[GoldSet, list[str]]:
    """Write the gold set of merged tables: JSON Lines for each split, a CSV, a card and metadata.

    A label that a person has filled in where `merge` left none, or in place of the one that `merge` wrote,
    counts as adjudicated. Labels that are words for yes and no become 1 and 0, and numbers are numbers.

    Args:
        paths: what `merge` has written; several files are parts of one table.
        layout, values: as for `agreement_of_files`.
        settings: how items are split.
        folder: where to.

    Returns:
        The gold set, and what its maker must know: labels that were set by hand, or that there are none.

    Raises:
        SourceError: a file is no merged table, or its labels and resolutions contradict each other.
        StudyError: an item lacks the column that groups items.
    """
    files = [existing(path) for path in paths]
    table = _read(files, layout, values)
    written = [_merged(table, item, feature) for item, feature in table.cells]
    rows, warnings = set_by_hand(written, table.answers)
    group = None
    if settings.group is not None:
        known = list(dict.fromkeys(name for data in table.data.values() for name in data))
        group = f"data.{column_named(files[0], known, settings.group)}"
    rules = Gold(group=group, split=settings.split)
    items, notes = _items(table)
    answering = {name for feature in table.answers.ratings for name in table.answers.annotators_of(feature)}
    annotators = [name for name in table.answers.annotators if name in answering]
    gold = freeze_gold(items, rows, rules, settings.seed, annotators)
    if not gold.items:
        warnings.append("no item has a label, so the gold set is empty; decide the items, and merge again")
    strategies = {cells["strategy"] for cells in table.cells.values() if cells.get("strategy")}
    about = GoldDescription(
        study="table",
        wave=files[0].stem,
        description=settings.description,
        strategy=", ".join(sorted(strategies)) or "as each resolution says",
        codebook_hash=_NOT_STATED,
        task_hash=_NOT_STATED,
    )
    notes += [f"Made of {file.name}, SHA-256 {sha256_file(file)}." for file in files]
    report = agreement_of(table.answers, values, files[0].name)
    kinds = dict.fromkeys(gold.features, "classification")
    write_gold_folder(
        folder, gold, shown_label, kinds, about, report, [*warnings, *notes, *awaiting_notes(rows)]
    )
    return gold, warnings


def _read(files: Sequence[Path], layout: Layout, values: Values) -> _MergedTable:
    sheets = [read_sheet(file, layout.header, layout.page) for file in files]
    for sheet in sheets:
        if not is_merged(sheet.header):
            raise SourceError(
                "this is no table of merged labels: it has no columns `final_label` and `resolution`",
                where=str(sheet.path),
                remedy="make one of it: `goldpan merge FILE --out MERGED`",
            )
    if all({"feature", "item_id"} <= set(sheet.header) for sheet in sheets):
        return _read_rows_of_features(sheets, layout, values)
    return _read_beside(files, layout, values)


def _read_beside(files: Sequence[Path], layout: Layout, values: Values) -> _MergedTable:
    """A sheet with the columns of its labels."""
    answers = read_table_answers(files, layout, values.order or (), merged=True)
    features = list(answers.ratings)
    own = {feature: own_columns(features, feature) for feature in features}
    columns = columns_of(files[0], answers.header, layout)
    needed = [names[kind] for names in own.values() for kind in ("final_label", "resolution")]
    if missing := next((name for name in needed if name not in answers.header), None):
        raise SourceError(
            f"there is no column `{missing}`", where=str(files[0]), remedy="merge the table anew"
        )
    left_out = {*columns.answers, columns.item, *(name for names in own.values() for name in names.values())}
    table = _MergedTable(answers, {}, {}, {})
    for item, row in answers.rows.items():
        table.data[item] = {name: cell for name, cell in row.items() if name not in left_out}
        for feature in features:
            table.cells[item, feature] = {kind: row.get(name, "") for kind, name in own[feature].items()}
            table.places[item, feature] = f"{answers.files[item]}, item `{item}`"
    return table


def _read_rows_of_features(sheets: Sequence[Sheet], layout: Layout, values: Values) -> _MergedTable:
    """A row for each item and feature."""
    answers = TableAnswers()
    table = _MergedTable(answers, {}, {}, {})
    for sheet in sheets:
        people = [name for name in sheet.header if name.startswith(_ANNOTATOR) and name not in OWN_COLUMNS]
        names = [name.removeprefix(_ANNOTATOR) for name in people]
        answers.annotators = list(dict.fromkeys([*answers.annotators, *names]))
        fixed = {"item_id", "feature", *OWN_COLUMNS, *people}
        others = {name: name.removeprefix(_FIELD) for name in sheet.header if name not in fixed}
        for number, row in sheet.rows:
            item, feature, where = item_id(row["item_id"]), row["feature"].strip(), sheet.where(number)
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


def _merged(table: _MergedTable, item: str, feature: str) -> Merged:
    """One label of a merged table."""
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
    if final.strip():
        if resolution in UNRESOLVED:
            resolution = Resolution.ADJUDICATED
        label = answers.label(feature, final)
    elif resolution not in UNRESOLVED:
        raise SourceError(
            f"`{feature}` was resolved ({resolution}), but has no label",
            where=where,
            remedy="put the label back, or merge the table anew",
        )
    labels, given = answers.labels[feature], answers.ratings[feature].get(item, {})
    return Merged(
        item_id=item,
        feature=feature,
        final_label=None if label is None else json_label(labels.written(label)),
        resolution=resolution,
        annotator_agreement=None if len(given) < 2 else len(set(given.values())) == 1,
        soft_label=_soft_label(cells.get("soft_label", ""), where),
        answers=given,
    )


def _soft_label(cell: str, where: str) -> dict[str, float]:
    try:
        soft = orjson.loads(cell or "{}")
    except orjson.JSONDecodeError:
        soft = None
    if not isinstance(soft, dict):
        raise SourceError("`soft_label` is no JSON object", where=where, remedy="merge the table anew")
    return soft


def _items(table: _MergedTable) -> tuple[dict[str, Item], list[str]]:
    """The items as those of a wave, and what the table does not say about them."""
    drawn = all("inclusion_probability" in data for data in table.data.values())
    items = {}
    for place, (item, data) in enumerate(table.data.items(), 1):
        items[item] = Item(
            item_id=item,
            repeat_id="",
            id=item,
            source=Path(table.answers.files[item]).stem,
            file=table.answers.files[item],
            stratum=str(data.get("stratum", "")),
            inclusion_probability=_probability(data, item) if drawn else 1.0,
            draw=place,
            annotators=tuple(table.answers.annotators),
            repeated_by=(),
            data=data,
        )
    note = (
        "The table says nothing of how its rows were drawn, so each counts alike (inclusion probability 1)."
    )
    return items, [] if drawn else [note]


def _probability(data: Mapping[str, Any], item: str) -> float:
    try:
        chance = float(data["inclusion_probability"])
    except ValueError:
        chance = 0.0
    if not 0 < chance <= 1:
        raise SourceError(
            f"`inclusion_probability` of item `{item}` is not above 0 and up to 1: "
            f"{data['inclusion_probability']!r}",
            remedy="correct it, or rename the column",
        )
    return chance
