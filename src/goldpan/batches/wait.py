"""Waiting until every batch of a round is terminal.

All open batches are polled in turn with growing intervals. Nothing is kept in memory that the ledger does
not hold, so the process may be stopped at any time and run again. One batch in trouble does not stop the
others: it is looked at on until they are done, and only then is it an error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from goldpan.batches.contradictions import contradiction
from goldpan.batches.progress import Progress, Rate
from goldpan.batches.room import QUEUE_CODES, Room, time_of_day
from goldpan.clock import SYSTEM_CLOCK, Clock
from goldpan.crashpoints import reached
from goldpan.errors import InDoubtError, PendingError, ProviderError
from goldpan.ledger import Ledger, Submission
from goldpan.providers.base import GIVEN_UP, Batch, BatchProvider
from goldpan.study.stage import Poll

# A batch goes on at its provider while nobody can ask for it, for a day as a rule.
LONGEST_SILENCE_SECONDS = 24 * 3600.0
LONGEST_RETRY_SECONDS = 600.0
# Trouble seen once may be a hiccup.
LOOKS_BEFORE_DOUBT = 3
_NOT_FOUND = frozenset({404, 410})
# What is said to one call will be said to all.
_ACCOUNT = frozenset({401, 402, 403, 429})


# Submits a shard again; None when its requests are with another service by now.
Resubmit = Callable[["Waiting"], Submission | None]


# Asks for the present state of a submission's batch; raises ProviderError.
Ask = Callable[[Submission], Batch]


def asking(provider: BatchProvider) -> Ask:
    """Ask one provider for batches."""
    return lambda submission: provider.retrieve(str(submission.batch_id))


@dataclass
class Trouble:
    """Why a batch is not taken at its word.

    Attributes:
        reason: what is wrong with it.
        since: Unix seconds; for a batch that is not found, when it was last seen or else made.
        looks: how often in a row it was found so.
    """

    reason: str
    since: float
    looks: int = 0


@dataclass
class Waiting:
    """One shard on its way.

    Attributes:
        shard: its name in the plan.
        hash: its hash in the ledger.
        submission: its latest submission.
        batch: what the provider last said of it.
        queued: it is to be submitted again: the provider had no room for it, or an earlier run was stopped.
        silent_since: Unix seconds of the first of the latest calls in a row that brought no answer.
        trouble: the batch is not found, or contradicts itself.
        in_doubt: the trouble has lasted too long.
    """

    shard: str
    hash: str
    submission: Submission
    batch: Batch | None = None
    queued: bool = False
    silent_since: float | None = None
    trouble: Trouble | None = None
    in_doubt: bool = False

    def __post_init__(self) -> None:
        self.queued = self.submission.state == "void" or self.submission.batch_id is None

    @property
    def is_done(self) -> bool:
        """Whether the batch is terminal, and what it says of itself can be true."""
        is_terminal = self.batch is not None and self.batch.is_terminal
        return is_terminal and not self.queued and self.trouble is None

    @property
    def place(self) -> str:
        """The batch, for messages."""
        return f"batch {self.submission.batch_id} (shard {self.shard})"


def wait_for_batches(
    ledger: Ledger,
    ask: Ask,
    waiting: list[Waiting],
    *,
    poll: Poll,
    wait: bool,
    resubmit: Resubmit | None,
    report: Callable[[Progress], None],
    clock: Clock = SYSTEM_CLOCK,
) -> None:
    """Poll until all batches are terminal; their last state is then in `waiting`.

    Args:
        ask: who is asked for a batch; see `asking`.
        wait: False looks once and raises PendingError when something is still open.
        resubmit: submits a shard again that the provider had no room for; without it such a batch has failed.
            A shard that comes back without a batch is another study's by now, and leaves `waiting`.
        report: is told the progress after each look.

    Raises:
        PendingError: `wait` is false and batches are open.
        InDoubtError: all are terminal but those that the provider does not know or that contradict
            themselves, which were looked at for `poll.patience` seconds.
        ProviderError: the provider refuses to answer, has been silent too long, or had no room for days.
    """
    start = clock.monotonic()
    room = Room(clock, poll.first)
    interval = poll.first
    before: list[Any] = []
    rate = Rate()
    if resubmit is not None:
        # Left over by a run that was stopped: there may be room by now.
        for item in [item for item in waiting if item.queued]:
            _resubmit(waiting, item, room, resubmit)
    while True:
        pause = 0.0
        for item in waiting:
            if not item.is_done and not item.queued:
                pause = max(pause, _look(ledger, ask, item, room if resubmit else None, clock))
                _doubt(item, poll.patience if item.trouble else 0.0, wait, clock)
        reached("polling")
        report(_progress(waiting, room, clock.monotonic() - start, rate))
        if all(item.is_done or item.in_doubt for item in waiting):
            break
        if not wait:
            raise _pending(waiting)
        now = [(item.batch and asdict(item.batch), item.queued) for item in waiting]
        interval = poll.first if now != before else min(interval * 1.5, poll.longest)
        before = now
        clock.sleep(max(interval, pause))
        if resubmit is not None:
            _submit_queued(waiting, room, resubmit)
    if doubtful := [item for item in waiting if item.in_doubt]:
        raise in_doubt(doubtful, poll.patience)


def _look(ledger: Ledger, ask: Ask, item: Waiting, room: Room | None, clock: Clock) -> float:
    """Ask for a batch once; returns how many seconds the provider asks to be left alone."""
    batch_id = item.submission.batch_id
    assert batch_id is not None
    if not item.submission.is_open:
        item.batch, item.trouble, item.in_doubt = _settled(ask, item.submission), None, False
        return 0.0
    try:
        batch = ask(item.submission)
    except ProviderError as error:
        item.submission = ledger.submission(item.submission.id)
        if not item.submission.is_open:
            # Somebody has given it up in the meantime.
            return _look(ledger, ask, item, room, clock)
        return _note_trouble(item, error, clock)
    item.silent_since = None
    if batch.id != batch_id:
        _suspect(item, f"the provider answers with batch {batch.id}", clock.now())
        return 0.0
    item.batch = batch
    ledger.record_status(item.submission.id, batch.status, batch.completed, batch.failed)
    if room is not None and has_no_room(batch):
        item.trouble = None
        item.queued = True
        room.refuse(batch.errors[0].code, batch.errors[0].message, item.place)
        ledger.void(item.submission.id, f"no room: {batch.errors[0].code}")
    elif reason := contradiction(batch):
        _suspect(item, f"{batch.status}, but {reason}", clock.now())
    else:
        item.trouble, item.in_doubt = None, False
    return 0.0


def has_no_room(batch: Batch) -> bool:
    """Whether a batch failed before any request was answered, for lack of room rather than for a fault."""
    is_untouched = batch.status == "failed" and not batch.completed and batch.output_file_id is None
    return is_untouched and any(error.code in QUEUE_CODES for error in batch.errors)


def _settled(ask: Ask, submission: Submission) -> Batch:
    """The state of a batch whose answers the ledger has: that the provider has forgotten it does no harm."""
    assert submission.batch_id is not None
    last_known = Batch(submission.batch_id, submission.status or "completed")
    if submission.status == GIVEN_UP:
        return last_known
    try:
        batch = ask(submission)
    except ProviderError:
        return last_known
    return batch if batch.is_terminal and batch.id == submission.batch_id else last_known


def _note_trouble(item: Waiting, error: ProviderError, clock: Clock) -> float:
    """Take note of a call for a batch that failed; raises what cannot be waited out."""
    if error.status in _NOT_FOUND:
        item.silent_since = None
        last_seen = item.submission.checked_at or item.submission.intent_at
        _suspect(item, f"the provider does not know it ({error.status})", last_seen)
        return 0.0
    if error.retryable or error.in_doubt:
        item.silent_since = item.silent_since or clock.now()
        if clock.now() - item.silent_since < LONGEST_SILENCE_SECONDS:
            return min(error.retry_after or 0.0, LONGEST_RETRY_SECONDS)
    elif error.status is not None and 400 <= error.status < 500 and error.status not in _ACCOUNT:
        item.silent_since = None
        _suspect(item, error.what, clock.now())
        return 0.0
    raise ProviderError(
        error.what,
        where=item.place,
        remedy=error.remedy or "run again; nothing is lost, the batch goes on at the provider",
        status=error.status,
        code=error.code,
    ) from None


def _suspect(item: Waiting, reason: str, since: float) -> None:
    if item.trouble is None or item.trouble.reason != reason:
        item.trouble = Trouble(reason, since)
    item.trouble.looks += 1


def _doubt(item: Waiting, patience: float, wait: bool, clock: Clock) -> None:
    """Decide whether a batch's trouble has lasted too long; it may still pass while others are open."""
    trouble = item.trouble
    item.in_doubt = (
        trouble is not None
        and clock.now() - trouble.since >= patience
        and trouble.looks >= (LOOKS_BEFORE_DOUBT if wait else 1)
    )
    batch = item.batch
    if item.in_doubt and batch is not None and contradiction(batch) and batch.error_file_id is not None:
        # Some count what has failed as completed: the error file may hold all rows. Fetching tells, by lines.
        item.trouble, item.in_doubt = None, False


def _submit_queued(waiting: list[Waiting], room: Room, resubmit: Resubmit) -> None:
    """Submit one queued shard again, when it is time to try."""
    room.see(
        [item.batch for item in waiting if item.batch is not None and not item.queued],
        [item.submission.batch_id for item in waiting if item.in_doubt],
    )
    queued = [item for item in waiting if item.queued]
    if not queued or not room.may_try:
        return
    if _resubmit(waiting, queued[0], room, resubmit):
        room.try_with(queued[0].submission.batch_id)


def _resubmit(waiting: list[Waiting], item: Waiting, room: Room, resubmit: Resubmit) -> bool:
    """Submit a queued shard again; False when the provider has no room for it even now, or others ask it."""
    try:
        submission = resubmit(item)
    except ProviderError as error:
        if error.in_doubt or not error.retryable:
            raise
        room.refuse(error.code or "refused", error.what, item.place)
        return False
    if submission is None or submission.batch_id is None:
        # While it had no batch, another study may have taken its rows.
        waiting[:] = [other for other in waiting if other is not item]
        return False
    item.submission = submission
    item.queued, item.batch = False, None
    return True


def _progress(waiting: list[Waiting], room: Room, elapsed: float, rate: Rate) -> Progress:
    batches = [item.batch for item in waiting if item.batch is not None and not item.queued]
    statuses: dict[str, int] = {}
    for batch in batches:
        if not batch.is_terminal:
            name = batch.status if batch.has_known_status else f"{batch.status} (not a status goldpan knows)"
            statuses[name] = statuses.get(name, 0) + 1
    queued = sum(item.queued for item in waiting)
    done = sum(batch.completed for batch in batches)
    failed = sum(batch.failed for batch in batches)
    return Progress(
        batches=len(waiting),
        terminal=sum(item.is_done for item in waiting),
        rows=sum(item.submission.requests for item in waiting),
        done=done,
        failed=failed,
        queued=queued,
        elapsed=elapsed,
        statuses=statuses,
        remarks=tuple(_remarks(waiting)) + ((f"{queued} queued for room{room.says}",) if queued else ()),
        rate=rate.at(elapsed, done + failed),
        cost_usd=_cost_so_far(waiting),
    )


def _cost_so_far(waiting: list[Waiting]) -> float | None:
    """What the rows that are done may cost, by what was estimated when they were submitted."""
    cost = 0.0
    for item in waiting:
        if item.batch is not None and not item.queued and not item.submission.is_free:
            if item.submission.estimated_usd is None:
                return None
            cost += item.submission.estimated_usd * item.batch.completed / max(1, item.submission.requests)
    return cost or None


def _remarks(waiting: list[Waiting]) -> list[str]:
    silent = [item.silent_since for item in waiting if item.silent_since is not None]
    remarks = [f"no answer about {len(silent)} since {time_of_day(min(silent))}"] if silent else []
    for item in waiting:
        if item.trouble is not None:
            kind = "in doubt" if item.in_doubt else "looked at again"
            remarks.append(f"{kind} {item.submission.batch_id}: {item.trouble.reason}")
    return remarks


def in_doubt(doubtful: list[Waiting], patience: float) -> InDoubtError:
    """The error for batches that nobody can take at their word, with the commands that help."""
    reasons = "; ".join(f"{item.place}: {item.trouble.reason}" for item in doubtful if item.trouble)
    first = doubtful[0].submission
    return InDoubtError(
        f"{len(doubtful)} batches are in doubt, and nothing was settled from them: {reasons}",
        where=f"stage {first.stage}, round {first.round}",
        remedy=give_up_remedy(str(first.batch_id), first.study, patience),
        in_doubt=True,
    )


def give_up_remedy(batch_id: str, study: str, patience: float) -> str:
    """What to do about a batch in doubt."""
    command = f"goldpan batches give-up {batch_id} --ask-again --study {study}"
    return (
        f"run again: it is looked at for another {patience:.0f} seconds (`poll: patience:` of the stage). Or"
        f" give it up: `{command}` lets its requests without an answer be asked, and perhaps paid"
        " for, again; with `--record` instead they are recorded as missing"
    )


def _pending(waiting: list[Waiting]) -> PendingError:
    still = [item for item in waiting if not item.is_done]
    names = ", ".join(f"{item.submission.batch_id} ({_state(item)})" for item in still[:5])
    more = f" and {len(still) - 5} more" if len(still) > 5 else ""
    return PendingError(
        f"{len(still)} of {len(waiting)} batches are still open: {names}{more}",
        remedy="nothing is wrong: the study says `wait: false`. Run the same command later and it goes on;"
        f" `goldpan batches wait --study {waiting[0].submission.study}` waits now",
    )


def _state(item: Waiting) -> str:
    if item.queued:
        return "no room yet"
    if item.trouble is not None:
        return item.trouble.reason
    return item.batch.status if item.batch else "unknown"
