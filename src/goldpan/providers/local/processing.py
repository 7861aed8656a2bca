"""Taking one batch from its checkpoint towards its end, in bounded steps that a crash cannot harm."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from goldpan.providers.base import BatchError
from goldpan.providers.local import responses
from goldpan.providers.local.completions import Answerer, result_line
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
from goldpan.providers.local.journals import Journals
from goldpan.providers.local.objects import BatchRecord
from goldpan.providers.local.refusal import ServiceError
from goldpan.providers.local.row_faults import spoil
from goldpan.providers.local.store import Store
from goldpan.providers.local.validation import check_input, check_request, input_rows
from goldpan.providers.model_facts import RESPONSES_URL

CHECKPOINT_SECONDS = 1.0


def answer_request(
    answerer: Answerer, body: dict[str, Any], custom_id: str, endpoint: str, faults: Sequence[str] = ()
) -> dict[str, Any]:
    """Check a request to an endpoint and answer it.

    Args:
        faults: what is to go wrong with the answer.

    Raises:
        ServiceError: 400 for a bad request; whatever the answerer refuses with; 500 when it breaks.
    """
    # Answerers and faults know chat completions; the other endpoint is translated.
    request = responses.chat_request(body) if endpoint == RESPONSES_URL else body
    answer = _answer_chat(answerer, request, custom_id)
    if faults:
        # A copy, since a scripted answerer may give the same object again.
        answer = orjson.loads(orjson.dumps(answer))
        for fault in faults:
            spoil(fault, request, answer)
    return responses.response(body, answer) if endpoint == RESPONSES_URL else answer


def _answer_chat(answerer: Answerer, body: dict[str, Any], custom_id: str) -> dict[str, Any]:
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
        self._batch_faults = [fault for key, fault in plan.batch_faults() if key in record.hits]
        self._row_faults = list(plan.row_faults())
        self._hits_elsewhere = self._count_hits_elsewhere()
        self._journals = Journals(store, record)

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
            self._end(source)
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
        self._journals.begin()
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
        with self._journals.open() as (output, errors):
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
            spoiled = [fault.fault for fault in faults if isinstance(fault, AnswerFault)]
            body = answer_request(self._answerer, request, custom_id, record.endpoint, spoiled)
        except ServiceError as error:
            refusal = {"error": error.as_openai()}
            errors.write(result_line(record.id, custom_id, error.status or 500, refusal))
            record.failed += 1
            return
        record.completed += 1
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

    def _end(self, source: Path) -> None:
        record = self._record
        odd = {fault.fault for fault in self._batch_faults if isinstance(fault, OddBatch)}
        if "shuffled" in odd:
            self._journals.shuffle()
        self._journals.publish(source)
        if "empty_error_file_id" in odd and record.error_file_id is None:
            record.error_file_id = ""
        if record.ending != "completed":
            record.failed = record.total - record.completed
        record.enter(record.ending, _now())
        self._store.save(record)


def batch_faults_for(plan: FaultPlan, ordinal: int, earlier: Iterator[BatchRecord]) -> dict[str, int]:
    """The batch faults that strike a new batch: the first `hits` of its record."""
    candidates: list[tuple[str, BatchFault]] = [
        (key, fault)
        for key, fault in plan.batch_faults()
        if fault.batches is None or ordinal in fault.batches
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
