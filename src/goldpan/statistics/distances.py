"""How far apart two answers are: the difference functions of Krippendorff's alpha.

A metric gives the distances from a slice of the distinct values to all of them, so that a large set of values
never needs its whole matrix at once. Interval and ordinal distances have a closed form and live in `alpha`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

Metric = Callable[[slice], np.ndarray]
"""Distances (rows of the slice, K), each 0 for equal values and at least 0."""


def nominal(values: int) -> Metric:
    """0 for the same value, 1 for another."""

    def rows(part: slice) -> np.ndarray:
        start, stop, _ = part.indices(values)
        block = np.ones((stop - start, values))
        block[np.arange(stop - start), np.arange(start, stop)] = 0.0
        return block

    return rows


def ratio(positions: np.ndarray) -> Metric:
    """((c - k) / (c + k))^2, for numbers with a true zero (Krippendorff 2011); 0 between two zeros.

    Raises:
        ValueError: a position is negative.
    """
    if (positions < 0).any():
        raise ValueError("ratio distances need numbers that are not negative")

    def rows(part: slice) -> np.ndarray:
        some = positions[part][:, None]
        total = some + positions[None, :]
        with np.errstate(invalid="ignore"):
            return np.where(total > 0, ((some - positions[None, :]) / total) ** 2, 0.0)

    return rows


def jaccard(sets: Sequence[frozenset[str]]) -> Metric:
    """1 - |intersection| / |union|; two empty sets are equal."""
    shared, sizes = _intersections(sets), np.array([len(members) for members in sets], dtype=float)

    def rows(part: slice) -> np.ndarray:
        return 1.0 - _jaccard_similarity(shared(part), sizes[part], sizes)

    return rows


def masi(sets: Sequence[frozenset[str]]) -> Metric:
    """1 - Jaccard times monotonicity (Passonneau 2006, LREC).

    Monotonicity is 1 for equal sets, 2/3 where one holds the other, 1/3 where they overlap, 0 otherwise.
    """
    shared, sizes = _intersections(sets), np.array([len(members) for members in sets], dtype=float)

    def rows(part: slice) -> np.ndarray:
        both, here, there = shared(part), sizes[part][:, None], sizes[None, :]
        monotonicity = np.where(both > 0, 1 / 3, 0.0)
        monotonicity[both == np.minimum(here, there)] = 2 / 3
        monotonicity[(both == here) & (both == there)] = 1.0
        return 1.0 - _jaccard_similarity(both, sizes[part], sizes) * monotonicity

    return rows


def _jaccard_similarity(both: np.ndarray, here: np.ndarray, there: np.ndarray) -> np.ndarray:
    union = here[:, None] + there[None, :] - both
    with np.errstate(invalid="ignore"):
        return np.where(union > 0, both / union, 1.0)


def _intersections(sets: Sequence[frozenset[str]]) -> Metric:
    """Sizes of intersections; by an inverted index, as most pairs of extractions share nothing."""
    holders: dict[str, list[int]] = defaultdict(list)
    for index, members in enumerate(sets):
        for member in members:
            holders[member].append(index)

    def rows(part: slice) -> np.ndarray:
        some = sets[part]
        counts = np.zeros((len(some), len(sets)))
        for row, members in enumerate(some):
            for member in members:
                counts[row, holders[member]] += 1
        return counts

    return rows


def kendall(rankings: Sequence[tuple[str, ...]]) -> Metric:
    """Share of pairs of items that two rankings put in opposite order (normalised Kendall tau distance).

    Raises:
        ValueError: the rankings are not of the same items.
    """
    items = sorted(rankings[0]) if rankings else []
    if any(sorted(ranking) != items for ranking in rankings):
        raise ValueError("rankings can only be compared when all rank the same items")
    first, second = np.triu_indices(len(items), 1)
    # Not reshape(-1, ...): without any rankings there is no item either, and -1 could be any number.
    places = np.array([[ranking.index(item) for item in items] for ranking in rankings], dtype=int)
    places = places.reshape(len(rankings), len(items))
    order = np.sign(places[:, first] - places[:, second]).astype(float)

    def rows(part: slice) -> np.ndarray:
        return (1.0 - order[part] @ order.T / max(len(first), 1)) / 2

    return rows
