"""Waiting until every batch of a round is terminal.

All open batches are polled in turn with growing intervals. Nothing is kept in memory that the ledger does
not hold, so the process may be stopped at any time and run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from goldpan.crashpoints import reached
from goldpan.errors import PendingError, ProviderError
from goldpan.files import read_json, write_json
from goldpan.ledger import Ledger, Submission
from goldpan.providers.base import Batch, BatchError, BatchProvider
from goldpan.study.model import Poll

# Codes of batches that failed before any request was answered, for lack of room rather than for a fault.
QUEUE_CODES = frozenset({"token_limit_exceeded", "rate_limit_exceeded"})
LONGEST_SILENCE = 20
LONGEST_QUEUE_TRIES = 10


@dataclass
class Waiting:
    """One shard on its way.

    Attributes:
        shard: its name in the plan.
        hash: its hash in the ledger.
        submission: its latest submission.
        batch: what the provider last said of it.
        queued: the provider had no room for it; it is to be submitted again.
        failures: calls in a row that brought no answer.
        refusals: times the provider had no room.
    """

    shard: str
    hash: str
    submission: Submission
    batch: Batch | None = None
    queued: bool = False
    failures: int = 0
    refusals: int = 0

    @property
    def is_done(self) -> bool:
        """Whether the batch is terminal."""
        return self.batch is not None and self.batch.is_terminal and not self.queued


@dataclass(frozen=True)
class Progress:
    """How far a round is; rows are those the provider counts."""

    batches: int
    terminal: int
    rows: int
    done: int
    failed: int
    finalizing: int
    queued: int
    elapsed: float
    statuses: dict[str, int] = field(default_factory=dict)

    def line(self) -> str:
        """One line for a terminal."""
        minutes, seconds = divmod(int(self.elapsed), 60)
        parts = [
            f"{self.terminal}/{self.batches} batches",
            f"{self.done}/{self.rows} rows done",
            f"{self.failed} failed",
        ]
        parts += [f"{count} {status}" for status, count in sorted(self.statuses.items())]
        if self.queued:
            parts.append(f"{self.queued} queued for room")
        return f"{', '.join(parts)}, {minutes}:{seconds:02d} elapsed"


def wait_for_batches(
    ledger: Ledger,
    provider: BatchProvider,
    waiting: list[Waiting],
    *,
    poll: Poll,
    wait: bool,
    resubmit: Callable[[Waiting], Submission],
    report: Callable[[Progress], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Poll until all batches are terminal; their last state is then in `waiting`.

    Args:
        wait: False looks once and raises PendingError when something is still open.
        resubmit: submits a shard again that the provider had no room for.
        report: is told the progress after each look.
        sleep: how to pass the time, in seconds.

    Raises:
        PendingError: `wait` is false and batches are open.
        ProviderError: the provider refuses to answer, or has been silent too long.
    """
    start = time.monotonic()
    interval = poll.first
    before: list[Any] = []
    while True:
        for item in waiting:
            if not item.is_done and not item.queued:
                _look(ledger, provider, item)
        reached("polling")
        report(_progress(waiting, time.monotonic() - start))
        if all(item.is_done for item in waiting):
            return
        if not wait:
            raise _pending(waiting)
        now = [(item.batch and asdict(item.batch), item.queued) for item in waiting]
        interval = poll.first if now != before else min(interval * 1.5, poll.longest)
        before = now
        sleep(interval)
        _submit_queued(waiting, resubmit)


def _look(ledger: Ledger, provider: BatchProvider, item: Waiting) -> None:
    batch_id = item.submission.batch_id
    assert batch_id is not None
    try:
        batch = provider.retrieve(batch_id)
    except ProviderError as error:
        if item.submission.state == "settled":
            # Its answers are in the ledger; that the provider has forgotten it does no harm.
            item.batch = Batch(id=batch_id, status=item.submission.status or "completed")
            return
        item.failures += 1
        if not error.retryable or item.failures >= LONGEST_SILENCE:
            raise ProviderError(
                error.what,
                where=f"batch {batch_id} (shard {item.shard})",
                remedy=error.remedy or "run again; nothing is lost, the batch goes on at the provider",
                status=error.status,
                code=error.code,
            ) from None
        return
    item.failures = 0
    item.batch = batch
    if item.submission.state == "settled":
        return
    ledger.record_status(item.submission.id, batch.status, batch.completed, batch.failed)
    if batch.status == "failed" and any(error.code in QUEUE_CODES for error in batch.errors):
        item.refusals += 1
        if item.refusals >= LONGEST_QUEUE_TRIES:
            raise ProviderError(
                f"the provider had no room for this shard {item.refusals} times: {batch.errors[0].message}",
                where=f"batch {batch_id} (shard {item.shard})",
                remedy="set `limits: prompt_tokens:` of the stage below the account's limit, or run later",
            )
        ledger.void(item.submission.id, f"no room: {batch.errors[0].code}")
        item.queued = True


def _submit_queued(waiting: list[Waiting], resubmit: Callable[[Waiting], Submission]) -> None:
    """Submit one queued shard again: when another has made room, or when nothing else is under way."""
    queued = [item for item in waiting if item.queued]
    if not queued:
        return
    open_now = sum(not item.is_done and not item.queued for item in waiting)
    if open_now and all(item.refusals > 1 for item in queued):
        return
    item = queued[0]
    item.submission = resubmit(item)
    item.queued, item.batch = False, None


def _progress(waiting: list[Waiting], elapsed: float) -> Progress:
    batches = [item.batch for item in waiting if item.batch is not None and not item.queued]
    statuses: dict[str, int] = {}
    for batch in batches:
        if not batch.is_terminal:
            statuses[batch.status] = statuses.get(batch.status, 0) + 1
    return Progress(
        batches=len(waiting),
        terminal=sum(item.is_done for item in waiting),
        rows=sum(item.submission.requests for item in waiting),
        done=sum(batch.completed for batch in batches),
        failed=sum(batch.failed for batch in batches),
        finalizing=statuses.get("finalizing", 0),
        queued=sum(item.queued for item in waiting),
        elapsed=elapsed,
        statuses=statuses,
    )


def _pending(waiting: list[Waiting]) -> PendingError:
    still = [item for item in waiting if not item.is_done]
    names = ", ".join(
        f"{item.submission.batch_id} ({item.batch.status if item.batch else 'unknown'})" for item in still[:5]
    )
    more = f" and {len(still) - 5} more" if len(still) > 5 else ""
    return PendingError(
        f"{len(still)} of {len(waiting)} batches are still open: {names}{more}",
        remedy="nothing is wrong: the study says `wait: false`. Run the same command later and it goes on;"
        " `goldpan batches wait` waits now",
    )


def write_completion(path: Path, study: str, stage: str, round: int, waiting: list[Waiting]) -> None:
    """Write completion.json: the last state of every batch of a round."""
    write_json(
        path,
        {
            "study": study,
            "stage": stage,
            "round": round,
            "batches": [
                {
                    "shard": item.shard,
                    "shard_hash": item.hash,
                    "submission": item.submission.id,
                    **asdict(item.batch),
                }
                for item in waiting
                if item.batch is not None
            ],
        },
    )


def read_completion(path: Path) -> dict[str, tuple[int, Batch]]:
    """What completion.json says: shard -> (number of the submission, batch)."""
    return {row["shard"]: (row["submission"], _batch(row)) for row in read_json(path)["batches"]}


def _batch(row: dict[str, Any]) -> Batch:
    fields = {name: row[name] for name in Batch.__dataclass_fields__}
    return Batch(**{**fields, "errors": tuple(BatchError(**error) for error in row["errors"])})
