"""Coefficients together with how they are recomputed on resampled items, so that each gets its interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from goldpan.statistics import multirater
from goldpan.statistics.alpha import AlphaByMetric, AlphaOnScale, alpha_values, krippendorff_alpha
from goldpan.statistics.bootstrap import Sample, replicate
from goldpan.statistics.coefficient import Coefficient
from goldpan.statistics.multirater import Expected
from goldpan.statistics.posterior import posterior_interval, posterior_replicates
from goldpan.statistics.samples import FEWEST_UNITS
from goldpan.statistics.standard_errors import standard_errors

CoefficientValues = Callable[[np.ndarray], np.ndarray]
"""From weights (b, u) of the rows to a coefficient's values (b,)."""

TOO_FEW_ITEMS = f"no interval with fewer than {FEWEST_UNITS} items"
TOO_FEW_GROUPS = f"no interval with fewer than {FEWEST_UNITS} groups of items"
ALWAYS_THE_SAME = "no interval: the same value whenever items are drawn again"

Alpha = AlphaByMetric | AlphaOnScale


@dataclass(frozen=True)
class Recomputable:
    """A coefficient without its interval, and its values under other weightings of the same rows.

    Attributes:
        coefficient: the estimate.
        values: how it is computed again.
        by_posterior: whether it is one of those of two annotators and two labels whose intervals come from
            `posterior`, unless items come in groups.
    """

    coefficient: Coefficient
    values: CoefficientValues
    by_posterior: bool = False


def with_intervals(sample: Sample, coefficients: Sequence[Recomputable], width: int = 0) -> list[Coefficient]:
    """Give each defined coefficient its interval, all from the same replicates, or say why it has none.

    A coefficient without a formula for its standard error gets that, too. None has one where it has no
    interval for want of items, or where no item moves the value, so that it would be 0.

    Args:
        sample: the answers that the value functions were made for.
        coefficients: in the order of the result.
        width: the most numbers a value function holds per replicate, to bound memory.
    """
    results = [recomputable.coefficient for recomputable in coefficients]
    defined = {index: result.value for index, result in enumerate(results) if result.value is not None}
    if not defined:
        return results
    if not sample.bears_intervals:
        for index in defined:
            why = TOO_FEW_GROUPS if sample.is_grouped else TOO_FEW_ITEMS
            results[index] = replace(_without_interval(results[index], why), standard_error=None)
        return results

    def statistic(weights: np.ndarray) -> np.ndarray:
        return np.stack([coefficients[index].values(weights) for index in defined], axis=1)

    draws = replicate(sample, statistic, width=width)
    errors = standard_errors(sample, statistic, width)
    # The formulas of the posterior and of standard errors take each item for itself.
    by_posterior = {index for index in defined if coefficients[index].by_posterior and not sample.is_grouped}
    posterior = posterior_replicates(sample, statistic) if by_posterior else draws
    for column, ((index, value), error) in enumerate(zip(defined.items(), errors, strict=True)):
        by_formula = None if sample.is_grouped else results[index].standard_error
        results[index] = replace(results[index], standard_error=by_formula or error)
        if index in by_posterior:
            interval = posterior_interval(sample, posterior[:, column], draws[:, column], value)
        else:
            interval = sample.interval(draws[:, column], value)
        if interval is None:
            results[index] = _without_interval(results[index], "no interval: undefined whenever resampled")
        elif not interval.has_width:
            results[index] = _without_interval(results[index], ALWAYS_THE_SAME)
        else:
            results[index] = replace(results[index], interval=interval)
    return results


def _without_interval(coefficient: Coefficient, why: str) -> Coefficient:
    return replace(coefficient, reason="; ".join(part for part in (coefficient.reason, why) if part))


def from_tables(
    tables: Callable[[np.ndarray], np.ndarray],
    statistic: Callable[[np.ndarray, np.ndarray], np.ndarray],
    credit: np.ndarray,
) -> CoefficientValues:
    """Values of a statistic of contingency tables, such as `kappa.kappa_values`."""
    return lambda weights: statistic(tables(weights), credit)


def from_counts(counts: np.ndarray, credit: np.ndarray, expected: Expected) -> CoefficientValues:
    """Values of a coefficient of `multirater`, from the rows' counts (u, k)."""
    return lambda weights: multirater.corrected_values(counts, weights, credit, expected)


def recomputable_alpha(
    name: str, make: Callable[[np.ndarray], Alpha], codes: np.ndarray, sample: Sample
) -> Recomputable:
    """Krippendorff's alpha of codes (n, m) by the constructor `make`."""
    resampled = make(sample.codes)
    return Recomputable(
        krippendorff_alpha(make(codes), name), lambda weights: alpha_values(resampled, weights)
    )
