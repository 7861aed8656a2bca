"""features.parquet: the rows of features.jsonl as typed columns."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import orjson

from goldpan.tasks.features import Feature, Score, value_of
from goldpan.tasks.task import Task

_ROWS_IN_GROUP = 10_000
_PLAIN_COLUMNS = ("id", "source", "file", "state", "reason", "model", "batch_id", "custom_id", "task")


class ParquetRows:
    """Writes rows in groups, so that memory does not grow with their number.

    Each feature has a column of its name (bool, string, int64, double, list of strings, or JSON text for
    extractions) and, where it has reasons, `<name>_rationale`. The file appears whole or not at all.
    """

    def __init__(self, path: Path, tasks: list[Task]):
        self._path = path
        self._features = {feature.name: feature for task in tasks for feature in task.features}
        self._rows: list[dict[str, Any]] = []
        self._writer: Any = None

    def __enter__(self) -> ParquetRows:
        import pyarrow as pa
        import pyarrow.parquet as pq

        fields = [pa.field(name, pa.string()) for name in _PLAIN_COLUMNS]
        for name, feature in self._features.items():
            fields.append(pa.field(name, _arrow_type(feature)))
            if feature.rationale:
                fields.append(pa.field(f"{name}_rationale", pa.string()))
        self._schema = pa.schema(fields)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._part = self._path.with_name(f".{self._path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
        self._writer = pq.ParquetWriter(self._part, self._schema, compression="zstd")
        return self

    def add(self, row: dict[str, Any]) -> None:
        """Take a row of features.jsonl."""
        flat = {name: row.get(name) for name in _PLAIN_COLUMNS}
        for name, prediction in row["features"].items():
            value = value_of(prediction)
            if prediction["type"] == "ExtractionPrediction" and value is not None:
                value = orjson.dumps(value).decode()
            flat[name] = value
            if "rationale" in prediction:
                flat[f"{name}_rationale"] = prediction["rationale"]
        self._rows.append(flat)
        if len(self._rows) >= _ROWS_IN_GROUP:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
            self._rows.clear()

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        try:
            if kind is None:
                self._flush()
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
        "multilabel": pa.list_(pa.string()),
        "ranking": pa.list_(pa.string()),
    }.get(feature.type, pa.string())
