"""What the ledger's tables hold, as values."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any

from goldpan.study.provider import IMPORTED, ONLINE

# A nonce that begins so stands for one that was not known.
TAKEN_IN = "taken-in-"
# States of requests that brought no answer, and so cost nothing.
UNPAID_STATES = frozenset({"failed", "expired", "missing"})
# What adds up over the attempts at a request, and over the requests of a submission.
SUMS = (
    *("prompt_tokens", "completion_tokens"),
    *("cached_tokens", "cache_write_tokens", "reasoning_tokens", "paid"),
)
# What of the tokens was answered at the tier `flex`, which has a price of its own.
FLEX_SUMS = tuple(
    f"flex_{name}" for name in ("prompt_tokens", "completion_tokens", "cached_tokens", "cache_write_tokens")
)


@dataclass(frozen=True)
class Submission:
    """One attempt to have a shard answered; the columns of table `submissions`."""

    id: int
    shard: str
    nonce: str
    state: str
    provider: str
    study: str
    stage: str
    round: int
    task: str
    task_hash: str
    model: str
    requests: int
    bytes: int
    intent_at: float
    file_id: str | None = None
    batch_id: str | None = None
    created_at: int | None = None
    status: str | None = None
    completed: int = 0
    failed: int = 0
    checked_at: float | None = None
    settled_at: float | None = None
    note: str | None = None
    service: str = ""
    endpoint: str = "/v1/chat/completions"
    sent_at: float | None = None
    server_at: float | None = None
    paid_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    paid: int = 0
    completion_squares: float = 0.0
    estimated_usd: float | None = None
    free: int = 0
    tier: str = ""
    flex_prompt_tokens: int = 0
    flex_completion_tokens: int = 0
    flex_cached_tokens: int = 0
    flex_cache_write_tokens: int = 0
    lost_calls: int = 0

    @property
    def is_free(self) -> bool:
        """Whether its answers cost nothing, by what was known of the provider when it was asked."""
        return bool(self.free)

    @property
    def is_online(self) -> bool:
        """Whether each of its requests is a call of its own, made while somebody waits for it."""
        return (self.batch_id or "").startswith(ONLINE)

    @property
    def is_imported(self) -> bool:
        """Whether it stands for a file of answers that was made, and paid for, elsewhere."""
        return (self.batch_id or "").startswith(IMPORTED)

    @property
    def is_open(self) -> bool:
        """Whether money may still be at work."""
        return self.state in ("intent", "created")


def was_free(service: str) -> bool:
    """Whether answers of a service cost nothing, where it was not written down: ledgers before format 4."""
    return service.partition(" ")[0] == "local"


_KINDS: dict[str, Any] = {"int": int, "float": (int, float), "str": str, "None": type(None)}
_SUBMISSION_KINDS = {
    field.name: tuple(_KINDS[kind] for kind in str(field.type).split(" | ")) for field in fields(Submission)
}


def is_sound(row: Sequence[Any], there: Collection[str] = _SUBMISSION_KINDS) -> bool:
    """Whether the columns of a submission, in the order of its fields, hold what they are for.

    Args:
        there: the columns that the table has; of others nothing is expected.

    SQLite takes a page of zeros, or of another table's bytes, for columns of whatever kind.
    """
    return all(
        name not in there or (isinstance(value, kinds) and not (isinstance(value, str) and "\0" in value))
        for value, (name, kinds) in zip(row, _SUBMISSION_KINDS.items(), strict=True)
    )


@dataclass(frozen=True)
class BatchName:
    """What a file in `results/` says of a batch: two services may number their batches alike.

    Attributes:
        service: who has it; '' in older files.
        nonce: of its submission; None in older files.
        shard, number: of its submission; the number may be that of another submission in another ledger.
    """

    batch_id: str
    service: str = ""
    nonce: str | None = None
    shard: str | None = None
    number: int | None = None

    def closeness(self, submission: Submission) -> int:
        """How surely a submission is the one with this batch: 0 when it is another."""
        if submission.batch_id != self.batch_id:
            return 0
        if self.nonce is not None and not submission.nonce.startswith(TAKEN_IN):
            return 8 if submission.nonce == self.nonce else 0
        same_service = submission.service == self.service
        may_be_here = same_service or "" in (submission.service, self.service)
        same_shard = self.shard is not None and submission.shard == self.shard
        same_number = submission.id == self.number
        if self.shard is not None and not same_shard:
            # Only the service is left to tell, and one gives no id twice.
            return 1 if may_be_here and self.service and same_service else 0
        if not may_be_here and not (same_shard and same_number):
            return 0
        return 1 + 4 * same_shard + 2 * same_number + same_service


@dataclass(frozen=True)
class Orphan:
    """A batch that turned up for an intent which already had one; the columns of table `orphans`."""

    batch_id: str
    submission: int
    status: str | None
    requests: int
    created_at: int | None
    seen_at: float


@dataclass(frozen=True)
class Spent:
    """What the settled submissions of a stage have cost with one model, here or at a service.

    Attributes:
        paid: requests that were answered, whatever the answer was worth.
        prompt_tokens: in all; cached and cache-write tokens are among them.
        completion_tokens: in all; reasoning tokens are among them.
        completion_squares: sum of the squares of each answer's completion tokens.
        is_free: the answers cost nothing.
        is_online: they were asked one by one, and not by a batch API.
        flex_prompt_tokens, ...: what of this was answered at the tier `flex`.
    """

    model: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    paid: int
    completion_squares: float
    is_free: bool = False
    is_online: bool = False
    flex_prompt_tokens: int = 0
    flex_completion_tokens: int = 0
    flex_cached_tokens: int = 0
    flex_cache_write_tokens: int = 0


@dataclass(frozen=True)
class Asked:
    """One row of a submission: its id there, its request key (32 bytes) and the task that was asked."""

    custom_id: str
    key: bytes
    task: str


# Outcomes and answers are made by the million; a frozen dataclass takes three times as long to make.
@dataclass(slots=True)
class Outcome:
    """What came of one request in one submission. `key` has 32 bytes, `tier` is as the answer says it."""

    key: bytes
    state: str
    reason: str | None
    retryable: bool
    line: bytes | None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    tier: str = ""

    @property
    def paid(self) -> int:
        """1 when the service answered, whatever the answer was worth; 0 when it failed or gave nothing."""
        return int(self.state not in UNPAID_STATES)


@dataclass(slots=True)
class Answer:
    """The best outcome known for a request, after `attempts` submissions; columns of table `answers`.

    Tokens are those of all attempts; what begins with `flex_` is the part of them that came at that tier.
    """

    state: str
    reason: str | None
    retryable: bool
    attempts: int
    forgiven: int
    prompt_tokens: int
    completion_tokens: int
    submission: int
    line: bytes | None = None
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    paid: int = 0
    tier: str = ""
    flex_prompt_tokens: int = 0
    flex_completion_tokens: int = 0
    flex_cached_tokens: int = 0
    flex_cache_write_tokens: int = 0

    def may_be_asked(self, max_rounds: int) -> bool:
        """Whether another attempt may help and is allowed."""
        return self.retryable and self.attempts - self.forgiven < max_rounds
