"""Figures of predictions that are numbers on a scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from goldpan.statistics.coefficient_intervals import pair_tables
from goldpan.statistics.kappa import MOST_LABELS, kappa_values
from goldpan.statistics.label_measures import nan_ratio
from goldpan.statistics.weights import QUADRATIC, agreement_weights


@dataclass(frozen=True)
class ScoreScale:
    """The numbers that codes stand for.

    Attributes:
        numbers: shape (k,), growing.
        low, high: the bounds of the scale.
        integer: whether the scale has whole numbers only; then predictions are rounded for accuracy and
            kappa.
    """

    numbers: np.ndarray
    low: float
    high: float
    integer: bool

    def rounded(self) -> np.ndarray:
        """The numbers as they count for accuracy and kappa, shape (k,)."""
        return whole_numbers(self.numbers, self.low, self.high) if self.integer else self.numbers


def whole_numbers(numbers: np.ndarray, low: float, high: float) -> np.ndarray:
    """The nearest whole numbers between two bounds; halves go up."""
    return np.clip(np.floor(numbers + 0.5), low, high)


class ScoreMeasures:
    """Accuracy, mean absolute error, root mean square error, bias, Spearman's rho, quadratic kappa.

    A prediction that failed has the code k. It is wrong, errs by as much as one can from that gold value on
    this scale, and agrees with no gold value at all in kappa; bias and Spearman's rho are those of the
    answered items. The bias is the mean of prediction minus gold.

    Args:
        rows: shape (u, 2): code of the gold number (below k) and of the predicted one (k: failed).
        scale: what the codes stand for.
    """

    names = ("accuracy", "accuracy_within_1", "mae", "rmse", "bias", "spearman", "cohen_kappa_quadratic")

    def __init__(self, rows: np.ndarray, scale: ScoreScale):
        k = len(scale.numbers)
        failed = rows[:, 1] == k
        gold = scale.numbers[rows[:, 0]]
        predicted = scale.numbers[np.where(failed, 0, rows[:, 1])]
        worst = np.maximum(gold - scale.low, scale.high - gold)
        self._answered = ~failed
        self._difference = np.where(failed, 0.0, predicted - gold)
        self._error = np.where(failed, worst, np.abs(self._difference))
        counted = scale.rounded()
        distance = np.abs(counted[np.where(failed, 0, rows[:, 1])] - counted[rows[:, 0]])
        self._exact = self._answered & (distance < 1e-9)
        self._near = self._answered & (distance < 1 + 1e-9)
        self._spearman = _Spearman(rows[self._answered], k)
        self._kappa = _quadratic_kappa(rows, failed, counted)
        self.width = max(2 * k, min(k + 1, MOST_LABELS + 1) ** 2)

    def values(self, weights: np.ndarray) -> np.ndarray:
        """Figures (b, 7) under weights (b, u) of the rows."""
        total, answered = weights.sum(1), weights @ self._answered
        return np.stack(
            [
                nan_ratio(weights @ self._exact, total),
                nan_ratio(weights @ self._near, total),
                nan_ratio(weights @ self._error, total),
                np.sqrt(nan_ratio(weights @ self._error**2, total)),
                nan_ratio(weights @ self._difference, answered),
                self._spearman.values(weights[:, self._answered]),
                self._kappa(weights),
            ],
            axis=1,
        )


def _quadratic_kappa(
    rows: np.ndarray, failed: np.ndarray, counted: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    """Kappa with quadratic weights, in which a failed prediction gets no credit whatever the gold value."""
    places, codes = np.unique(counted, return_inverse=True)
    k = len(places)
    if k > MOST_LABELS:
        return lambda weights: np.full(len(weights), np.nan)
    recoded = np.column_stack(
        [codes[rows[:, 0]], np.where(failed, k, codes[np.where(failed, 0, rows[:, 1])])]
    )
    credit = np.zeros((k + 1, k + 1))
    credit[:k, :k] = agreement_weights(QUADRATIC, places)
    tables = pair_tables(recoded, k + 1)
    return lambda weights: kappa_values(tables(weights), credit)


class _Spearman:
    """Spearman's rho: Pearson's correlation of mid-ranks, all weighted.

    Args:
        rows: shape (u, 2), codes in the order of the numbers.
        k: number of codes.
    """

    def __init__(self, rows: np.ndarray, k: int):
        self._rows = rows
        self._sums = [_sums_by(column, k) for column in rows.T]

    def values(self, weights: np.ndarray) -> np.ndarray:
        """Rho (b,) under weights (b, u)."""
        total = weights.sum(1)
        moments, ranks = [], []
        for column, sums in zip(self._rows.T, self._sums, strict=True):
            mass = sums(weights)
            rank = np.cumsum(mass, axis=1) - mass / 2
            rank = rank - nan_ratio((mass * rank).sum(1), total)[:, None]
            moments.append((mass * rank**2).sum(1))
            ranks.append(rank[:, column])
        together = (weights * ranks[0] * ranks[1]).sum(1)
        scale = np.sqrt(moments[0] * moments[1])
        return nan_ratio(together, np.where(scale > 1e-9 * total**3, scale, 0.0))


def _sums_by(codes: np.ndarray, k: int) -> Callable[[np.ndarray], np.ndarray]:
    """A function from weights (b, u) to their sums by code (b, k)."""
    order = np.argsort(codes, kind="stable")
    distinct, starts = np.unique(codes[order], return_index=True)

    def sums(weights: np.ndarray) -> np.ndarray:
        found = np.zeros((len(weights), k))
        if len(distinct):
            found[:, distinct] = np.add.reduceat(weights[:, order], starts, axis=1)
        return found

    return sums
