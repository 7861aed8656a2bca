"""Figures of predictions that are one label of a set, from the counts of gold by predicted label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from goldpan.statistics.figures import Kind
from goldpan.statistics.kappa import kappa_values, pair_tables


def nan_ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """numerator / denominator; NaN where the denominator is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)


def precision_recall_f1(
    right: np.ndarray, predicted: np.ndarray, actual: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and F1 from weights of what is right, predicted and actual, all of one shape.

    F1 is 2 right / (predicted + actual), which is defined, and 0, where only one of the other two is.
    """
    return (
        nan_ratio(right, predicted),
        nan_ratio(right, actual),
        nan_ratio(2 * right, predicted + actual),
    )


def mean_of_occurring(values: np.ndarray, occurs: np.ndarray) -> np.ndarray:
    """Mean over labels (the last axis) of those that occur; an undefined value of a label counts as 0."""
    return nan_ratio(np.where(occurs, np.nan_to_num(values), 0.0).sum(-1), occurs.sum(-1))


MACRO_KINDS = dict.fromkeys(("precision_macro", "recall_macro", "f1_macro"), Kind.MACRO)


class LabelMeasures:
    """Accuracy, macro and micro precision, recall and F1, Cohen's kappa.

    A prediction that failed has the code k: it is wrong, and it is no label's false positive. Macro figures
    are means over the labels that occur in gold or predictions; the precision of a label that is never
    predicted counts as 0 in them, as is usual.

    Args:
        rows: shape (u, 2): code of the gold label (below k) and of the predicted one (k: failed).
        labels: number of labels, k.
        averaged: codes of the labels that macro figures are means over; default all.
    """

    names = (
        "accuracy",
        "precision_macro",
        "recall_macro",
        "f1_macro",
        "precision_micro",
        "recall_micro",
        "f1_micro",
        "cohen_kappa",
    )

    def __init__(self, rows: np.ndarray, labels: int, averaged: Sequence[int] | None = None):
        self._tables = pair_tables(rows, labels + 1)
        self._answered = rows[:, 1] < labels
        self.kinds = dict.fromkeys(("accuracy", "precision_micro", "recall_micro"), Kind.SHARE) | MACRO_KINDS
        # Without failures micro F1 is the accuracy.
        self.kinds |= {"f1_micro": Kind.SHARE} if self._answered.all() else {}
        self._averaged = list(range(labels)) if averaged is None else list(averaged)
        self._credit = np.eye(labels + 1)
        self.width = (labels + 1) ** 2

    def values(self, weights: np.ndarray) -> np.ndarray:
        """Figures (b, 8) under weights (b, u) of the rows."""
        tables = self._tables(weights)
        total = tables.sum((-1, -2))
        right, actual = np.einsum("bii->bi", tables), tables.sum(-1)
        predicted = tables.sum(-2)
        answered = total - predicted[:, -1]
        all_right = right[:, :-1].sum(-1)
        each = [
            some[:, self._averaged]
            for some in (*precision_recall_f1(right, predicted, actual), predicted + actual > 0)
        ]
        precision, recall, f1, occurs = each
        return np.stack(
            [
                nan_ratio(all_right, total),
                *(mean_of_occurring(some, occurs) for some in (precision, recall, f1)),
                *precision_recall_f1(all_right, answered, total),
                kappa_values(tables, self._credit),
            ],
            axis=1,
        )

    def denominators(self, weights: np.ndarray) -> np.ndarray:
        """All items; of micro precision those that were answered."""
        answered = np.array([name == "precision_micro" for name in self.names])
        return np.where(answered, (weights @ self._answered)[:, None], weights.sum(1)[:, None])


class OneLabelMeasures:
    """Precision, recall and F1 of one label against all others.

    Args:
        has_label: shape (u, 2): 1 where gold and prediction have the label, else 0.
    """

    names = ("precision", "recall", "f1")
    kinds: ClassVar = {"precision": Kind.SHARE, "recall": Kind.SHARE, "f1": Kind.DICE}
    width = 4

    def __init__(self, has_label: np.ndarray):
        gold, predicted = has_label.astype(bool).T
        self._in_denominator = np.column_stack([predicted, gold, gold | predicted]).astype(float)
        self._tables = pair_tables(has_label, 2)

    def values(self, weights: np.ndarray) -> np.ndarray:
        """Figures (b, 3) under weights (b, u) of the rows."""
        tables = self._tables(weights)
        right, predicted, actual = tables[:, 1, 1], tables[:, :, 1].sum(-1), tables[:, 1].sum(-1)
        return np.stack(precision_recall_f1(right, predicted, actual), axis=1)

    def denominators(self, weights: np.ndarray) -> np.ndarray:
        """Items that are predicted to have the label, that have it, and either."""
        return weights @ self._in_denominator
