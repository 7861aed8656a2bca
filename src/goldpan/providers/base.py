"""The protocol between goldpan and whoever runs a batch, and the one shape batches are brought into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from goldpan.errors import ProviderError
from goldpan.providers.keys import Keys
from goldpan.study.provider import ONLINE, Provider

OPEN: frozenset[str] = frozenset({"validating", "in_progress", "finalizing", "cancelling"})
TERMINAL: frozenset[str] = frozenset({"failed", "completed", "expired", "cancelled"})
# Not a provider's word: a person has given the batch up.
GIVEN_UP = "given_up"
# What a batch is taken to be that is described without a status.
UNKNOWN_STATUS = "unknown"
# What JSON carries whatever the reader, and the ledger can hold.
LARGEST_COUNT = 2**53
# In the year 5138; the same figure in milliseconds was in 1973, before there was any service.
LATEST_TIME = 10**11
# Whose rules hold for requests: OpenAI's, Azure's, or nobody knows.
Rules = Literal["openai", "azure", "other"]
_OTHER_SPELLINGS = {"canceled": "cancelled", "canceling": "cancelling"}


def is_online(name: str | None) -> bool:
    """Whether a batch or a file of this id is goldpan's own, and no service knows it."""
    return (name or "").startswith(ONLINE)


@dataclass(frozen=True)
class BatchError:
    """One entry of a batch's `errors.data`; `line` counts from 1 in the request file."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None


@dataclass(frozen=True)
class Batch:
    """A batch as its provider last described it. Times are Unix seconds.

    `status` may be one that goldpan does not know. Such a batch is open: it may still be paid for, so it is
    looked at on, and never settled.
    """

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
        return self.status in TERMINAL or self.status == GIVEN_UP

    @property
    def has_known_status(self) -> bool:
        """Whether goldpan knows what the status means."""
        return self.status in OPEN or self.status in TERMINAL


@dataclass(frozen=True)
class StoredFile:
    """A file at the provider."""

    id: str
    name: str
    bytes: int
    created_at: int | None = None


@dataclass(frozen=True)
class Surroundings:
    """Where a study stands, as far as its providers need to know.

    Attributes:
        root: folder that paths of the study start from.
        state: folder for what a provider keeps on this machine.
        keys: where to look for keys and addresses.
        others: settings of the study's other providers, whose keys are taken out of what one says, too.
    """

    root: Path
    state: Path
    keys: Keys = field(default_factory=lambda: Keys(None))
    others: tuple[Provider, ...] = ()


class BatchProvider(Protocol):
    """What goldpan needs of a batch service. Every method raises ProviderError (see errors).

    `create` must not retry by itself: a lost answer may have made a paid batch, and only the caller, who
    holds the ledger, can find out. All other methods may retry. A class that derives from this one says what
    is different with it; the class methods ask nobody.

    Attributes:
        kind: what a study calls it.
        works_here: it answers on this machine, while its batches are looked at, with what it has for a model.
        answers_in_jobs: it works here, but looking at a batch changes nothing: a job with a device answers it
            (`batches.answer`), and requests carry the weights that do as their model.
        costs_money: its answers have to be paid.
        from_ledger_alone: it is never called, and does not know who has answered what the ledger holds.
        list_is_exact: a batch is in its list from the moment it is made.
        server_time: the service's own clock, as Unix seconds, at its last answer, refusals included; None
            where no answer said it. A clock that may differ from ours by hours is compared with itself only.
    """

    kind: str
    works_here: bool = False
    answers_in_jobs: bool = False
    costs_money: bool = True
    from_ledger_alone: bool = False
    list_is_exact: bool = False
    server_time: float | None = None

    @classmethod
    def connected(cls, settings: Any, surroundings: Surroundings) -> BatchProvider:
        """The provider that settings of its kind describe; nothing is called yet.

        Raises:
            ProviderError: the key or the address of the service is missing.
        """
        raise NotImplementedError

    @classmethod
    def service(cls, settings: Any, keys: Keys) -> str:
        """Who is asked, as the ledger remembers it: kind and address of the service, without key or password.

        Two providers of one service know each other's batches.
        """
        return cls.kind

    @classmethod
    def rules(cls, settings: Any, keys: Keys) -> Rules:
        """Whose rules hold for requests."""
        return "other"

    def keeper(self, file_id: str | None) -> BatchProvider:
        """Whose list has every batch that was made of an upload; None: of any."""
        return self

    def upload(self, path: Path, name: str) -> StoredFile:
        """Upload a request file under `name`."""

    def find_upload(self, name: str, size: int) -> StoredFile | None:
        """The newest file uploaded under `name` with `size` bytes, if there is one."""

    def create(self, file_id: str, endpoint: str, metadata: dict[str, str]) -> Batch:
        """Create the batch: the call that costs money."""

    def retrieve(self, batch_id: str) -> Batch:
        """The present state of a batch."""

    def end(self, batch_id: str) -> Batch:
        """As `retrieve`; a batch that only goes on while somebody works on it expires first, with the answers
        that it has."""
        return self.retrieve(batch_id)

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
        bytes=_whole(raw.get("bytes")) or 0,
        created_at=_time(raw.get("created_at")),
    )


def batch_from_dict(raw: dict[str, Any]) -> Batch:
    """Read OpenAI's batch object, with the oddities of real ones.

    File ids may be `""` for none; `errors`, `metadata` and `request_counts` may be null, lack keys or be
    something else altogether; a status may be written in capitals, be unknown or be left out; numbers may be
    beyond belief, and are then left out.

    Raises:
        ProviderError: `id` is missing.
    """
    batch_id = raw.get("id")
    if not isinstance(batch_id, str) or not batch_id:
        raise ProviderError(
            f"the service described a batch with id {batch_id!r} and status {raw.get('status')!r}",
            remedy="check that the base URL is that of an OpenAI-compatible batch API",
        )
    counts = _mapping(raw.get("request_counts"))
    errors = _mapping(raw.get("errors")).get("data")
    return Batch(
        id=batch_id,
        status=_status(raw.get("status")),
        created_at=_time(raw.get("created_at")),
        completed_at=_time(raw.get("completed_at")),
        expires_at=_time(raw.get("expires_at")),
        total=_whole(counts.get("total")) or 0,
        completed=_whole(counts.get("completed")) or 0,
        failed=_whole(counts.get("failed")) or 0,
        input_file_id=_name(raw.get("input_file_id")),
        output_file_id=_name(raw.get("output_file_id")),
        error_file_id=_name(raw.get("error_file_id")),
        errors=tuple(
            BatchError(
                code=str(item.get("code") or "unknown"),
                message=str(item.get("message") or ""),
                line=_whole(item.get("line")),
                param=_name(item.get("param")),
            )
            for item in (errors if isinstance(errors, list) else [])
            if isinstance(item, dict)
        ),
        metadata={
            str(key): str(value) for key, value in _mapping(raw.get("metadata")).items() if value is not None
        },
        model=_name(raw.get("model")),
    )


def _status(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        return UNKNOWN_STATUS
    status = value.strip().lower()
    return _OTHER_SPELLINGS.get(status, status)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _whole(value: Any) -> int | None:
    """A number that counts something; None where there is none, or one that cannot be true."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and 0 <= value <= LARGEST_COUNT else None


def _time(value: Any) -> int | None:
    """Unix seconds. Some services count in thousandths, millionths or billionths of them."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    for unit in (1, 10**3, 10**6, 10**9):
        if is_number and 0 < value < LATEST_TIME * unit:
            return int(value) // unit
    return None


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
