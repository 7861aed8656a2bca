"""Rows of features.jsonl as typed columns, for features.parquet and for counting."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from goldpan.errors import TaskError
from goldpan.stages.rows import FeatureRow
from goldpan.tasks.features import PREDICTION_TYPES, Feature, Score
from goldpan.tasks.task import Task

_ROWS_AT_A_TIME = 256
_MOST_ROWS_IN_GROUP = 10_240
_MOST_BYTES_IN_GROUP = 4 << 20
_PLAIN_COLUMNS = ("id", "source", "file", "state", "reason", "model", "batch_id", "custom_id", "task")
# Where few values recur, Parquet stores each once; for other texts it would only look for recurrences.
_RECURRING_COLUMNS = ("source", "file", "state", "reason", "model", "batch_id", "task")
_RECURRING_TYPES = ("binary", "classification", "score")


@dataclass(frozen=True, slots=True)
class Column:
    """One feature of some rows, in their order.

    Attributes:
        feature: the feature.
        values: its bare values; None where the row has no such feature or the annotator abstained.
        rationales: its reasons; None where there are none; empty for a feature without reasons.
        abstentions: in how many rows the annotator abstained.
    """

    feature: Feature
    values: list[Any]
    rationales: list[str | None]
    abstentions: int


def features_of(tasks: Iterable[Task]) -> list[Feature]:
    """The features of a stage's tasks, each name once.

    Raises:
        TaskError: a name stands for features of two types, which cannot share a column.
    """
    features: dict[str, Feature] = {}
    for task in tasks:
        for feature in task.features:
            kind, other = _kind(features.setdefault(feature.name, feature)), _kind(feature)
            if kind != other:
                raise TaskError(
                    f"feature `{feature.name}` is a {kind} in one task of the stage and a {other} in another",
                    where=f"task {task.name}",
                    remedy="give one of them another name",
                )
    return list(features.values())


def _kind(feature: Feature) -> str:
    return "score of whole numbers" if isinstance(feature, Score) and feature.integer else feature.type


def apart_from(taken: Iterable[str], names: Iterable[str]) -> list[str]:
    """Names of columns, with the suffix `_answer` where a name is taken."""
    known = set(taken)
    apart = []
    for name in names:
        while name in known:
            name += "_answer"
        known.add(name)
        apart.append(name)
    return apart


def columns_of(rows: Sequence[FeatureRow], features: Iterable[Feature]) -> list[Column]:
    """The columns of some rows of features.jsonl."""
    features = list(features)
    of_rows = [row["features"] for row in rows]
    names = [feature.name for feature in features]
    if of_rows and all(list(of_row) == names for of_row in of_rows):
        # The usual case, as all rows have one task: no look-up for each of the values.
        predictions = zip(*(of_row.values() for of_row in of_rows), strict=True)
        return [_column(*pair) for pair in zip(features, predictions, strict=True)]
    return [_column(feature, [of_row.get(feature.name) for of_row in of_rows]) for feature in features]


def _column(feature: Feature, predictions: Sequence[dict[str, Any] | None]) -> Column:
    value_key = PREDICTION_TYPES[feature.type][1]
    absent = predictions.count(None)
    values = [prediction[value_key] if prediction else None for prediction in predictions]
    rationales: list[str | None] = []
    if feature.rationale:
        rationales = [prediction.get("rationale") if prediction else None for prediction in predictions]
    return Column(feature, values, rationales, values.count(None) - absent)


class ParquetRows:
    """Writes rows in groups, so that memory does not grow with their number.

    Each feature has a column of its name (bool, string, int64, double, list of strings, or JSON text for
    extractions) and, where it has reasons, `<name>_rationale`; a feature called as one of the columns that
    every row has gets the suffix `_answer`. The file appears whole or not at all.
    """

    def __init__(self, path: Path, features: list[Feature]):
        self._path, self._features = path, features
        self._cells: list[list[Any]] = []
        self._batches: list[Any] = []
        self._rows_in_group = self._bytes_in_group = 0
        self._writer: Any = None

    def __enter__(self) -> ParquetRows:
        # Arrow's own allocator keeps 20 MiB more than is in use. It is chosen when Arrow is first imported.
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
        import pyarrow as pa
        import pyarrow.parquet as pq

        own = []
        for feature in self._features:
            own.append((feature.name, _arrow_type(feature), feature.type in _RECURRING_TYPES))
            if feature.rationale:
                own.append((f"{feature.name}_rationale", pa.string(), False))
        fields = [pa.field(name, pa.string()) for name in _PLAIN_COLUMNS]
        recurring = list(_RECURRING_COLUMNS)
        names = apart_from(_PLAIN_COLUMNS, [name for name, _, _ in own])
        for name, (_, arrow_type, recurs) in zip(names, own, strict=True):
            fields.append(pa.field(name, arrow_type))
            if recurs:
                recurring.append(name)
        self._schema = pa.schema(fields)
        self._cells = [[] for _ in fields]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._part = self._path.with_name(f".{self._path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
        self._writer = pq.ParquetWriter(
            self._part,
            self._schema,
            compression="zstd",
            use_dictionary=recurring,
            write_statistics=[*recurring, "id"],
        )
        return self

    def add(self, rows: Sequence[FeatureRow], columns: Iterable[Column]) -> None:
        """Take some rows of features.jsonl, and `columns_of` them."""
        cells = iter(self._cells)
        for name in _PLAIN_COLUMNS:
            next(cells).extend(row.get(name) for row in rows)
        for column in columns:
            values = column.values
            if column.feature.type == "extraction":
                values = [None if value is None else orjson.dumps(value).decode() for value in values]
            next(cells).extend(values)
            if column.feature.rationale:
                next(cells).extend(column.rationales)
        if len(self._cells[0]) >= _ROWS_AT_A_TIME:
            self._pack()

    def _pack(self) -> None:
        """Turn the cells so far into Arrow's arrays, which take less room, and write a group of them."""
        import pyarrow as pa

        arrays = [pa.array(cells, field.type) for cells, field in zip(self._cells, self._schema, strict=True)]
        self._cells = [[] for _ in arrays]
        batch = pa.record_batch(arrays, schema=self._schema)
        self._batches.append(batch)
        self._rows_in_group += batch.num_rows
        self._bytes_in_group += batch.nbytes
        if self._rows_in_group >= _MOST_ROWS_IN_GROUP or self._bytes_in_group >= _MOST_BYTES_IN_GROUP:
            self._write_group()

    def _write_group(self) -> None:
        import pyarrow as pa

        self._writer.write_table(pa.Table.from_batches(self._batches, self._schema))
        self._batches.clear()
        self._rows_in_group = self._bytes_in_group = 0

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        try:
            if kind is None:
                if self._cells[0]:
                    self._pack()
                if self._batches:
                    self._write_group()
            self._writer.close()
            if kind is None:
                self._part.replace(self._path)
        finally:
            self._part.unlink(missing_ok=True)


def _arrow_type(feature: Feature) -> Any:
    import pyarrow as pa

    if isinstance(feature, Score):
        return pa.int64() if feature.integer else pa.float64()
    return {
        "binary": pa.bool_(),
        "classification": pa.string(),
        "multilabel": pa.list_(pa.string()),
        "text": pa.string(),
        "extraction": pa.string(),  # JSON
        "ranking": pa.list_(pa.string()),
    }[feature.type]
