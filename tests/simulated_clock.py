"""Time that passes only where somebody sleeps."""

from __future__ import annotations


class SimulatedClock:
    """A `goldpan.clock.Clock` for tests: hours of waiting take no time.

    Attributes:
        pauses: how long each sleep was, in seconds.
    """

    def __init__(self, start: float = 1_700_000_000.0):
        self.start = self.time = start
        self.pauses: list[float] = []

    def now(self) -> float:
        """Unix seconds."""
        return self.time

    def monotonic(self) -> float:
        """Seconds since the test began."""
        return self.time - self.start

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        assert seconds >= 0
        self.pauses.append(seconds)
        self.time += seconds
