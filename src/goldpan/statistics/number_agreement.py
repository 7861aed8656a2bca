"""Agreement of annotators whose answers are numbers: correlations and mean absolute error.

As everywhere, `weights` of shape (b, u) hold b weightings of the u rows at once, and values are NaN where
undefined.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import partial

import numpy as np

from goldpan.as_json import finite
from goldpan.statistics.coefficient import Coefficient
from goldpan.statistics.coefficient_intervals import CoefficientValues, Recomputable
from goldpan.statistics.multirater import NO_PAIRS, mean_of_items

_NO_COMPLETE = "fewer than two items were answered by all annotators"
_CONSTANT = "an annotator gave one number only, or all items have the same"
_NO_PEARSON = "fewer than three shared items, or one number only"
_FEWEST_SHARED = 3
_SMALL = 1e-12


@dataclass(frozen=True)
class _MeanSquares:
    """Mean squares of the table of n items by m annotators, each of shape (b,)."""

    items: np.ndarray
    annotators: np.ndarray
    residual: np.ndarray
    n: np.ndarray
    m: int


def number_coefficients(numbers: np.ndarray, counts: np.ndarray) -> list[Recomputable]:
    """All that suit numbers: intraclass correlations, Pearson's correlation, mean absolute error.

    Args:
        numbers: shape (u, m): each annotator's numbers in the rows that the bootstrap draws from; NaN is
            missing.
        counts: how many items each row stands for, shape (u,).
    """
    answers = (~np.isnan(numbers)).sum(1)
    by_all, by_two = (int(counts[answers >= fewest].sum()) for fewest in (numbers.shape[1], 2))
    errors = item_absolute_errors(numbers)
    pearson = "pearson" if numbers.shape[1] == 2 else "mean_pairwise_pearson"
    estimators: dict[str, tuple[CoefficientValues, str]] = {
        "icc_agreement": (partial(icc_agreement, numbers), _CONSTANT if by_all > 1 else _NO_COMPLETE),
        "icc_consistency": (partial(icc_consistency, numbers), _CONSTANT if by_all > 1 else _NO_COMPLETE),
        "icc_one_way": (partial(icc_one_way, numbers), _CONSTANT if by_two > 1 else NO_PAIRS),
        pearson: (partial(pearson_values, numbers), _NO_PEARSON if by_two else NO_PAIRS),
        "mean_absolute_error": (partial(mean_of_items, errors), NO_PAIRS),
    }
    coefficients = []
    for name, (values, why_undefined) in estimators.items():
        value = finite(values(counts[None])[0])
        reason = why_undefined if value is None else None
        if value is not None and name in ("icc_agreement", "icc_consistency") and by_all < by_two:
            reason = f"of the {by_all:,} items that all annotators answered"
        if name == "mean_pairwise_pearson":
            reason = _pairs_left_out(_pearson_of_pairs(numbers, counts[None])[0]) or reason
        coefficients.append(Recomputable(Coefficient(name, value, reason=reason), values))
    return coefficients


def _pairs_left_out(correlations: np.ndarray) -> str | None:
    """How many of the pairs have no correlation (pairs,), in words; None where all have one."""
    undefined = int(np.isnan(correlations).sum())
    of_all = f"{undefined} of {len(correlations)} pairs have no correlation ({_NO_PEARSON})"
    return f"{of_all} and are left out" if undefined else None


def icc_agreement(numbers: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """ICC(A,1) of McGraw and Wong (1996), Psychol Methods 1:30-46: ICC(2,1) of Shrout and Fleiss (1979).

    Agreement of single answers of annotators who stand for others like them: how much of the variance of
    answers is that between items, where annotators' being higher or lower counts as error. From items that
    all answered.

    Args:
        numbers: shape (u, m); NaN is missing.
        weights: shape (b, u).
    """
    squares = _mean_squares(numbers, weights)
    with np.errstate(all="ignore"):
        between = squares.m / squares.n * (squares.annotators - squares.residual)
        total = squares.items + (squares.m - 1) * squares.residual + between
        return _ratio(squares.items - squares.residual, total, squares)


def icc_consistency(numbers: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """ICC(C,1) of McGraw and Wong (1996): ICC(3,1) of Shrout and Fleiss (1979), Psychol Bull 86:420-428.

    The same where annotators' being higher or lower does not count; arguments as for `icc_agreement`.
    """
    squares = _mean_squares(numbers, weights)
    total = squares.items + (squares.m - 1) * squares.residual
    return _ratio(squares.items - squares.residual, total, squares)


def icc_one_way(numbers: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """ICC(1) of McGraw and Wong (1996): ICC(1,1) of Shrout and Fleiss (1979), for items with unequal answers.

    Takes the annotators of an item for any, so it serves where they take turns, from all items that two or
    more answered. Unequal numbers of answers enter by their mean as in the analysis of variance (Donner 1986,
    Int Stat Rev 54:67-82). Arguments as for `icc_agreement`.
    """
    there = ~np.isnan(numbers)
    paired = there.sum(1) >= 2
    filled = np.where(there, _scaled(numbers), 0.0)[paired]
    answers, weights = there[paired].sum(1).astype(float), weights[:, paired]
    sums, squares = filled.sum(1), (filled**2).sum(1)
    with np.errstate(all="ignore"):
        n, total = weights.sum(1), weights @ answers
        items = weights @ (sums**2 / answers)
        between = (items - (weights @ sums) ** 2 / total) / (n - 1)
        within = (weights @ squares - items) / (total - n)
        mean_answers = (total - weights @ answers**2 / total) / (n - 1)
        whole = between + (mean_answers - 1) * within
        return np.where((n > 1) & (whole > _SMALL), (between - within) / whole, np.nan)


def pearson_values(numbers: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Pearson's correlation, the mean over pairs of annotators for which it is defined; shape (b,)."""
    each = _pearson_of_pairs(numbers, weights)
    defined = ~np.isnan(each)
    with np.errstate(all="ignore"):
        return np.where(defined, each, 0.0).sum(1) / defined.sum(1)


def _pearson_of_pairs(numbers: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Pearson's correlation of each pair of annotators, shape (b, pairs).

    NaN where one of them gives one number only, or the two share fewer than three items: two points always
    lie on a line.
    """
    numbers = _scaled(numbers)
    pairs = [list(pair) for pair in itertools.combinations(range(numbers.shape[1]), 2)]
    columns = []
    for pair in pairs:
        both = ~np.isnan(numbers[:, pair]).any(1)
        first, second = np.where(both[:, None], numbers[:, pair], 0.0).T
        columns += [both.astype(float), first, second, first**2, second**2, first * second]
    sums = (weights @ np.stack(columns, axis=1)).reshape(len(weights), len(pairs), 6)
    total, first, second, first_square, second_square, product = np.moveaxis(sums, 2, 0)
    with np.errstate(all="ignore"):
        variances = (first_square - first**2 / total) * (second_square - second**2 / total)
        each = (product - first * second / total) / np.sqrt(variances)
        # Weights are near whole numbers of items: replicates, or items moved a little.
        return np.where((variances > (_SMALL * total) ** 2) & (total > _FEWEST_SHARED - 0.5), each, np.nan)


def item_absolute_errors(numbers: np.ndarray) -> np.ndarray:
    """Mean absolute difference of two answers to an item, over its pairs of answers: (u,); NaN without."""
    total, pairs = np.zeros(len(numbers)), np.zeros(len(numbers))
    for first, second in itertools.combinations(numbers.T, 2):
        both = ~np.isnan(first) & ~np.isnan(second)
        pairs += both
        total += np.where(both, np.abs(first - second), 0.0)
    with np.errstate(all="ignore"):
        return total / pairs


def _scaled(numbers: np.ndarray) -> np.ndarray:
    """Numbers around 0 with a range of 1, so that what is constant can be told from rounding."""
    known = numbers[~np.isnan(numbers)]
    return (numbers - known.mean()) / (np.ptp(known) or 1.0) if len(known) else numbers


def _mean_squares(numbers: np.ndarray, weights: np.ndarray) -> _MeanSquares:
    complete = ~np.isnan(numbers).any(1)
    numbers, weights = _scaled(numbers)[complete], weights[:, complete]
    m, n = numbers.shape[1], weights.sum(1)
    of_items = numbers.mean(1)
    with np.errstate(all="ignore"):
        of_annotators = weights @ numbers / n[:, None]
        grand = of_annotators.mean(1)
        total = weights @ (numbers**2).sum(1) - n * m * grand**2
        items = m * (weights @ of_items**2 - n * grand**2)
        annotators = n * ((of_annotators - grand[:, None]) ** 2).sum(1)
        return _MeanSquares(
            items=items / (n - 1),
            annotators=annotators / (m - 1),
            residual=(total - items - annotators) / ((n - 1) * (m - 1)),
            n=n,
            m=m,
        )


def _ratio(part: np.ndarray, whole: np.ndarray, squares: _MeanSquares) -> np.ndarray:
    """NaN without two items, or where nothing differs beyond rounding."""
    with np.errstate(all="ignore"):
        return np.where((squares.n > 1) & (whole > _SMALL), part / whole, np.nan)
