"""Coefficients together with how they are recomputed on resampled items, so that each gets its interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from goldpan.statistics import bootstrap, multirater
from goldpan.statistics.alpha import AlphaByMetric, AlphaOnScale, alpha_values, krippendorff_alpha
from goldpan.statistics.bootstrap import Profiles
from goldpan.statistics.coefficient import Coefficient
from goldpan.statistics.multirater import Expected

Values = Callable[[np.ndarray], np.ndarray]
"""From weights (b, u) of the profiles to a coefficient's values (b,)."""

TOO_FEW_ITEMS = f"no interval with fewer than {bootstrap.FEWEST_ITEMS} items"

Alpha = AlphaByMetric | AlphaOnScale


@dataclass(frozen=True)
class Estimate:
    """A coefficient without its interval, and its values under other weightings of the same profiles."""

    coefficient: Coefficient
    values: Values


def with_intervals(sample: Profiles, estimates: Sequence[Estimate], width: int = 0) -> list[Coefficient]:
    """Give each defined coefficient its interval, all from the same replicates, or say why it has none.

    Args:
        sample: the profiles that the estimates' value functions were made for.
        estimates: in the order of the result.
        width: the most numbers a value function holds per replicate, to bound memory.
    """
    results = [one.coefficient for one in estimates]
    defined = {index: one.value for index, one in enumerate(results) if one.value is not None}
    if not defined:
        return results
    if sample.paired_items < bootstrap.FEWEST_ITEMS:
        for index in defined:
            results[index] = _without_interval(results[index], TOO_FEW_ITEMS)
        return results

    def statistic(weights: np.ndarray) -> np.ndarray:
        return np.stack([estimates[index].values(weights) for index in defined], axis=1)

    draws = bootstrap.replicate(sample, statistic, width=width)
    for (index, value), column in zip(defined.items(), draws.T, strict=True):
        interval = bootstrap.percentile_interval(column, value, sample.items)
        if interval is None:
            results[index] = _without_interval(results[index], "no interval: undefined whenever resampled")
        else:
            results[index] = replace(results[index], interval=interval)
    return results


def _without_interval(coefficient: Coefficient, why: str) -> Coefficient:
    return replace(coefficient, reason="; ".join(part for part in (coefficient.reason, why) if part))


def pair_tables(codes: np.ndarray, labels: int) -> Callable[[np.ndarray], np.ndarray]:
    """A function from weights (b, u) to contingency tables (b, k, k) of two annotators' codes (u, 2)."""
    both = np.flatnonzero((codes >= 0).all(1))
    cells = codes[both, 0].astype(np.int64) * labels + codes[both, 1]
    order = np.argsort(cells, kind="stable")
    distinct, starts = np.unique(cells[order], return_index=True)

    def tables(weights: np.ndarray) -> np.ndarray:
        flat = np.zeros((len(weights), labels * labels))
        if len(distinct):
            flat[:, distinct] = np.add.reduceat(weights[:, both[order]], starts, axis=1)
        return flat.reshape(len(weights), labels, labels)

    return tables


def from_tables(
    tables: Callable[[np.ndarray], np.ndarray],
    statistic: Callable[[np.ndarray, np.ndarray], np.ndarray],
    credit: np.ndarray,
) -> Values:
    """Values of a statistic of contingency tables, such as `kappa.kappa_values`."""
    return lambda weights: statistic(tables(weights), credit)


def from_counts(counts: np.ndarray, credit: np.ndarray, expected: Expected) -> Values:
    """Values of a coefficient of `multirater`, from the profiles' counts (u, k)."""
    return lambda weights: multirater.corrected_values(counts, weights, credit, expected)


def alpha_estimate(
    name: str, make: Callable[[np.ndarray], Alpha], codes: np.ndarray, sample: Profiles
) -> Estimate:
    """Krippendorff's alpha of codes (n, m) by the constructor `make`."""
    resampled = make(sample.codes)
    return Estimate(krippendorff_alpha(make(codes), name), lambda weights: alpha_values(resampled, weights))
