"""Taking one batch from its checkpoint towards its end, in bounded steps that a crash cannot harm."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from goldpan.providers.base import BatchError
from goldpan.providers.engine import responses
from goldpan.providers.engine.answerers import Answerer, Reply, Request, as_refusal
from goldpan.providers.engine.completions import result_line
from goldpan.providers.engine.hooks import BatchHook, Hook
from goldpan.providers.engine.journals import Journals
from goldpan.providers.engine.objects import BatchRecord
from goldpan.providers.engine.refusal import ServiceError
from goldpan.providers.engine.store import Store
from goldpan.providers.engine.validation import check_input, check_request, input_rows
from goldpan.providers.model_facts import RESPONSES_URL

CHECKPOINT_SECONDS = 1.0


def answer_request(answerer: Answerer, body: dict[str, Any], endpoint: str) -> dict[str, Any]:
    """Check a request to an endpoint and answer it.

    Raises:
        ServiceError: 400 for a bad request; whatever the answerer refuses with; 500 when it breaks.
    """
    request = Request(chat_request(body, endpoint), "")
    try:
        reply = next((reply for _, reply in answerer.answers(iter([request]))), _no_answer())
    except Exception as error:
        raise as_refusal(error) from error
    if isinstance(reply, ServiceError):
        raise reply
    return _response(body, reply, endpoint)


def _no_answer() -> ServiceError:
    return ServiceError(500, "The answerer gave no answer.")


def chat_request(body: dict[str, Any], endpoint: str) -> dict[str, Any]:
    """The chat request that asks what a request to an endpoint asks: answerers know chat completions alone.

    Raises:
        ServiceError: 400, it is a bad one.
    """
    request = responses.chat_of_responses(body) if endpoint == RESPONSES_URL else body
    check_request(request)
    return request


def _response(body: dict[str, Any], completion: dict[str, Any], endpoint: str) -> dict[str, Any]:
    return responses.response(body, completion) if endpoint == RESPONSES_URL else completion


class _UnderWay(NamedTuple):
    """A row whose request an answerer has taken; `body` is as it was sent, `request` as it is asked."""

    row: int
    custom_id: str
    body: dict[str, Any]
    request: dict[str, Any]


class BatchRun:
    """The work on one batch, by whoever holds its lock.

    Args:
        store: where the batch lives.
        record: the batch at its last checkpoint; it is changed and saved as the work goes on.
        answerer: gives the answers.
        hook: what is done to the batch besides.
        pace_seconds: the batch takes at least this long; rows are answered evenly over it.
    """

    def __init__(
        self, store: Store, record: BatchRecord, answerer: Answerer, hook: Hook, pace_seconds: float
    ):
        self._store, self._record, self._answerer = store, record, answerer
        self._pace_seconds = pace_seconds
        self._journals = Journals(store, record)
        self._hook = hook(record, store, self._save)

    def step(self, deadline: float) -> bool:
        """Do the next piece of work, until `deadline` (time.monotonic) at most.

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
        return self._answer_rows(source, deadline)

    def _save(self) -> None:
        self._store.save(self._record)

    # validating

    def _validate(self, source: Path) -> None:
        errors = self._hook.input_errors()
        if not errors:
            check = check_input(source, self._record.endpoint)
            errors = check.errors
        if errors:
            self._fail(errors)
            return
        self._record.total, self._record.model = check.total, check.model
        self._record.enter("in_progress", _now())
        self._save()

    def _fail(self, errors: list[BatchError]) -> None:
        self._record.errors = errors
        self._record.enter("failed", _now())
        self._save()

    # in_progress

    def _answer_rows(self, source: Path, deadline: float) -> bool:
        record = self._record
        with self._journals.open():
            broken_off = self._hook.breaks_off()
            is_due = broken_off is not None and record.rows_done >= broken_off.after
            ending = broken_off.ending if broken_off is not None and is_due else None
            if _now() >= record.expires_at or ending == "expired":
                self._head_for("expired", "finalizing")
                return True
            if ending == "cancelled":
                self._head_for("cancelled", "cancelling")
                return True
            most = min(self._rows_allowed(), record.total if broken_off is None else broken_off.after)
            if record.rows_done >= most and most < record.total:
                return False
            try:
                _Answering(self._store, record, self._journals, self._hook).run(
                    self._answerer, source, most, deadline
                )
            finally:
                self._journals.sync()
        if record.rows_done >= record.total:
            record.enter("finalizing", _now())
        self._save()
        return True

    def _head_for(self, ending: str, status: str) -> None:
        self._record.ending = ending
        self._record.enter(status, _now())
        self._save()

    def _rows_allowed(self) -> int:
        elapsed = time.time() - self._record.made_at
        if elapsed >= self._pace_seconds:
            return self._record.total
        return int(self._record.total * elapsed / self._pace_seconds)

    # finalizing and cancelling

    def _end(self, source: Path) -> None:
        record = self._record
        self._journals.publish(source, self._hook.order)
        self._hook.published()
        if record.ending != "completed":
            record.failed = record.total - record.completed
        record.enter(record.ending, _now())
        self._save()
        self._journals.remove()


class _Answering:
    """One go at the rows of a batch that are not done, with as many under way as the answerer takes."""

    def __init__(self, store: Store, record: BatchRecord, journals: Journals, hook: BatchHook):
        self._store, self._record, self._journals, self._hook = store, record, journals, hook
        self._under_way: dict[int, _UnderWay] = {}
        # Where rows end in the input, of those that were passed and are not yet known to be done.
        self._ends: dict[int, int] = {}
        self._done = {row for row in record.done_ahead if row >= record.first_open_row}
        self._checkpoint_at = time.monotonic() + CHECKPOINT_SECONDS

    def run(self, answerer: Answerer, source: Path, most: int, deadline: float) -> None:
        """Hand out requests until `most` rows are done or under way, the time is up or the batch is to be
        cancelled, and write down each answer as it comes."""
        for place, reply in answerer.answers(self._requests(source, most, deadline)):
            if place not in self._under_way:
                raise RuntimeError(f"the answerer has answered request {place}, which is not under way")
            self._write_down(self._under_way.pop(place), reply)
        for item in self._under_way.values():
            self._write_down(item, _no_answer())
        self._record.done_ahead = sorted(self._done)

    def _requests(self, source: Path, most: int, deadline: float) -> Iterator[Request]:
        record = self._record
        taken = 0
        rows = input_rows(source, record.input_offset)
        for row, (offset, line) in enumerate(rows, record.first_open_row):
            if record.rows_done + len(self._under_way) >= most:
                return
            self._ends[row] = offset
            if row in self._done:
                self._move_on()
                continue
            content = orjson.loads(line)
            custom_id, body = content["custom_id"], content["body"]
            try:
                refusal = self._hook.refusal(row, custom_id)
                if refusal is not None:
                    raise refusal
                request = chat_request(body, record.endpoint)
            except ServiceError as error:
                self._write_down(_UnderWay(row, custom_id, body, {}), error)
            else:
                self._under_way[taken] = _UnderWay(row, custom_id, body, request)
                taken += 1
                yield Request(request, custom_id)
            if time.monotonic() >= deadline or self._store.cancel_requested(record.id):
                return

    def _write_down(self, item: _UnderWay, reply: Reply) -> None:
        record = self._record
        if not isinstance(reply, ServiceError):
            try:
                completion = self._hook.answer(item.row, item.request, reply)
                reply = _response(item.body, completion, record.endpoint)
            except Exception as error:
                reply = as_refusal(error)
        if isinstance(reply, ServiceError):
            refusal = {"error": reply.as_openai()}
            line = result_line(record.id, item.custom_id, reply.status or 500, refusal)
            self._journals.add(item.row, line, failed=True)
        else:
            line = self._hook.line(item.row, result_line(record.id, item.custom_id, 200, reply))
            self._journals.add(item.row, line, failed=False)
        self._done.add(item.row)
        self._move_on()
        if time.monotonic() >= self._checkpoint_at:
            record.done_ahead = sorted(self._done)
            self._journals.sync()
            self._store.save(record)
            self._checkpoint_at = time.monotonic() + CHECKPOINT_SECONDS

    def _move_on(self) -> None:
        """Have the record begin at the first row that is not done."""
        record = self._record
        while record.first_open_row in self._done and record.first_open_row in self._ends:
            self._done.discard(record.first_open_row)
            record.input_offset = self._ends.pop(record.first_open_row)
            record.first_open_row += 1


def _now() -> int:
    return int(time.time())
