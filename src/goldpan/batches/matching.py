"""Which batch of a service's list was made for which submission, and what the list says of its own worth.

Times of the service are compared with times of the service only: its clock may differ from ours by hours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from goldpan.errors import ProviderError
from goldpan.ledger import Ledger, Submission
from goldpan.providers.base import Batch

# The clocks of one service's machines may differ by this much, in seconds.
SERVICE_SKEW = 60.0
# Where a service does not say its time, its clock and ours are taken to differ by less than this, in seconds;
# which may make a batch unclear, and nothing else.
LONGEST_SKEW = 24 * 3600.0
# Older batches than this, in seconds before the paid call, need not be read where the newest come first ...
READ_BACK = 3600.0
# ... which a list must have shown over so many of them, more than a page has.
CERTAIN_ORDER = 250

Kinship = Literal["ours", "unclear", "other"]


def belongs_to(batch: Batch, submission: Submission) -> bool:
    """Whether a batch was made for a submission: it carries its nonce, or no nonce and was made from its
    upload (a service may drop metadata; another may use file ids again)."""
    nonce = batch.metadata.get("nonce")
    if nonce is not None:
        return nonce == submission.nonce
    return submission.file_id is not None and submission.file_id == batch.input_file_id


@dataclass
class Sighting:
    """What one look through a service's list has shown of a submission in doubt.

    Attributes:
        matches: batches that were made for it, the one to adopt first.
        unclear: ids of batches that may have been made for it, which nothing tells.
        shows_later: the list has a batch that was made after the paid call was sent.
    """

    matches: list[Batch] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    shows_later: bool = False

    @property
    def is_proof(self) -> bool:
        """Whether a batch that is not seen, though there was time enough for it, was never made."""
        return self.shows_later and not self.unclear and not self.matches


class Matcher:
    """Tells the batches of a submission in doubt from others by what the ledger knows of its service.

    Args:
        ledger: the ledger.
        submission: its paid call was sent.
    """

    def __init__(self, ledger: Ledger, submission: Submission):
        self._submission = submission
        others = [other for other in ledger.submissions() if other.id != submission.id]
        peers = [other for other in others if other.service == submission.service and other.batch_id]
        # Another service may have given the same id; ledgers of before do not say which one did.
        self._of_others = {
            other.batch_id
            for other in others
            if other.batch_id and (not submission.service or other.service in ("", submission.service))
        }
        self._sent_later = {
            other.batch_id: other
            for other in peers
            if other.sent_at is not None and other.sent_at >= _sent(submission)
        }
        self._shares_file = any(
            other.file_id == submission.file_id and other.service == submission.service for other in others
        )
        self.not_before = _server_time_before(submission, peers)

    def kinship(self, batch: Batch) -> Kinship:
        """Whose a batch is."""
        nonce = batch.metadata.get("nonce")
        if nonce is not None:
            return "ours" if nonce == self._submission.nonce else "other"
        if batch.id in self._of_others or batch.input_file_id not in (None, self._submission.file_id):
            return "other"
        not_before, created_at = self.not_before, batch.created_at
        if not_before is not None and created_at is not None and created_at < not_before - SERVICE_SKEW:
            return "other"
        if batch.total not in (0, self._submission.requests):
            return "other"
        # With its file id used for others too, or none, nothing tells; nor where it may be the batch of an
        # earlier file of that id. Times are in whole seconds.
        earliest = self._submission.intent_at - LONGEST_SKEW if not_before is None else not_before
        is_earlier = created_at is not None and created_at < int(earliest)
        return "unclear" if batch.input_file_id is None or self._shares_file or is_earlier else "ours"

    def is_later(self, batch: Batch) -> bool:
        """Whether a batch of others is known to be made after the paid call was sent.

        One of the ledger's own must be recognisable in the list, as the one that is looked for would be.
        """
        own = self._sent_later.get(batch.id)
        if own is not None:
            return belongs_to(batch, own)
        server_at = self._submission.server_at
        return (
            server_at is not None
            and batch.created_at is not None
            and batch.created_at >= server_at + SERVICE_SKEW
        )


class NewestFirst:
    """Finds out while a list is read whether it goes from new to old, and is past a time."""

    def __init__(self, time: float | None):
        self._time = time
        self._last = math.inf
        self._in_order, self._past = True, 0

    def is_past(self, batch: Batch) -> bool:
        """Whether all that follows this batch is older than the time."""
        if self._time is None or batch.created_at is None or batch.created_at > self._last:
            self._in_order = False
        if not self._in_order:
            return False
        assert self._time is not None and batch.created_at is not None
        self._last = batch.created_at
        self._past = self._past + 1 if batch.created_at < self._time else 0
        return self._past >= CERTAIN_ORDER


def look_through(batches: Iterator[Batch], matcher: Matcher) -> Sighting:
    """Look for the batches of a submission in a service's list.

    Raises:
        ProviderError: the list could not be read far enough and has shown no match.
    """
    sighting = Sighting()
    back_to = None if matcher.not_before is None else matcher.not_before - READ_BACK
    order = NewestFirst(back_to)
    try:
        for batch in batches:
            kinship = matcher.kinship(batch)
            if kinship == "ours":
                sighting.matches.append(_with_id(batch))
            elif kinship == "unclear":
                sighting.unclear.append(batch.id)
            elif matcher.is_later(batch):
                sighting.shows_later = True
            if order.is_past(batch):
                break
    except ProviderError:
        # What carries the nonce is certain whatever is not seen; a file id alone may be several batches'.
        if not any(batch.metadata.get("nonce") for batch in sighting.matches):
            raise
    # One that failed at once cost nothing; of the others the oldest is furthest.
    sighting.matches.sort(key=_precedence)
    return sighting


def _precedence(batch: Batch) -> tuple[bool, float, str]:
    return batch.status == "failed", batch.created_at or math.inf, batch.id


def _with_id(batch: Batch) -> Batch:
    if not batch.id:
        raise ProviderError("the service lists the batch that was made, without an id")
    return batch


def _sent(submission: Submission) -> float:
    assert submission.sent_at is not None, "only what was sent is in doubt"
    return submission.sent_at


def _server_time_before(submission: Submission, peers: list[Submission]) -> float | None:
    """A time of the service's clock before which no batch of the submission was made, if one is known:
    what the service said when the paid call was sent, or the newest batch that was known before."""
    if submission.server_at is not None:
        return submission.server_at
    known = [
        peer.created_at
        for peer in peers
        if peer.created_at is not None
        and any(at is not None and at < _sent(submission) for at in (peer.checked_at, peer.settled_at))
    ]
    return max(known, default=None)
