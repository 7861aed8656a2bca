"""The protocol between goldpan and whoever runs a batch, and the one shape batches are brought into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from goldpan.errors import ProviderError

ENDPOINT = "/v1/chat/completions"

Status = Literal[
    "validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"
]
OPEN: frozenset[str] = frozenset({"validating", "in_progress", "finalizing", "cancelling"})
TERMINAL: frozenset[str] = frozenset({"failed", "completed", "expired", "cancelled"})


@dataclass(frozen=True)
class BatchError:
    """One entry of a batch's `errors.data`; `line` counts from 1 in the request file."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None


@dataclass(frozen=True)
class Batch:
    """A batch as its provider last described it. Times are Unix seconds."""

    id: str
    status: str
    created_at: int | None = None
    completed_at: int | None = None
    expires_at: int | None = None
    total: int = 0
    completed: int = 0
    failed: int = 0
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: tuple[BatchError, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    model: str | None = None

    @property
    def is_terminal(self) -> bool:
        """No further change is to be expected."""
        return self.status in TERMINAL


@dataclass(frozen=True)
class StoredFile:
    """A file at the provider."""

    id: str
    name: str
    bytes: int
    created_at: int | None = None


class BatchProvider(Protocol):
    """What goldpan needs of a batch service. Every method raises ProviderError (see errors).

    `create` must not retry by itself: a lost answer may have made a paid batch, and only the caller, who
    holds the ledger, can find out. All other methods may retry.

    Attributes:
        server_time: the service's own clock, as Unix seconds, at its last answer, refusals included; None
            where no answer said it. A clock that may differ from ours by hours is compared with itself only.
    """

    kind: str
    server_time: float | None

    def upload(self, path: Path, name: str) -> StoredFile:
        """Upload a request file under `name`."""

    def find_upload(self, name: str, size: int) -> StoredFile | None:
        """The newest file uploaded under `name` with `size` bytes, if there is one."""

    def create(self, file_id: str, endpoint: str, metadata: dict[str, str]) -> Batch:
        """Create the batch: the call that costs money."""

    def retrieve(self, batch_id: str) -> Batch:
        """The present state of a batch."""

    def batches(self) -> Iterator[Batch]:
        """All batches of the account, each once, in whatever order the service lists them.

        Raises:
            ProviderError: the service does not list them; or, after the last that could be read, there may
                be others.
        """

    def cancel(self, batch_id: str) -> Batch:
        """Ask for a batch to be cancelled."""

    def download(self, file_id: str, destination: Path) -> bool:
        """Write the whole content of a file to `destination` (not atomic; the caller renames).

        Returns:
            Whether its length is known to be right: the service told it, and as many bytes came.

        Raises:
            ProviderError: also when the bytes that came are fewer than the service said.
        """


def stored_file_from_dict(raw: dict[str, Any]) -> StoredFile:
    """Read OpenAI's file object; `bytes` is 0 where the service does not say.

    Raises:
        ProviderError: `id` is missing.
    """
    if not raw.get("id"):
        raise ProviderError(
            "the service described a file without an id",
            remedy="check that the base URL is that of an OpenAI-compatible batch API",
        )
    return StoredFile(
        id=raw["id"],
        name=raw.get("filename") or "",
        bytes=raw.get("bytes") or 0,
        created_at=raw.get("created_at"),
    )


def batch_from_dict(raw: dict[str, Any]) -> Batch:
    """Read OpenAI's batch object, with the oddities of real ones.

    File ids may be `""` for none; `errors` and `request_counts` may be null or lack keys.

    Raises:
        ProviderError: `id` or a known `status` is missing.
    """
    status = raw.get("status")
    if not raw.get("id") or status not in OPEN | TERMINAL:
        raise ProviderError(
            f"the service described a batch with id {raw.get('id')!r} and status {status!r}",
            remedy="check that the base URL is that of an OpenAI-compatible batch API",
        )
    counts = raw.get("request_counts") or {}
    errors = (raw.get("errors") or {}).get("data") or []
    return Batch(
        id=raw["id"],
        status=status,
        created_at=raw.get("created_at"),
        completed_at=raw.get("completed_at"),
        expires_at=raw.get("expires_at"),
        total=counts.get("total") or 0,
        completed=counts.get("completed") or 0,
        failed=counts.get("failed") or 0,
        input_file_id=raw.get("input_file_id") or None,
        output_file_id=raw.get("output_file_id") or None,
        error_file_id=raw.get("error_file_id") or None,
        errors=tuple(
            BatchError(
                code=str(item.get("code") or "unknown"),
                message=str(item.get("message") or ""),
                line=item.get("line"),
                param=item.get("param"),
            )
            for item in errors
        ),
        metadata={
            str(key): str(value) for key, value in (raw.get("metadata") or {}).items() if value is not None
        },
        model=raw.get("model") or None,
    )
