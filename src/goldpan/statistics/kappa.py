"""Chance-corrected agreement of two annotators, from their contingency table.

The functions ending in `_values` take tables of shape (..., k, k), so that a point estimate and thousands of
bootstrap replicates go through the same lines; they give NaN where a value is undefined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from goldpan.as_json import finite
from goldpan.statistics.coefficient import Coefficient

MOST_LABELS = 200
"""Kappas need a table of all pairs of labels; with more distinct values they are left out, with a reason."""
_CHANCE_ONLY = 1e-12
NO_ITEMS = "no item was answered by both"
ONE_LABEL = "only one label was used by both, so agreement by chance alone is certain"


def contingency_table(first: np.ndarray, second: np.ndarray, labels: int) -> np.ndarray:
    """Counts (k, k): rows are the first annotator's codes, columns the second's; below 0 is missing."""
    both = (first >= 0) & (second >= 0)
    cells = first[both].astype(np.int64) * labels + second[both]
    return np.bincount(cells, minlength=labels * labels).reshape(labels, labels).astype(float)


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


def observed_and_expected(tables: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted observed agreement and that expected from the margins (Cohen 1968), each of shape (...)."""
    total = tables.sum((-1, -2))
    with np.errstate(all="ignore"):
        observed = (tables * weights).sum((-1, -2)) / total
        rows, columns = tables.sum(-1), tables.sum(-2)
        expected = np.einsum("...i,ij,...j->...", rows, weights, columns) / total**2
    return observed, expected


def corrected(observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """(observed - expected) / (1 - expected); NaN where chance alone gives full agreement."""
    with np.errstate(all="ignore"):
        return np.where(1 - expected > _CHANCE_ONLY, (observed - expected) / (1 - expected), np.nan)


def kappa_values(tables: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Cohen's kappa, weighted by `weights` (k, k), of each table."""
    return corrected(*observed_and_expected(tables, weights))


def pi_values(tables: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Scott's pi of each table: chance agreement from the mean of the two margins."""
    observed, _ = observed_and_expected(tables, weights)
    return corrected(observed, _pooled_expected(tables, weights))


def _pooled_expected(tables: np.ndarray, weights: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        pooled = (tables.sum(-1) + tables.sum(-2)) / (2 * tables.sum((-1, -2)))[..., None]
    return np.einsum("...i,ij,...j->...", pooled, weights, pooled)


def cohen_kappa(
    table: np.ndarray, weights: np.ndarray | None = None, name: str = "cohen_kappa"
) -> Coefficient:
    """Cohen's kappa with its large-sample standard errors.

    Args:
        table: counts, shape (k, k).
        weights: agreement weights (k, k); None for the unweighted kappa.
        name: what to call the coefficient.

    The standard errors are those of Fleiss, Cohen and Everitt (1969), Psychological Bulletin 72:323-327.
    """
    weights = np.eye(len(table)) if weights is None else weights
    total = table.sum()
    if total == 0:
        return Coefficient(name, None, reason=NO_ITEMS)
    observed, expected = observed_and_expected(table, weights)
    value = finite(corrected(observed, expected))
    if value is None:
        return Coefficient(name, None, float(observed), float(expected), reason=ONE_LABEL)
    error, error_null = kappa_standard_errors(table / total, weights)
    scale = np.sqrt(total)
    return Coefficient(
        name,
        value,
        float(observed),
        float(expected),
        # None where no item moves the value: rounding leaves some 1e-16 of its square.
        standard_error=float(error / scale) if error > 1e-7 else None,
        standard_error_null=float(error_null / scale),
    )


def kappa_standard_errors(shares: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Standard errors of kappa for one item, at the value itself and at 0; divide by the root of n.

    Fleiss, Cohen and Everitt (1969), in their form for agreement weights.

    Args:
        shares: share of items in each cell, shape (k, k), sums to 1.
        weights: agreement weights, shape (k, k).
    """
    rows, columns = shares.sum(1), shares.sum(0)
    observed = (shares * weights).sum()
    expected = rows @ weights @ columns
    value = (observed - expected) / (1 - expected)
    margin = (weights @ columns)[:, None] + (rows @ weights)[None, :]
    variance = (shares * (weights - margin * (1 - value)) ** 2).sum() - (value - expected * (1 - value)) ** 2
    variance_null = (np.outer(rows, columns) * (weights - margin) ** 2).sum() - expected**2
    spread = np.sqrt(np.maximum([variance, variance_null], 0.0)) / (1 - expected)
    return float(spread[0]), float(spread[1])


def scott_pi(table: np.ndarray, weights: np.ndarray | None = None, name: str = "scott_pi") -> Coefficient:
    """Scott's pi (1955, Public Opinion Quarterly 19:321-325) of a table of counts (k, k)."""
    weights = np.eye(len(table)) if weights is None else weights
    if table.sum() == 0:
        return Coefficient(name, None, reason=NO_ITEMS)
    observed, _ = observed_and_expected(table, weights)
    expected = _pooled_expected(table, weights)
    value = finite(corrected(observed, expected))
    reason = ONE_LABEL if value is None else None
    return Coefficient(name, value, float(observed), float(expected), reason=reason)


@dataclass(frozen=True)
class PrevalenceAndBias:
    """Why kappa may be low though people agree (Byrt, Bishop and Carlin 1993, J Clin Epidemiol 46:423-429).

    Attributes:
        prevalence_index: |both yes - both no| / n; near 1, chance agreement is high and kappa is held down.
        bias_index: |yes of one - yes of the other| / n; near 1, the two use the label at different rates.
    """

    prevalence_index: float
    bias_index: float


def prevalence_and_bias(table: np.ndarray, label: int) -> PrevalenceAndBias | None:
    """The two indices for one label against all others; None for an empty table."""
    total = table.sum()
    if total == 0:
        return None
    both, first, second = table[label, label], table[label].sum(), table[:, label].sum()
    neither = total - first - second + both
    return PrevalenceAndBias(abs(both - neither) / total, abs(first - second) / total)
