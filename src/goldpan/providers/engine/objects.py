"""Files and batches as the engine keeps them, and as OpenAI's API describes them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from goldpan.providers.base import OPEN, BatchError


@dataclass(frozen=True)
class FileRecord:
    """A stored file. Size in bytes, time in Unix seconds."""

    id: str
    filename: str
    purpose: str
    bytes: int
    created_at: int

    def as_openai(self) -> dict[str, Any]:
        """OpenAI's file object."""
        return {"object": "file", **asdict(self), "status": "processed", "status_details": None}


@dataclass
class BatchRecord:
    """A batch and how far its processing has come. Times are Unix seconds.

    Attributes:
        ordinal: 1 for the first batch of the folder, and so on.
        times: when each status was reached, by OpenAI's name (`in_progress_at`, ...).
        ending: the terminal status the batch is on its way to.
        completed, failed: rows that are done, as far as the checkpoint counts.
        first_open_row, input_offset: the first row of the input, from 1, that is not done; where it begins.
        done_ahead: the rows behind that one which are done.
        notes: what a hook has to remember (see `hooks`).
    """

    id: str
    ordinal: int
    endpoint: str
    completion_window: str
    input_file_id: str
    created_at: int
    expires_at: int
    metadata: dict[str, str] | None
    status: str = "validating"
    model: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    total: int = 0
    completed: int = 0
    failed: int = 0
    errors: list[BatchError] = field(default_factory=list)
    times: dict[str, int] = field(default_factory=dict)
    ending: str = "completed"
    first_open_row: int = 1
    input_offset: int = 0
    done_ahead: list[int] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """There is still work to do."""
        return self.status in OPEN

    @property
    def rows_done(self) -> int:
        """How many rows are done, while it is in progress."""
        return self.completed + self.failed

    def count(self, row: int, *, failed: bool) -> None:
        """Count a row as done."""
        self.failed += failed
        self.completed += not failed
        self.done_ahead.append(row)

    def count_again(self) -> None:
        """Count no row as done."""
        self.completed = self.failed = self.input_offset = 0
        self.first_open_row, self.done_ahead = 1, []

    @property
    def made_at(self) -> float:
        """When the batch was created, in Unix seconds, to the nanosecond that its id holds."""
        return int(self.id.rpartition("batch_")[2][:16], 16) / 1e9

    def enter(self, status: str, now: int) -> None:
        """Change the status and note when."""
        self.status = status
        self.times[f"{status}_at"] = now

    def as_openai(self) -> dict[str, Any]:
        """OpenAI's batch object."""
        errors = {"object": "list", "data": [asdict(error) for error in self.errors]} if self.errors else None
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "errors": errors,
            "input_file_id": self.input_file_id,
            "completion_window": self.completion_window,
            "status": self.status,
            "output_file_id": self.output_file_id,
            "error_file_id": self.error_file_id,
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            **{name: self.times.get(name) for name in _TIMES},
            "request_counts": {"total": self.total, "completed": self.completed, "failed": self.failed},
            "metadata": self.metadata,
            "model": self.model,
        }


_TIMES = (
    "in_progress_at",
    "finalizing_at",
    "completed_at",
    "failed_at",
    "expired_at",
    "cancelling_at",
    "cancelled_at",
)
