"""One CSV per input file: its original columns, then the features, then where they came from."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from goldpan.cells import CsvWriter
from goldpan.errors import ReconciliationError
from goldpan.files import part_of, put_in_place
from goldpan.records.model import Record
from goldpan.records.read import iter_records
from goldpan.stages.columns import apart_from
from goldpan.stages.rows import FeatureRow, with_features
from goldpan.stages.shown_fields import shown_fields_of
from goldpan.tasks.features import Feature, Text, value_of

_MOST_KEPT = 4 << 20
"""Characters of all tables together that are kept in memory before they are added to their files."""


def write_tables(
    records: Path, features: Path, outputs: dict[tuple[str, str], Path], schema: list[Feature]
) -> None:
    """Write the tables of a stage, one for each (source, file) of `outputs`.

    Columns: those of the item that a record is, if it is one, and of the input, in its order; for each
    feature its value and its rationale, free texts last; `state`, `reason`, `source_file`, `record_id`,
    `batch_id`, `answered_at` (UTC). A column of ours whose name the input has already gets the suffix
    `_answer`. Cells that a spreadsheet would run as a formula are neutralised by a leading apostrophe.

    There may be more outputs than files can be open at once: each is only opened to add some rows.

    Raises:
        ReconciliationError: a row belongs to a file that is not among the outputs.
    """
    columns = _input_columns(records)
    # A task may ask for an explanation before the score it explains; a reader looks for the score first.
    schema = sorted(schema, key=lambda feature: isinstance(feature, Text))
    with ExitStack() as stack:
        tables: dict[tuple[str, str], _Table] = {}
        for place, path in outputs.items():
            table = _Table(path, columns.get(place, []), schema)
            stack.callback(table.part.unlink, missing_ok=True)
            table.save()
            tables[place] = table
        kept = 0
        for record, row in with_features(iter_records(records), features):
            place = (record["source"], record["file"])
            if place not in tables:
                raise ReconciliationError(
                    f"the file of record {record['id']!r} has no table: {place[0]}/{place[1]}",
                    where=str(records),
                    remedy="run again; the records are gathered anew",
                )
            kept += tables[place].add(record, row)
            if kept > _MOST_KEPT:
                kept = 0
                for table in tables.values():
                    table.save()
        for place, table in tables.items():
            table.save()
            put_in_place(table.part, outputs[place])


def _input_columns(records: Path) -> dict[tuple[str, str], list[str]]:
    """The columns of each input file, in the order they first occur."""
    columns: dict[tuple[str, str], dict[str, None]] = {}
    for record in iter_records(records):
        mine = columns.setdefault((record["source"], record["file"]), {})
        fields = shown_fields_of(record)
        if len(fields) != len(mine) or not mine.keys() >= fields.keys():
            mine.update(dict.fromkeys(fields))
    return {place: list(names) for place, names in columns.items()}


class _Table:
    """One output; its rows gather in memory until they are saved to `part`, which becomes the output."""

    def __init__(self, path: Path, columns: list[str], schema: list[Feature]):
        self.part = part_of(path)
        self._columns, self._schema = columns, schema
        self._rows = io.StringIO(newline="")
        self._csv = CsvWriter(self._rows)
        own = []
        for feature in schema:
            own += [feature.name, _reason_column(feature, schema)] if feature.rationale else [feature.name]
        own += ["state", "reason", "source_file", "record_id", "batch_id", "answered_at"]
        self._csv.add([*columns, *apart_from(columns, own)])

    def add(self, record: Record, row: FeatureRow) -> int:
        """Take one row; returns how many characters it has."""
        before = self._rows.tell()
        fields = shown_fields_of(record)
        cells = [_cell(fields.get(name)) for name in self._columns]
        cells += [_cell(value) for value in self._answers(row["features"])]
        answered = row.get("answered_at")
        when = datetime.fromtimestamp(answered, UTC).isoformat() if answered else None
        cells += [_cell(row.get(name)) for name in ("state", "reason", "file", "id", "batch_id")]
        self._csv.add([*cells, when])
        return self._rows.tell() - before

    def save(self) -> None:
        """Add the rows so far to `part`."""
        if text := self._rows.getvalue():
            try:
                with self.part.open("ab") as handle:
                    handle.write(text.encode())
            except OSError as error:
                # Python names no file where a write fails.
                error.filename = error.filename or str(self.part)
                raise
            self._rows.seek(0)
            self._rows.truncate()

    def _answers(self, features: dict[str, Any]) -> Iterator[Any]:
        for feature in self._schema:
            prediction = features.get(feature.name)
            yield None if prediction is None else value_of(prediction)
            if feature.rationale:
                yield None if prediction is None else prediction.get("rationale")


def _reason_column(feature: Feature, schema: list[Feature]) -> str:
    """`explanation` where only one feature has a reason, as the classic tables have it."""
    return (
        "explanation" if sum(bool(other.rationale) for other in schema) == 1 else f"{feature.name}_rationale"
    )


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return orjson.dumps(value).decode()
    return value
