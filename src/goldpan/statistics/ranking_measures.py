"""Figures of predictions that rank items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from goldpan.statistics.distances import kendall
from goldpan.statistics.figures import Kind
from goldpan.statistics.label_measures import nan_ratio


class RankingMeasures:
    """Mean Kendall's tau with the gold ranking, share of right first places, share of exact rankings.

    A prediction that failed has the code k: its tau is -1, the lowest there is, and nothing of it is right.

    Args:
        rows: shape (u, 2): code of the gold ranking (below k) and of the predicted one (k: failed).
        rankings: k rankings of the same things, best first.
    """

    names = ("kendall_tau", "top_1", "exact_match")
    kinds: ClassVar = {"top_1": Kind.SHARE, "exact_match": Kind.SHARE}

    def __init__(self, rows: np.ndarray, rankings: Sequence[tuple[str, ...]]):
        distance = kendall(rankings)(slice(None))
        failed = rows[:, 1] == len(rankings)
        gold, predicted = rows[:, 0], np.where(failed, 0, rows[:, 1])
        first = np.unique([ranking[0] for ranking in rankings], return_inverse=True)[1]
        self._tau = np.where(failed, -1.0, 1 - 2 * distance[gold, predicted])
        self._top = ~failed & (first[gold] == first[predicted])
        self._exact = ~failed & (gold == predicted)
        self.width = len(rows)

    def values(self, weights: np.ndarray) -> np.ndarray:
        """Figures (b, 3) under weights (b, u) of the rows."""
        total = weights.sum(1)
        return np.stack(
            [nan_ratio(weights @ some, total) for some in (self._tau, self._top, self._exact)], axis=1
        )

    def denominators(self, weights: np.ndarray) -> np.ndarray:
        """All items."""
        return weights.sum(1)[:, None].repeat(len(self.names), axis=1)
