"""Confidence intervals of evaluation figures: a bootstrap over items, stratum by stratum.

Within each stratum n_h - 1 of its n_h items are drawn with replacement and their weights raised by
n_h / (n_h - 1), which gives a variance that is right for small strata too (Rao and Wu 1988, J Am Stat Assoc
83:231-241). The sample is taken as drawn from a population much larger than itself: no correction is made
for its finite size, so intervals are a little too wide rather than too narrow.

A sample of a hundred items often holds none of the rarer mistakes, and the plain bootstrap cannot draw what
is not there: 50 right of 50 would give the interval [1, 1]. As for agreement (see
`goldpan.statistics.bootstrap`), two pseudo-items are therefore added before replicates are drawn,
shared among the strata by size: any gold value with any prediction that occurs in the stratum, all alike.
They widen the interval and never move the estimate. In simulations with 30 to 300 items, prevalence from
5 % and error rates from 0.5 % the intervals cover 0.92 to 1.00, where the plain bootstrap covers from 0.08.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from goldpan.files import sha256_hex
from goldpan.statistics.bootstrap import PSEUDO_ITEMS, REPLICATES, percentile_interval
from goldpan.statistics.coefficient import finite
from goldpan.statistics.design import Design
from goldpan.statistics.figures import Estimate, Figure

METHOD = "stratified bootstrap over items with two pseudo-items, expanded percentiles"
_POOL = 1024
_CHUNK_CELLS = 4_000_000


class Measures(Protocol):
    """Several figures computed from the same rows.

    Attributes:
        names: of the s figures, in order.
        width: the most numbers `values` holds per replicate; bounds memory.
    """

    width: int

    @property
    def names(self) -> tuple[str, ...]: ...

    def values(self, weights: np.ndarray) -> np.ndarray:
        """Figures (b, s) under weights (b, u) of the rows; NaN where undefined."""
        ...


@dataclass(frozen=True)
class Stratum:
    """The rows of one stratum.

    Attributes:
        rows: where they stand.
        items: how many items were evaluated, n_h.
        chances: the chance of each row in a draw, sums to 1.
    """

    rows: slice
    items: int
    chances: np.ndarray


@dataclass(frozen=True)
class Sample:
    """Items grouped by stratum, weight, gold value and predictions, and the pseudo-items.

    Attributes:
        codes: shape (u, c): code of the gold value, then of each model's prediction.
        counts: items in each row, shape (u,); 0 for pseudo-items.
        weights: design weight of each row's items, shape (u,).
        strata: the strata, in the order of the rows.
        items: number of items, n.
        seed: from the content, so that the same items give the same interval.
    """

    codes: np.ndarray
    counts: np.ndarray
    weights: np.ndarray
    strata: tuple[Stratum, ...]
    items: int
    seed: int


def group(codes: np.ndarray, design: Design, gold_codes: np.ndarray) -> Sample:
    """Group items that are alike and add the pseudo-items.

    Args:
        codes: shape (n, c), at least one item: code of the gold value, then of each model's prediction.
        design: strata and weights of the same items.
        gold_codes: codes that a gold value could have; for the pseudo-items.
    """
    distinct_weights, weight_codes = np.unique(design.weights, return_inverse=True)
    keys = np.column_stack([design.strata, weight_codes.reshape(-1), codes]).astype(np.int64)
    rows, counts = np.unique(keys, axis=0, return_counts=True)
    content = np.ascontiguousarray(rows, "<i8").tobytes() + counts.astype("<i8").tobytes()
    seed = int(sha256_hex(content)[:16], 16)
    generator = np.random.default_rng(seed)
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    strata: list[Stratum] = []
    start = 0
    for stratum in np.unique(rows[:, 0]):
        here = rows[:, 0] == stratum
        own, own_counts = rows[here, 2:], counts[here].astype(float)
        own_weights = distinct_weights[rows[here, 1]]
        pool = _pseudo_items(own, gold_codes, generator)
        items = int(own_counts.sum())
        share = np.full(len(pool), PSEUDO_ITEMS * items / len(codes) / len(pool))
        mass = np.concatenate([own_counts, share])
        mean_weight = float((own_counts * own_weights).sum() / items)
        parts.append(
            (
                np.concatenate([own, pool]),
                np.concatenate([own_counts, np.zeros(len(pool))]),
                np.concatenate([own_weights, np.full(len(pool), mean_weight)]),
            )
        )
        strata.append(Stratum(slice(start, start + len(mass)), items, mass / mass.sum()))
        start += len(mass)
    all_codes, all_counts, all_weights = (
        np.concatenate([part[index] for part in parts]) for index in range(3)
    )
    return Sample(
        codes=all_codes,
        counts=all_counts,
        weights=all_weights,
        strata=tuple(strata),
        items=len(codes),
        seed=seed,
    )


def _pseudo_items(rows: np.ndarray, gold_codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Every gold value with every combination of predictions that occur, or a random part of them."""
    choices = [np.asarray(gold_codes), *(np.unique(column) for column in rows.T[1:])]
    if math.prod(len(some) for some in choices) <= _POOL:
        return np.array(list(itertools.product(*choices)), dtype=rows.dtype)
    return np.column_stack([generator.choice(some, size=_POOL) for some in choices]).astype(rows.dtype)


def _draws(sample: Sample, width: int) -> Iterator[np.ndarray]:
    """Resampled counts (b, u), some replicates at a time."""
    generator = np.random.default_rng(sample.seed)
    chunk = max(1, _CHUNK_CELLS // max(len(sample.counts), width, 1))
    for start in range(0, REPLICATES, chunk):
        size = min(chunk, REPLICATES - start)
        drawn = np.empty((size, len(sample.counts)))
        for stratum in sample.strata:
            number = max(stratum.items - 1, 1)
            again = generator.multinomial(number, stratum.chances, size=size)
            drawn[:, stratum.rows] = again * (stratum.items / number)
        yield drawn


def figures(sample: Sample, measures: Measures) -> tuple[Figure, ...]:
    """Each figure with its interval, over the items as they are and weighted by the design."""
    raw_draws, weighted_draws = [], []
    for drawn in _draws(sample, measures.width):
        raw_draws.append(measures.values(drawn))
        weighted_draws.append(measures.values(drawn * sample.weights))
    raw = _estimates(sample, measures.values(sample.counts[None])[0], np.concatenate(raw_draws))
    weighted = _estimates(
        sample, measures.values((sample.counts * sample.weights)[None])[0], np.concatenate(weighted_draws)
    )
    return tuple(Figure(*parts) for parts in zip(measures.names, raw, weighted, strict=True))


def _estimates(sample: Sample, values: np.ndarray, replicates: np.ndarray) -> list[Estimate]:
    found = []
    free = sample.items - len(sample.strata) + 1
    for index, number in enumerate(values):
        value = finite(number)
        interval = None if value is None else percentile_interval(replicates[:, index], value, free)
        found.append(Estimate(value, None if interval is None else replace(interval, method=METHOD)))
    return found
