"""Figures of predictions that are numbers on a scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from goldpan.statistics.figures import Kind
from goldpan.statistics.kappa import MOST_LABELS, kappa_values, pair_tables
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


class NumberMeasures:
    """Mean absolute error, root mean square error, bias (the mean of prediction minus gold), Spearman's rho.

    A prediction that failed has the code k. It errs by as much as one can from that gold value on this scale;
    bias and Spearman's rho are those of the answered items.

    Args:
        rows: shape (u, 2): code of the gold number (below k) and of the predicted one (k: failed).
        scale: what the codes stand for.
    """

    names = ("mae", "rmse", "bias", "spearman")
    kinds: ClassVar[dict[str, Kind]] = {}

    def __init__(self, rows: np.ndarray, scale: ScoreScale):
        failed = rows[:, 1] == len(scale.numbers)
        gold = scale.numbers[rows[:, 0]]
        predicted = scale.numbers[np.where(failed, 0, rows[:, 1])]
        worst = np.maximum(gold - scale.low, scale.high - gold)
        self._answered = ~failed
        self._difference = np.where(failed, 0.0, predicted - gold)
        self._error = np.where(failed, worst, np.abs(self._difference))
        self._spearman = Spearman(rows[self._answered])
        self.width = 2 * len(scale.numbers)

    def values(self, weights: np.ndarray) -> np.ndarray:
        """Figures (b, 4) under weights (b, u) of the rows."""
        total = weights.sum(1)
        return np.stack(
            [
                nan_ratio(weights @ self._error, total),
                np.sqrt(nan_ratio(weights @ self._error**2, total)),
                nan_ratio(weights @ self._difference, weights @ self._answered),
                self._spearman.values(weights[:, self._answered]),
            ],
            axis=1,
        )

    def denominators(self, weights: np.ndarray) -> np.ndarray:
        """All items; of bias and Spearman's rho those that were answered."""
        total, answered = weights.sum(1), weights @ self._answered
        return np.stack([total, total, answered, answered], axis=1)


class ScoreMeasures:
    """Accuracy, the figures of numbers, quadratic kappa.

    A prediction that failed (code k) is wrong, and agrees with no gold value at all in kappa, which is
    undefined on scales of more than `MOST_LABELS` labels.

    Args:
        rows, scale: as for `NumberMeasures`.
    """

    names = ("accuracy", "accuracy_within_1", *NumberMeasures.names, "cohen_kappa_quadratic")
    kinds: ClassVar = {"accuracy": Kind.SHARE, "accuracy_within_1": Kind.SHARE}

    def __init__(self, rows: np.ndarray, scale: ScoreScale):
        counted, k = scale.rounded(), len(scale.numbers)
        failed = rows[:, 1] == k
        distance = np.abs(counted[np.where(failed, 0, rows[:, 1])] - counted[rows[:, 0]])
        self._exact = ~failed & (distance < 1e-9)
        self._near = ~failed & (distance < 1 + 1e-9)
        self._numbers = NumberMeasures(rows, scale)
        places, label_of_code = np.unique(counted, return_inverse=True)
        labels = np.append(label_of_code, len(places))[rows]
        self._kappa = QuadraticKappa(labels, places) if len(places) <= MOST_LABELS else None
        self.width = max(2 * k, min(k + 1, MOST_LABELS + 1) ** 2)

    def values(self, weights: np.ndarray) -> np.ndarray:
        """Figures (b, 7) under weights (b, u) of the rows."""
        total = weights.sum(1)
        accuracy = [nan_ratio(weights @ close, total)[:, None] for close in (self._exact, self._near)]
        kappa = self._kappa.values(weights) if self._kappa else np.full((len(weights), 1), np.nan)
        return np.concatenate([*accuracy, self._numbers.values(weights), kappa], axis=1)

    def denominators(self, weights: np.ndarray) -> np.ndarray:
        """All items; of some figures of numbers those that were answered."""
        total = weights.sum(1)[:, None]
        return np.concatenate([total, total, self._numbers.denominators(weights), total], axis=1)


def within_tolerance(
    gold: np.ndarray, predicted: np.ndarray, numbers: np.ndarray, tolerance: float
) -> np.ndarray:
    """Whether each predicted number is at most `tolerance` away from the gold one, in the shape of both.

    Args:
        gold, predicted: codes of the numbers, below k, in shapes that fit together; k for a prediction that
            failed, which is never within any tolerance.
        numbers: shape (k,), what the codes stand for.
        tolerance: in the units of the numbers.
    """
    failed = predicted == len(numbers)
    distance = np.abs(numbers[np.where(failed, 0, predicted)] - numbers[gold])
    # 0.3 is within 0.1 of 0.2, whatever binary fractions make of it; of large numbers they make more.
    slack = 1e-9 + 4 * np.finfo(float).eps * np.abs(numbers[gold])
    result: np.ndarray = ~failed & (distance <= tolerance + slack)
    return result


class ToleranceMeasures:
    """Share of predictions within a tolerance that was declared.

    Args:
        rows: shape (u, 2), code of the gold number and of the predicted one; the rest as `within_tolerance`.
    """

    names = ("accuracy_within_tolerance",)
    kinds: ClassVar = {"accuracy_within_tolerance": Kind.SHARE}

    def __init__(self, rows: np.ndarray, numbers: np.ndarray, tolerance: float):
        self._right = within_tolerance(rows[:, 0], rows[:, 1], numbers, tolerance)
        self.width = 2 * len(numbers)

    def values(self, weights: np.ndarray) -> np.ndarray:
        """Figures (b, 1) under weights (b, u) of the rows."""
        return nan_ratio(weights @ self._right, weights.sum(1))[:, None]

    def denominators(self, weights: np.ndarray) -> np.ndarray:
        """All items."""
        return weights.sum(1)[:, None]


class QuadraticKappa:
    """Cohen's kappa with quadratic weights; a prediction that failed gets no credit whatever the gold value.

    Args:
        rows: shape (u, 2): code of the gold label (below k) and of the predicted one (k: failed).
        places: of the k labels on their scale.
    """

    names = ("cohen_kappa_quadratic",)
    kinds: ClassVar[dict[str, Kind]] = {}

    def __init__(self, rows: np.ndarray, places: np.ndarray):
        k = len(places)
        self._credit = np.zeros((k + 1, k + 1))
        self._credit[:k, :k] = agreement_weights(QUADRATIC, places)
        self._tables = pair_tables(rows, k + 1)
        self.width = (k + 1) ** 2

    def values(self, weights: np.ndarray) -> np.ndarray:
        """Figures (b, 1) under weights (b, u) of the rows."""
        return kappa_values(self._tables(weights), self._credit)[:, None]

    def denominators(self, weights: np.ndarray) -> np.ndarray:
        """All items."""
        return weights.sum(1)[:, None]


class Spearman:
    """Spearman's rho, Pearson's correlation of mid-ranks, all weighted; NaN where one side is constant.

    Args:
        rows: shape (u, 2), codes in the order of the numbers they stand for.
    """

    def __init__(self, rows: np.ndarray):
        # Each side by the values that occur on it, which may be few of those that codes stand for.
        self._sides = [np.unique(column, return_inverse=True)[1] for column in rows.T]
        self._sums = [_sums_by(side) for side in self._sides]

    def values(self, weights: np.ndarray) -> np.ndarray:
        """Rho (b,) under weights (b, u) of the rows."""
        total = weights.sum(1)
        moments, ranks = [], []
        for side, sums in zip(self._sides, self._sums, strict=True):
            mass = sums(weights)
            rank = np.cumsum(mass, axis=1) - mass / 2
            rank = rank - nan_ratio((mass * rank).sum(1), total)[:, None]
            moments.append((mass * rank**2).sum(1))
            ranks.append(rank[:, side])
        together = (weights * ranks[0] * ranks[1]).sum(1)
        scale = np.sqrt(moments[0] * moments[1])
        return nan_ratio(together, np.where(scale > 1e-9 * total**3, scale, 0.0))


def _sums_by(codes: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """A function from weights (b, u) to their sums by code (b, k), of codes that all occur."""
    order = np.argsort(codes, kind="stable")
    starts = np.unique(codes[order], return_index=True)[1]
    return lambda weights: np.add.reduceat(weights[:, order], starts, axis=1) if len(starts) else weights
