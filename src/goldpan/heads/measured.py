"""The records a head is measured on, and the figures of predictions of them, by the room `statistics`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goldpan.heads.model import HeadPredictions
from goldpan.heads.targets import Target
from goldpan.statistics.bootstrap import Sample
from goldpan.statistics.figures import Estimate, Measures, figures
from goldpan.statistics.joined_measures import Difference, JoinedMeasures, PickedMeasures
from goldpan.statistics.label_measures import LabelMeasures
from goldpan.statistics.score_measures import NumberMeasures, QuadraticKappa, ScoreScale

MAIN_FIGURE = {
    "regression": "spearman",
    "ordinal": "cohen_kappa_quadratic",
    "classification": "f1_macro",
}
"""kind of target -> the figure that learning curves show; larger is better."""


@dataclass(frozen=True)
class MeasuredRecords:
    """Records on which predictions of one target are measured.

    Attributes:
        target: which.
        truth: [n] as `Target.encode` gives it, without NaN.
        sample: the same records in groups, `samples.sample_of_groups`.
    """

    target: Target
    truth: np.ndarray
    sample: Sample

    def figures(self, predicted: HeadPredictions) -> dict[str, Estimate]:
        """All figures of predictions of these records."""
        return self._by_name(self._measures(predicted))

    def differences(self, predicted: HeadPredictions, other: HeadPredictions) -> dict[str, Estimate]:
        """All figures of some predictions less those of others, drawn together."""
        return self._by_name(Difference(self._measures(predicted), self._measures(other)))

    def _by_name(self, measures: Measures) -> dict[str, Estimate]:
        return {figure.name: figure.raw for figure in figures(self.sample, measures)}

    def _measures(self, predicted: HeadPredictions) -> Measures:
        """Accuracy, macro F1 and kappa of labels (quadratic by their places where they are ordered); errors
        and Spearman's rho of scores."""
        target, (true_rows, predicted_rows) = self.target, self.sample.codes.T
        parts: list[Measures] = []
        if target.kind != "regression":
            assert predicted.label is not None
            labels = np.column_stack([self.truth.astype(int)[true_rows], predicted.label[predicted_rows]])
            own = LabelMeasures(labels, len(target.labels))
            if target.kind == "classification":
                return PickedMeasures(own, ("accuracy", "f1_macro", "cohen_kappa"))
            parts += [
                PickedMeasures(own, ("accuracy", "f1_macro")),
                QuadraticKappa(labels, target.positions),
            ]
        assert predicted.score is not None
        truth = self.truth if target.kind == "regression" else target.positions[self.truth.astype(int)]
        numbers, codes = np.unique(np.concatenate([truth, predicted.score]), return_inverse=True)
        true_codes, predicted_codes = np.split(codes, [len(truth)])
        scores = np.column_stack([true_codes[true_rows], predicted_codes[predicted_rows]])
        scale = ScoreScale(numbers, numbers[0], numbers[-1], integer=False)
        parts.append(PickedMeasures(NumberMeasures(scores, scale), ("mae", "rmse", "spearman")))
        return JoinedMeasures([("", part) for part in parts])
