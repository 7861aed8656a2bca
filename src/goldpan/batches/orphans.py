"""Batches that turn up for a submission which already has another, or none by a person's word.

goldpan pays again only where a list is proof that nothing was made, or a person says so. Where that was wrong
the batch shows later; it is written down and shown, for whoever pays to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from goldpan.batches.matching import SERVICE_SKEW
from goldpan.clock import SYSTEM_CLOCK, Clock
from goldpan.errors import ProviderError
from goldpan.ledger import Ledger, Orphan, Submission
from goldpan.providers.base import TERMINAL, Batch, BatchProvider


def noting_orphans(
    ledger: Ledger, batches: Iterator[Batch], *, say: Callable[[str], None], clock: Clock = SYSTEM_CLOCK
) -> Iterator[Batch]:
    """Pass on the batches of a list, and write down those that are orphans; new ones are said."""
    submissions = ledger.submissions()
    known = {orphan.batch_id for orphan in ledger.orphans()}
    of_batches = {(submission.service, submission.batch_id) for submission in submissions}
    by_nonce = {submission.nonce: submission for submission in submissions}
    by_file: dict[str, Submission | None] = {}
    for submission in submissions:
        if submission.file_id:
            # A file id that was used twice tells nothing.
            by_file[submission.file_id] = None if submission.file_id in by_file else submission
    for batch in batches:
        yield batch
        nonce = batch.metadata.get("nonce")
        if nonce is not None:
            owner = by_nonce.get(nonce)
        else:
            owner = _made_from_upload(batch, by_file.get(batch.input_file_id or ""))
        if owner is None or owner.state == "intent" or not batch.id:
            continue
        if (owner.service, batch.id) in of_batches or ("", batch.id) in of_batches:
            continue
        # One that failed at once was not paid for.
        if batch.id in known or batch.status != "failed":
            orphan = record_state(ledger, batch, owner.id, clock)
            if batch.id not in known:
                known.add(batch.id)
                say(description(orphan, owner))


def _made_from_upload(batch: Batch, owner: Submission | None) -> Submission | None:
    if owner is None or owner.server_at is None or batch.created_at is None:
        return None
    return owner if batch.created_at >= owner.server_at - SERVICE_SKEW else None


def record_state(ledger: Ledger, batch: Batch, submission: int, clock: Clock = SYSTEM_CLOCK) -> Orphan:
    """Write down an orphan as its provider describes it now."""
    orphan = Orphan(batch.id, submission, batch.status, batch.total, batch.created_at, clock.now())
    ledger.record_orphan(orphan)
    return orphan


def look_for_orphans(
    ledger: Ledger,
    provider: BatchProvider,
    submissions: list[Submission],
    *,
    say: Callable[[str], None],
    clock: Clock = SYSTEM_CLOCK,
) -> None:
    """Read the service's list once if for one of these submissions more than one paid call may have gone
    through, or a person has said of one of their stages that a paid call made nothing. A list that cannot be
    had is said and passed over: nothing depends on it."""
    may_have_another = any(submission.paid_calls > 1 for submission in submissions)
    if not may_have_another and not ruled_out(ledger, submissions):
        return
    try:
        for _ in noting_orphans(ledger, provider.batches(), say=say, clock=clock):
            pass
    except ProviderError as error:
        say(f"nobody looked for late batches: the service's list cannot be read ({error.what})")


def ruled_out(ledger: Ledger, submissions: Iterable[Submission]) -> list[Submission]:
    """Submissions of the same stages whose paid call made nothing by a person's word: a batch of theirs may
    yet turn up."""
    stages = {(submission.study, submission.stage, submission.service) for submission in submissions}
    return [
        other
        for other in ledger.submissions()
        if (other.study, other.stage, other.service) in stages
        and (other.state, other.batch_id) == ("void", None)
        and other.sent_at is not None
    ]


def orphans_of(ledger: Ledger, study: str | None = None) -> list[tuple[Orphan, Submission]]:
    """All orphans, or those of one study, with the submission that each was made for."""
    pairs = [(orphan, ledger.submission(orphan.submission)) for orphan in ledger.orphans()]
    return [(orphan, owner) for orphan, owner in pairs if study in (None, owner.study)]


def is_at_work(orphan: Orphan) -> bool:
    """Whether it may still answer, and cost: not so only where its last status says that it has ended."""
    return orphan.status not in TERMINAL


def description(orphan: Orphan, owner: Submission) -> str:
    """An orphan in words, with what to do about it."""
    instead = f"which has {owner.batch_id}" if owner.batch_id else f"which is {owner.state}"
    what = (
        f"orphan: batch {orphan.batch_id} ({orphan.status or 'unknown'}, {orphan.requests} requests) was made"
        f" for submission {owner.id} of stage `{owner.stage}`, {instead}; its answers are not used"
    )
    if is_at_work(orphan):
        return f"{what}\n  -> `goldpan batches cancel {orphan.batch_id} --study {owner.study}` stops it"
    return f"{what}\n  -> nothing can be stopped any more; ask the service about the bill"
