"""The metric of a search: failures count as wrong, and of several features it is the mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from goldpan.study.optimised import Metric

Shown = Mapping[str, Sequence[str]]


def metric_of(
    metric: Metric,
    gold: Shown,
    predicted: Shown,
    right: Mapping[str, Sequence[bool]],
    features: Sequence[str],
    index: NDArray[np.intp] | None = None,
) -> float:
    """The metric of answers against gold.

    Args:
        metric: `accuracy` (share of right answers), `f1` (mean of the F1 of all labels in the gold),
            `kappa` (Cohen's; 0 where nothing but one label stands on either side).
        gold, predicted: of each feature, its answers as shown, row by row; a failed prediction is empty.
        right: of each feature, whether each prediction is right.
        features: those that count.
        index: rows to take, also several times; default all. What a bootstrap draws.

    Returns:
        Between 0 and 1 (`kappa` from -1); the mean over features.
    """
    return float(np.mean([_of_feature(metric, gold[n], predicted[n], right[n], index) for n in features]))


def _of_feature(
    metric: Metric,
    gold: Sequence[str],
    predicted: Sequence[str],
    right: Sequence[bool],
    index: NDArray[np.intp] | None,
) -> float:
    correct = np.asarray(right, dtype=float)
    if index is not None:
        correct = correct[index]
    if metric == "accuracy":
        return float(correct.mean())
    labels, codes = np.unique([*gold, *predicted], return_inverse=True)
    truth, said = codes[: len(gold)], codes[len(gold) :]
    if index is not None:
        truth, said = truth[index], said[index]
    of_gold = np.bincount(truth, minlength=len(labels)).astype(float)
    of_model = np.bincount(said, minlength=len(labels)).astype(float)
    both = np.bincount(truth[truth == said], minlength=len(labels)).astype(float)
    if metric == "f1":
        stands = of_gold > 0
        return float((2 * both[stands] / (of_gold[stands] + of_model[stands])).mean())
    number = len(truth)
    expected = float(of_gold @ of_model) / number**2
    return 0.0 if expected >= 1 else (float(both.sum()) / number - expected) / (1 - expected)
