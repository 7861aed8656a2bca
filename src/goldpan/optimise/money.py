"""What a search has spent, by the answers that it has looked at: the same in every replay."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn

from goldpan.batches.budget import Spending
from goldpan.ledger import Ledger
from goldpan.optimise.problem import MoneySpentError

ANSWERS, REWRITES = "answers", "rewrites"
"""What a search pays for."""


class Money:
    """The money of a search, whoever paid its answers: this run, an earlier one, or the stage itself.

    So a search that is made again, or goes on after it was stopped, comes to the same decisions. Each answer
    counts once, however often it is looked at.

    Args:
        limit: in USD; None for no limit.

    Attributes:
        is_spent: whether something was refused for lack of it.
        unknown: kind -> answers whose price nobody knows.
        payers: what each stage of the search has truly cost in all its runs, by the ledger.
        kept_back: how many answers there must still be money for, when the methods have ended: the look at
            the test split.
    """

    def __init__(self, limit: float | None):
        self.limit = limit
        self.is_spent = False
        self.unknown: Counter[str] = Counter()
        self.payers: list[Callable[[Ledger], Spending]] = []
        self.kept_back = 0
        self._costs: dict[str, dict[bytes, float]] = defaultdict(dict)
        self._known: set[bytes] = set()
        self._dearest_answer = 0.0

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

    def expected(self, kind: str, number: int, estimate: float) -> float:
        """USD that so many more answers may cost: by the mean so far; the estimate where that is 0."""
        known = self._costs[kind]
        total = sum(known.values())
        return number * total / len(known) if total else estimate

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
        expected = self.expected(kind, number, estimate)
        if self.spent + expected + self._for_test > self.limit:
            self.refuse(expected)

    def check_paid(self, ledger: Ledger, kind: str, number: int, estimate: float) -> float:
        """Check that what was truly paid, calls whose answers were lost included, leaves enough to ask more.

        Args:
            ledger: that knows what was paid.
            kind, number, estimate: as of `check`, of those that are to be asked now.

        Returns:
            USD that may be paid for these; infinite without a limit.

        Raises:
            MoneySpentError: it does not.
        """
        if self.limit is None:
            return float("inf")
        expected = self.expected(kind, number, estimate)
        paid = [payer(ledger) for payer in self.payers]
        # What the stage itself has paid is in the first, what earlier searches have in the second.
        held = max(
            self.spent + sum(spending.lost_usd for spending in paid),
            sum(spending.total_usd for spending in paid),
        )
        room = self.limit - held - self._for_test
        if expected > room:
            self.refuse(expected, held)
        return room

    def lost(self, ledger: Ledger) -> float:
        """USD that calls may have cost whose answers were lost, in all runs of the search."""
        return sum(payer(ledger).lost_usd for payer in self.payers)

    @property
    def _for_test(self) -> float:
        """USD for the look at the test split: longer prompts are dearer, so by the dearest so far."""
        return self.kept_back * self._dearest_answer

    def refuse(self, expected: float, held: float | None = None) -> NoReturn:
        """Say that the money is spent. Raises MoneySpentError.

        Args:
            expected: USD that what is next may cost.
            held: USD that are held against the limit; default what the answers looked at have cost.
        """
        self.is_spent = True
        spent = self.spent if held is None else held
        lost = "" if held is None else " (calls whose answers were lost included)"
        kept = (
            f", with what the test split will cost ({self.kept_back:,} answers)," if self.kept_back else ","
        )
        raise MoneySpentError(
            f"{spent:.4f} USD are spent{lost}, and what is next, for about {expected:.4f} USD{kept} would go"
            f" above the {self.limit or 0:.4f} USD of the search"
        )

    def add(self, kind: str, costs: Mapping[bytes, float | None]) -> None:
        """Count answers that were looked at: request key -> USD, None where nobody knows."""
        if kind == ANSWERS and costs:
            mean = sum(cost or 0.0 for cost in costs.values()) / len(costs)
            self._dearest_answer = max(self._dearest_answer, mean)
        for key, cost in costs.items():
            if key not in self._known:
                self._known.add(key)
                self.unknown[kind] += cost is None
                self._costs[kind][key] = cost or 0.0
