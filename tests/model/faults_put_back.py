"""Faults that goldpan had, or could have, in how it resolves doubts: the search must find each of them."""

from __future__ import annotations

from collections.abc import Callable

from goldpan.batches.doubt import DoubtResolver
from goldpan.batches.matching import Matcher, look_through
from goldpan.errors import ProviderError
from goldpan.providers.base import Batch


class CreatesAfterEachDoubt(DoubtResolver):
    """One look, and what is not there is made again."""

    def find_or_rule_out(self, ledger, provider, submission, *, lost=None):
        """As it was."""
        try:
            matches = self.look(ledger, provider, submission).matches
        except ProviderError:
            return None
        return matches[0] if matches else None


class NeedsNoProof(DoubtResolver):
    """What the list does not show after the grace time is made again."""

    def look(self, ledger, provider, submission):
        """As it was."""
        sighting = super().look(ledger, provider, submission)
        sighting.shows_later = True
        return sighting


class NeedsNoTime(DoubtResolver):
    """A list that shows a later batch is believed at once."""

    def find_or_rule_out(self, ledger, provider, submission, *, lost=None):
        """As it might be."""
        sighting = self.look(ledger, provider, submission)
        if sighting.is_proof:
            return None
        return super().find_or_rule_out(ledger, provider, submission, lost=lost)


class CutsOffByOurClock(DoubtResolver):
    """Batches that are older than the intent by our own clock are not read."""

    def look(self, ledger, provider, submission):
        """As it was."""
        young = []
        for batch in sorted(provider.batches(), key=lambda batch: -(batch.created_at or 0)):
            if batch.created_at is not None and batch.created_at < submission.intent_at - 3600:
                break
            young.append(batch)
        return look_through(iter(young), self.matcher(ledger, submission))


class MatchesFilesDespiteNonce(Matcher):
    """A batch made from the same file id is taken, whatever nonce it carries."""

    def kinship(self, batch: Batch):
        """As it was."""
        if batch.input_file_id == self._submission.file_id:
            return "ours"
        return super().kinship(batch)


class MatchesFilesOfAnyTime(Matcher):
    """A batch without a nonce that was made from the same file id is taken, however old."""

    def kinship(self, batch: Batch):
        """As it might be."""
        if batch.metadata.get("nonce") is None and batch.input_file_id == self._submission.file_id:
            return "ours"
        return super().kinship(batch)


def with_matcher(matcher: type[Matcher]) -> Callable[..., DoubtResolver]:
    """A resolver that tells batches apart in another way."""
    return lambda grace, **more: DoubtResolver(grace, matcher=matcher, **more)


RESOLVERS: dict[str, Callable[..., DoubtResolver]] = {
    "creates again after each doubt": CreatesAfterEachDoubt,
    "needs no proof": NeedsNoProof,
    "needs no time": NeedsNoTime,
    "cuts off by our clock": CutsOffByOurClock,
    "a file id matches despite a nonce": with_matcher(MatchesFilesDespiteNonce),
    "a file id matches however old the batch": with_matcher(MatchesFilesOfAnyTime),
}
