"""Time as a value that is handed over, so that hours of waiting can be tested in milliseconds."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What goldpan needs of time."""

    def now(self) -> float:
        """Unix seconds; may jump when the machine's clock is set."""

    def monotonic(self) -> float:
        """Seconds that only grow; for measuring how long something takes."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)


SYSTEM_CLOCK: Clock = SystemClock()
