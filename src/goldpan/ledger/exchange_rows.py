"""The rows of a ledger export, checked one by one: an export may come from anybody.

What they hold ends up in messages, in tables, in sums of money and as lines of raw files, so each value has a
form. Columns that are not known here are passed over: a newer goldpan may have written them.
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from goldpan.errors import AnswerError
from goldpan.ledger.rows import FLEX_SUMS, TAKEN_IN, UNPAID_STATES, Answer, Submission, was_free
from goldpan.study.base import Name
from goldpan.study.stage import FLEX
from goldpan.tasks.batch_lines import State
from goldpan.tasks.lenient_json import loads_leniently

_EARLIEST = 946_684_800
"""The year 2000: clocks that were never set stand before it."""
_CLOCKS_DIFFER_BY = 2 * 86_400
_MOST = 2**53
_NONCE = re.compile(r"[A-Za-z0-9_.-]{1,128}")


def _plain(text: str) -> str:
    if not text.isprintable():
        raise ValueError("holds characters that cannot be printed")
    return text


def _no_path(text: str) -> str:
    # Some services' ids have slashes of their own (`batches/abc`, `projects/p/jobs/1`).
    parts = _plain(text).removeprefix("gs://").removeprefix("s3://").split("/")
    if "\\" in text or any(part in ("", ".", "..") for part in parts):
        raise ValueError("is a path, not an id")
    return text


def _plausible(moment: float) -> float:
    if not _EARLIEST <= moment <= time.time() + _CLOCKS_DIFFER_BY:
        raise ValueError("is no time at which this can have been")
    return moment


def _nonce(text: str) -> str:
    # Goldpans of before put the batch id behind this as it was.
    if text.startswith(TAKEN_IN):
        return TAKEN_IN + _no_path(text.removeprefix(TAKEN_IN))
    if not _NONCE.fullmatch(text):
        raise ValueError("is no nonce")
    return text


Count = Annotated[int, Field(ge=0, le=_MOST)]
Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Moment = Annotated[float, Field(allow_inf_nan=False), AfterValidator(_plausible)]
Plain = Annotated[str, Field(max_length=300), AfterValidator(_plain)]
ManyPlain = Annotated[str, Field(max_length=10_000), AfterValidator(_plain)]
Id = Annotated[str, Field(min_length=1, max_length=1_000), AfterValidator(_no_path)]
Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,128}$")]
Nonce = Annotated[str, Field(max_length=1_100), AfterValidator(_nonce)]
Key = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Tier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{0,40}$")]
Long = Annotated[str, Field(max_length=1 << 20)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, hide_input_in_errors=True)


def _check_that_flex_is_part(row: _Submission | _Answer) -> None:
    if any(getattr(row, name) > getattr(row, name.removeprefix("flex_")) for name in FLEX_SUMS):
        raise ValueError("more tokens came at flex than in all")


class _Submission(_Row):
    id: Count
    shard: Token
    nonce: Nonce
    state: Literal["settled"]
    provider: Name
    study: Name
    stage: Name
    round: Count
    # Those of all tasks of the stage.
    task: ManyPlain
    task_hash: ManyPlain
    model: Plain
    requests: Count
    bytes: Count
    intent_at: Moment
    file_id: Id | None = None
    batch_id: Id | None = None
    # By the service's clock, whatever that says.
    created_at: Count | None = None
    status: Plain | None = None
    completed: Count = 0
    failed: Count = 0
    checked_at: Moment | None = None
    settled_at: Moment | None = None
    note: Annotated[str, Field(max_length=10_000)] | None = None
    service: Plain = ""
    endpoint: Plain = "/v1/chat/completions"
    sent_at: Moment | None = None
    server_at: Number | None = None
    paid_calls: Count = 0
    prompt_tokens: Count = 0
    completion_tokens: Count = 0
    cached_tokens: Count = 0
    cache_write_tokens: Count = 0
    reasoning_tokens: Count = 0
    paid: Count = 0
    completion_squares: Number = 0.0
    estimated_usd: Number | None = None
    # Exports of earlier versions do not say it.
    free: Literal[0, 1] | None = None
    tier: Tier = ""
    flex_prompt_tokens: Count = 0
    flex_completion_tokens: Count = 0
    flex_cached_tokens: Count = 0
    flex_cache_write_tokens: Count = 0
    lost_calls: Count = 0

    @model_validator(mode="after")
    def _flex_is_part(self) -> _Submission:
        _check_that_flex_is_part(self)
        return self


class _Answer(_Row):
    state: State
    reason: Long | None
    retryable: bool
    attempts: Count
    forgiven: Count
    prompt_tokens: Count
    completion_tokens: Count
    submission: Count
    line: str | None
    cached_tokens: Count = 0
    cache_write_tokens: Count = 0
    reasoning_tokens: Count = 0
    paid: Count | None = None
    tier: Tier = ""
    flex_prompt_tokens: Count = 0
    flex_completion_tokens: Count = 0
    flex_cached_tokens: Count = 0
    flex_cache_write_tokens: Count = 0

    @model_validator(mode="after")
    def _counts_agree(self) -> _Answer:
        _check_that_flex_is_part(self)
        if self.forgiven > self.attempts:
            raise ValueError("more attempts are forgiven than were made")
        return self


class ExportedRow(_Row):
    """A row after the first: a submission, or an answer with its request's key."""

    submission: _Submission | None = None
    key: Key | None = None
    answer: _Answer | None = None
    line_base64: str | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> ExportedRow:
        if (self.submission is None) == (self.answer is None) or (self.key is None) != (self.answer is None):
            raise ValueError("neither a submission nor an answer with its key")
        return self


def submission_of(row: _Submission) -> Submission:
    """The submission as the ledger has it."""
    free = was_free(row.service) if row.free is None else row.free
    return Submission(**{**row.__dict__, "free": int(free)})


def answer_of(row: _Answer, line_base64: str | None) -> Answer:
    """The answer as the ledger has it.

    Args:
        row: the answer.
        line_base64: its line, where that is not UTF-8.

    Raises:
        ValueError: its line is none.
    """
    values = dict(row.__dict__)
    if line_base64 is not None:
        try:
            values["line"] = base64.b64decode(line_base64, validate=True)
        except binascii.Error:
            raise ValueError("line_base64: is not base64") from None
    elif row.line is not None:
        values["line"] = row.line.encode()
    _check_line(values["line"], row.state)
    if row.paid is None:
        # Exports of earlier versions do not say how many of the attempts were answered.
        values["paid"] = max(0, row.attempts - (row.state in UNPAID_STATES))
    if row.tier == FLEX and not row.model_fields_set & {*FLEX_SUMS}:
        # Nor, then, which tokens came at the tier of the last attempt.
        values |= {name: values[name.removeprefix("flex_")] for name in FLEX_SUMS}
    return Answer(**values)


def row_of_answer(key: bytes, answer: Answer) -> dict[str, Any]:
    """An answer as a row of an export.

    The provider's line is text there. One with bytes that are not UTF-8 stands beside it in base64; a goldpan
    that does not know that reads the text, which has U+FFFD in their place.
    """
    columns = {name: getattr(answer, name) for name in Answer.__slots__}
    row: dict[str, Any] = {"key": key.hex(), "answer": columns}
    if answer.line is not None:
        try:
            columns["line"] = answer.line.decode()
        except UnicodeDecodeError:
            columns["line"] = answer.line.decode(errors="replace")
            row["line_base64"] = base64.b64encode(answer.line).decode()
    return row


def _check_line(line: bytes | None, state: str) -> None:
    """A line of its own, and where it is an answer an object as lenient readers take it."""
    if line is None:
        if state == "ok":
            raise ValueError("line: an answer that is ok has one")
        return
    if b"\n" in line:
        raise ValueError("line: is more than one line")
    if state != "ok":
        return
    try:
        value, _ = loads_leniently(line)
    except (AnswerError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ValueError("line: is not a JSON object")
