"""The rows of a run as a table: what was asked, what was expected, what was answered, and what was right."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from goldpan.cells import csv_text, restore
from goldpan.errors import SourceError
from goldpan.evaluation.coding import FAILED, FeatureValues
from goldpan.evaluation.predictions import OK, Predictions
from goldpan.records.model import Record
from goldpan.stages.rows import FeatureRow
from goldpan.tasks.features import Feature, value_of
from goldpan.waves.answer_text import answer_text
from goldpan.waves.collect.record_fields import field_path
from goldpan.waves.gold.gold_set import GoldItem
from goldpan.waves.items import item_id

ID, STATE, REASON = "id", "state", "reason"
INPUT = "input."
"""Begins the names of the columns that hold what a row asks about."""
_LONGEST_CELL = 1 << 28  # far above what a row of any source holds
EXPECTED, ANSWER, REASONING, RIGHT = "expected", "answer", "reasoning", "right"


@dataclass(frozen=True)
class Scored:
    """One feature of a run, against gold in fields.

    Attributes:
        feature: which.
        field: where its gold stands in a record; None of a text, which has none and is judged.
        gold: item id -> the right value.
        right: item id -> whether the answer counts as right; of the items that are evaluated.
    """

    feature: Feature
    field: str | None
    gold: dict[str, Any]
    right: dict[str, bool]


def scored(values: FeatureValues, field: str, items: Sequence[GoldItem], predictions: Predictions) -> Scored:
    """Whether each answer is right, as the evaluation counts it: what failed is wrong.

    Args:
        values: of the feature.
        field: where its gold stands.
        items: the gold.
        predictions: the answers.
    """
    name = values.feature.name
    gold = {item.item_id: item.labels[name] for item in items if name in item.labels}
    # Gone are the items without a row: their records lie beyond the limit of a trial.
    there = predictions.of_items.get(name, {})
    usable = [item for item in gold if item in there and (gold[item] is not None or values.can_abstain)]
    keys = []
    for item in usable:
        given = there[item]
        is_answer = given.state == OK and (given.value is not None or values.can_abstain)
        keys.append(values.key(given.value) if is_answer else FAILED)
    right = {}
    if usable:
        coded = values.code([values.key(gold[item]) for item in usable], [keys])
        right = dict(zip(usable, values.right(coded)[:, 0].tolist(), strict=True))
    return Scored(values.feature, field_path(field), gold, right)


def table_of_rows(
    rows: Iterable[tuple[Record, FeatureRow]], features: Sequence[Feature], measured: Sequence[Scored]
) -> bytes:
    """The rows as CSV with a byte order mark, for spreadsheets; `read_run_rows` reads it back.

    Columns: `id`, `state`, `reason`, the fields of the record (`input.NAME`), what earlier stages answered
    (`before.STAGE.FEATURE`), then for each feature `expected.F`, `answer.F`, `reasoning.F` and `right.F`.

    Args:
        rows: the records with what they came to.
        features: all that were asked for.
        measured: those that have gold.
    """
    table = [_row(record, row, features, measured) for record, row in rows]
    first = (ID, STATE, REASON)
    return csv_of(table, [name for name in _columns(features, measured) if name not in first])


def csv_of(rows: Sequence[Mapping[str, str]], of_features: Sequence[str]) -> bytes:
    """Rows as CSV with a byte order mark: id, state and reason first, then what was asked, then the features.

    Args:
        rows: column -> text.
        of_features: the columns of features, in order.
    """
    first = (ID, STATE, REASON)
    placed = {*first, *of_features}
    others = dict.fromkeys(name for row in rows for name in row if name not in placed)
    columns = [*first, *others, *of_features]
    return csv_text([columns, *([row.get(name, "") for name in columns] for row in rows)]).encode("utf-8-sig")


def _columns(features: Sequence[Feature], measured: Sequence[Scored]) -> Iterator[str]:
    yield from (ID, STATE, REASON)
    has_gold = {of.feature.name for of in measured if of.field is not None}
    is_measured = {of.feature.name for of in measured}
    for feature in features:
        if feature.name in has_gold:
            yield f"{EXPECTED}.{feature.name}"
        yield f"{ANSWER}.{feature.name}"
        if feature.rationale:
            yield f"{REASONING}.{feature.name}"
        if feature.name in is_measured:
            yield f"{RIGHT}.{feature.name}"


def _row(
    record: Record, row: FeatureRow, features: Sequence[Feature], measured: Sequence[Scored]
) -> dict[str, str]:
    own = {ID: record["id"], STATE: row["state"], REASON: row.get("reason") or ""}
    for feature in features:
        prediction = row["features"].get(feature.name)
        if prediction is not None:
            own[f"{ANSWER}.{feature.name}"] = answer_text(feature, value_of(prediction))
            if feature.rationale:
                own[f"{REASONING}.{feature.name}"] = prediction.get("rationale") or ""
    item = item_id(record["id"])
    for of in measured:
        name = of.feature.name
        if item in of.gold:
            own[f"{EXPECTED}.{name}"] = answer_text(of.feature, of.gold[item])
        if item in of.right:
            own[f"{RIGHT}.{name}"] = "yes" if of.right[item] else "no"
    taken = {*own, *_columns(features, measured)}
    given: dict[str, str] = {}
    fields = _without(record["data"], {of.field for of in measured if of.field is not None})
    has_parts = isinstance(fields.get("input"), dict)
    for path, text in flat(fields):
        if own.get(path) == text:
            continue
        name = path if has_parts else f"{INPUT}{path}"
        given[f"field.{path}" if name in taken else name] = text
    for stage, answers in record.get("answers", {}).items():
        given |= {f"before.{stage}.{path}": text for path, text in flat(answers)}
    return own | given


def _without(data: Mapping[str, Any], fields: set[str], above: str = "") -> dict[str, Any]:
    """The data of a record without the fields that hold gold."""
    kept = {}
    for name, value in data.items():
        path = f"{above}{name}"
        if path in fields:
            continue
        if isinstance(value, dict):
            value = _without(value, fields, f"{path}.")
            if not value:
                continue
        kept[name] = value
    return kept


def flat(data: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """`a.b` and text of each field; objects are gone into, lists are JSON."""
    for name, value in data.items():
        if isinstance(value, dict):
            yield from flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", cell_of(value)


def cell_of(value: Any) -> str:
    """A value as a cell of the table has it; what is no text is JSON."""
    return "" if value is None else value if isinstance(value, str) else orjson.dumps(value).decode()


@dataclass
class RunRow:
    """A row of a run.

    Attributes:
        id, state: of the record.
        inputs: column -> text, of what was asked.
        expected, answer, reasoning: feature -> text.
        right: feature -> whether the answer is right, of those that were evaluated.
    """

    id: str
    state: str
    inputs: dict[str, str] = field(default_factory=dict)
    expected: dict[str, str] = field(default_factory=dict)
    answer: dict[str, str] = field(default_factory=dict)
    reasoning: dict[str, str] = field(default_factory=dict)
    right: dict[str, bool] = field(default_factory=dict)


def read_run_rows(path: Path, features: Iterable[str]) -> dict[str, RunRow]:
    """The rows of a run by id.

    Args:
        path: what `table_of_rows` made.
        features: names of all features that were asked for.

    Raises:
        SourceError: it is no such table.
    """
    columns = {
        f"{kind}.{feature}": (kind, feature)
        for feature in features
        for kind in (EXPECTED, ANSWER, REASONING, RIGHT)
    }
    rows: dict[str, RunRow] = {}
    with _opened(path) as (head, reader):
        for cells in reader:
            texts = {restore(name): restore(cell) for name, cell in zip(head, cells, strict=True)}
            row = RunRow(texts.pop(ID), texts.pop(STATE))
            for name, text in texts.items():
                kind, feature = columns.get(name, ("inputs", name))
                if kind == RIGHT:
                    if text:
                        row.right[feature] = text == "yes"
                elif text or kind == "inputs":
                    getattr(row, kind)[feature] = text
            rows[row.id] = row
    return rows


def right_of_rows(path: Path, features: Iterable[str]) -> dict[str, dict[str, bool]]:
    """feature -> id of a row -> whether its answer is right, of the rows that are evaluated.

    As `read_run_rows` has it, without the other columns: ranking the runs of a module reads all their tables.

    Args:
        path: the table of the rows of a run.
        features: those that are measured.

    Raises:
        SourceError: it is no such table.
    """
    right: dict[str, dict[str, bool]] = {name: {} for name in features}
    with _opened(path) as (head, reader):
        places = {name: place for place, name in enumerate(map(restore, head))}
        columns = [
            (places[f"{RIGHT}.{name}"], of_feature)
            for name, of_feature in right.items()
            if f"{RIGHT}.{name}" in places
        ]
        for cells in reader:
            for place, of_feature in columns:
                if cells[place]:
                    of_feature[restore(cells[0])] = cells[place] == "yes"
    return right


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[list[str], Iterator[list[str]]]]:
    """The head of a table of a run's rows, and the rows after it."""
    csv.field_size_limit(_LONGEST_CELL)
    with path.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.reader(handle)
        head = next(reader, [])
        if head[:3] != [ID, STATE, REASON]:
            raise SourceError("is no table of the rows of a run", where=str(path))
        yield head, reader
