"""Figures of each label against all others, and the confusion matrix."""

from __future__ import annotations

import numpy as np

from goldpan.evaluation.coding import CodedPredictions, FeatureValues
from goldpan.evaluation.report import Confusion, LabelFigures
from goldpan.statistics.figures import figures
from goldpan.statistics.kappa import MOST_LABELS
from goldpan.statistics.label_measures import OneLabelMeasures
from goldpan.statistics.samples import sample_of_predictions
from goldpan.statistics.sampling_design import Design

FAILED_LABEL = "(failed)"
_EITHER = np.array([0, 1])


def figures_by_label(
    coded: CodedPredictions, values: FeatureValues, design: Design
) -> tuple[LabelFigures, ...]:
    """Precision, recall and F1 of each label that occurs, against all others.

    Empty for scores of many values or fractions, for extractions and rankings.

    Args:
        coded: gold values and the predictions of one model.
        values: of the feature.
        design: of the same items.
    """
    counted = values.as_counted(coded)
    if values.has_labels and len(counted.categories) <= MOST_LABELS:
        having = {label: counted.codes == code for code, label in enumerate(counted.labels())}
    elif values.scale.kind == "sets" and values.scale.labels is not None:
        having = {label: _holds(coded, label) for label in values.scale.labels}
    else:
        return ()
    return tuple(_one_label(label, has, design) for label, has in having.items() if has.any())


def _holds(coded: CodedPredictions, label: str) -> np.ndarray:
    holds = np.array([members is not None and label in members for members in coded.categories] + [False])
    return holds[coded.codes]


def _one_label(label: str, has: np.ndarray, design: Design) -> LabelFigures:
    sample = sample_of_predictions(has.astype(np.int64), design, _EITHER)
    return LabelFigures(
        label=label,
        gold=int(has[:, 0].sum()),
        predicted=int(has[:, 1].sum()),
        figures=figures(sample, OneLabelMeasures(sample.codes)),
    )


def confusion_of(coded: CodedPredictions, values: FeatureValues) -> Confusion | None:
    """Counts of gold by predicted label, of the labels that occur; None unless values are single labels
    or whole numbers."""
    coded = values.as_counted(coded)
    size = len(coded.categories)
    if not values.has_labels or size > MOST_LABELS:
        return None
    counts = np.zeros((size, size + 1), dtype=int)
    np.add.at(counts, (coded.codes[:, 0], coded.codes[:, 1]), 1)
    occurs = np.flatnonzero(counts.sum(1) + counts[:, :size].sum(0))
    labels = tuple(coded.labels()[code] for code in occurs)
    failed = int(counts[:, size].sum()) > 0
    columns = [*occurs, size] if failed else list(occurs)
    return Confusion(
        gold=labels,
        predicted=(*labels, FAILED_LABEL) if failed else labels,
        counts=tuple(tuple(row) for row in counts[np.ix_(occurs, columns)].tolist()),
    )
