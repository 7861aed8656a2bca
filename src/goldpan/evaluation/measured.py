"""The figures of predictions with intervals, from samples that suit the values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from goldpan.evaluation.coding import FeatureValues
from goldpan.statistics.figures import Estimate, Figure, Measures, figures
from goldpan.statistics.joined_measures import PickedMeasures
from goldpan.statistics.samples import sample_of_predictions
from goldpan.statistics.sampling_design import Design

_ERRORS = ("mae", "rmse", "bias")
"""Figures in the units of the scale, which have no bounds of their own."""
_RHO = "spearman"


def measured(
    codes: np.ndarray,
    gold_codes: np.ndarray,
    values: FeatureValues,
    design: Design,
    measures: Callable[[np.ndarray], Measures],
) -> tuple[Figure, ...]:
    """The figures of some predictions.

    On a wide scale a pseudo-item, any gold value with any prediction, is off by far more than items are.
    There the errors are resampled without any. Spearman's rho, which pseudo-items pull down, has an interval
    that spans both. Figures with bounds keep them.

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
    names = tuple(name for name in joined.names if name in (*_ERRORS, _RHO))
    if not names:
        return found
    without = {of.name: of for of in figures(plain, PickedMeasures(measures(plain.codes), names))}
    return tuple(_joined(of, without.get(of.name)) for of in found)


def _joined(found: Figure, without: Figure | None) -> Figure:
    """A figure with the intervals that suit it, of those with and without pseudo-items."""
    if without is None:
        return found
    if found.name in _ERRORS:
        return without
    return Figure(found.name, _spanning(found.raw, without.raw), _spanning(found.weighted, without.weighted))


def _spanning(found: Estimate, without: Estimate) -> Estimate:
    if found.interval is None or without.interval is None:
        return found
    low, high = without.interval.low, without.interval.high
    return replace(found, interval=found.interval.spanning(low, high, "and without these"))
