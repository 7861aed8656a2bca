"""Resolving a doubt: a paid call was sent, and nobody knows whether it made a batch.

A batch that the list does not show may be there all the same: lists lag, and a call that failed at a gateway
may go through minutes later. So goldpan looks for minutes. What it sees it adopts. That there is none it
believes only if time enough has passed and the list has proved itself, by showing a batch that was made
later. Else it stops, and a person decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from goldpan.batches.matching import Matcher, Sighting, look_through
from goldpan.batches.orphans import noting_orphans
from goldpan.clock import SYSTEM_CLOCK, Clock
from goldpan.errors import InDoubtError, ProviderError
from goldpan.ledger import Ledger, Submission
from goldpan.providers.base import Batch, BatchProvider
from goldpan.providers.patience import say_on_stderr
from goldpan.providers.service_errors import NOT_OFFERED

_SHORTEST_PAUSE, _FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.2, 30.0
# What a later run gives a list whose grace has passed, for an answer that may be lost or stale.
_SHORT_LOOK = 3.0


@dataclass(frozen=True)
class DoubtResolver:
    """Finds out what became of paid calls.

    Attributes:
        grace_seconds: how long a paid call may take to show up in the service's list, from when it was sent.
        list_is_exact: a batch is in the list from the moment it is made, as in the local engine's folder.
        clock: the time.
        say: told what is going on, for the screen.
        matcher: how batches of a list are told apart.
    """

    grace_seconds: float
    list_is_exact: bool = False
    clock: Clock = SYSTEM_CLOCK
    say: Callable[[str], None] = say_on_stderr
    matcher: Callable[[Ledger, Submission], Matcher] = Matcher

    def find_or_rule_out(
        self,
        ledger: Ledger,
        provider: BatchProvider,
        submission: Submission,
        *,
        lost: ProviderError | None = None,
    ) -> Batch | None:
        """The batch of a submission whose paid call was sent, or None where there certainly is none.

        Args:
            lost: what became of the call, where it was made by this process just now.

        Raises:
            InDoubtError: nothing can be found out for now; nothing was paid again.
        """
        assert submission.sent_at is not None
        elapsed = 0.0 if lost is not None else max(0.0, self.clock.now() - submission.sent_at)
        started = self.clock.monotonic()
        enough_at = started + max(0.0, self.grace_seconds - elapsed)
        stop_at = max(enough_at, started + min(self.grace_seconds, _SHORT_LOOK))
        self._say_that_it_looks(submission, stop_at - started, lost)
        pause = _FIRST_PAUSE
        while True:
            sighting, failure = self._try_to_look(ledger, provider, submission)
            now = self.clock.monotonic()
            if sighting.matches:
                self._say_of(submission, f"batch {sighting.matches[0].id} is there; it is taken")
                return sighting.matches[0]
            if failure is None and (self.list_is_exact or provider.list_is_exact):
                return None
            if failure is None and now >= enough_at and sighting.is_proof:
                self._say_of(
                    submission, "a batch that was made later is listed, and none for it: none was made"
                )
                return None
            if now >= stop_at or (failure is not None and not _may_pass(failure)):
                raise _in_doubt(submission, sighting, failure)
            wanted = failure.retry_after if failure is not None and failure.retry_after else pause
            self.clock.sleep(max(_SHORTEST_PAUSE, min(wanted, stop_at - now)))
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _try_to_look(
        self, ledger: Ledger, provider: BatchProvider, submission: Submission
    ) -> tuple[Sighting, ProviderError | None]:
        try:
            return self.look(ledger, provider, submission), None
        except ProviderError as error:
            return Sighting(), error

    def look(self, ledger: Ledger, provider: BatchProvider, submission: Submission) -> Sighting:
        """Read the service's list once; orphans that show up in it are written down.

        Raises:
            ProviderError: the list could not be read far enough.
        """
        listed = noting_orphans(ledger, provider.batches(), say=self.say, clock=self.clock)
        return look_through(listed, self.matcher(ledger, submission))

    def _say_that_it_looks(self, submission: Submission, seconds: float, lost: ProviderError | None) -> None:
        why = f": {lost.what}" if lost is not None else " by an earlier run"
        self._say_of(
            submission,
            f"it is not certain whether the paid call went through{why}. Looking for its batch at the service"
            f" for up to {_in_words(seconds)}; if this is stopped, nothing is lost: the next run looks on.",
        )

    def _say_of(self, submission: Submission, what: str) -> None:
        if not self.list_is_exact:
            self.say(f"{submission.study}, stage {submission.stage}, shard {submission.shard[:12]}: {what}")


def _may_pass(failure: ProviderError) -> bool:
    return failure.retryable and failure.status not in NOT_OFFERED


def _in_doubt(submission: Submission, sighting: Sighting, failure: ProviderError | None) -> InDoubtError:
    if failure is not None and failure.status in NOT_OFFERED:
        why = f"the provider cannot list its batches: {failure.what}"
    elif failure is not None:
        why = f"the provider's list cannot be read: {failure.what}"
    elif sighting.unclear:
        why = f"the provider's list does not tell whose these are: {', '.join(sighting.unclear[:5])}"
    else:
        why = "the provider's list does not show it, nor any batch that was made later, which would be proof"
    command, study = f"goldpan batches adopt {submission.id}", f"--study {submission.study}"
    return InDoubtError(
        f"a batch may have been made and paid for, and {why}",
        where=f"shard {submission.shard[:12]}, stage {submission.stage}",
        remedy="nothing was paid again. Run again later; or look at the provider for a batch with metadata"
        f" nonce {submission.nonce} or input file {submission.file_id}. If it is there:"
        f" `{command} BATCH_ID {study}`."
        f" If you are certain that there is none: `{command} none {study}`, and the next run asks again",
        in_doubt=True,
    )


def _in_words(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
