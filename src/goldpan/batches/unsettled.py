"""Why requests of a stage that has not ended are still `pending`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from goldpan.ledger import Answer, Ledger


@dataclass(frozen=True)
class Unsettled:
    """What a stage that has not ended waits for.

    Attributes:
        round: the number of the round that is not settled yet.
        max_rounds: how often a request may be asked.
        refusal: why that round is refused; None when it is not.
    """

    round: int
    max_rounds: int
    refusal: str | None = None

    def reasons(
        self, ledger: Ledger, keys: Mapping[str, bytes], answers: Mapping[bytes, Answer]
    ) -> dict[str, str]:
        """Why some requests have no final outcome, by request key; those that have one are left out.

        Args:
            keys: request keys, by what stands for them in asked.jsonl.
            answers: what the ledger knows of them.
        """
        unsettled = {
            name: key
            for name, key in keys.items()
            if key not in answers or answers[key].may_be_asked(self.max_rounds)
        }
        shards = ledger.under_way(list(unsettled.values()))
        return {
            name: self._under_way(ledger, shards[key]) if key in shards else self._to_ask(answers.get(key))
            for name, key in unsettled.items()
        }

    @staticmethod
    def _under_way(ledger: Ledger, shard: str) -> str:
        submission = ledger.open_submission(shard)
        if submission is None or submission.batch_id is None:
            return "under_way: being submitted"
        return f"under_way: in batch {submission.batch_id}"

    def _to_ask(self, answer: Answer | None) -> str:
        again = f" again, after {answer.state}: {answer.reason}" if answer else ""
        if self.refusal:
            return f"over_budget: {self.refusal}" + (f"; to be asked{again}" if answer else "")
        return f"to_be_asked: in round {self.round}{again}"
