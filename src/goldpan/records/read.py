"""From one source file to its records file, row by row, and reading records files again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, cast

import orjson

from goldpan.errors import SourceError
from goldpan.files import LONGEST_LINE, iter_lines, replacing
from goldpan.records.fields import check_not_blank, check_renamed, renamed
from goldpan.records.formats import Format, format_of
from goldpan.records.ids import record_id, unreadable_id
from goldpan.records.model import Record, RecordHead
from goldpan.records.rows import ALWAYS_SKIPPED, Row, RowError
from goldpan.records.seen import SeenIds
from goldpan.study.model import Source

# Within a JSON string the quotes would be escaped, so the first of these in a line ends the head.
_DATA_KEY = b',"data":'
_WITHOUT_DATA = ("bad_json", "bad_row")
"""Errors after which a row's data cannot be written down, or not as they were."""


@dataclass(frozen=True)
class RecordCounts:
    """What became of the rows of one source file; `rows` = `records` + all of `skipped`.

    Attributes:
        rows: rows of the file.
        records: rows that can be asked.
        skipped: rows that cannot, by the code of the reason.
        note: something the user may want to know, such as that the file has no rows.
    """

    rows: int
    records: int
    skipped: dict[str, int] = field(default_factory=dict)
    note: str | None = None

    def in_words(self) -> str:
        """One line for a log."""
        skipped = "".join(f", {count:,} {code}" for code, count in self.skipped.items())
        note = f"; {self.note}" if self.note else ""
        return f"{self.records:,} records of {self.rows:,} rows{skipped}{note}"


def read_rows(source: Source, path: Path) -> Iterator[Row]:
    """The rows of a source file, which must have the fields that the source names.

    Raises:
        SourceError: the file cannot be read to its end, or lacks a column.
    """
    fields = [*source.fields, *(source.id or []), *source.not_blank]
    return format_of(source, path).read(source, path, fields)


def build_records(
    source: Source,
    source_name: str,
    file_name: str,
    path: Path,
    output: Path,
    limit: int | None = None,
) -> RecordCounts:
    """Write the records file of one source file, atomically and in constant memory.

    Every row of the file gives one line: a record, or with `on_error: skip` one with the reason in `skip`.

    Args:
        source: how to read the file.
        source_name: name of the source in the study.
        file_name: short name of the file (see `study.paths.file_names`).
        path: the file.
        output: the records file to write.
        limit: of a trial: so many rows of the file are read, and what comes after them is not looked at.

    Raises:
        SourceError: the file cannot be read to its end, or with `on_error: stop` a row cannot be used.
    """
    skipped: Counter[str] = Counter()
    rows = 0
    with SeenIds() as seen, replacing(output) as handle:
        builder = _Builder(source, source_name, file_name, path, format_of(source, path), seen)
        for row in islice(read_rows(source, path), limit):
            rows += 1
            try:
                handle.write(builder.usable(row))
            except RowError as error:
                if source.on_error == "stop" and error.code not in ALWAYS_SKIPPED:
                    raise builder.stopped(row, error) from None
                handle.write(builder.skipped(row, error))
                skipped[error.code] += 1
    return RecordCounts(
        rows=rows,
        records=rows - skipped.total(),
        skipped=dict(sorted(skipped.items())),
        note=None if rows else "the file has no rows" if limit is None else "no rows within the limit",
    )


def iter_records(path: Path) -> Iterator[Record]:
    """Yield the records of a records file in their order.

    Raises:
        SourceError: the file is missing or damaged (with file and line).
    """
    for number, line in iter_lines(path):
        yield parse_record(path, number, line)


def parse_record(path: Path, number: int, line: bytes) -> Record:
    """The record on a line of a records file.

    Raises:
        SourceError: the line is damaged.
    """
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise _damaged_record(path, number, str(error)) from None
    if not isinstance(record, dict) or "data" not in record or not _is_head(record):
        raise _damaged_record(path, number, "it is not a record")
    return cast(Record, record)


def _is_head(head: dict[str, Any]) -> bool:
    texts = type(head.get("id")) is type(head.get("source")) is type(head.get("file")) is str
    return texts and type(head.get("line")) is int


def iter_heads(path: Path) -> Iterator[tuple[RecordHead, bytes]]:
    """Yield the head and the whole line of each record of a records file, without parsing its data.

    Raises:
        SourceError: the file is missing or damaged (with file and line).
    """
    for number, line in iter_lines(path):
        end = line.find(_DATA_KEY)
        if end < 0 or not line.endswith(b"}"):
            raise _damaged_record(path, number, "it is not a record")
        try:
            head = orjson.loads(line[:end] + b"}")
        except orjson.JSONDecodeError as error:
            raise _damaged_record(path, number, str(error)) from None
        if not _is_head(head):
            raise _damaged_record(path, number, "it is not a record")
        yield head, line


@dataclass(frozen=True)
class _Builder:
    """Makes the lines of one records file."""

    source: Source
    source_name: str
    file_name: str
    path: Path
    format: Format
    seen: SeenIds

    def usable(self, row: Row) -> bytes:
        """The line of a usable row. Raises RowError when the row is not usable."""
        if row.error is not None:
            raise row.error
        try:
            data = self.format.typed(row.data, self.source.fields)
            check_not_blank(row.data, self.source.not_blank)
            check_renamed(row.data, self.source.rename)
            identifier = self._identify(row)
            line = self._line(row, identifier, self._renamed(data))
        except orjson.JSONEncodeError:
            raise RowError("bad_json", "the row is nested more deeply than 250 levels") from None
        if len(line) > LONGEST_LINE:
            raise RowError("bad_row", f"as a record the row has more than {LONGEST_LINE:,} bytes")
        earlier = self.seen.add(identifier, self._place(row))
        if earlier is not None:
            raise self._duplicate(identifier, earlier)
        return line

    def skipped(self, row: Row, error: RowError) -> bytes:
        """The line of a row that cannot be used, with its data as far as it could be read."""
        identifier = unreadable_id(self.source_name, self.file_name, row.line)
        reason = f"{error.code}: {error.what}"
        data = {} if error.code in _WITHOUT_DATA else self._renamed(row.data)
        return self._line(row, identifier, data, skip=reason)

    def stopped(self, row: Row, error: RowError) -> SourceError:
        """The error that ends the run over a row that cannot be used."""
        skip = "set `on_error: skip` for the source to record such rows as skipped and go on"
        remedy = f"{error.remedy}; or {skip}" if error.remedy else skip
        return SourceError(f"{error.code}: {error.what}", where=self._place(row), remedy=remedy)

    def _identify(self, row: Row) -> str:
        # From the data as read, not as typed: an id does not change when a type is declared for its field.
        if self.source.id is not None:
            return record_id(row.data, self.source.id)
        return row.id or self.format.own_id(row.data)

    def _renamed(self, data: dict[str, Any]) -> dict[str, Any]:
        return renamed(data, self.source.rename) if self.source.rename else data

    def _duplicate(self, identifier: str, earlier: str) -> RowError:
        if self.source.id is not None:
            what, remedy = f"the id `{identifier}`", "add a field under `id` that tells the rows apart"
        else:
            what, remedy = self.format.same.format(id=identifier), self.format.apart
        return RowError("duplicate_id", f"{what} stands already at {earlier}", remedy=remedy)

    def _line(self, row: Row, identifier: str, data: dict[str, Any], skip: str | None = None) -> bytes:
        record = Record(id=identifier, source=self.source_name, file=self.file_name, line=row.line, data=data)
        if skip is not None:
            record["skip"] = skip
        return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)

    def _place(self, row: Row) -> str:
        return self.format.row_place.format(path=self.path, line=row.line)


def _damaged_record(path: Path, line: int, problem: str) -> SourceError:
    return SourceError(
        f"this records file is damaged: {problem}",
        where=f"{path}:{line}",
        remedy="delete it; the next run makes it again",
    )
