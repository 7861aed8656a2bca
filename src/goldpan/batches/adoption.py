"""A person's word on a submission in doubt: which batch it has, or that it has none."""

from __future__ import annotations

from collections.abc import Callable

from goldpan.batches.matching import Matcher, Sighting, look_through
from goldpan.errors import LedgerError, ProviderError
from goldpan.ledger import Ledger, Submission
from goldpan.providers.base import Batch, BatchProvider
from goldpan.providers.patience import say_on_stderr


def adopt(ledger: Ledger, provider: BatchProvider, submission: Submission, batch_id: str) -> Batch:
    """Take a batch that a person names for a submission in doubt; hold its `ShardLock`.

    Raises:
        LedgerError: the submission is not in doubt, or the batch was not made for it.
        ProviderError: the provider does not know the batch.
    """
    _check_is_in_doubt(ledger, submission)
    try:
        batch = provider.retrieve(batch_id)
    except ProviderError as error:
        if error.status in (400, 404, 410):
            error.remedy = f"check the id: {batch_id!r} is not a batch that this account and key can see"
        raise
    if not _may_be_adopted(ledger, batch, submission):
        raise LedgerError(
            f"batch {batch.id} was not made for submission {submission.id}: another nonce, another request"
            f" file, another time, another submission's, or not of {submission.requests} requests",
            where=str(ledger.path),
            remedy=f"look for the batch with metadata nonce {submission.nonce}",
        )
    ledger.record_batch(submission.id, batch.id, batch.created_at, batch.status)
    return batch


def _may_be_adopted(ledger: Ledger, batch: Batch, submission: Submission) -> bool:
    if batch.total not in (0, submission.requests):
        return False
    if submission.sent_at is None:
        return batch.metadata.get("nonce") == submission.nonce
    # Of what a list leaves unclear a person may know more.
    return Matcher(ledger, submission).kinship(batch) != "other"


def rule_out(
    ledger: Ledger,
    connect: Callable[[], BatchProvider],
    submission: Submission,
    *,
    say: Callable[[str], None] = say_on_stderr,
) -> None:
    """Take a person's word that no batch was made for a submission in doubt; hold its `ShardLock`.

    Args:
        connect: gives the provider, whose list is looked at once more; not called for what was never sent.
        say: is told when the list cannot be read. Then the person's word holds: they may know more than it.

    Raises:
        LedgerError: the submission is not in doubt, or the provider lists its batch.
        StudyError, ProviderError: `connect` raises it; nothing was changed.
    """
    _check_is_in_doubt(ledger, submission)
    sighting = Sighting()
    if submission.sent_at is not None:
        provider = connect()
        try:
            sighting = look_through(provider.batches(), Matcher(ledger, submission))
        except ProviderError as error:
            say(f"the service's list could not be read, so your word alone holds: {error.what}")
        else:
            if not sighting.is_proof and not sighting.matches:
                say(
                    "the service's list shows nothing made after that call, so your word alone holds; what"
                    f" turns up yet is shown by `goldpan batches status --study {submission.study}`"
                )
    if sighting.matches:
        batch_id = sighting.matches[0].id
        raise LedgerError(
            f"there is a batch for submission {submission.id}: {batch_id}",
            where=str(ledger.path),
            remedy=f"`goldpan batches adopt {submission.id} {batch_id} --study {submission.study}`",
        )
    ledger.void(submission.id, "declared as never made by `goldpan batches adopt`")


def _check_is_in_doubt(ledger: Ledger, submission: Submission) -> None:
    if submission.state != "intent":
        raise LedgerError(
            f"submission {submission.id} is not in doubt: it is {submission.state}",
            where=str(ledger.path),
            remedy=f"`goldpan batches list --study {submission.study}` shows what is known of it",
        )
