"""How good a head is on records it has not seen, figure by figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from goldpan.heads.targets import Target
from goldpan.statistics.coefficient_intervals import pair_tables
from goldpan.statistics.kappa import kappa_values
from goldpan.statistics.weights import QUADRATIC, UNWEIGHTED, agreement_weights

if TYPE_CHECKING:
    from goldpan.heads.model import Predicted

MAIN_FIGURE = {
    "regression": "spearman",
    "ordinal": "cohen_kappa_quadratic",
    "classification": "f1_macro",
}
"""kind of target -> the figure that learning curves show; larger is better."""


@dataclass(frozen=True)
class Answers:
    """True and predicted values of one target for n records.

    Attributes:
        true_score, score: numbers [n], for a regression or ordinal target; else None.
        true_label, label: places among the labels [n], for an ordinal or classification target; else None.
    """

    true_score: np.ndarray | None
    score: np.ndarray | None
    true_label: np.ndarray | None
    label: np.ndarray | None

    def take(self, rows: np.ndarray) -> Answers:
        """Some of the records, or some of them several times."""
        columns = (self.true_score, self.score, self.true_label, self.label)
        return Answers(*(None if column is None else column[rows] for column in columns))

    def joined(self, other: Answers) -> Answers:
        """These records and then the others."""
        pairs = zip(
            (self.true_score, self.score, self.true_label, self.label),
            (other.true_score, other.score, other.true_label, other.label),
            strict=True,
        )
        return Answers(
            *(None if one is None or two is None else np.concatenate([one, two]) for one, two in pairs)
        )


def answers_of(target: Target, truth: np.ndarray, predicted: Predicted) -> Answers:
    """Truth, [n] as `Target.encode` gives it and without NaN, beside predictions of the same records."""
    if target.kind == "regression":
        return Answers(truth, predicted.score, None, None)
    places = truth.astype(np.int64)
    if target.kind == "classification":
        return Answers(None, None, places, predicted.label)
    return Answers(target.positions[places], predicted.score, places, predicted.label)


def figure_names(target: Target) -> tuple[str, ...]:
    """The figures of a kind of target, in their order."""
    numbers = ("mae", "rmse", "spearman")
    if target.kind == "regression":
        return numbers
    if target.kind == "classification":
        return ("accuracy", "f1_macro", "cohen_kappa")
    return ("accuracy", "f1_macro", "cohen_kappa_quadratic", *numbers)


def figure_values(target: Target, answers: Answers, weights: np.ndarray) -> np.ndarray:
    """Figures under weights of the records; NaN where undefined.

    Accuracy and macro F1 are of the labels (F1 of a label that occurs in neither truth nor prediction is left
    out of the mean), kappa is Cohen's, quadratic by the places of the labels; mean absolute error, root mean
    square error and Spearman's rho are of the scores.

    Args:
        target: which.
        answers: n records.
        weights: [b, n].

    Returns:
        [b, figures].
    """
    found: list[np.ndarray] = []
    if answers.label is not None and answers.true_label is not None:
        found += _label_figures(target, answers.true_label, answers.label, weights)
    if answers.score is not None and answers.true_score is not None:
        found += _score_figures(answers.true_score, answers.score, weights)
    return np.stack(found, axis=1)


def _label_figures(
    target: Target, truth: np.ndarray, label: np.ndarray, weights: np.ndarray
) -> list[np.ndarray]:
    k = len(target.labels)
    tables = pair_tables(np.column_stack([truth, label]), k)(weights)
    right, total = np.einsum("bii->bi", tables), tables.sum((1, 2))
    either = tables.sum(1) + tables.sum(2)
    occurs = either > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        f1 = np.where(occurs, 2 * right / either, 0.0).sum(1) / occurs.sum(1)
        accuracy = right.sum(1) / total
    weighting = QUADRATIC if target.kind == "ordinal" else UNWEIGHTED
    credit = agreement_weights(weighting, target.positions if target.kind == "ordinal" else np.arange(k))
    return [accuracy, f1, kappa_values(tables, credit)]


def _score_figures(truth: np.ndarray, score: np.ndarray, weights: np.ndarray) -> list[np.ndarray]:
    total = weights.sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = weights @ np.abs(score - truth) / total
        square = weights @ (score - truth) ** 2 / total
    return [error, np.sqrt(square), _spearman(truth, score, weights)]


def _spearman(first: np.ndarray, second: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Spearman's rho, [b]: Pearson's correlation of mid-ranks; NaN where one side is constant."""
    total = weights.sum(1, keepdims=True)
    one, two = (_mid_ranks(values, weights) for values in (first, second))
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = (ranks - (weights * ranks).sum(1, keepdims=True) / total for ranks in (one, two))
        together = (weights * one * two).sum(1)
        scale = np.sqrt((weights * one**2).sum(1) * (weights * two**2).sum(1))
        return np.where(scale > 1e-9 * total[:, 0] ** 3, together / scale, np.nan)


def _mid_ranks(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mid-rank of each record under the weights, [b, n]; equal values share their rank."""
    distinct, places = np.unique(values, return_inverse=True)
    order = np.argsort(places, kind="stable")
    starts = np.searchsorted(places[order], np.arange(len(distinct)))
    mass = np.add.reduceat(weights[:, order], starts, axis=1)
    return (np.cumsum(mass, axis=1) - mass / 2)[:, places]
