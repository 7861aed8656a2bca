"""Lines of a batch's output and error files, with the oddities of real ones.

- A rejected request has `error: null`, and its error in `response.body.error`.
- A request that was never tried has `response: null` and an `error` such as `batch_expired`.
- Some servers do the reverse of the first: `error` is set and `response` has no body.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import orjson

from goldpan.errors import AnswerError

State = Literal["ok", "invalid", "refused", "truncated", "failed", "expired", "missing", "skipped"]

RETRYABLE_STATES: frozenset[str] = frozenset({"invalid", "expired", "missing"})
"""States that are asked again in the next round whatever their reason.

`failed` is asked again when `row_failure` says so. `truncated` is not: the same request meets the same limit,
so the answer is to raise `max_completion_tokens`, which makes it another request. `refused` is final.
"""

_TRANSIENT_STATUS = frozenset({408, 409, 425, 429})
_FILTER_CODES = frozenset({"content_filter", "content_policy_violation", "responsibleaipolicyviolation"})
_LONGEST_MESSAGE = 500


class BatchLine(NamedTuple):
    """One line of an output or error file.

    Attributes:
        custom_id: which request it answers.
        status_code: HTTP status of the request, if the line tells one.
        body: the answer's body, whether of success or of failure.
        error_code, error_message: set when the request failed, wherever the line says so.
    """

    custom_id: str
    status_code: int | None
    body: dict[str, Any] | None
    error_code: str | None
    error_message: str | None

    @property
    def answered(self) -> bool:
        """The line holds an answer to be read."""
        return self.body is not None and self.error_code is None and self.status_code in (None, 200)


def read_batch_line(line: bytes) -> BatchLine:
    """Read one line of a batch's output or error file.

    Raises:
        AnswerError: the line is not a JSON object, or has no `custom_id` to join it by.
    """
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as damage:
        raise AnswerError(f"the line is not valid JSON: {damage}") from None
    if type(row) is not dict or type(row.get("custom_id")) is not str:
        raise AnswerError("the line has no `custom_id`, so nobody can say which request it answers")
    response = row.get("response")
    if type(response) is not dict:
        response = {}
    body = response.get("body")
    if type(body) is not dict:
        body = None
    status = _status(response.get("status_code"))
    error = row.get("error") or (body.get("error") if body is not None else None)
    if not error and body is not None and status in (None, 200):
        return BatchLine(row["custom_id"], status, body, None, None)
    code, message = _error(error, status)
    # Where the line tells no status, a server may have put it into the error's code.
    return BatchLine(row["custom_id"], status or _status(code), body, code, message)


def row_failure(line: BatchLine) -> tuple[State, str, bool] | None:
    """What became of a request that has no answer.

    Returns:
        (state, reason, whether asking again may help); None when there is an answer to be read.
    """
    if line.answered:
        return None
    code, status = line.error_code or "unknown", line.status_code
    about = f"{code}: {line.error_message}" if line.error_message else code
    reason = f"{status} {about}" if status is not None and code != str(status) else about
    if code == "batch_expired":
        return "expired", reason, True
    if code == "batch_cancelled":
        return "failed", reason, False
    if code.lower() in _FILTER_CODES:
        return "refused", reason, False
    if status is None or status < 400:
        # Nobody said no: the connection broke, or the service lost the answer on its way.
        return "failed", reason, True
    return "failed", reason, status >= 500 or status in _TRANSIENT_STATUS


def _status(value: Any) -> int | None:
    """An HTTP status given as a number or as its digits."""
    try:
        status = int(value)
    except (TypeError, ValueError):
        return None
    return status if 100 <= status <= 599 else None


def _error(error: Any, status: int | None) -> tuple[str, str | None]:
    """Code and message of an error object, of one wrapped in another, or of a bare text."""
    if isinstance(error, dict) and isinstance(error.get("error"), dict):
        error = error["error"]
    if not isinstance(error, dict):
        message = str(error) if error else "the line has no answer and no error"
        return (f"http_{status}" if status else "no_answer"), _short(message)
    inner = error.get("innererror")
    if isinstance(inner, dict) and str(inner.get("code")).lower() in _FILTER_CODES:
        return "content_filter", _short(error.get("message"))
    code = error.get("code") or error.get("type") or (f"http_{status}" if status else "unknown")
    return str(code), _short(error.get("message"))


def _short(message: Any) -> str | None:
    if not message:
        return None
    text = " ".join(str(message).split())
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}…"
