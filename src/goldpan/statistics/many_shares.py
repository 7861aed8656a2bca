"""Is a share higher in some of many overlapping sets than outside of them? P-values that know of all sets.

Sets are told from chance by permutation: whatever sets share rows, and however small some are, the most
extreme of them all is held against the most extreme of all under permutation (Westfall & Young 1993, minP,
step-down). So the chance that any set is taken for worse where none is, is at most alpha. Holm's correction
of the same exact tests keeps that, too, but knows nothing of overlaps and of small sets that can never be
significant, so that it finds less.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

_EXCEEDING = 50
"""Replicates as extreme as the data after which the p-value is known to be large; others are drawn until so
many would be expected of a p-value of alpha."""
_FEWEST_REPLICATES = 1_000
_MOST_REPLICATES = 100_000
_CELLS = 4_000_000
_SMALLEST_TAIL = 1e-18
_EQUAL = 1e-9


def higher_shares(
    sets: Sequence[np.ndarray], marked: np.ndarray, groups: np.ndarray | None, alpha: float, seed: int
) -> tuple[np.ndarray, int]:
    """P-values, corrected for all sets, of whether more rows are marked in each set than outside of it.

    Rows that are drawn one by one are permuted; a set's statistic is the tail of its hypergeometric
    distribution. Where rows come in groups that may be alike, permuting rows would find groups: there each
    group's part in the score of a set changes its sign at random (the score bootstrap of Kline & Santos 2012,
    J Econometric Methods 1:23-41), and the statistic is the score by its group-robust standard error.

    Args:
        sets: the numbers of the rows of each of s sets, sorted, each neither empty nor all rows.
        marked: whether each row is marked, shape (n,).
        groups: number of each row's group, shape (n,); None where rows are drawn one by one.
        alpha: the level at which the p-values are looked at; more replicates are drawn for a smaller one.
        seed: of the replicates.

    Returns:
        The p-values, shape (s,), and how many replicates were drawn.
    """
    if not len(sets):
        return np.empty(0), 0
    rows = len(marked)
    statistic: _Statistic
    if groups is None:
        statistic = _Permuted(_membership(sets, rows), marked)
    else:
        statistic = _SignFlipped(_membership(sets, rows), marked, groups)
    order = np.argsort(statistic.observed, kind="stable")
    observed = statistic.observed[order][:, None] * (1 + _EQUAL)
    most = min(max(_FEWEST_REPLICATES, math.ceil(_EXCEEDING / alpha)), _MOST_REPLICATES)
    batch = max(1, min(_FEWEST_REPLICATES, _CELLS // max(rows, len(sets))))
    generator = np.random.default_rng(seed)
    exceeding, drawn = np.zeros(len(sets), dtype=np.int64), 0
    # A p-value that is large is known to be after few replicates: the one of the most extreme set bounds all
    # others from below. Stopping there takes nothing for significant (Besag & Clifford 1991, Biometrika
    # 78:301-304).
    while drawn < most and exceeding[0] < _EXCEEDING:
        count = min(batch, most - drawn)
        tails = statistic.drawn(generator, count)[order]
        # Step-down: a set competes with those that are no more extreme than itself.
        smallest = np.minimum.accumulate(tails[::-1], axis=0)[::-1]
        exceeding += (smallest <= observed).sum(1)
        drawn += count
    p_values = np.empty(len(sets))
    p_values[order] = np.maximum.accumulate((exceeding + 1) / (drawn + 1))
    return p_values, drawn


def _membership(sets: Sequence[np.ndarray], rows: int) -> Any:
    """A sparse matrix (s, n) with a 1 where a row is in a set."""
    from scipy.sparse import csr_array

    ends = np.cumsum([0, *map(len, sets)])
    return csr_array((np.ones(ends[-1], np.float32), np.concatenate(sets), ends), shape=(len(sets), rows))


class _Statistic(Protocol):
    """What is computed of each set; the smaller, the more extreme.

    Attributes:
        observed: of the data, shape (s,), not negative.
    """

    observed: np.ndarray

    def drawn(self, generator: np.random.Generator, replicates: int) -> np.ndarray:
        """The same of replicates in which no set differs, shape (s, replicates)."""
        ...


class _Permuted:
    """Tails of the hypergeometric distribution, when it is drawn anew which rows are marked."""

    def __init__(self, membership: Any, marked: np.ndarray):
        self._membership, self._marked = membership, marked.astype(np.float32)
        sizes = np.diff(membership.indptr)
        tails = {
            size: _UpperTails.of(len(marked), int(marked.sum()), size) for size in np.unique(sizes).tolist()
        }
        starts, end = {}, 0
        for size, of_size in tails.items():
            starts[size], end = end, end + len(of_size.tails)
        self._tails = np.concatenate([of_size.tails for of_size in tails.values()])
        self._start = np.array([starts[size] for size in sizes.tolist()])[:, None]
        self._first = np.array([tails[size].first for size in sizes.tolist()])[:, None]
        self._last = np.array([len(tails[size].tails) - 1 for size in sizes.tolist()])[:, None]
        self.observed = self._tail(membership @ self._marked[:, None])[:, 0]

    def drawn(self, generator: np.random.Generator, replicates: int) -> np.ndarray:
        permuted = generator.permuted(np.tile(self._marked, (replicates, 1)), axis=1)
        return self._tail(self._membership @ np.ascontiguousarray(permuted.T))

    def _tail(self, counts: np.ndarray) -> np.ndarray:
        place = np.clip(np.rint(counts).astype(np.int64) - self._first, 0, self._last)
        return self._tails[self._start + place]


@dataclass(frozen=True)
class _UpperTails:
    """P(X >= k) of a hypergeometric X for k = `first`, `first` + 1, ...; beyond these it hardly matters."""

    first: int
    tails: np.ndarray

    @classmethod
    def of(cls, rows: int, marked: int, size: int) -> _UpperTails:
        """Of the number of marked rows among `size` of all rows."""
        first = max(size * marked // rows, size + marked - rows, 0)
        counts = np.arange(first, min(size, marked) + 1)
        mass = np.exp(
            _log_choose(marked, counts)
            + _log_choose(rows - marked, size - counts)
            - _log_choose(rows, np.array(size))
        )
        tails = np.cumsum(mass[::-1])[::-1]
        kept = max(1, int((tails > _SMALLEST_TAIL).sum()))
        return cls(first, tails[:kept])


def _log_choose(whole: int, part: np.ndarray) -> np.ndarray:
    from scipy.special import gammaln

    return gammaln(whole + 1) - gammaln(part + 1) - gammaln(whole - part + 1)


class _SignFlipped:
    """Scores by their group-robust standard errors, when groups change their signs, as upper normal tails."""

    def __init__(self, membership: Any, marked: np.ndarray, groups: np.ndarray):
        from scipy.sparse import csr_array

        self._residuals = (marked - marked.mean()).astype(np.float64)
        number = int(groups.max()) + 1
        self._groups, self._of_group = groups, np.bincount(groups, self._residuals, number)
        self._membership = membership.astype(np.float64)
        self._shares = (np.diff(membership.indptr) / len(marked))[:, None]
        # Of set s and group g: the sum over the rows of g of (is in s - share of s) * residual.
        to_group = csr_array((self._residuals, (np.arange(len(groups)), groups)), (len(groups), number))
        inside = self._membership @ to_group
        squares = np.asarray(inside.multiply(inside).sum(1)).reshape(-1, 1)
        products = (inside @ self._of_group)[:, None]
        variance = squares - 2 * self._shares * products + self._shares**2 * (self._of_group @ self._of_group)
        self._error = np.sqrt(np.maximum(variance, 1e-12))
        self.observed = self._tail(np.ones((number, 1)))[:, 0]

    def drawn(self, generator: np.random.Generator, replicates: int) -> np.ndarray:
        signs = generator.integers(0, 2, (len(self._of_group), replicates)) * 2.0 - 1.0
        return self._tail(signs)

    def _tail(self, signs: np.ndarray) -> np.ndarray:
        from scipy.special import ndtr

        inside = self._membership @ (self._residuals[:, None] * signs[self._groups])
        return ndtr(-(inside - self._shares * (self._of_group @ signs)) / self._error)
