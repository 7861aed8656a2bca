"""The bootstrap: answers drawn again and again, and the intervals between what is computed from them.

All intervals by bootstrap come from here; `samples` says what is drawn: the items of a wave, evaluated items
stratum by stratum, or groups of records.

A sample of some size often holds none of the rarer answers, and the plain bootstrap cannot draw what is not
there: of nominal 95 % intervals half may miss, and 50 right of 50 have the interval [1, 1]. So two
pseudo-rows are added before replicates are drawn, shared by a pool of rows that could have been. They widen
the interval and never move the estimate.

The interval lies between percentiles of the replicates, set apart a little further than usual to make up for
the bootstrap's narrowness at small n ("expanded percentiles", Hesterberg 2015, Am Stat 69:371-386), and is
widened to hold the estimate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from goldpan.statistics.interval import LEVEL, Interval

REPLICATES = 2000
PSEUDO_ROWS = 2.0
"""What the pool of pseudo-rows weighs against rows of weight 1."""
_CHUNK_CELLS = 4_000_000

Statistic = Callable[[np.ndarray], np.ndarray]
"""From weights (b, u) of the rows to values (b, s); NaN where undefined."""


@dataclass(frozen=True)
class Stratum:
    """Units of which each may be drawn in another's place.

    Attributes:
        units: where they stand among all units.
        chances: the chance of each in a draw, sums to 1.
        draws: how many are drawn, with replacement.
        weight: what a drawn unit counts.
    """

    units: slice
    chances: np.ndarray
    draws: int
    weight: float = 1.0


@dataclass(frozen=True)
class Sample:
    """Rows of answers with the pool of pseudo-rows, and how they are drawn again.

    Attributes:
        codes: shape (u, c), one row for all that were answered alike, or one for each record.
        counts: how many items each row stands for, shape (u,); 0 for pseudo-rows.
        weights: design weight of each row's items, shape (u,).
        strata: of the units that are drawn: rows, or groups of rows.
        drawn: number of units, but for pseudo-rows: n.
        seed: the same seed gives the same intervals.
        method: how intervals are made, as reports say it.
        bears_intervals: whether there are units enough.
        unit_of_row: where each row's unit stands, shape (u,), if rows are drawn in groups; else None.
        items_of_row: how many items a row counts for when its group is drawn, shape (u,); None for one.
        spans_extremes: whether shares of which all or none are right have, in groups, at least the interval
            of as many items as there are groups.
    """

    codes: np.ndarray
    counts: np.ndarray
    weights: np.ndarray
    strata: tuple[Stratum, ...]
    drawn: int
    seed: int | tuple[int, ...]
    method: str
    bears_intervals: bool = True
    unit_of_row: np.ndarray | None = None
    items_of_row: np.ndarray | None = None
    spans_extremes: bool = False

    @property
    def is_grouped(self) -> bool:
        """Whether some items are only drawn together."""
        return self.unit_of_row is not None and self.drawn < self.counts.sum()

    def of_rows(self, of_units: np.ndarray) -> np.ndarray:
        """Weights of the rows (b, u) from how often each unit was drawn (b, g)."""
        if self.unit_of_row is None:
            return of_units
        of_rows = of_units[:, self.unit_of_row]
        return of_rows if self.items_of_row is None else of_rows * self.items_of_row

    def interval(self, replicates: np.ndarray, estimate: float) -> Interval | None:
        """The interval of a value with its replicates (b,); None when every replicate is undefined."""
        free = self.drawn - len(self.strata) + 1
        return percentile_interval(replicates, estimate, free, self.method)

    def recentred_interval(self, replicates: np.ndarray, estimate: float) -> Interval | None:
        """The same for a mean over labels, 0 to 1, whose replicates lie to one side of it.

        Rare labels vanish from many replicates, and those that stay are pulled by the pseudo-rows. So the
        interval also spans what it would be if the mean of the replicates were the estimate.
        """
        interval = self.interval(replicates, estimate)
        if interval is None:
            return None
        shift = estimate - float(np.nanmean(replicates))
        low, high = (float(np.clip(limit + shift, 0, 1)) for limit in (interval.low, interval.high))
        return interval.spanning(low, high, "recentred")


def replicate(
    sample: Sample, statistic: Statistic, replicates: int = REPLICATES, width: int = 0
) -> np.ndarray:
    """Values of a statistic on resampled rows, shape (replicates, s); the same sample gives the same values.

    Args:
        sample: the answers.
        statistic: what to compute; called with some replicates at a time.
        replicates: how many.
        width: numbers the statistic holds per replicate, if more than there are rows; bounds memory.
    """
    return np.concatenate([statistic(weights) for weights in _draws(sample, replicates, width)])


def _draws(sample: Sample, replicates: int, width: int) -> Iterator[np.ndarray]:
    """Resampled counts of the rows (b, u), some replicates at a time."""
    generator = np.random.default_rng(sample.seed)
    units = sum(len(stratum.chances) for stratum in sample.strata)
    chunk = max(1, _CHUNK_CELLS // max(units, len(sample.codes), width, 1))
    for start in range(0, replicates, chunk):
        size = min(chunk, replicates - start)
        counts = np.empty((size, units))
        for stratum in sample.strata:
            drawn = generator.multinomial(stratum.draws, stratum.chances, size=size)
            counts[:, stratum.units] = drawn * stratum.weight
        yield sample.of_rows(counts)


def percentile_interval(
    values: np.ndarray, estimate: float, free: int, method: str, level: float = LEVEL
) -> Interval | None:
    """Interval between expanded percentiles of replicates.

    Args:
        values: replicates, shape (b,); undefined ones (NaN) are left out.
        estimate: the value itself, which the interval is widened to hold.
        free: number of units drawn, n; of several strata less one for each but the first.
        method: what to call it.
        level: confidence level.

    Returns:
        The interval, or None when every replicate is undefined.
    """
    defined = values[~np.isnan(values)]
    if not len(defined):
        return None
    tail = _expanded_tail(free, level)
    low, high = np.percentile(defined, [100 * tail, 100 * (1 - tail)])
    return Interval(min(float(low), estimate), max(float(high), estimate), level, method)


def _expanded_tail(drawn: int, level: float) -> float:
    """Share of replicates below the interval: that of a normal interval as wide as Student's t makes it.

    The quantile of t is by the Cornish-Fisher expansion (Abramowitz and Stegun 26.7.5).
    """
    normal = NormalDist()
    z = normal.inv_cdf((1 + level) / 2)
    free = max(drawn - 1, 2)
    t = z + (z**3 + z) / (4 * free) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * free**2)
    return normal.cdf(-t * math.sqrt((free + 1) / free))
