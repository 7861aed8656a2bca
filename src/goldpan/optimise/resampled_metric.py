"""The metric of a search on rows that are drawn again: for its intervals and for its test."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from goldpan.statistics.figures import Estimate, Kind, Measures, figures
from goldpan.statistics.samples import sample_of_groups
from goldpan.study.optimised import Metric


def estimate_of(groups: Sequence[str], seed: int, measures: Callable[[np.ndarray], Measures]) -> Estimate:
    """One figure of n rows with its interval.

    A share of rows that are drawn one by one has that of Clopper and Pearson; all else a bootstrap over
    groups with pseudo-rows (see `statistics.bootstrap`).

    Args:
        groups: of each row.
        seed: of the replicates.
        measures: from codes (u, 2), the row whose right answer a drawn row has and the one whose prediction,
            to the figure.
    """
    sample = replace(sample_of_groups(groups, seed), spans_extremes=True)
    (found,) = figures(sample, measures(sample.codes))
    return found.raw


@dataclass(frozen=True)
class LabelSums:
    """The answers to one feature: what its metric is made of is a sum over rows.

    Attributes:
        metric: of the search.
        gold, predicted: of each of n rows, in a form in which equal answers are equal.
        right: whether each counts as right.
    """

    metric: Metric
    gold: Sequence[Hashable]
    predicted: Sequence[Hashable]
    right: Sequence[bool]

    def of_rows(self, codes: np.ndarray) -> np.ndarray:
        """The summands of drawn rows, shape (u, s), from their codes (u, 2).

        Whether a row is right; else of each label whether it stands in the gold, in the prediction, in both.
        Labels that are in no gold answer add to none of these.
        """
        index = {label: number for number, label in enumerate(dict.fromkeys(self.gold))}
        truth = np.array([index[label] for label in self.gold], dtype=np.int64)[codes[:, 0]]
        said = np.array([index.get(label, -1) for label in self.predicted], dtype=np.int64)[codes[:, 1]]
        if self.metric == "accuracy":
            # A pseudo-row has the prediction of another row: it is right where that is its gold answer.
            is_own = codes[:, 0] == codes[:, 1]
            is_right = np.where(is_own, np.array(self.right, dtype=bool)[codes[:, 0]], truth == said)
            return is_right.astype(float)[:, None]
        of_gold = np.eye(len(index))[truth]
        of_model = np.where(said[:, None] >= 0, np.eye(len(index))[said], 0.0)
        return np.concatenate([of_gold, of_model, of_gold * of_model], axis=1)


def metric_of_sums(metric: Metric, sums: np.ndarray, total: np.ndarray) -> np.ndarray:
    """The metric of one feature, (b,), as `metric.metric_of` has it; NaN without rows.

    Args:
        sums: of what `LabelSums` gives, weighted, shape (b, s).
        total: weight of all rows, shape (b,).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        if metric == "accuracy":
            return np.asarray(sums[:, 0] / total)
        of_gold, of_model, both = np.split(sums, 3, axis=1)
        if metric == "f1":
            stands = of_gold > 0
            f1 = np.where(stands, 2 * both / (of_gold + of_model), 0.0)
            return np.asarray(f1.sum(1) / stands.sum(1))
        expected = (of_gold * of_model).sum(1) / total**2
        return np.where(expected < 1, (both.sum(1) / total - expected) / (1 - expected), 0.0)


class ResampledMetric:
    """The metric of some answers, the mean over features, as a figure of rows that are drawn again.

    Args:
        metric: of the search.
        parts: of each feature.
        codes: shape (u, 2), as for `estimate_of`.
    """

    def __init__(self, metric: Metric, parts: Sequence[LabelSums], codes: np.ndarray):
        self.names: tuple[str, ...] = (metric,)
        is_share = metric == "accuracy" and len(parts) == 1
        self.kinds: dict[str, Kind] = {metric: Kind.SHARE} if is_share else {}
        self._metric = metric
        self._parts = [part.of_rows(codes) for part in parts]
        self.width = sum(part.shape[1] for part in self._parts)

    def values(self, weights: np.ndarray) -> np.ndarray:
        """The metric (b, 1) under weights (b, u) of the rows."""
        return self.values_of(weights)

    def values_of(
        self, weights: np.ndarray, other: ResampledMetric | None = None, of_other: np.ndarray | None = None
    ) -> np.ndarray:
        """The metric (b, 1) of answers of which some, under weights `of_other`, are those of another."""
        total = weights.sum(1)
        if of_other is not None:
            total = total + of_other.sum(1)
        values = []
        for place, part in enumerate(self._parts):
            sums = weights @ part
            if other is not None and of_other is not None:
                sums = sums + of_other @ other._parts[place]
            values.append(metric_of_sums(self._metric, sums, total))
        return np.mean(values, axis=0)[:, None]

    def denominators(self, weights: np.ndarray) -> np.ndarray:
        """The weight of all rows, (b, 1)."""
        return weights.sum(1)[:, None]
