"""Before anyone starts: how wide the interval of kappa will be with n items, and how many narrow it enough.

Two annotators with the same label shares and a true kappa give the table p_ij = kappa [i = j] p_i + (1 -
kappa) p_i p_j. From it come the large-sample half-width (standard error of Fleiss, Cohen and Everitt 1969,
Psychological Bulletin 72:323-327), which does not hold at small n or for rare labels, and the half-width to
expect: the median of the intervals that goldpan would report, over simulated waves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from goldpan.as_json import AsJson
from goldpan.errors import StudyError
from goldpan.files import canonical_json, sha256_hex
from goldpan.statistics.bootstrap import replicate
from goldpan.statistics.coefficient_intervals import from_tables
from goldpan.statistics.interval import LEVEL
from goldpan.statistics.kappa import kappa_standard_errors, kappa_values, pair_tables
from goldpan.statistics.samples import sample_of_answers
from goldpan.statistics.weights import UNWEIGHTED, agreement_weights

SIMULATIONS = 200
REPLICATES = 500
USUAL_SIZES = (30, 50, 100, 200, 300, 500)
_MOST_ITEMS = 100_000


@dataclass(frozen=True)
class Expectation:
    """What a wave of two annotators is expected to look like.

    Attributes:
        shares: share of each label, sums to 1; for a binary feature of prevalence p: (1 - p, p).
        kappa: the true kappa one reckons with, 0 <= kappa < 1 (before weighting).
        weighting: `unweighted`, `linear` or `quadratic`; labels are taken to be evenly spaced.

    Raises:
        StudyError: the numbers are not shares, or kappa is out of bounds.
    """

    shares: tuple[float, ...]
    kappa: float
    weighting: str = UNWEIGHTED

    def __post_init__(self) -> None:
        if len(self.shares) < 2 or min(self.shares) <= 0 or abs(sum(self.shares) - 1) > 1e-6:
            raise StudyError(f"label shares must be above 0 and sum to 1, not {list(self.shares)}")
        if not 0 <= self.kappa < 1:
            raise StudyError(f"the kappa to expect must be at least 0 and below 1, not {self.kappa}")

    @property
    def table(self) -> np.ndarray:
        """Share of items in each cell, shape (k, k)."""
        shares = np.array(self.shares)
        return self.kappa * np.diag(shares) + (1 - self.kappa) * np.outer(shares, shares)

    @property
    def weights(self) -> np.ndarray:
        """Agreement weights, shape (k, k)."""
        return agreement_weights(self.weighting, range(len(self.shares)))


def expectation(
    labels: int, kappa: float, prevalence: float | None = None, weighting: str = UNWEIGHTED
) -> Expectation:
    """An expectation from few numbers.

    Args:
        labels: number of labels, k.
        kappa: the true kappa one reckons with.
        prevalence: share of the rarest label that matters; the others share the rest evenly. Without it all
            labels are as frequent.
        weighting: `unweighted`, `linear` or `quadratic`.

    Raises:
        StudyError: as for `Expectation`.
    """
    if labels < 2:
        raise StudyError(f"agreement needs at least 2 labels, not {labels}")
    if prevalence is None:
        return Expectation((1 / labels,) * labels, kappa, weighting)
    return Expectation(((1 - prevalence) / (labels - 1),) * (labels - 1) + (prevalence,), kappa, weighting)


@dataclass(frozen=True)
class PowerPlan(AsJson):
    """What n items give.

    Attributes:
        items: n.
        half_width: half the median width of the 95 % interval of kappa; None if kappa is most often
            undefined.
        large_sample_half_width: the same by the formula for large n.
        undefined: share of waves in which kappa is undefined, as only one label was given.
    """

    items: int
    half_width: float | None
    large_sample_half_width: float
    undefined: float


def large_sample_half_width(items: int, expected: Expectation, level: float = LEVEL) -> float:
    """Half the width of the Wald interval of kappa with `items` items."""
    error, _ = kappa_standard_errors(expected.table, expected.weights)
    return NormalDist().inv_cdf((1 + level) / 2) * error / math.sqrt(items)


def plan(items: int, expected: Expectation, simulations: int = SIMULATIONS) -> PowerPlan:
    """What `items` items give; the same arguments give the same plan.

    Args:
        items: n, at least 2.
        expected: what is reckoned with.
        simulations: simulated waves.
    """
    if items < 2:
        raise StudyError(f"a plan needs at least 2 items, not {items}")
    labels = len(expected.shares)
    content = canonical_json([items, *expected.shares, expected.kappa, expected.weighting])
    generator = np.random.default_rng(int(sha256_hex(content)[:16], 16))
    tables = generator.multinomial(items, expected.table.ravel(), size=simulations)
    widths = [
        width for width in (_width(table.reshape(labels, labels), expected) for table in tables) if width
    ]
    return PowerPlan(
        items=items,
        half_width=float(np.median(widths)) / 2 if 2 * len(widths) > simulations else None,
        large_sample_half_width=large_sample_half_width(items, expected),
        undefined=1 - len(widths) / simulations,
    )


def _width(table: np.ndarray, expected: Expectation) -> float | None:
    """Width of the interval that would be reported for a table of counts; None where kappa is undefined."""
    labels = len(table)
    cells = np.indices(table.shape).reshape(2, -1).T
    codes = np.repeat(cells, table.ravel(), axis=0)
    sample = sample_of_answers(codes, labels)
    values = from_tables(pair_tables(sample.codes, labels), kappa_values, expected.weights)
    estimate = float(values(sample.counts[None])[0])
    if math.isnan(estimate):
        return None
    draws = replicate(sample, lambda weights: values(weights)[:, None], REPLICATES, labels**2)
    interval = sample.interval(draws[:, 0], estimate)
    return interval.high - interval.low if interval else None


def items_for(half_width: float, expected: Expectation) -> PowerPlan:
    """The smallest number of items, to about 2 %, whose expected half-width is at most `half_width`.

    Raises:
        StudyError: `half_width` is not between 0 and 1, or more than 100,000 items would be needed.
    """
    if not 0 < half_width < 1:
        raise StudyError(f"the half-width to reach must be between 0 and 1, not {half_width}")
    error, _ = kappa_standard_errors(expected.table, expected.weights)
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    too_few, enough = 1, max(10, math.ceil((z * error / half_width) ** 2))
    planned = _plan_within_limit(enough, expected)
    while not _reached(planned, half_width):
        too_few, enough = enough, math.ceil(enough * 1.5)
        planned = _plan_within_limit(enough, expected)
    # `enough` items have reached the half-width and `too_few` have not, until they are next to each other.
    while enough - too_few > max(1, enough // 50):
        middle = (too_few + enough) // 2
        tried = plan(max(middle, 2), expected)
        if _reached(tried, half_width):
            enough, planned = middle, tried
        else:
            too_few = middle
    return planned


def _plan_within_limit(items: int, expected: Expectation) -> PowerPlan:
    if items > _MOST_ITEMS:
        raise StudyError(
            f"more than {_MOST_ITEMS:,} items would be needed",
            remedy="reckon with a wider interval, or sample the rare labels more often (`stratify`)",
        )
    return plan(items, expected)


def _reached(planned: PowerPlan, half_width: float) -> bool:
    return planned.half_width is not None and planned.half_width <= half_width


def plan_text(expected: Expectation, plans: Sequence[PowerPlan]) -> str:
    """The plans as a table for people, with a final newline."""
    shares = ", ".join(f"{share:.0%}" if share >= 0.01 else f"{share:.1%}" for share in expected.shares)
    lines = [
        f"Two annotators, {len(expected.shares)} labels ({shares}), true kappa {expected.kappa:g}"
        + ("" if expected.weighting == UNWEIGHTED else f", {expected.weighting} weights"),
        "",
        " items   kappa is known to within   (large-sample formula)   kappa undefined",
    ]
    for planned in plans:
        width = "undefined" if planned.half_width is None else f"+/- {planned.half_width:.3f}"
        lines.append(
            f"{planned.items:>6,}   {width:>24}   {f'+/- {planned.large_sample_half_width:.3f}':>22}"
            f"   {planned.undefined:>15.0%}"
        )
    return "\n".join(lines) + "\n"
