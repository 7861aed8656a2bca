"""How each annotator differs from the others who answered the same items, in one direction."""

from __future__ import annotations

import math

import numpy as np

from goldpan.statistics.bootstrap import Sample, replicate
from goldpan.statistics.interval import Interval

FEWEST_DIFFERING = 10
"""Items on which an annotator differs from the others, below which a bias is not tested."""


def differences_from_others(values: np.ndarray) -> np.ndarray:
    """Each annotator's value less the mean of the others', shape (u, m); NaN without one of them.

    Args:
        values: shape (u, m): places on a scale, or 1 where a label was given and 0 where not; NaN is missing.
    """
    there = ~np.isnan(values)
    filled = np.where(there, values, 0.0)
    with np.errstate(all="ignore"):
        others = (filled.sum(1, keepdims=True) - filled) / (there.sum(1, keepdims=True) - there)
    return np.where(np.isfinite(others), values - others, np.nan)


def bias_intervals(differences: np.ndarray, sample: Sample) -> list[Interval | None]:
    """The interval of the mean of each column; None with nothing to average, too few items, or no width.

    Args:
        differences: shape (u, s), of the rows of `sample`; NaN is missing.
        sample: the items, with the pseudo-items.
    """
    there = ~np.isnan(differences)
    filled, counted = np.where(there, differences, 0.0), there.astype(float)

    def means(weights: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return (weights @ filled) / (weights @ counted)

    if not sample.bears_intervals:
        return [None] * differences.shape[1]
    estimates = means(sample.counts[None])[0]
    draws = replicate(sample, means, width=2 * differences.shape[1])
    intervals = [
        None if np.isnan(estimate) else sample.interval(column, float(estimate))
        for estimate, column in zip(estimates, draws.T, strict=True)
    ]
    return [interval if interval and interval.has_width else None for interval in intervals]


def bias_p_value(differences: np.ndarray) -> float | None:
    """Two-sided p-value of a mean difference of 0; None with fewer than `FEWEST_DIFFERING` that are not 0.

    z is the sum of the differences over the root of the sum of their squares, which is their spread if each
    might as well have had the other sign. For two annotators and two labels it is that of McNemar's test.

    Args:
        differences: of one annotator, shape (n,); NaN is missing.
    """
    differing = differences[~np.isnan(differences) & (np.abs(differences) > 1e-12)]
    if len(differing) < FEWEST_DIFFERING:
        return None
    z = differing.sum() / math.sqrt((differing**2).sum())
    return math.erfc(abs(z) / math.sqrt(2))
