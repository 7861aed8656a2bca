"""Krippendorff's alpha (2011, Computing Krippendorff's alpha-reliability): any annotators, missing answers.

alpha = 1 - D_o / D_e, over items answered at least twice; D_o is the mean distance of two answers to one
item, D_e that of any two answers. As in `multirater`, `weights` (b, u) hold b weightings of the u items at
once.
"""

from __future__ import annotations

import itertools

import numpy as np

from goldpan.as_json import finite
from goldpan.statistics.coefficient import Coefficient
from goldpan.statistics.distances import Metric
from goldpan.statistics.multirater import NO_PAIRS, ONE_LABEL, label_counts

_BLOCK_CELLS = 4_000_000


class AlphaByMetric:
    """Alpha over distinct values with a fixed metric (nominal, ratio, MASI, Jaccard, Kendall).

    Args:
        codes: index of the value each annotator gave, shape (u, m); below 0 is missing.
        values: number of distinct values, K.
        metric: their distances.
        block_cells: the most distances held at once.
    """

    def __init__(self, codes: np.ndarray, values: int, metric: Metric, block_cells: int = _BLOCK_CELLS):
        self.metric, self.values, self.block_cells = metric, values, block_cells
        self.counts, self.answers = _pairable(codes, values)
        self.within = self._within_items(codes)

    def _within_items(self, codes: np.ndarray) -> np.ndarray:
        """Each item's sum of distances over ordered pairs of answers, over its answers less one, (u,)."""
        total = np.zeros(len(codes))
        for part in self._blocks(self.values):
            distances = self.metric(part)
            for first, second in itertools.permutations(codes.T, 2):
                here = np.flatnonzero((first >= part.start) & (first < part.stop) & (second >= 0))
                total[here] += distances[first[here] - part.start, second[here]]
        with np.errstate(all="ignore"):
            return np.where(self.answers >= 2, total / (self.answers - 1), 0.0)

    def _blocks(self, width: int) -> list[slice]:
        rows = max(1, self.block_cells // max(width, 1))
        return [slice(start, min(start + rows, self.values)) for start in range(0, self.values, rows)]

    def disagreement(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Observed and expected mean distance under each weighting, each of shape (b,)."""
        totals = weights @ self.counts
        answers = totals.sum(1)
        between = np.zeros(len(weights))
        for part in self._blocks(max(self.values, len(weights))):
            between += (totals[:, part] * (totals @ self.metric(part).T)).sum(1)
        with np.errstate(all="ignore"):
            return weights @ self.within / answers, _where_varied(totals, between / (answers * (answers - 1)))


class AlphaOnScale:
    """Alpha with squared differences on a scale: interval, or ordinal where a label's place is its mid-rank.

    The ordinal distance of Krippendorff, (sum of n_g from c to k - (n_c + n_k) / 2)^2, is the squared
    difference of the labels' mid-ranks; so it changes with every bootstrap replicate.

    Args:
        codes: index of the label each annotator gave, shape (u, m); below 0 is missing; labels in
            their order.
        positions: the labels' numbers, shape (K,); None for ordinal.
        labels: number of labels, K.
    """

    def __init__(self, codes: np.ndarray, labels: int, positions: np.ndarray | None = None):
        self.positions = positions
        self.counts, self.answers = _pairable(codes, labels)
        with np.errstate(all="ignore"):
            self.share = np.where(self.answers >= 2, 1 / (self.answers - 1), 0.0)

    def disagreement(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Observed and expected mean squared difference under each weighting, each of shape (b,)."""
        totals = weights @ self.counts
        answers = totals.sum(1)
        if self.positions is None:
            places = np.cumsum(totals, axis=1) - totals / 2
        else:
            places = np.broadcast_to(self.positions, totals.shape)
        # Centred and scaled, so that large positions lose no digits.
        with np.errstate(all="ignore"):
            places = places - (totals * places).sum(1, keepdims=True) / answers[:, None]
        sums, squares = places @ self.counts.T, places**2 @ self.counts.T
        within = 2 * (self.answers * squares - sums**2) * self.share
        between = 2 * (answers * (totals * places**2).sum(1) - (totals * places).sum(1) ** 2)
        with np.errstate(all="ignore"):
            return (weights * within).sum(1) / answers, _where_varied(
                totals, between / (answers * (answers - 1))
            )


def _where_varied(totals: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Exactly 0 where only one value was used: rounding must not make an undefined alpha a number."""
    return np.where((totals > 0).sum(1) > 1, expected, 0.0)


def _pairable(codes: np.ndarray, values: int) -> tuple[np.ndarray, np.ndarray]:
    """Counts (u, K) and answers (u,), both 0 for items answered once, which nothing compares with."""
    counts = label_counts(codes, values)
    counts[counts.sum(1) < 2] = 0
    return counts, counts.sum(1)


def alpha_values(alpha: AlphaByMetric | AlphaOnScale, weights: np.ndarray) -> np.ndarray:
    """Alpha under each weighting, shape (b,); NaN where all answers are the same."""
    observed, expected = alpha.disagreement(weights)
    with np.errstate(all="ignore"):
        return np.where(expected > 0, 1 - observed / expected, np.nan)


def krippendorff_alpha(alpha: AlphaByMetric | AlphaOnScale, name: str) -> Coefficient:
    """Alpha of the data themselves; undefined when nobody can be compared or all answers are the same."""
    once = np.ones((1, len(alpha.counts)))
    if not alpha.answers.any():
        return Coefficient(name, None, reason=NO_PAIRS)
    value = finite(alpha_values(alpha, once)[0])
    return Coefficient(name, value, reason=ONE_LABEL if value is None else None)
