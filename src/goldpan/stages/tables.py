"""One CSV per input file: its original columns, then the features, then where they came from."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from goldpan.cells import neutralise
from goldpan.errors import ReconciliationError
from goldpan.files import replacing
from goldpan.records.model import Record
from goldpan.records.read import iter_records
from goldpan.stages.columns import apart_from
from goldpan.stages.rows import FeatureRow, with_features
from goldpan.tasks.features import Feature, Text, value_of


def write_tables(
    records: Path, features: Path, outputs: dict[tuple[str, str], Path], schema: list[Feature]
) -> None:
    """Write the tables of a stage, one for each (source, file) of `outputs`.

    Columns: those of the input, in its order; for each feature its value and its rationale, free texts last;
    `state`, `reason`, `source_file`, `record_id`, `batch_id`, `answered_at` (UTC). A column of ours whose
    name the input has already gets the suffix `_answer`. Cells that a spreadsheet would run as a formula are
    neutralised by a leading apostrophe.

    Raises:
        ReconciliationError: a row belongs to a file that is not among the outputs.
    """
    columns = _input_columns(records)
    # A task may ask for an explanation before the score it explains; a reader looks for the score first.
    schema = sorted(schema, key=lambda feature: isinstance(feature, Text))
    with ExitStack() as stack:
        tables: dict[tuple[str, str], _Table] = {}
        for place, path in outputs.items():
            out = stack.enter_context(replacing(path))
            tables[place] = _Table(out, columns.get(place, []), schema)
            stack.callback(tables[place].flush)
        for record, row in with_features(iter_records(records), features):
            place = (record["source"], record["file"])
            if place not in tables:
                raise ReconciliationError(
                    f"the file of record {record['id']!r} has no table: {place[0]}/{place[1]}",
                    where=str(records),
                    remedy="run again; the records are gathered anew",
                )
            tables[place].write(record, row)


def _input_columns(records: Path) -> dict[tuple[str, str], list[str]]:
    """The columns of each input file, in the order they first occur."""
    columns: dict[tuple[str, str], dict[str, None]] = {}
    for record in iter_records(records):
        mine = columns.setdefault((record["source"], record["file"]), {})
        if len(record["data"]) != len(mine) or not mine.keys() >= record["data"].keys():
            mine.update(dict.fromkeys(record["data"]))
    return {place: list(names) for place, names in columns.items()}


class _Table:
    def __init__(self, out: Any, columns: list[str], schema: list[Feature]):
        self._columns, self._schema = columns, schema
        self._text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=False)
        self._csv = csv.writer(self._text, lineterminator="\n")
        own = []
        for feature in schema:
            own += [feature.name, _reason_column(feature, schema)] if feature.rationale else [feature.name]
        own += ["state", "reason", "source_file", "record_id", "batch_id", "answered_at"]
        self._csv.writerow([neutralise(name) for name in [*columns, *apart_from(columns, own)]])

    def write(self, record: Record, row: FeatureRow) -> None:
        cells = [_cell(record["data"].get(name)) for name in self._columns]
        cells += [_cell(value) for value in self._answers(row["features"])]
        answered = row.get("answered_at")
        when = datetime.fromtimestamp(answered, UTC).isoformat() if answered else None
        cells += [_cell(row.get(name)) for name in ("state", "reason", "file", "id", "batch_id")]
        self._csv.writerow([*cells, when])

    def _answers(self, features: dict[str, Any]) -> Iterator[Any]:
        for feature in self._schema:
            prediction = features.get(feature.name)
            yield None if prediction is None else value_of(prediction)
            if feature.rationale:
                yield None if prediction is None else prediction.get("rationale")

    def flush(self) -> None:
        """Hand everything to the file, and leave it open."""
        self._text.flush()
        self._text.detach()


def _reason_column(feature: Feature, schema: list[Feature]) -> str:
    """`explanation` where only one feature has a reason, as the classic tables have it."""
    return (
        "explanation" if sum(bool(other.rationale) for other in schema) == 1 else f"{feature.name}_rationale"
    )


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, str):
        return neutralise(value)
    if isinstance(value, list | dict):
        return orjson.dumps(value).decode()
    return value
