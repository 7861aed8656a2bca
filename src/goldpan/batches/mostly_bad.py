"""A stage whose answers are mostly bad is not asked on unless a person says so."""

from __future__ import annotations

from collections import Counter

from goldpan.batches.messages import Messages, message_lines
from goldpan.errors import MostlyBadError
from goldpan.ledger import Answer
from goldpan.study.run_again import run_as_usual

_FEWEST = 2
"""Of one answer nothing can be told: after an edit it may be that of the one row that kept its request."""
# Requests that expired or went missing were not answered, and may well be answered the next time.
BAD_STATES = frozenset({"invalid", "refused", "truncated", "failed"})


class TriedBefore:
    """Counts what came of a stage's requests that were asked before.

    Attributes:
        total: how many there are. Those that `goldpan retry` has forgiven are left out.
    """

    def __init__(self) -> None:
        self.total = 0
        self._states: Counter[str] = Counter()
        self._messages = Messages()

    def add(self, answer: Answer) -> None:
        """Count one of them."""
        if answer.attempts == answer.forgiven:
            return
        self.total += 1
        if answer.state not in BAD_STATES:
            return
        self._states[answer.state] += 1
        self._messages.add(answer.state, answer.reason)

    def check(self, study: str, stage: str, to_ask: int) -> None:
        """Check that there is nothing to ask, or that at least half of the answers so far are good, as far as
        they are enough to tell.

        Args:
            to_ask: how many requests would be asked now.

        Raises:
            MostlyBadError: more than half are bad; it names the commonest reasons.
        """
        bad = self._states.total()
        if not to_ask or bad * 2 <= self.total or self.total < _FEWEST:
            return
        states = ", ".join(f"{count} {state}" for state, count in self._states.most_common())
        reasons = "".join(f"\n     {line}" for line in message_lines(self._messages.commonest()))
        raise MostlyBadError(
            f"{bad} of {self.total} answers so far are bad ({states}), so {to_ask} requests are not asked"
            f" without a person's word. The commonest reasons:{reasons}",
            where=f"stage {stage}",
            remedy=f"look at the rows (`goldpan features {stage} --study {study}`) and mend task, prompt or"
            f" model; or, to go on as it is, {run_as_usual(study, f'go_on={stage}')}",
        )
