"""The figures of predictions with intervals, from samples that suit the values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from goldpan.evaluation.coding import FeatureValues
from goldpan.statistics.figures import Figure, Measures, figures
from goldpan.statistics.joined_measures import PickedMeasures
from goldpan.statistics.samples import sample_of_predictions
from goldpan.statistics.sampling_design import Design

_ERRORS = ("mae", "rmse", "bias")
"""Figures in the units of the scale, which have no bounds of their own."""


def measured(
    codes: np.ndarray,
    gold_codes: np.ndarray,
    values: FeatureValues,
    design: Design,
    measures: Callable[[np.ndarray], Measures],
) -> tuple[Figure, ...]:
    """The figures of some predictions.

    On a wide scale a pseudo-item, any gold value with any prediction, is off by far more than items are.
    There the errors are resampled without any; figures with bounds, such as Spearman's rho, keep them.

    Args:
        codes: shape (n, c): of each gold value and its predictions.
        gold_codes: codes that a gold value could have.
        values: of the feature.
        design: of the same items.
        measures: from rows of codes to their figures.
    """
    sample = sample_of_predictions(codes, design, gold_codes)
    joined = measures(sample.codes)
    found = figures(sample, joined)
    if not values.is_wide:
        return found
    plain = sample_of_predictions(codes, design, np.empty(0, dtype=np.int64))
    names = tuple(name for name in joined.names if name in _ERRORS)
    if not names:
        return found
    errors = {of.name: of for of in figures(plain, PickedMeasures(measures(plain.codes), names))}
    return tuple(errors.get(of.name, of) for of in found)
