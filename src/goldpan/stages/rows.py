"""The rows of features.jsonl and asked.jsonl: what they hold, one reader of each, and the join with records.

Both name the stage's records in the order of its records file. A row says its format only where it is not 1
(see `documents`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NotRequired, TypedDict, TypeVar, cast

from goldpan.errors import ReconciliationError, SourceError
from goldpan.files import iter_lines, row_of_line
from goldpan.records.model import RecordHead
from goldpan.stages.documents import check_format
from goldpan.tasks.features import is_prediction

STATES = ("ok", "invalid", "refused", "truncated", "failed", "expired", "missing", "skipped")
"""What a record can come to."""
PENDING = "pending"
"""The state of a record whose stage has not ended."""

_ASKED_REMEDY = "delete the file and run again: it is planned anew, and what was paid is in the ledger"
_FEATURES_REMEDY = "delete the file and run again: it is made from the ledger, and nothing is paid again"


class Aggregated(TypedDict, total=False):
    """How the samples of a feature became one prediction.

    Attributes:
        by: `majority`, `mean`, `median` or `first`.
        answers: how many samples were answered.
        agreement: the share of them that say what most say; absent with one.
        tie: other values were given as often, and this one came first.
        exact: mean or median before it was rounded to a whole score.
    """

    by: str
    answers: int
    agreement: float
    tie: bool
    exact: float


class ImportedFrom(TypedDict):
    """Where an answer comes from that was made, and paid for, elsewhere.

    Attributes:
        paid: `elsewhere`, always.
        file: name of the file it stood in.
        prompt: `compared` where the request was there and asks the same, `unknown` where nobody could tell.
    """

    paid: str
    file: str
    prompt: str


class FeatureRow(TypedDict):
    """A row of features.jsonl: what a record came to.

    Attributes:
        id, source, file: of the record.
        state: one of STATES, or PENDING; `reason` says why it is not `ok`.
        features: name -> prediction (see `tasks.features.PREDICTION_TYPES`); empty unless `ok`.
        usage: the tokens of the answer, by the keys of `tasks.usage`; null where it is shared.
        shared_with: the record that was asked, whose answer this one shares.
        answered_at: Unix time in seconds, as the service says it.
        imported: of an answer that was made elsewhere, where it comes from.
        adjusted: what was put right while the answer was read.
        notes: what was cut off the record before it was asked.
        samples: of a stage with several samples, each of them.
        aggregated: feature -> how they became one.
        answers: of a row that was joined to its record, what earlier stages answered; it is in no file.
    """

    id: str
    source: str
    file: str
    state: str
    features: dict[str, dict[str, Any]]
    reason: NotRequired[str | None]
    batch_id: NotRequired[str | None]
    custom_id: NotRequired[str | None]
    model: NotRequired[str | None]
    usage: NotRequired[dict[str, int] | None]
    shared_with: NotRequired[str]
    feature_count: NotRequired[int]
    task: NotRequired[str]
    task_hash: NotRequired[str]
    request_key: NotRequired[str]
    round: NotRequired[int]
    imported: NotRequired[ImportedFrom]
    answered_at: NotRequired[int | None]
    adjusted: NotRequired[list[str]]
    notes: NotRequired[dict[str, Any]]
    samples: NotRequired[list[dict[str, Any]]]
    sample_states: NotRequired[dict[str, int]]
    aggregated: NotRequired[dict[str, Aggregated]]
    answers: NotRequired[dict[str, dict[str, Any]]]


class AskedRow(TypedDict, total=False):
    """A row of asked.jsonl: what a plan does about one request of a record, or why the record has none.

    Attributes:
        id: of the record.
        skip: why it has no request; then nothing else is there.
        key: request key, in hexadecimal.
        do: `asked` in `shard`; `pending` there from before; `answered`, `shared` with another record,
            `later`, `exhausted`, or `oversize` with its `bytes`.
        attempts: how often the request was asked before.
    """

    id: str
    skip: str
    sample: int
    task: str
    custom_id: str
    key: str
    do: str
    shard: str
    attempts: int
    bytes: int
    notes: dict[str, Any]


_Head = TypeVar("_Head", bound=RecordHead)
_ALL_FEATURES = frozenset({"id", "source", "file", "state", "features"})
_ALL_ASKED = frozenset({"id", "sample", "task", "custom_id", "key", "do"})
_ALL_ASKED_IN_SHARD = _ALL_ASKED | {"shard", "attempts"}
_ONLY_ID = frozenset({"id"})
_ASKED_KINDS = (
    *(("id", str), ("skip", str), ("sample", int), ("task", str), ("custom_id", str), ("key", str)),
    *(("do", str), ("shard", str), ("attempts", int)),
)
_TEXT_OR_NULL = ("reason", "batch_id", "custom_id", "model", "task", "task_hash", "request_key")
# The end of the year 9999 in Unix seconds, behind which Python has no dates.
_LATEST = 253_402_300_800
_REQUEST_KEY = re.compile("[0-9a-f]{64}")


def read_features(path: Path) -> Iterator[tuple[int, FeatureRow]]:
    """(line number, row) of a features.jsonl.

    Raises:
        SourceError: a line is damaged, no such row, or of a newer format.
    """
    for number, row in _rows(path, _FEATURES_REMEDY):
        if not row.keys() >= _ALL_FEATURES:
            raise _damaged(path, number, row.keys(), _ALL_FEATURES, _FEATURES_REMEDY)
        if fault := _fault_of_features(row):
            raise _unreadable_row(path, number, fault, _FEATURES_REMEDY)
        yield number, cast(FeatureRow, row)


def read_asked(path: Path) -> Iterator[tuple[int, AskedRow]]:
    """(line number, row) of an asked.jsonl.

    Raises:
        SourceError: a line is damaged, no such row, or of a newer format.
    """
    for number, row in _rows(path, _ASKED_REMEDY):
        if row.get("do") in ("asked", "pending"):
            needed = _ALL_ASKED_IN_SHARD
        else:
            needed = _ONLY_ID if "skip" in row else _ALL_ASKED
        if not row.keys() >= needed:
            raise _damaged(path, number, row.keys(), needed, _ASKED_REMEDY)
        if fault := _fault_of_asked(row):
            raise _unreadable_row(path, number, fault, _ASKED_REMEDY)
        yield number, cast(AskedRow, row)


def _fault_of_features(row: dict[str, Any]) -> str | None:
    """What keeps a row of features.jsonl from being used; None where nothing does."""
    for name in ("id", "source", "file", "state"):
        if type(row[name]) is not str:
            return f"`{name}` is no text"
    for name in _TEXT_OR_NULL:
        if row.get(name) is not None and type(row[name]) is not str:
            return f"`{name}` is neither text nor null"
    answered_at = row.get("answered_at")
    if answered_at is not None and not (type(answered_at) is int and 0 <= answered_at < _LATEST):
        return "`answered_at` is no time"
    if type(row["features"]) is not dict:
        return "`features` is no object"
    for name, prediction in row["features"].items():
        if prediction is not None and not is_prediction(prediction):
            return f"`features.{name}` is no prediction that this goldpan knows"
    return None


def _fault_of_asked(row: dict[str, Any]) -> str | None:
    """What keeps a row of asked.jsonl from being used; None where nothing does."""
    for name, kind in _ASKED_KINDS:
        if name in row and type(row[name]) is not kind:
            return f"`{name}` is not of type {kind.__name__}"
    if "key" in row and not _REQUEST_KEY.fullmatch(row["key"]):
        return "`key` is not 64 hexadecimal digits"
    return None


def with_features(records: Iterable[_Head], features: Path) -> Iterator[tuple[_Head, FeatureRow]]:
    """Each record with its row of a features.jsonl.

    Raises:
        ReconciliationError: the file does not name these records in this order.
        SourceError: as `read_features`.
    """
    for record, rows in _joined(records, read_features(features), features, _FEATURES_REMEDY, at_most=1):
        yield record, rows[0]


def with_asked(records: Iterable[_Head], asked: Path) -> Iterator[tuple[_Head, list[AskedRow]]]:
    """Each record with its rows of an asked.jsonl, one for each sample; raises as `with_features`."""
    for record, rows in _joined(records, read_asked(asked), asked, _ASKED_REMEDY):
        if any(row.get("sample", 0) != number for number, row in enumerate(rows)):
            raise ReconciliationError(
                f"the rows of record {record['id']!r} are not one for each sample",
                where=str(asked),
                remedy=_ASKED_REMEDY,
            )
        yield record, rows


_Row = TypeVar("_Row", FeatureRow, AskedRow)


def _joined(
    records: Iterable[_Head],
    rows: Iterator[tuple[int, _Row]],
    path: Path,
    remedy: str,
    at_most: int | None = None,
) -> Iterator[tuple[_Head, list[_Row]]]:
    ahead = next(rows, None)
    for record in records:
        mine: list[_Row] = []
        while ahead and ahead[1]["id"] == record["id"] and len(mine) != at_most:
            mine.append(ahead[1])
            ahead = next(rows, None)
        if not mine:
            raise _mismatch(path, record["id"], ahead, remedy)
        yield record, mine
    if ahead:
        raise _mismatch(path, None, ahead, remedy)


def _mismatch(
    path: Path, expected: str | None, ahead: tuple[int, FeatureRow | AskedRow] | None, remedy: str
) -> ReconciliationError:
    id_ahead = None if ahead is None else ahead[1]["id"]
    return ReconciliationError(
        f"does not fit its records: expected the row of record {expected!r}, found that of {id_ahead!r}",
        where=str(path) if ahead is None else f"{path}, line {ahead[0]}",
        remedy=remedy,
    )


def _rows(path: Path, remedy: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in _lines(path, remedy):
        row = row_of_line(path, number, line, SourceError, remedy)
        if "format" in row:
            check_format(row, f"{path}, line {number}", remedy)
        yield number, row


def _lines(path: Path, remedy: str) -> Iterator[tuple[int, bytes]]:
    """As `iter_lines`; of an artifact whose data break off the remedy is not to copy it from elsewhere."""
    try:
        yield from iter_lines(path)
    except SourceError as error:
        raise SourceError(error.what, where=error.where, remedy=remedy) from None


def _unreadable_row(path: Path, number: int, fault: str, remedy: str) -> SourceError:
    return SourceError(
        f"is not a row that this goldpan can read: {fault}", where=f"{path}, line {number}", remedy=remedy
    )


def _damaged(path: Path, number: int, keys: Iterable[str], needed: Iterable[str], remedy: str) -> SourceError:
    lacking = ", ".join(f"`{key}`" for key in sorted(set(needed) - set(keys)))
    return SourceError(
        f"the row lacks {lacking}, which this goldpan needs", where=f"{path}, line {number}", remedy=remedy
    )
