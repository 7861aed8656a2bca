"""Lines of a batch's output and error files, with the oddities of real ones.

- A rejected request has `error: null`, and its error in `response.body.error`.
- A request that was never tried has `response: null` and an `error` such as `batch_expired`.
- Some servers do the reverse of the first: `error` is set and `response` has no body.
- Anthropic's lines have a `result` of the type `succeeded`, `errored`, `canceled` or `expired`.
- A body may be a list, a text of JSON or a page of HTML; a status may be a text, or 0 if nothing was sent on.
- A line may be nearly JSON (see `lenient_json`), or be damaged so that only its custom id can be read.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import orjson

from goldpan.errors import AnswerError
from goldpan.tasks.failures import Failure, State, error_of, failure_of, http_status, says_something
from goldpan.tasks.lenient_json import loads_leniently

RETRYABLE_STATES: frozenset[str] = frozenset({"invalid", "expired", "missing"})
"""States that are asked again in the next round whatever their reason.

`failed` is asked again when `row_failure` says so. `truncated` is not: the same request meets the same limit,
so the answer is to raise `max_completion_tokens`, which makes it another request. `refused` is final.
"""

DAMAGED = "damaged line"
_CUSTOM_ID = re.compile(rb'"custom_id"\s*:\s*"((?:[^"\\]|\\.){1,512})"')
# What bodies of answers have one of: chat completions, responses, Anthropic's messages.
_ANSWERS = ("choices", "output", "content")

__all__ = [
    "DAMAGED",
    "RETRYABLE_STATES",
    "BatchLine",
    "State",
    "damaged_lines",
    "read_batch_line",
    "row_failure",
]


class BatchLine(NamedTuple):
    """One line of an output or error file.

    Attributes:
        custom_id: which request it answers.
        status_code: HTTP status of the request, if the line tells one.
        body: the answer's body, whether of success or of failure.
        error_code, error_message: set when the request failed, wherever the line says so.
        notes: what was wrong with the line and could be passed over, one sentence each.
    """

    custom_id: str
    status_code: int | None
    body: dict[str, Any] | None
    error_code: str | None
    error_message: str | None
    notes: tuple[str, ...] = ()

    @property
    def answered(self) -> bool:
        """The line holds an answer to be read."""
        return self.body is not None and self.error_code is None

    @property
    def damaged(self) -> bool:
        """Only the custom id could be read."""
        return self.error_code == DAMAGED


def read_batch_line(line: bytes) -> BatchLine:
    """Read one line of a batch's output or error file.

    Raises:
        AnswerError: the line has no `custom_id` to join it by, or is so damaged that none can be found.
    """
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return _read_leniently(line)
    if type(row) is dict and type(row.get("custom_id")) is str and not row.get("error"):
        response = row.get("response")
        if type(response) is dict:
            body = response.get("body")
            # Nearly all lines are such: an answer with the status 200 and no error anywhere.
            if (
                type(body) is dict
                and response.get("status_code") == 200
                and not body.get("error")
                and ("choices" in body or "output" in body)
            ):
                return BatchLine(row["custom_id"], 200, body, None, None)
    return _batch_line(row, [])


def damaged_lines(line: bytes) -> list[BatchLine]:
    """For each custom id that stands in a damaged line, a line that says so: two may have run into one."""
    ids = dict.fromkeys(_id(match[1]) for match in _CUSTOM_ID.finditer(line))
    try:
        loads_leniently(line)
        why = "it is not as it should be"
    except AnswerError as error:
        why = error.what
    return [BatchLine(custom_id, None, None, DAMAGED, why) for custom_id in ids]


def row_failure(line: BatchLine) -> Failure | None:
    """What became of a request that has no answer; None when there is an answer to be read."""
    if line.answered:
        return None
    code = line.error_code or "unknown"
    if code == DAMAGED:
        return Failure("invalid", f"{DAMAGED}: {line.error_message}", True)
    return failure_of(code, line.error_message, line.status_code)


def _read_leniently(line: bytes) -> BatchLine:
    try:
        row, notes = loads_leniently(line)
    except AnswerError:
        damaged = damaged_lines(line)
        if not damaged:
            raise
        return damaged[0]
    return _batch_line(row, notes)


def _id(quoted: bytes) -> str:
    """A custom id as it stands between its quotes."""
    try:
        return str(orjson.loads(b'"%s"' % quoted))
    except orjson.JSONDecodeError:
        return quoted.decode(errors="replace")


def _batch_line(row: Any, notes: list[str]) -> BatchLine:
    row = _object(row, notes, "the line")
    custom_id = row.get("custom_id") if row is not None else None
    if type(custom_id) is int:
        custom_id = str(custom_id)
    if row is None or type(custom_id) is not str:
        raise AnswerError("the line has no `custom_id`, so nobody can say which request it answers")
    response = _object(row.get("response"), notes, "the response") or {}
    raw_body, error, status = response.get("body"), row.get("error"), http_status(response.get("status_code"))
    if isinstance(row.get("result"), dict):
        raw_body, error = _anthropic(row["result"])
    body = _object(raw_body, notes, "the body")
    if body is None and isinstance(raw_body, list) and len(raw_body) == 1 and isinstance(raw_body[0], dict):
        body = raw_body[0]
    if not says_something(error):
        # The body is the answer, or is or holds the error.
        no_status = status is None or not 100 <= status < 600
        told_well = status is None or not no_status
        may_be_answer = no_status or 200 <= (status or 0) < 300
        if body is not None and may_be_answer and (_is_answer(body) or (told_well and not _is_error(body))):
            return BatchLine(custom_id, status, body, None, None, tuple(notes))
        error = body.get("error") if body is not None and says_something(body.get("error")) else None
        error = error or body or raw_body
    code, message = error_of(error, status)
    if status is None or 200 <= status < 400:
        # A server may have put the status into the error's code.
        told = http_status(code)
        status = told if told is not None and 400 <= told < 600 else status
    return BatchLine(custom_id, status, body, code, message, tuple(notes))


def _object(value: Any, notes: list[str], what: str) -> dict[str, Any] | None:
    """A value that should be an object; one that came as a text of JSON is read."""
    if type(value) is dict:
        return value
    if type(value) is str and value.lstrip()[:1] == "{":
        try:
            inner, more = loads_leniently(value.encode(errors="replace"))
        except AnswerError:
            return None
        if type(inner) is dict:
            notes.extend([*more, f"read {what} out of a JSON text"])
            return inner
    return None


def _anthropic(result: dict[str, Any]) -> tuple[Any, Any]:
    """Body and error of a result as Anthropic's batches have it."""
    kind = result.get("type")
    if kind == "succeeded":
        return result.get("message"), None
    if kind in ("expired", "canceled"):
        return None, {"code": "batch_expired" if kind == "expired" else "batch_cancelled"}
    return None, result.get("error") or {"code": str(kind)}


def _is_answer(body: dict[str, Any]) -> bool:
    """Whether a body has the place of an answer, and no error."""
    return ("choices" in body or "output" in body or body.get("type") == "message") and not says_something(
        body.get("error")
    )


def _is_error(body: dict[str, Any]) -> bool:
    """Whether a body is or holds an error."""
    return (
        says_something(body.get("error"))
        or body.get("object") == "error"
        or body.get("type") == "error"
        or (
            bool(body)
            and not any(key in body for key in _ANSWERS)
            and any(body.get(key) for key in ("message", "detail", "errors"))
        )
    )
