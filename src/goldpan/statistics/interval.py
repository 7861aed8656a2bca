"""A confidence interval, the interval of a share, and numbers as they stand in files."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A confidence interval and how it was made."""

    low: float
    high: float
    level: float
    method: str

    def as_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {
            "low": rounded(self.low),
            "high": rounded(self.high),
            "level": self.level,
            "method": self.method,
        }


def wilson_interval(successes: float, trials: float, z: float = 1.959963984540054) -> Interval | None:
    """95 % interval of a share (Wilson 1927, J Am Stat Assoc 22:209-212); None without trials."""
    if trials <= 0:
        return None
    share = successes / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return Interval(max(0.0, centre - half), min(1.0, centre + half), LEVEL, "Wilson")


def finite(value: Any) -> float | None:
    """A float, or None for NaN: what the array functions give where a value is undefined."""
    number = float(value)
    return number if math.isfinite(number) else None


def rounded(value: float | None) -> float | None:
    """Rounded to 6 decimals for files; None stays None and -0.0 becomes 0.0."""
    return None if value is None else round(float(value), 6) + 0.0
