"""Whether two annotators use the labels alike: tests on the table of what each gave.

Agreement says how often two differ; these tests say whether they differ in one direction. All of them look at
disagreements only. With few of them the chi-square distribution does not hold, and the p-value is that of
swapping the two answers to each item at random: exact for two labels, by drawn swaps for more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goldpan.as_json import AsJson

FEWEST_FOR_CHI_SQUARE = 25
"""Disagreements below which no chi-square distribution is trusted."""
_SWAPS = 9999
_ALIKE = "the two never differ, so there is nothing to test"


@dataclass(frozen=True)
class MarginalTest(AsJson):
    """A test of how two annotators differ.

    Attributes:
        name: `mcnemar`, `bowker`, `stuart_maxwell` or `sign`.
        p_value: two-sided; None where the test cannot be made.
        statistic: chi-square; None for an exact test.
        degrees: its degrees of freedom.
        method: `exact`, `random swaps` or `chi-square`.
        reason: why there is no p-value.
    """

    name: str
    p_value: float | None
    statistic: float | None = None
    degrees: int | None = None
    method: str | None = None
    reason: str | None = None


def marginal_tests(table: np.ndarray) -> list[MarginalTest]:
    """McNemar's test for two labels; for more Bowker's and the one by Stuart and Maxwell.

    Args:
        table: counts, shape (k, k); rows are the first annotator's labels.
    """
    if len(table) == 2:
        return [mcnemar(table[0, 1], table[1, 0])]
    return [stuart_maxwell(table), bowker(table)]


def mcnemar(first: float, second: float, name: str = "mcnemar") -> MarginalTest:
    """McNemar's test (1947), Psychometrika 12:153-157: do the two disagree as often one way as the other?

    Without a correction for continuity where there are disagreements enough, else exact (binomial).

    Args:
        first, second: disagreements one way and the other way.
        name: `sign` where answers are ordered, and the ways are higher and lower.
    """
    disagreements = first + second
    if not disagreements:
        return MarginalTest(name, None, reason=_ALIKE)
    if disagreements < FEWEST_FOR_CHI_SQUARE:
        return MarginalTest(name, exact_mcnemar_p_value(first, second), method="exact")
    return _chi_square(name, (first - second) ** 2 / disagreements, 1)


def exact_mcnemar_p_value(first: float, second: float) -> float:
    """Two-sided p-value of McNemar's test by the binomial distribution; 1 where there are no disagreements.

    Args:
        first, second: disagreements one way and the other way.
    """
    from scipy.special import bdtr

    return min(1.0, 2 * float(bdtr(min(first, second), int(first + second), 0.5)))


def bowker(table: np.ndarray) -> MarginalTest:
    """Bowker's test of symmetry (1948), J Am Stat Assoc 43:572-574: is x for y as frequent as y for x?

    Pairs of labels that nobody confused say nothing, and take no degree of freedom.
    """
    both, difference = _disagreements(table)
    if not len(both):
        return MarginalTest("bowker", None, reason=_ALIKE)
    statistic = float((difference**2 / both).sum())
    if both.sum() >= FEWEST_FOR_CHI_SQUARE:
        return _chi_square("bowker", statistic, len(both))
    swapped = (_swapped(both) ** 2 / both).sum(1)
    return _by_swaps("bowker", statistic, len(both), swapped)


def stuart_maxwell(table: np.ndarray) -> MarginalTest:
    """The test of marginal homogeneity by Stuart (1955) and Maxwell (1970): does each use a label as often?

    Stuart, Biometrika 42:412-416; Maxwell, Br J Psychiatry 116:651-655. The covariance is that under the
    hypothesis. Labels that are never confused with any other, or with some others only, leave it singular;
    its generalised inverse then has as many degrees of freedom as can differ.
    """
    both, _ = _disagreements(table)
    if not len(both):
        return MarginalTest("stuart_maxwell", None, reason=_ALIKE)
    off = table - np.diag(np.diag(table))
    covariance = np.diag(off.sum(0) + off.sum(1)) - off - off.T
    inverse = np.linalg.pinv(covariance, hermitian=True)
    degrees = int(np.linalg.matrix_rank(covariance, hermitian=True))
    margin = off.sum(1) - off.sum(0)
    statistic = float(margin @ inverse @ margin)
    if both.sum() >= FEWEST_FOR_CHI_SQUARE:
        return _chi_square("stuart_maxwell", statistic, degrees)
    first, second = _confused(table)
    margins = np.zeros((_SWAPS, len(table)))
    for column, swap in enumerate(_swapped(both).T):
        margins[:, first[column]] += swap
        margins[:, second[column]] -= swap
    swapped = np.einsum("bi,ij,bj->b", margins, inverse, margins)
    return _by_swaps("stuart_maxwell", statistic, degrees, swapped)


def holm(p_values: np.ndarray) -> np.ndarray:
    """p-values, shape (t,), corrected for t tests (Holm 1979, Scand J Stat 6:65-70)."""
    order = np.argsort(p_values)
    steps = np.maximum.accumulate(p_values[order] * np.arange(len(p_values), 0, -1))
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(steps, 1.0)
    return corrected


def _confused(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs of labels that were confused at all, the lower index first."""
    lower, higher = np.nonzero(np.triu(table + table.T, 1))
    return lower, higher


def _disagreements(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each confused pair of labels how often it was, and how much more often one way than the other."""
    pairs = _confused(table)
    return (table + table.T)[pairs], (table - table.T)[pairs]


def _swapped(both: np.ndarray) -> np.ndarray:
    """Differences (b, p) if which of the two gave which label were up to chance."""
    drawn = np.random.default_rng(0).binomial(both.astype(int), 0.5, size=(_SWAPS, len(both)))
    return 2.0 * drawn - both


def _by_swaps(name: str, statistic: float, degrees: int, swapped: np.ndarray) -> MarginalTest:
    at_least = int((swapped >= statistic - 1e-9).sum())
    return MarginalTest(name, (1 + at_least) / (1 + _SWAPS), statistic, degrees, "random swaps")


def _chi_square(name: str, statistic: float, degrees: int) -> MarginalTest:
    from scipy.special import chdtrc

    return MarginalTest(name, float(chdtrc(degrees, statistic)), float(statistic), degrees, "chi-square")
