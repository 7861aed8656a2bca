"""What can be made to go wrong, as a plan: faults of the connection, of a whole batch, and of single rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from goldpan.study.load import validate
from goldpan.study.yaml_file import read_yaml

Route = Literal[
    "upload",
    "list_files",
    "file",
    "content",
    "delete_file",
    "create",
    "list_batches",
    "retrieve",
    "cancel",
    "chat",
    "responses",
    "models",
]
"""Names of the server's routes, as faults and the call counter use them."""


class _Fault(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


# Faults of the connection: goldpan serve only.


class _CallFault(_Fault):
    """A fault that strikes calls of the named routes.

    Attributes:
        calls: the routes. (Not `on`: YAML reads that as true.)
        skip: so many calls go well first.
        times: then so many are struck; null for all.
    """

    calls: tuple[Route, ...] = ("create",)
    skip: int = Field(0, ge=0)
    times: int | None = Field(1, ge=1)

    @field_validator("calls", mode="before")
    @classmethod
    def _one_route_is_a_list(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


class LostAnswer(_CallFault):
    """The call takes effect, then the connection is dropped without an answer."""

    fault: Literal["lost_answer"]


class LostRequest(_CallFault):
    """The connection is dropped before the call takes effect."""

    fault: Literal["lost_request"]


class RateLimited(_CallFault):
    """429 with a Retry-After of so many seconds; the call takes no effect."""

    fault: Literal["rate_limited"]
    retry_after: float = Field(1, ge=0)


class ServerFailure(_CallFault):
    """A 5xx answer; with `after_effect` the call has taken effect all the same."""

    fault: Literal["server_error"]
    status: int = Field(500, ge=500, le=599)
    after_effect: bool = False


class Slow(_CallFault):
    """The answer comes so many seconds late."""

    fault: Literal["slow"]
    seconds: float = Field(gt=0)


class NotFound(_CallFault):
    """A new batch is not to be seen yet: `times` calls about each batch get a 404, or a list without it."""

    fault: Literal["not_found"]
    calls: tuple[Route, ...] = ("retrieve",)


class TruncatedDownload(_CallFault):
    """Content-Length promises all, but only the share `keep` of the bytes comes."""

    fault: Literal["truncated_download"]
    calls: tuple[Route, ...] = ("content",)
    keep: float = Field(0.5, ge=0, lt=1)


class ShortDownload(_CallFault):
    """Only the share `keep` comes, in a chunked answer that ends as if it were whole."""

    fault: Literal["short_download"]
    calls: tuple[Route, ...] = ("content",)
    keep: float = Field(0.5, ge=0, lt=1)


# Faults of a batch.


class _BatchFault(_Fault):
    """A fault that strikes batches.

    Attributes:
        batches: which, by their ordinal in the folder, from 1; null for any.
        times: so many batches are struck; null for all.
    """

    batches: tuple[int, ...] | None = None
    times: int | None = Field(None, ge=1)


class FailedValidation(_BatchFault):
    """The batch is accepted and later `failed`, with this entry in `errors.data`."""

    fault: Literal["failed_validation"]
    code: str = "token_limit_exceeded"
    message: str = "Enqueued token limit reached. Please try again once some batches have been completed."


class BrokenOffFault(_BatchFault):
    """After `after` answered rows the batch expires, is cancelled by the service, or stands still."""

    fault: Literal["expired", "cancelled", "stalled"]
    after: int = Field(0, ge=0)


class OddBatch(_BatchFault):
    """`shuffled`: output in another order; `empty_error_file_id`: `""` where null should be."""

    fault: Literal["shuffled", "empty_error_file_id"]


# Faults of single rows.


class _RowFault(_Fault):
    """A fault that strikes rows of batches.

    Attributes:
        rows: regular expression searched for in the custom_id; null for any.
        every: only each so many-th row of a batch.
        batches: only in these batches, by their ordinal in the folder, from 1.
        times: so many rows are struck in all; null for all. Which ones is certain only while one batch runs.
    """

    rows: str | None = None
    every: int = Field(1, ge=1)
    batches: tuple[int, ...] | None = None
    times: int | None = Field(None, ge=1)

    @field_validator("rows")
    @classmethod
    def _rows_is_a_pattern(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from None
        return value

    def fits(self, custom_id: str, row: int, ordinal: int) -> bool:
        """Whether it may strike row number `row` (from 1) of the batch with that ordinal."""
        return (
            (self.batches is None or ordinal in self.batches)
            and row % self.every == 0
            and (self.rows is None or re.search(self.rows, custom_id) is not None)
        )


class LineFault(_RowFault):
    """`missing`: in neither file; `duplicate`: twice in the output."""

    fault: Literal["missing", "duplicate"]


class AnswerFault(_RowFault):
    """The answer comes, but is not what was asked for; see `row_faults`."""

    fault: Literal[
        "line_separator",
        "truncated",
        "refused",
        "content_filter",
        "not_json",
        "wrong_function",
        "missing_field",
        "unknown_label",
    ]


class RowErrorFault(_RowFault):
    """The row ends in the error file with this status. Without `rows`, all rows fail: no output file."""

    fault: Literal["row_error"]
    status: int = Field(500, ge=400, le=599)
    code: str | None = None
    message: str = "The server had an error while processing this request."


CallFault = (
    LostAnswer
    | LostRequest
    | RateLimited
    | ServerFailure
    | Slow
    | NotFound
    | TruncatedDownload
    | ShortDownload
)
BatchFault = FailedValidation | BrokenOffFault | OddBatch
RowFault = LineFault | AnswerFault | RowErrorFault
Fault = Annotated[CallFault | BatchFault | RowFault, Field(discriminator="fault")]


class FaultPlan(BaseModel):
    """The faults to play, in the order in which they are looked at."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    faults: tuple[Fault, ...] = ()

    @classmethod
    def of(cls, *faults: dict[str, Any]) -> FaultPlan:
        """A plan from plain mappings, as they stand in a file."""
        return cls.model_validate({"faults": faults})

    @classmethod
    def load(cls, path: str | Path) -> FaultPlan:
        """Read a plan from a YAML or JSON file with one key, `faults`.

        Raises:
            StudyError: no such file, not YAML, or an entry is not a known fault.
        """
        path = Path(path)
        return validate(cls, read_yaml(path), path, "docs/serve.md lists every fault and its keys")

    def call_faults(self) -> Iterator[tuple[str, CallFault]]:
        """(key, fault) of the faults of the connection."""
        return ((key, fault) for key, fault in self._keyed() if isinstance(fault, CallFault))

    def batch_faults(self) -> Iterator[tuple[str, BatchFault]]:
        """(key, fault) of the faults of whole batches."""
        return ((key, fault) for key, fault in self._keyed() if isinstance(fault, BatchFault))

    def row_faults(self) -> Iterator[tuple[str, RowFault]]:
        """(key, fault) of the faults of single rows."""
        return ((key, fault) for key, fault in self._keyed() if isinstance(fault, RowFault))

    def _keyed(self) -> Iterator[tuple[str, Any]]:
        # The key under which strikes are counted, also over a restart with the same plan.
        return ((f"{position}:{fault.fault}", fault) for position, fault in enumerate(self.faults, 1))


NO_FAULTS = FaultPlan()
