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


def observed_agreement(codes: np.ndarray, values: int, groups: np.ndarray | None = None) -> Coefficient:
    """Share of pairs of answers that are exactly alike, the mean over items, with an interval.

    Of two annotators it is Wilson's, unless items come in groups; else by bootstrap. Where all answers to all
    items are alike, or none to any, the replicates know of nothing else but the pseudo-items (and of these
    alone with one label). The share of items (or groups) wholly alike is never above the mean agreement, and
    that of items with any two alike never below it, so the interval then also spans Wilson's of that share.

    Args:
        codes: shape (n, m); below 0 is missing.
        values: number of distinct values.
        groups: of the items, shape (n,), if some are drawn together.
    """
    share = multirater.exact_agreement(codes)
    paired = share[~np.isnan(share)]
    if not len(paired):
        return Coefficient("observed_agreement", None, reason=multirater.NO_PAIRS)
    estimate = Coefficient("observed_agreement", float(paired.mean()))
    sample = sample_of_answers(codes, values, groups)
    if codes.shape[1] == 2 and not sample.is_grouped:
        error = (paired.mean() * (1 - paired.mean()) / max(len(paired) - 1, 1)) ** 0.5
        interval = wilson_interval(float(paired.sum()), len(paired))
        return replace(estimate, interval=interval, standard_error=float(error) or None)
    resampled = multirater.exact_agreement(sample.codes)
    again = Recomputable(estimate, lambda weights: multirater.mean_of_items(resampled, weights))
    measured = with_intervals(sample, [again])[0]
    if not sample.bears_intervals or 0 < paired.mean() < 1:
        return measured
    units = len(paired) if groups is None else len(np.unique(groups[~np.isnan(share)]))
    alone = wilson_interval(float(paired.mean()) * units, units)
    assert alone is not None
    if measured.interval is not None:
        alone = measured.interval.spanning(alone.low, alone.high, f"{alone.method} at the bound")
    return replace(measured, interval=alone, reason=None)


def set_alphas(
    codes: np.ndarray, sets: Sequence[frozenset[str]], groups: np.ndarray | None = None
) -> list[Coefficient]:
    """Krippendorff's alpha by MASI and by Jaccard distance.

    Args:
        codes: shape (n, m), index into `sets`; below 0 is missing.
        sets: the distinct sets that were given.
        groups: of the items, shape (n,), if some are drawn together.
    """
    metrics = {
        "krippendorff_alpha_masi": distances.masi(sets),
        "krippendorff_alpha_jaccard": distances.jaccard(sets),
    }
    return _alphas(codes, len(sets), metrics, groups)


def ranking_alpha(
    codes: np.ndarray, rankings: Sequence[tuple[str, ...]], groups: np.ndarray | None = None
) -> list[Coefficient]:
    """Krippendorff's alpha by Kendall tau distance; arguments as for `set_alphas`."""
    metrics = {"krippendorff_alpha_kendall": distances.kendall(rankings)}
    return _alphas(codes, len(rankings), metrics, groups)


def _alphas(
    codes: np.ndarray, values: int, metrics: dict[str, distances.Metric], groups: np.ndarray | None
) -> list[Coefficient]:
    sample = sample_of_answers(codes, values, groups)
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
