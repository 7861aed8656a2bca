"""Standard errors of any coefficient that can be recomputed under other weights of the items."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from goldpan.statistics.bootstrap import Sample

MOST_ROWS = 2000
"""Different rows of answers above which no standard error is computed: it takes two values for each row."""
_STEP = 1e-3
_CHUNK_CELLS = 2_000_000
_NONE = 1e-9
"""What rounding leaves of a standard error of 0; the step in place of the derivative leaves its square."""


def standard_errors(
    sample: Sample, statistic: Callable[[np.ndarray], np.ndarray], width: int = 0
) -> list[float | None]:
    """Large-sample standard errors: how each item pulls at a value, squared and summed.

    The infinitesimal jackknife (Efron 1982, The Jackknife, the Bootstrap and Other Resampling Plans, chapter
    6) with n - 1 in place of n, which for kappa, pi and AC1 are the formulas of Gwet (2008), Br J Math Stat
    Psychol 61:29-48. Derivatives are taken numerically. Pseudo-items do not enter.

    Items of one group pull together.

    Args:
        sample: the items.
        statistic: from weights (b, u) of the rows to values (b, s).
        width: the most numbers the statistic holds per row of weights, to bound memory.

    Returns:
        One for each value; None where no item moves it, or with more than `MOST_ROWS` different rows.
    """
    rows = np.flatnonzero(sample.counts)
    # What is moved at once: the rows of a group by as much as they count, else one item of each row.
    units = rows if sample.unit_of_row is None else np.arange(sample.drawn)
    values = statistic(sample.counts[None])
    if len(units) > MOST_ROWS or sample.drawn < 2:
        return [None] * values.shape[1]
    chunk = max(1, _CHUNK_CELLS // max(len(sample.counts), width, 1) // 2)
    variance = np.zeros(values.shape[1])
    for start in range(0, len(units), chunk):
        moved = units[start : start + chunk]
        if sample.unit_of_row is None:
            steps, times = np.arange(len(sample.counts)) == moved[:, None], sample.counts[moved]
        else:
            steps, times = (sample.unit_of_row == moved[:, None]) * sample.counts, np.ones(len(moved))
        step = _STEP * steps
        up, down = np.split(statistic(np.concatenate([sample.counts + step, sample.counts - step])), 2)
        variance += times @ ((up - down) / (2 * _STEP)) ** 2
    errors = np.sqrt(variance * sample.drawn / (sample.drawn - 1))
    none = np.maximum(_NONE, _STEP**2 * np.abs(values[0]))
    return [float(error) if error > least else None for error, least in zip(errors, none, strict=True)]
