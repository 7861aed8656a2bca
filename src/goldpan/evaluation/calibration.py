"""Whether a model's confidence can be believed: reliability by bin, calibration error, Brier score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from goldpan.as_json import AsJson
from goldpan.statistics.figures import Estimate, Figure, Kind, figures, too_few
from goldpan.statistics.interval import clopper_pearson_interval
from goldpan.statistics.label_measures import nan_ratio
from goldpan.statistics.samples import FEWEST_UNITS, sample_of_predictions
from goldpan.statistics.sampling_design import Design, effective_size

BINS = 10
_SIMULATIONS = 1000
_DISTINCT = 10_000


@dataclass(frozen=True)
class Bin(AsJson):
    """Items whose confidence lies in one interval.

    Attributes:
        low, high: the interval; it holds `low` but not `high`, but for the last, which holds 1.
        items: how many.
        confidence: mean confidence, weighted by the design.
        accuracy: share that is right, likewise, with the interval of the effective number of items.
    """

    low: float
    high: float
    items: int
    confidence: float
    accuracy: Estimate


@dataclass(frozen=True)
class Calibration(AsJson, json_names={"without": "without_confidence"}):
    """Confidence held against what was right.

    The expected calibration error is biased: with few items even a perfectly calibrated model shows some. So
    the error that such a model would show on these items is simulated (Vaicenavicius et al. 2019, AISTATS).

    Attributes:
        items: items with a confidence.
        without: answered items without one.
        ece: expected calibration error (Guo et al. 2017, ICML), weighted by the design.
        ece_if_calibrated: what a perfectly calibrated model would show on average.
        ece_p_value: how often such a model would show as much or more.
        brier: mean squared difference of confidence and being right (Brier 1950).
        bins: those that hold an item.
    """

    items: int
    without: int
    ece: float
    ece_if_calibrated: float
    ece_p_value: float
    brier: Figure
    bins: tuple[Bin, ...]


def calibration(confidence: np.ndarray, right: np.ndarray, design: Design, without: int = 0) -> Calibration:
    """Measure the calibration of n answers.

    Args:
        confidence: probability that each answer is right, shape (n,), n at least 1.
        right: whether it is, shape (n,).
        design: of the same items.
        without: answered items that have no confidence.

    Raises:
        ValueError: a confidence is not between 0 and 1.
    """
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise ValueError("a confidence must lie between 0 and 1")
    places = np.minimum((confidence * BINS).astype(int), BINS - 1)
    bins = tuple(
        _bin(place, confidence[places == place], right[places == place], design.part(places == place))
        for place in np.unique(places)
    )
    observed = _error(confidence, right[None], design.weights, places)[0]
    sample = _brier_sample(confidence, right, design)
    generator = np.random.default_rng(sample.seed)
    simulated = generator.random((_SIMULATIONS, len(confidence))) < confidence
    errors = _error(confidence, simulated, design.weights, places)
    return Calibration(
        items=len(confidence),
        without=without,
        bins=bins,
        ece=float(observed),
        ece_if_calibrated=float(errors.mean()),
        ece_p_value=float((1 + (errors >= observed - 1e-12).sum()) / (1 + _SIMULATIONS)),
        brier=figures(sample, _Brier(sample.codes))[0],
    )


def _bin(place: int, confidence: np.ndarray, right: np.ndarray, design: Design) -> Bin:
    weights = design.weights
    share, size = float((weights * right).sum() / weights.sum()), effective_size(weights)
    if len(weights) < FEWEST_UNITS:
        accuracy = Estimate(share, reason=too_few(len(weights), "item"))
    elif design.is_grouped:
        accuracy = Estimate(share, reason="no interval: items of one group may be alike")
    else:
        accuracy = Estimate(share, clopper_pearson_interval(share * size, size))
    return Bin(
        low=int(place) / BINS,
        high=(int(place) + 1) / BINS,
        items=len(confidence),
        confidence=float((weights * confidence).sum() / weights.sum()),
        accuracy=accuracy,
    )


def _error(confidence: np.ndarray, right: np.ndarray, weights: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Expected calibration error (b,) of outcomes (b, n): mean over bins of |confidence - accuracy|."""
    gaps = weights * (confidence - right)
    return np.abs(gaps @ np.eye(BINS)[places]).sum(1) / weights.sum()


def _brier_sample(confidence: np.ndarray, right: np.ndarray, design: Design) -> Any:
    # Confidences to four digits: what they say does not change, and items group.
    codes = np.column_stack([right.astype(int), np.rint(confidence * _DISTINCT).astype(int)])
    return sample_of_predictions(codes, design, np.array([0, 1]))


class _Brier:
    """Mean squared difference; rows of whether right, and confidence in steps of 1 / 10,000."""

    names = ("brier",)
    kinds: ClassVar[dict[str, Kind]] = {}

    def __init__(self, rows: np.ndarray):
        self._loss = (rows[:, 1] / _DISTINCT - rows[:, 0]) ** 2
        self.width = len(rows)

    def values(self, weights: np.ndarray) -> np.ndarray:
        return nan_ratio(weights @ self._loss, weights.sum(1))[:, None]

    def denominators(self, weights: np.ndarray) -> np.ndarray:
        return weights.sum(1)[:, None]
