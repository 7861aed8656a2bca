"""A confidence interval, and the interval of a share."""

from __future__ import annotations

import math
from dataclasses import dataclass

from goldpan.as_json import AsJson

LEVEL = 0.95


@dataclass(frozen=True)
class Interval(AsJson):
    """A confidence interval and how it was made."""

    low: float
    high: float
    level: float
    method: str


def wilson_interval(successes: float, trials: float, z: float = 1.959963984540054) -> Interval | None:
    """95 % interval of a share (Wilson 1927, J Am Stat Assoc 22:209-212); None without trials."""
    if trials <= 0:
        return None
    share = successes / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return Interval(max(0.0, centre - half), min(1.0, centre + half), LEVEL, "Wilson")
