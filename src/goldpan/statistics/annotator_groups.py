"""Who agrees with whom: annotators ordered by kappa, and groups that agree within more than across."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goldpan.statistics.pairwise_kappas import pairwise_kappas

SMALLEST_GAP = 0.1
"""By how much kappa within groups must be above kappa across them to be worth a word."""
_LEVEL = 0.05
_PERMUTATIONS = 199
_MOST_CLUSTERS = 30
"""Clusters, with those of one annotator, up to which the tree is cut."""
Groups = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class AnnotatorGroups:
    """Groups of annotators who agree among themselves and less with each other.

    Attributes:
        members: of each group of two or more, which columns; who belongs to none is in none.
        within: mean kappa of the pairs of each group.
        across: mean kappa of the pairs from two different groups.
        p_value: how often annotators who are all alike would seem as grouped.
    """

    members: Groups
    within: tuple[float, ...]
    across: float
    p_value: float


def similarity_order(kappas: np.ndarray) -> list[int]:
    """The annotators so that those who agree stand together: leaves of an average-linkage tree."""
    if len(kappas) < 3:
        return list(range(len(kappas)))
    from scipy.cluster.hierarchy import leaves_list, optimal_leaf_ordering

    distances = _distances(kappas)
    return [int(leaf) for leaf in leaves_list(optimal_leaf_ordering(_tree(distances), distances))]


def annotator_groups(codes: np.ndarray, credit: np.ndarray, kappas: np.ndarray) -> AnnotatorGroups | None:
    """The groups that annotators fall into, if any.

    The tree of average linkage on 1 - kappa is cut where the gap is largest: the least mean kappa within a
    group less the mean kappa across groups, times the share of annotators who are in a group of two or more,
    so that nobody is left out without need. A best cut is found in noise too. So the answers to each item are
    permuted among those who gave them, which makes all annotators alike, and cut in the same way; groups are
    reported where that rarely gives as large a gap.

    Args:
        codes, credit: as for `pairwise_kappas`.
        kappas: its result for them.
    """
    members, gap = _best_cut(kappas)
    if gap < SMALLEST_GAP:
        return None
    generator = np.random.default_rng(0)
    as_large = 0
    for _ in range(_PERMUTATIONS):
        as_large += _best_cut(pairwise_kappas(_permuted(codes, generator), credit))[1] >= gap
        if 1 + as_large > _LEVEL * (1 + _PERMUTATIONS):
            return None
    p_value = (1 + as_large) / (1 + _PERMUTATIONS)
    is_member = np.stack([np.isin(np.arange(len(kappas)), group) for group in members], axis=1)
    within, across = _within_and_across(kappas, is_member)
    return AnnotatorGroups(members, tuple(map(float, within)), across, p_value)


def _best_cut(kappas: np.ndarray) -> tuple[Groups, float]:
    """The groups with the largest gap, and that gap; no groups and minus infinity where there are none."""
    best: tuple[Groups, float] = ((), -np.inf)
    if len(kappas) < 4:
        return best
    from scipy.cluster.hierarchy import cut_tree

    tree = _tree(_distances(kappas))
    for numbers in cut_tree(tree, range(2, min(len(kappas) - 1, _MOST_CLUSTERS + 1))).T:
        sizes = np.bincount(numbers)
        together = np.flatnonzero(sizes > 1)
        if len(together) < 2:
            continue
        within, across = _within_and_across(kappas, numbers[:, None] == together)
        gap = (within.min() - across) * sizes[together].sum() / len(kappas)
        # NaN, where no pair across is defined, is not above anything.
        if gap > best[1]:
            columns = (np.flatnonzero(numbers == cluster) for cluster in together)
            best = (tuple(sorted(tuple(map(int, group)) for group in columns)), float(gap))
    return best


def _within_and_across(kappas: np.ndarray, is_member: np.ndarray) -> tuple[np.ndarray, float]:
    """Mean kappa, where it is defined, of the pairs within each of g groups, shape (g,), and of those across.

    Args:
        is_member: shape (m, g).
    """
    membership, defined = is_member.astype(float), ~np.isnan(kappas)
    np.fill_diagonal(defined, False)
    sums = membership.T @ np.where(defined, kappas, 0.0) @ membership
    counts = membership.T @ defined.astype(float) @ membership
    apart = ~np.eye(len(sums), dtype=bool)
    with np.errstate(invalid="ignore"):
        return np.diag(sums) / np.diag(counts), float(sums[apart].sum() / counts[apart].sum())


def _mean(kappas: np.ndarray) -> float:
    defined = kappas[~np.isnan(kappas)]
    return float(defined.mean()) if defined.size else float("nan")


def _distances(kappas: np.ndarray) -> np.ndarray:
    """1 - kappa of each pair, in the order of scipy; an undefined kappa counts as the mean of the others."""
    upper = kappas[np.triu_indices(len(kappas), 1)]
    mean = _mean(upper)
    return 1.0 - np.where(np.isnan(upper), 0.0 if np.isnan(mean) else mean, upper)


def _tree(distances: np.ndarray) -> np.ndarray:
    from scipy.cluster.hierarchy import linkage

    return linkage(np.maximum(distances, 0.0), "average")


def _permuted(codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Each item's answers shuffled among the annotators who gave it one."""
    missing = codes < 0
    # Those who answered come first in both orders, so the answers change places among them only.
    into = np.argsort(np.where(missing, 2.0, generator.random(codes.shape)), axis=1)
    out_of = np.argsort(missing, axis=1, kind="stable")
    shuffled = np.empty_like(codes)
    np.put_along_axis(shuffled, into, np.take_along_axis(codes, out_of, axis=1), axis=1)
    return shuffled
