"""Taking one batch from its checkpoint towards its end, in bounded steps that a crash cannot harm."""

from __future__ import annotations

import contextlib
import os
import random
import time
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from goldpan.files import replacing
from goldpan.providers.base import BatchError
from goldpan.providers.local.completions import Answerer, result_line, unanswered_line
from goldpan.providers.local.faults import (
    AnswerFault,
    BatchFault,
    BrokenOff,
    FailedValidation,
    FaultPlan,
    LineFault,
    OddBatch,
    RowError,
    RowFault,
)
from goldpan.providers.local.refusal import ServiceError
from goldpan.providers.local.row_faults import spoil
from goldpan.providers.local.store import BatchRecord, Store
from goldpan.providers.local.validation import check_input, check_request, input_rows

CHECKPOINT_SECONDS = 1.0
_UNANSWERED = {
    "expired": ("batch_expired", "This request was not run before the completion window ended."),
    "cancelled": ("batch_cancelled", "This request was not run before the batch was cancelled."),
}


def answer_request(answerer: Answerer, body: dict[str, Any], custom_id: str) -> dict[str, Any]:
    """Check a chat request and answer it.

    Raises:
        ServiceError: 400 for a bad request; whatever the answerer refuses with; 500 when it breaks.
    """
    check_request(body)
    try:
        return answerer(body, custom_id)
    except ServiceError:
        raise
    except Exception as error:
        raise ServiceError(500, f"The answerer broke: {type(error).__name__}: {error}") from error


class BatchRun:
    """The work on one batch, by whoever holds its lock.

    Args:
        store: where the batch lives.
        record: the batch at its last checkpoint; it is changed and saved as the work goes on.
        answerer: gives the answers.
        plan: the faults to play.
        pace_seconds: the batch takes at least this long; rows are answered evenly over it.
    """

    def __init__(
        self, store: Store, record: BatchRecord, answerer: Answerer, plan: FaultPlan, pace_seconds: float
    ):
        self._store, self._record, self._answerer = store, record, answerer
        self._pace_seconds = pace_seconds
        self._batch_faults = [fault for key, fault in plan.batch() if key in record.hits]
        self._row_faults = list(plan.row())
        self._hits_elsewhere = self._count_hits_elsewhere()
        self._journal_of = {
            "output": store.journals / f"{record.id}.output",
            "errors": store.journals / f"{record.id}.errors",
        }

    def step(self, deadline: float) -> bool:
        """Do the next piece of work, until `deadline` (time.monotonic) and for a second at most.

        Returns:
            False when there is nothing to be done now.
        """
        record = self._record
        try:
            source = self._store.content(record.input_file_id)
        except ServiceError:
            self._fail([BatchError("input_file_not_found", "The input file was deleted.")])
            return True
        if record.ending == "completed" and self._store.cancel_requested(record.id):
            record.ending = "cancelled"
            record.enter("cancelling", _now())
        if record.status in ("cancelling", "finalizing"):
            self._publish(source)
            return True
        if record.status == "validating":
            self._validate(source)
            return True
        return self._answer_rows(source, min(deadline, time.monotonic() + CHECKPOINT_SECONDS))

    # validating

    def _validate(self, source: Path) -> None:
        planned = next((fault for fault in self._batch_faults if isinstance(fault, FailedValidation)), None)
        if planned is not None:
            self._fail([BatchError(planned.code, planned.message)])
            return
        check = check_input(source, self._record.endpoint)
        if check.errors:
            self._fail(check.errors)
            return
        self._record.total, self._record.model = check.total, check.model
        for journal in self._journal_of.values():
            journal.touch()
        self._record.enter("in_progress", _now())
        self._store.save(self._record)

    def _fail(self, errors: list[BatchError]) -> None:
        self._record.errors = errors
        self._record.enter("failed", _now())
        self._store.save(self._record)

    # in_progress

    def _answer_rows(self, source: Path, deadline: float) -> bool:
        record = self._record
        broken_off = next((fault for fault in self._batch_faults if isinstance(fault, BrokenOff)), None)
        if _now() >= record.expires_at or self._is_due(broken_off, "expired"):
            self._head_for("expired", "finalizing")
            return True
        if self._is_due(broken_off, "cancelled"):
            self._head_for("cancelled", "cancelling")
            return True
        last = min(self._rows_allowed(), record.total if broken_off is None else broken_off.after)
        if record.rows_done >= last and last < record.total:
            return False
        with self._journals() as (output, errors):
            for offset, line in input_rows(source, record.input_offset):
                if record.rows_done >= last:
                    break
                self._answer_row(line, output, errors)
                record.input_offset = offset
                if time.monotonic() >= deadline or self._store.cancel_requested(record.id):
                    break
        if record.rows_done >= record.total:
            record.enter("finalizing", _now())
        self._store.save(record)
        return True

    def _is_due(self, fault: BrokenOff | None, kind: str) -> bool:
        return fault is not None and fault.fault == kind and self._record.rows_done >= fault.after

    def _head_for(self, ending: str, status: str) -> None:
        self._record.ending = ending
        self._record.enter(status, _now())
        self._store.save(self._record)

    def _rows_allowed(self) -> int:
        elapsed = time.time() - self._record.made_at
        if elapsed >= self._pace_seconds:
            return self._record.total
        return int(self._record.total * elapsed / self._pace_seconds)

    @contextlib.contextmanager
    def _journals(self) -> Iterator[tuple[BinaryIO, BinaryIO]]:
        """Both journals, cut back to the checkpoint; at the end, on disk, and their lengths noted."""
        with (
            self._journal_of["output"].open("r+b", buffering=1 << 20) as output,
            self._journal_of["errors"].open("r+b", buffering=1 << 20) as errors,
        ):
            for journal, length in ((output, self._record.output_bytes), (errors, self._record.error_bytes)):
                journal.truncate(length)
                journal.seek(length)
            yield output, errors
            for journal in (output, errors):
                journal.flush()
                os.fsync(journal.fileno())
            self._record.output_bytes, self._record.error_bytes = output.tell(), errors.tell()

    def _answer_row(self, line: bytes, output: BinaryIO, errors: BinaryIO) -> None:
        record = self._record
        row = orjson.loads(line)
        custom_id, request = row["custom_id"], row["body"]
        record.rows_done += 1
        faults = self._faults_of_row(custom_id)
        try:
            for fault in faults:
                if isinstance(fault, RowError):
                    raise ServiceError(fault.status, fault.message, code=fault.code)
            body = answer_request(self._answerer, request, custom_id)
        except ServiceError as error:
            refusal = {"error": error.as_openai()}
            errors.write(result_line(record.id, custom_id, error.status or 500, refusal))
            record.failed += 1
            return
        record.completed += 1
        for fault in faults:
            if isinstance(fault, AnswerFault):
                # A copy, since a scripted answerer may give the same object again.
                body = orjson.loads(orjson.dumps(body))
                spoil(fault.fault, request, body)
        kinds = {fault.fault for fault in faults if isinstance(fault, LineFault)}
        if "missing" not in kinds:
            copies = 2 if "duplicate" in kinds else 1
            output.write(result_line(record.id, custom_id, 200, body) * copies)

    def _faults_of_row(self, custom_id: str) -> list[RowFault]:
        record = self._record
        struck = []
        for key, fault in self._row_faults:
            hits = record.hits.get(key, 0)
            spent = fault.times is not None and hits + self._hits_elsewhere.get(key, 0) >= fault.times
            if not spent and fault.fits(custom_id, record.rows_done, record.ordinal):
                record.hits[key] = hits + 1
                struck.append(fault)
        return struck

    def _count_hits_elsewhere(self) -> dict[str, int]:
        counted = [key for key, fault in self._row_faults if fault.times is not None]
        if not counted:
            return {}
        others = [batch for batch in self._store.batches() if batch.id != self._record.id]
        return {key: sum(batch.hits.get(key, 0) for batch in others) for key in counted}

    # finalizing and cancelling

    def _publish(self, source: Path) -> None:
        """Turn the journals into files and end the batch.

        A crash in between leaves a journal or the file it has become; in both cases this can be done again.
        """
        record = self._record
        if record.total and self._journal_of["errors"].exists():
            self._write_unanswered(source)
        odd = {fault.fault for fault in self._batch_faults if isinstance(fault, OddBatch)}
        if "shuffled" in odd and self._journal_of["output"].exists():
            shuffle_lines(self._journal_of["output"], seed=record.ordinal)
        # Errors first: their journal is complete only while the other is still there to be opened.
        record.error_file_id = self._publish_journal("errors")
        record.output_file_id = self._publish_journal("output")
        if "empty_error_file_id" in odd and record.error_file_id is None:
            record.error_file_id = ""
        record.failed = record.total - record.completed if record.ending != "completed" else record.failed
        record.enter(record.ending, _now())
        self._store.save(record)

    def _write_unanswered(self, source: Path) -> None:
        """A line in the error file for each row that an expired or cancelled batch did not come to."""
        with self._journals() as (_, errors):
            if self._record.ending in _UNANSWERED:
                code, message = _UNANSWERED[self._record.ending]
                for _, line in input_rows(source, self._record.input_offset):
                    custom_id = orjson.loads(line)["custom_id"]
                    errors.write(unanswered_line(self._record.id, custom_id, code, message))
        # The checkpoint stays in front of these lines: after a crash they are cut off and written anew.

    def _publish_journal(self, name: str) -> str | None:
        journal = self._journal_of[name]
        # The id follows from the batch's, so that a second attempt finds what the first has moved.
        file_id = f"file-{self._record.id.removeprefix('batch_')[:-1]}{'e' if name == 'errors' else 'f'}"
        if journal.exists():
            if journal.stat().st_size == 0:
                journal.unlink()
                return None
            self._store.adopt(journal, file_id)
        if not self._store.has_content(file_id):
            return None
        self._store.describe_file(file_id, f"{self._record.id}_{name}.jsonl", "batch_output")
        return file_id


def shuffle_lines(path: Path, seed: int) -> None:
    """Put the lines of a file into another order, the same each time; memory is 8 bytes a line."""
    starts = array("q", [0])
    with path.open("rb") as handle:
        for line in handle:
            starts.append(starts[-1] + len(line))
        order = list(range(len(starts) - 1))
        random.Random(seed).shuffle(order)
        with replacing(path) as target:
            for position in order:
                handle.seek(starts[position])
                target.write(handle.read(starts[position + 1] - starts[position]))


def batch_faults_for(plan: FaultPlan, ordinal: int, earlier: Iterator[BatchRecord]) -> dict[str, int]:
    """The batch faults that strike a new batch: the first `hits` of its record."""
    candidates: list[tuple[str, BatchFault]] = [
        (key, fault) for key, fault in plan.batch() if fault.batches is None or ordinal in fault.batches
    ]
    if not candidates:
        return {}
    before = [record.hits for record in earlier]
    return {
        key: 1
        for key, fault in candidates
        if fault.times is None or sum(key in hits for hits in before) < fault.times
    }


def _now() -> int:
    return int(time.time())
