"""A confidence interval, and the intervals of a share."""

from __future__ import annotations

import math
from dataclasses import dataclass

from goldpan.as_json import AsJson

LEVEL = 0.95
_NOTHING = 1e-9


@dataclass(frozen=True)
class Interval(AsJson):
    """A confidence interval and how it was made."""

    low: float
    high: float
    level: float
    method: str

    @property
    def has_width(self) -> bool:
        """Whether the limits differ; an interval without width claims what no sample shows."""
        return self.high - self.low >= _NOTHING

    def spanning(self, low: float, high: float, how: str) -> Interval:
        """This interval, widened where it does not reach from `low` to `high`; its method also says how."""
        return Interval(min(self.low, low), max(self.high, high), self.level, f"{self.method}, {how}")


def clopper_pearson_interval(successes: float, trials: float) -> Interval | None:
    """95 % interval of a share, which never holds less often than that (Clopper and Pearson 1934, Biometrika
    26:404-413); None without trials.

    By quantiles of the beta distribution, so that effective numbers need not be whole.
    """
    from scipy.special import betaincinv

    if trials <= 0:
        return None
    tail = (1 - LEVEL) / 2
    # Failures that rounding leaves where all are right would make a limit of 1 one of 0.99….
    failures = trials - successes if trials - successes > 1e-9 * trials else 0.0
    low = float(betaincinv(successes, failures + 1, tail)) if successes > 0 else 0.0
    high = float(betaincinv(successes + 1, failures, 1 - tail)) if failures > 0 else 1.0
    return Interval(low, high, LEVEL, "Clopper-Pearson")


def wilson_interval(successes: float, trials: float, z: float = 1.959963984540054) -> Interval | None:
    """95 % interval of a share (Wilson 1927, J Am Stat Assoc 22:209-212); None without trials."""
    if trials <= 0:
        return None
    share = successes / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return Interval(max(0.0, centre - half), min(1.0, centre + half), LEVEL, "Wilson")


def newcombe_interval(
    first: float, first_trials: float, second: float, second_trials: float
) -> Interval | None:
    """95 % interval of the difference of two independent shares, the first minus the second; None where one
    has no trials (Newcombe 1998, Stat Med 17:873-890, method 10).

    Args:
        first, second: successes.
        first_trials, second_trials: of how many; effective numbers need not be whole.
    """
    one, other = wilson_interval(first, first_trials), wilson_interval(second, second_trials)
    if one is None or other is None:
        return None
    a, b = first / first_trials, second / second_trials
    low = a - b - math.hypot(a - one.low, other.high - b)
    high = a - b + math.hypot(one.high - a, b - other.low)
    return Interval(max(-1.0, low), min(1.0, high), LEVEL, "Newcombe")
