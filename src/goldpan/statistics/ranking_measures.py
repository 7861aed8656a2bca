"""Figures of predictions that rank items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from goldpan.statistics.distances import kendall
from goldpan.statistics.figures import Kind
from goldpan.statistics.label_measures import nan_ratio

_FIRST = 3


class RankingMeasures:
    """Mean Kendall's tau with the gold ranking, share of right first places, mean share of the gold's first
    three among the first three, share of exact rankings.

    Of three things or fewer the first three are all of them, so that figure is left out.

    A prediction that failed has the code k: its tau is -1, the lowest there is, and nothing of it is right.

    Args:
        rows: shape (u, 2): code of the gold ranking (below k) and of the predicted one (k: failed).
        rankings: k rankings of the same things, best first.
    """

    names: tuple[str, ...] = ("kendall_tau", "top_1", "top_3", "exact_match")
    kinds: ClassVar = {"top_1": Kind.SHARE, "exact_match": Kind.SHARE}

    def __init__(self, rows: np.ndarray, rankings: Sequence[tuple[str, ...]]):
        distance = kendall(rankings)(slice(None))
        failed = rows[:, 1] == len(rankings)
        gold, predicted = rows[:, 0], np.where(failed, 0, rows[:, 1])
        first = np.unique([ranking[0] for ranking in rankings], return_inverse=True)[1]
        figures = {
            "kendall_tau": np.where(failed, -1.0, 1 - 2 * distance[gold, predicted]),
            "top_1": ~failed & (first[gold] == first[predicted]),
            "top_3": np.where(failed, 0.0, _shared_among_first(rankings)[gold, predicted]),
            "exact_match": ~failed & (gold == predicted),
        }
        if all(len(ranking) <= _FIRST for ranking in rankings):
            del figures["top_3"]
        self.names, self._figures = tuple(figures), list(figures.values())
        self.width = len(rows)

    def values(self, weights: np.ndarray) -> np.ndarray:
        """Figures (b, 3 or 4) under weights (b, u) of the rows."""
        total = weights.sum(1)
        return np.stack([nan_ratio(weights @ figure, total) for figure in self._figures], axis=1)

    def denominators(self, weights: np.ndarray) -> np.ndarray:
        """All items."""
        return weights.sum(1)[:, None].repeat(len(self.names), axis=1)


def _shared_among_first(rankings: Sequence[tuple[str, ...]]) -> np.ndarray:
    """Which share of the first three of one ranking are among the first three of another, shape (k, k)."""
    things = sorted({thing for ranking in rankings for thing in ranking})
    is_first = np.array(
        [[thing in ranking[:_FIRST] for thing in things] for ranking in rankings], dtype=float
    )
    return is_first @ is_first.T / np.maximum(is_first.sum(1), 1)[:, None]
