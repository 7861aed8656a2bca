"""A person's word on a submission in doubt: which batch it has, or that it has none."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from goldpan.batches.matching import Matcher, Sighting, look_through
from goldpan.errors import GoldpanError, LedgerError
from goldpan.ledger import Ledger, Submission
from goldpan.providers.base import Batch, BatchProvider


def adopt(ledger: Ledger, provider: BatchProvider, submission: Submission, batch_id: str) -> Batch:
    """Take a batch that a person names for a submission in doubt; hold its `ShardLock`.

    Raises:
        LedgerError: the submission is not in doubt, or the batch was not made for it.
        ProviderError: the provider does not know the batch.
    """
    _check_is_in_doubt(ledger, submission)
    batch = provider.retrieve(batch_id)
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


def rule_out(ledger: Ledger, connect: Callable[[], BatchProvider], submission: Submission) -> None:
    """Take a person's word that no batch was made for a submission in doubt; hold its `ShardLock`.

    Args:
        connect: gives the provider, whose list is looked at once more where that can be had.

    Raises:
        LedgerError: the submission is not in doubt, or the provider lists its batch.
    """
    _check_is_in_doubt(ledger, submission)
    sighting = Sighting()
    # A person may know what a list does not tell.
    with contextlib.suppress(GoldpanError):
        if submission.sent_at is not None:
            sighting = look_through(connect().batches(), Matcher(ledger, submission))
    if sighting.matches:
        batch_id = sighting.matches[0].id
        raise LedgerError(
            f"there is a batch for submission {submission.id}: {batch_id}",
            where=str(ledger.path),
            remedy=f"`goldpan batches adopt {submission.id} {batch_id}`",
        )
    ledger.void(submission.id, "declared as never made by `goldpan batches adopt`")


def _check_is_in_doubt(ledger: Ledger, submission: Submission) -> None:
    if submission.state != "intent":
        raise LedgerError(
            f"submission {submission.id} is not in doubt: it is {submission.state}",
            where=str(ledger.path),
            remedy="`goldpan batches list` shows what is known of it",
        )
