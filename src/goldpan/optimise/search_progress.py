"""What is said while a method searches."""

from __future__ import annotations

from collections.abc import Callable

from goldpan.clock import SYSTEM_CLOCK, Clock
from goldpan.optimise.asking import Asking
from goldpan.optimise.candidate import ScoredAnswers
from goldpan.optimise.money import Money

SAY_SECONDS = 10.0


class SearchProgress:
    """Says how far a method is: for each candidate that is asked all of dev, and besides every few seconds.

    Args:
        title: of the search and the method.
        answers: the budget of the method.
        seed_dev: the first prompt's answers on dev.
        money: of the search.
        say: takes a line.
    """

    def __init__(
        self,
        title: str,
        answers: int,
        seed_dev: ScoredAnswers,
        money: Money,
        say: Callable[[str], None],
        clock: Clock = SYSTEM_CLOCK,
    ):
        self._title, self._answers, self._seed_dev, self._money = title, answers, seed_dev, money
        self._say, self._clock = say, clock
        self._best: float | None = None
        self._said_at = clock.monotonic()

    def __call__(self, asks: Asking, scored: ScoredAnswers) -> None:
        """As `asking.Look`."""
        is_dev = set(scored.ids) == set(self._seed_dev.ids)
        if is_dev:
            self._best = max(scored.metric, self._best or scored.metric)
        now = self._clock.monotonic()
        if not is_dev and now - self._said_at < SAY_SECONDS:
            return
        self._said_at = now
        parts = [f"{asks.looked_at:,}/{self._answers:,} answers"]
        if is_dev:
            parts.append(f"a prompt has {scored.metric:.3f} on dev")
        if self._best is not None:
            parts.append(f"the best so far {self._best:.3f}")
        parts.append(f"the first prompt {self._seed_dev.metric:.3f}")
        if not any(self._money.unknown.values()):
            parts.append(f"{self._money.spent:.4f} USD so far")
        self._say(f"{self._title}: {', '.join(parts)}")
