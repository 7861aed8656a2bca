"""Confidence intervals that hold at n = 30 to 500, also when a label is rare.

At low prevalence a sample often holds no item on which annotators could have differed on the rare label.
The plain bootstrap can then not draw one either, and the Wald interval has no width: of nominal 95 %
intervals half miss. Here two pseudo-items are spread evenly over all ways to answer, which for two
annotators and k labels adds 2 / k^2 to each cell of the contingency table, before replicates are drawn
(multinomial); the interval is that of their percentiles, widened to hold the estimate. The pseudo-items
change the interval only, never the estimate.

Resampling is by item: answers to one item stay together. It says how far the sample of items moves the
result, not how far other annotators would. With several annotators the pseudo-items keep the missing
pattern of real items.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from goldpan.files import sha256_hex
from goldpan.waves.agreement.coefficient import Interval

REPLICATES = 2000
LEVEL = 0.95
PSEUDO_ITEMS = 2.0
METHOD = "bootstrap over items with two pseudo-items spread over all answers, percentiles"
_MOST_PATTERNS = 4096
_POOL = 1024
_CHUNK_CELLS = 4_000_000

Statistic = Callable[[np.ndarray], np.ndarray]
"""From weights (b, u) of the profiles to values (b, s); NaN where undefined."""


@dataclass(frozen=True)
class Profiles:
    """The distinct ways in which items were answered.

    Attributes:
        codes: shape (u, m), below 0 is missing; the last `pool` rows are pseudo-items.
        counts: how many items were answered so, shape (u,); 0 for the pseudo-items.
        chances: the chance of each row in a replicate's draw, shape (u,), sums to 1.
        items: number of items, n.
        seed: from the answers, so that the same answers give the same interval.
    """

    codes: np.ndarray
    counts: np.ndarray
    chances: np.ndarray
    items: int
    seed: int


def profiles(codes: np.ndarray, labels: int) -> Profiles:
    """Group items by how they were answered and add the pool of pseudo-items.

    Args:
        codes: shape (n, m): index of the label each annotator gave; below 0 is missing.
        labels: number of labels, k.
    """
    codes = codes[(codes >= 0).any(1)] if codes.size else codes
    distinct, counts = np.unique(codes, axis=0, return_counts=True)
    seed = int(
        sha256_hex(np.ascontiguousarray(distinct, "<i8").tobytes() + counts.astype("<i8").tobytes())[:16], 16
    )
    pool = _pseudo_items(codes, labels, np.random.default_rng(seed))
    mass = np.concatenate([counts, np.full(len(pool), PSEUDO_ITEMS / max(len(pool), 1))])
    return Profiles(
        codes=np.concatenate([distinct, pool]),
        counts=np.concatenate([counts, np.zeros(len(pool))]).astype(float),
        chances=mass / mass.sum() if mass.sum() else mass,
        items=len(codes),
        seed=seed,
    )


def _pseudo_items(codes: np.ndarray, labels: int, generator: np.random.Generator) -> np.ndarray:
    annotators = codes.shape[1]
    paired = codes[(codes >= 0).sum(1) >= 2]
    if not len(paired) or not labels:
        return np.empty((0, annotators), dtype=codes.dtype)
    if (paired >= 0).all() and labels**annotators <= _MOST_PATTERNS:
        return np.array(list(itertools.product(range(labels), repeat=annotators)), dtype=codes.dtype)
    pool = generator.integers(0, labels, size=(_POOL, annotators)).astype(codes.dtype)
    pattern = paired[generator.integers(0, len(paired), size=_POOL)]
    return np.where(pattern >= 0, pool, -1)


def replicate(
    sample: Profiles, statistic: Statistic, replicates: int = REPLICATES, width: int = 0
) -> np.ndarray:
    """Values of a statistic on resampled items, shape (replicates, s); the same sample gives the same values.

    Args:
        sample: the answers.
        statistic: what to compute; called with some replicates at a time.
        replicates: how many.
        width: numbers the statistic holds per replicate, if more than there are profiles; bounds memory.
    """
    generator = np.random.default_rng(sample.seed)
    chunk = max(1, _CHUNK_CELLS // max(len(sample.chances), width, 1))
    sizes = [min(chunk, replicates - start) for start in range(0, replicates, chunk)]
    draws = (generator.multinomial(sample.items, sample.chances, size=size).astype(float) for size in sizes)
    return np.concatenate([statistic(weights) for weights in draws])


def percentile_interval(values: np.ndarray, estimate: float, level: float = LEVEL) -> Interval | None:
    """Interval between two percentiles of replicates (b,); undefined ones are left out; None if all are."""
    defined = values[~np.isnan(values)]
    if not len(defined):
        return None
    low, high = np.percentile(defined, [50 * (1 - level), 50 * (1 + level)])
    return Interval(min(float(low), estimate), max(float(high), estimate), level, METHOD)


def wilson_interval(successes: float, trials: float, z: float = 1.959963984540054) -> Interval | None:
    """95 % interval of a share (Wilson 1927, J Am Stat Assoc 22:209-212); None without trials."""
    if trials <= 0:
        return None
    share = successes / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return Interval(max(0.0, centre - half), min(1.0, centre + half), LEVEL, "Wilson")
