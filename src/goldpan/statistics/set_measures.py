"""Figures of predictions that are sets of labels or lists of extracted objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from goldpan.statistics.figures import Kind
from goldpan.statistics.label_measures import MACRO_KINDS, mean_of_occurring, nan_ratio, precision_recall_f1


class SetMeasures:
    """Precision, recall and F1 over the members of all items, share of exact sets, mean Jaccard similarity.

    Members that occur more than once count as often: an object extracted twice is right at most as often as
    it is in the gold. A prediction that failed has the code k: it has no members and is never exact, not even
    where the gold set is empty.

    Args:
        rows: shape (u, 2): code of the gold set (below k) and of the predicted one (k: failed).
        sets: members of each set, k of them, with repetition.
    """

    names = ("precision_micro", "recall_micro", "f1_micro", "exact_match", "jaccard")
    kinds: ClassVar = {"exact_match": Kind.SHARE}

    def __init__(self, rows: np.ndarray, sets: Sequence[tuple[str, ...]]):
        counted = [Counter(members) for members in sets]
        nothing: Counter[str] = Counter()
        pairs = [
            (counted[gold], counted[predicted] if predicted < len(sets) else nothing)
            for gold, predicted in rows
        ]
        failed = rows[:, 1] == len(sets)
        self._right = np.array([(gold & predicted).total() for gold, predicted in pairs], dtype=float)
        self._actual = np.array([gold.total() for gold, _ in pairs], dtype=float)
        self._predicted = np.array([predicted.total() for _, predicted in pairs], dtype=float)
        self._exact = ~failed & np.array([gold == predicted for gold, predicted in pairs])
        union = self._actual + self._predicted - self._right
        jaccard = np.where(union > 0, nan_ratio(self._right, union), 1.0)
        self._jaccard = np.where(failed, 0.0, jaccard)
        self.width = len(rows)

    def values(self, weights: np.ndarray) -> np.ndarray:
        """Figures (b, 5) under weights (b, u) of the rows."""
        total = weights.sum(1)
        sums = [weights @ some for some in (self._right, self._predicted, self._actual)]
        exact, jaccard = (nan_ratio(weights @ some, total) for some in (self._exact, self._jaccard))
        return np.stack([*precision_recall_f1(*sums), exact, jaccard], axis=1)

    def denominators(self, weights: np.ndarray) -> np.ndarray:
        """Items (for members of one are alike) with a predicted member, a gold one, either; then all."""
        held = (self._predicted > 0, self._actual > 0, self._predicted + self._actual > 0)
        total = weights.sum(1)
        return np.stack([*(weights @ some for some in held), total, total], axis=1)


class MacroOfLabels:
    """Macro precision, recall and F1: means over the labels that occur in gold or predictions.

    Args:
        rows: as for `SetMeasures`.
        sets: as for `SetMeasures`.
        labels: the labels to average over.
    """

    names = ("precision_macro", "recall_macro", "f1_macro")
    kinds = MACRO_KINDS

    def __init__(self, rows: np.ndarray, sets: Sequence[tuple[str, ...]], labels: Sequence[str]):
        holds = np.array(
            [[label in members for label in labels] for members in sets] + [[False] * len(labels)]
        )
        gold, predicted = (holds[column].astype(float) for column in rows.T)
        self._right, self._actual, self._predicted = gold * predicted, gold, predicted
        self.width = len(rows) + 6 * len(labels)

    def values(self, weights: np.ndarray) -> np.ndarray:
        """Figures (b, 3) under weights (b, u) of the rows."""
        right, predicted, actual = (weights @ some for some in (self._right, self._predicted, self._actual))
        each = precision_recall_f1(right, predicted, actual)
        return np.stack([mean_of_occurring(some, predicted + actual > 0) for some in each], axis=1)

    def denominators(self, weights: np.ndarray) -> np.ndarray:
        """Items that have a label in gold or prediction."""
        held = (self._actual + self._predicted > 0).any(1)
        return (weights @ held)[:, None].repeat(len(self.names), axis=1)
