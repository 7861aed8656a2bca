"""Intervals of kappa of two annotators and two labels, where the bootstrap's are wider than they need be.

With few items and a rare label the pseudo-items of the bootstrap come in lumps: a replicate holds none of
them or a whole one. A Dirichlet posterior of the four cells of the table, with a prior of 1/2 in each, which
is the mass of the pseudo-items, spreads the same evenly. By simulation (docs/agreement.md) its lower limit
holds, and its upper limit does where two or more items were answered differently. With at most one the truth
may well be next to 1, which the posterior all but rules out, so the upper limit is that of the bootstrap.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from goldpan.statistics.bootstrap import PSEUDO_ROWS, REPLICATES, Sample, Statistic
from goldpan.statistics.interval import Interval

FEWEST_DISAGREEMENTS = 2
"""Items answered differently, below which the posterior's upper limit is not trusted."""
_METHOD = "Dirichlet posterior of the table, expanded percentiles"


def posterior_replicates(sample: Sample, statistic: Statistic, replicates: int = REPLICATES) -> np.ndarray:
    """Values of a statistic under tables drawn from the posterior, (replicates, s); the same each time.

    Args:
        sample: answers of two annotators with two labels, by `sample_of_answers`.
        statistic: from weights (b, u) of the rows to values (b, s).
        replicates: how many.
    """
    generator = np.random.default_rng((sample.seed, 1) if isinstance(sample.seed, int) else sample.seed)
    mass = sample.strata[0].chances * (sample.drawn + PSEUDO_ROWS)
    weights = generator.standard_gamma(mass, size=(replicates, len(mass)))
    return statistic(sample.drawn * weights / weights.sum(1, keepdims=True))


def bears_posterior(sample: Sample) -> bool:
    """Whether both limits come from the posterior; else the upper one is the bootstrap's."""
    return bool(sample.counts @ (sample.codes[:, 0] != sample.codes[:, 1]) >= FEWEST_DISAGREEMENTS)


def posterior_interval(
    sample: Sample, posterior: np.ndarray, bootstrapped: np.ndarray, estimate: float
) -> Interval | None:
    """The interval of a value; None where it is undefined in all replicates.

    Args:
        sample: as for `posterior_replicates`.
        posterior, bootstrapped: the value's replicates from the posterior and from the bootstrap, each (b,).
        estimate: the value itself, which the interval is widened to hold.
    """
    interval, usual = sample.interval(posterior, estimate), sample.interval(bootstrapped, estimate)
    if interval is None or usual is None:
        return usual
    if bears_posterior(sample):
        return replace(interval, method=_METHOD)
    return replace(interval, high=usual.high, method=f"{_METHOD}; upper limit: {usual.method}")
