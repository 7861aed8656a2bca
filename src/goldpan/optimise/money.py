"""What a search has spent, by the answers that it has looked at: the same in every replay."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping

from goldpan.ledger import Ledger
from goldpan.optimise.problem import MoneySpentError


class Money:
    """The money of a search, whoever paid its answers: this run, an earlier one, or the stage itself.

    So a search that is made again, or goes on after it was stopped, comes to the same decisions. Each answer
    counts once, however often it is looked at.

    Args:
        limit: in USD; None for no limit.

    Attributes:
        is_spent: whether something was refused for lack of it.
        unknown: kind -> answers whose price nobody knows.
        payers: what each stage of the search has truly cost in all its runs, in USD, by the ledger.
    """

    def __init__(self, limit: float | None):
        self.limit = limit
        self.is_spent = False
        self.unknown: Counter[str] = Counter()
        self.payers: list[Callable[[Ledger], float]] = []
        self._costs: dict[str, dict[bytes, float]] = defaultdict(dict)
        self._known: set[bytes] = set()

    @property
    def spent(self) -> float:
        """USD."""
        return sum(sum(costs.values()) for costs in self._costs.values())

    def spent_on(self, kind: str) -> float | None:
        """USD for one kind of answers, `answers` or `rewrites`; None where a price is not known."""
        return None if self.unknown[kind] else sum(self._costs[kind].values())

    def new(self, keys: Iterable[bytes]) -> set[bytes]:
        """Those of some requests that were not looked at yet."""
        return set(keys) - self._known

    def check(self, kind: str, number: int, estimate: float) -> None:
        """Check that so many more answers may be looked at.

        Args:
            kind: of the answers.
            number: of those that were not looked at yet.
            estimate: USD for all of them, taken where no answer of this kind is known yet; else it is their
                mean that counts.

        Raises:
            MoneySpentError: they might go above the limit.
        """
        if self.limit is None or not number:
            return
        known = self._costs[kind]
        expected = number * sum(known.values()) / len(known) if known else estimate
        if self.spent + expected > self.limit:
            self.refuse(expected)

    def check_paid(self, ledger: Ledger) -> None:
        """Check that what was truly paid, calls whose answers were lost included, leaves something.

        Raises:
            MoneySpentError: it does not.
        """
        if self.limit is None:
            return
        paid = sum(payer(ledger) for payer in self.payers)
        if paid > self.limit:
            self.refuse(paid - self.limit)

    def refuse(self, expected: float) -> None:
        """Say that the money is spent. Raises MoneySpentError."""
        self.is_spent = True
        raise MoneySpentError(
            f"{self.spent:.4f} USD are spent, and what is next, for about {expected:.4f} USD, would go above"
            f" the {self.limit or 0:.4f} USD of the search"
        )

    def add(self, kind: str, costs: Mapping[bytes, float | None]) -> None:
        """Count answers that were looked at: request key -> USD, None where nobody knows."""
        for key, cost in costs.items():
            if key not in self._known:
                self._known.add(key)
                self.unknown[kind] += cost is None
                self._costs[kind][key] = cost or 0.0
