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


def standard_errors(
    sample: Sample, statistic: Callable[[np.ndarray], np.ndarray], width: int = 0
) -> list[float | None]:
    """Large-sample standard errors: how each item pulls at a value, squared and summed.

    The infinitesimal jackknife (Efron 1982, The Jackknife, the Bootstrap and Other Resampling Plans, chapter
    6) with n - 1 in place of n, which for kappa, pi and AC1 are the formulas of Gwet (2008), Br J Math Stat
    Psychol 61:29-48. Derivatives are taken numerically. Pseudo-items do not enter.

    Args:
        sample: the items.
        statistic: from weights (b, u) of the rows to values (b, s).
        width: the most numbers the statistic holds per row of weights, to bound memory.

    Returns:
        One for each value; None where no item moves it, or with more than `MOST_ROWS` different rows.
    """
    rows = np.flatnonzero(sample.counts)
    values = statistic(sample.counts[None])
    if len(rows) > MOST_ROWS or sample.drawn < 2:
        return [None] * values.shape[1]
    chunk = max(1, _CHUNK_CELLS // max(len(sample.counts), width, 1) // 2)
    variance = np.zeros(values.shape[1])
    for start in range(0, len(rows), chunk):
        moved = rows[start : start + chunk]
        steps = np.zeros((len(moved), len(sample.counts)))
        steps[np.arange(len(moved)), moved] = _STEP
        up, down = np.split(statistic(np.concatenate([sample.counts + steps, sample.counts - steps])), 2)
        variance += sample.counts[moved] @ ((up - down) / (2 * _STEP)) ** 2
    errors = np.sqrt(variance * sample.drawn / (sample.drawn - 1))
    return [float(error) if error > _NONE else None for error in errors]
