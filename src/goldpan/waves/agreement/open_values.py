"""Observed agreement of any values, and alphas, with intervals, of answers that are sets or rankings."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from goldpan.statistics import distances, multirater
from goldpan.statistics.alpha import AlphaByMetric
from goldpan.statistics.coefficient import Coefficient
from goldpan.statistics.coefficient_intervals import Recomputable, recomputable_alpha, with_intervals
from goldpan.statistics.interval import wilson_interval
from goldpan.statistics.samples import sample_of_answers


def observed_agreement(codes: np.ndarray, values: int) -> Coefficient:
    """Share of pairs of answers that are exactly alike, the mean over items, with an interval.

    Args:
        codes: shape (n, m); below 0 is missing.
        values: number of distinct values.
    """
    share = multirater.exact_agreement(codes)
    paired = share[~np.isnan(share)]
    if not len(paired):
        return Coefficient("observed_agreement", None, reason=multirater.NO_PAIRS)
    estimate = Coefficient("observed_agreement", float(paired.mean()))
    if codes.shape[1] == 2:
        error = (paired.mean() * (1 - paired.mean()) / max(len(paired) - 1, 1)) ** 0.5
        interval = wilson_interval(float(paired.sum()), len(paired))
        return replace(estimate, interval=interval, standard_error=float(error) or None)
    sample = sample_of_answers(codes, values)
    resampled = multirater.exact_agreement(sample.codes)
    again = Recomputable(estimate, lambda weights: multirater.mean_of_items(resampled, weights))
    return with_intervals(sample, [again])[0]


def set_alphas(codes: np.ndarray, sets: Sequence[frozenset[str]]) -> list[Coefficient]:
    """Krippendorff's alpha by MASI and by Jaccard distance.

    Args:
        codes: shape (n, m), index into `sets`; below 0 is missing.
        sets: the distinct sets that were given.
    """
    metrics = {
        "krippendorff_alpha_masi": distances.masi(sets),
        "krippendorff_alpha_jaccard": distances.jaccard(sets),
    }
    return _alphas(codes, len(sets), metrics)


def ranking_alpha(codes: np.ndarray, rankings: Sequence[tuple[str, ...]]) -> list[Coefficient]:
    """Krippendorff's alpha by Kendall tau distance; arguments as for `set_alphas`."""
    return _alphas(codes, len(rankings), {"krippendorff_alpha_kendall": distances.kendall(rankings)})


def _alphas(codes: np.ndarray, values: int, metrics: dict[str, distances.Metric]) -> list[Coefficient]:
    sample = sample_of_answers(codes, values)
    coefficients = []
    for name, metric in metrics.items():

        def make(some: np.ndarray, metric: distances.Metric = metric) -> AlphaByMetric:
            return AlphaByMetric(some, values, metric)

        coefficients.append(recomputable_alpha(name, make, codes, sample))
    return with_intervals(sample, coefficients, values)


def presence(codes: np.ndarray, sets: Sequence[Hashable], member: Any) -> np.ndarray:
    """Whether each answer holds a member: shape of `codes`; 1 or 0, and -1 where missing."""
    holds = np.array([member in members for members in sets] + [False], dtype=np.int32)  # type: ignore[operator]
    return np.where(codes >= 0, holds[codes], -1)
