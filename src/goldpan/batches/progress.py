"""How far a round is, for whoever waits for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

# The rate is that between a look and so many before it.
_RATE_OVER = 12


@dataclass(frozen=True)
class Progress:
    """How far a round is; rows are those the provider counts.

    Attributes:
        remarks: what is out of the ordinary, said anew only when it changes.
        rate: rows done or failed a second, of late; None where none came.
        cost_usd: what the rows that are done may cost, by the estimate; None where nobody knows, or it is
            free.
    """

    batches: int
    terminal: int
    rows: int
    done: int
    failed: int
    queued: int
    elapsed: float
    statuses: dict[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    rate: float | None = None
    cost_usd: float | None = None

    def line(self) -> str:
        """One line for a terminal."""
        return f"{', '.join([self.counts(), *self._estimates()])}, {_minutes(self.elapsed)} elapsed"

    def _estimates(self) -> Iterator[str]:
        left = self.rows - self.done - self.failed
        if self.terminal == self.batches or left <= 0:
            return
        if self.rate:
            yield f"{self.rate:.3g} rows a second"
            yield f"{_minutes(left / self.rate)} left"
        if self.cost_usd is not None:
            yield f"about {self.cost_usd:.4f} USD so far"

    def counts(self) -> str:
        """The part of it that changes only when something happens."""
        parts = [
            f"{self.terminal}/{self.batches} batches",
            f"{self.done}/{self.rows} rows done",
            f"{self.failed} failed",
        ]
        parts += [f"{count} {status}" for status, count in sorted(self.statuses.items())]
        return ", ".join([*parts, *self.remarks])


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"


class Rate:
    """How many rows are done a second, over the latest looks."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int]] = deque(maxlen=_RATE_OVER)

    def at(self, seconds: float, done: int) -> float | None:
        """The rate by a look at some time; None while nothing came between the looks."""
        self._looks.append((seconds, done))
        since, before = self._looks[0]
        return (done - before) / (seconds - since) if seconds > since and done > before else None
