"""The mean of scores from a scale with two ends, with an interval that few rows cannot make too narrow."""

from __future__ import annotations

import math
from dataclasses import dataclass

from goldpan.statistics.interval import LEVEL, Interval, clopper_pearson_interval

_NOTHING = 1e-12


@dataclass
class RunningMean:
    """Mean and variance of scores that come one by one (Welford 1962, Technometrics 4:419-420).

    Attributes:
        count: of the scores so far.
        mean: of them.
        squares: sum of their squared distances from the mean.
    """

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, score: float) -> None:
        """Take one score."""
        self.count += 1
        distance = score - self.mean
        self.mean += distance / self.count
        self.squares += distance * (score - self.mean)

    def interval(self, low: float, high: float) -> Interval | None:
        """95 % interval of the mean, by Student's t and within the scale; None for fewer than two scores.

        Where scores are alike, or nearly all of them, t claims more than they show. So the interval is never
        narrower than what so many other scores, anywhere on the scale, would make of the mean as Clopper and
        Pearson allow for none of so many.

        Args:
            low, high: the ends of the scale.
        """
        if self.count < 2:
            return None
        others = clopper_pearson_interval(0, self.count)
        assert others is not None
        below, above = (self.mean - low) * others.high, (high - self.mean) * others.high
        if self.squares <= _NOTHING * self.count * (high - low) ** 2:
            return Interval(self.mean - below, self.mean + above, LEVEL, "Clopper-Pearson, all alike")
        from scipy.special import stdtrit

        t = float(stdtrit(self.count - 1, (1 + LEVEL) / 2))
        half = t * math.sqrt(self.squares / (self.count - 1) / self.count)
        low, high = max(low, self.mean - max(half, below)), min(high, self.mean + max(half, above))
        return Interval(low, high, LEVEL, "Student's t, Clopper-Pearson for scores not seen")
