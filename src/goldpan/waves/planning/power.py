"""Before anyone starts: how wide intervals will be with n items, and how many items narrow them enough.

"Known to within W" is a promise with an assurance: in 90 % of simulated waves half the width of the 95 %
interval that goldpan would report is at most W. A wave in which the measure is undefined breaks it. For two
annotators the large-sample half-width of kappa stands beside it (standard error of Fleiss, Cohen and Everitt
1969, Psychological Bulletin 72:323-327), which does not hold at small n or for rare labels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import NormalDist

import numpy as np

from goldpan.as_json import AsJson
from goldpan.errors import StudyError
from goldpan.files import canonical_json, sha256_hex
from goldpan.statistics.alpha import AlphaByMetric, AlphaOnScale
from goldpan.statistics.bootstrap import Sample, replicate
from goldpan.statistics.coefficient_intervals import (
    CoefficientValues,
    from_counts,
    from_tables,
    recomputable_alpha,
)
from goldpan.statistics.distances import nominal
from goldpan.statistics.figures import figure, figures
from goldpan.statistics.interval import LEVEL, Interval
from goldpan.statistics.kappa import kappa_standard_errors, kappa_values, pair_tables
from goldpan.statistics.label_measures import LabelMeasures, OneLabelMeasures
from goldpan.statistics.multirater import fleiss_expected, label_counts
from goldpan.statistics.pairwise_kappas import PairwiseKappas
from goldpan.statistics.posterior import bears_posterior, posterior_interval, posterior_replicates
from goldpan.statistics.samples import sample_of_answers, sample_of_predictions
from goldpan.statistics.sampling_design import Design
from goldpan.statistics.weights import UNWEIGHTED
from goldpan.waves.planning.expectation import OF_PREDICTIONS, Expectation

ASSURANCE = 0.9
SIMULATIONS = 200
REPLICATES = 500
USUAL_SIZES = (30, 50, 100, 200, 300, 500)
_MOST_ITEMS = 100_000
_Z = NormalDist().inv_cdf((1 + LEVEL) / 2)


@dataclass(frozen=True)
class PowerPlan(AsJson):
    """What n items give.

    Attributes:
        items: n.
        half_width: half the width of the 95 % interval is at most this with the assurance; None if the
            measure is undefined, or has no interval, more often than that leaves room for.
        assurance: share of waves in which it holds.
        median_half_width: the same for half of the waves.
        large_sample_half_width: by the formula for large n; None but for kappa of two annotators.
        undefined: share of waves in which the measure is undefined or has no interval.
    """

    items: int
    half_width: float | None
    assurance: float
    median_half_width: float | None
    large_sample_half_width: float | None
    undefined: float


def large_sample_half_width(items: int, expected: Expectation, level: float = LEVEL) -> float:
    """Half the width of the Wald interval of the kappa of two annotators with `items` items."""
    error, _ = kappa_standard_errors(expected.table, expected.weights)
    return NormalDist().inv_cdf((1 + level) / 2) * error / math.sqrt(items)


def plan(
    items: int, expected: Expectation, simulations: int = SIMULATIONS, assurance: float = ASSURANCE
) -> PowerPlan:
    """What `items` items give; the same arguments give the same plan.

    Args:
        items: n, at least 2.
        expected: what is reckoned with.
        simulations: simulated waves.
        assurance: share of waves in which the half-width is to hold, between 0 and 1.
    """
    if items < 2:
        raise StudyError(f"a plan needs at least 2 items, not {items}")
    if not 0 < assurance < 1:
        raise StudyError(f"the assurance must be between 0 and 1, not {assurance}")
    asked = [items, *expected.shares, expected.value, expected.weighting]
    if (expected.annotators, expected.measure) != (2, "kappa"):
        asked += [expected.annotators, expected.measure]
    if expected.overlap not in (None, expected.annotators):
        asked.append(expected.overlap)
    generator = np.random.default_rng(int(sha256_hex(canonical_json(asked))[:16], 16))
    intervals = [interval_of_wave(expected.simulated(items, generator), expected) for _ in range(simulations)]
    widths = np.array([math.inf if each is None else (each.high - each.low) / 2 for each in intervals])
    half_width, median = np.quantile(widths, [assurance, 0.5], method="inverted_cdf")
    formula = expected.measure == "kappa" and expected.annotators == 2
    return PowerPlan(
        items=items,
        half_width=_finite(half_width),
        assurance=assurance,
        median_half_width=_finite(median),
        large_sample_half_width=large_sample_half_width(items, expected) if formula else None,
        undefined=float(np.isinf(widths).mean()),
    )


def _finite(width: float) -> float | None:
    return None if math.isinf(width) else float(width)


def interval_of_wave(codes: np.ndarray, expected: Expectation) -> Interval | None:
    """The interval that would be reported for a wave as `Expectation.simulated` gives it; None for none."""
    labels = len(expected.shares)
    if expected.measure in OF_PREDICTIONS:
        even = Design(np.zeros(len(codes), dtype=np.int64), np.ones(len(codes)))
        if expected.measure == "accuracy":
            sample = sample_of_predictions(codes, even, np.arange(labels))
            all_figures = figures(sample, LabelMeasures(sample.codes, labels))
        else:
            sample = sample_of_predictions(codes, even, np.arange(2))
            all_figures = figures(sample, OneLabelMeasures(sample.codes))
        known = figure(all_figures, expected.measure)
        return known.raw.interval if known else None
    sample = sample_of_answers(codes, labels)
    values = _values(codes, sample, expected)
    estimate = float(values(sample.counts[None])[0])
    if math.isnan(estimate) or not sample.bears_intervals:
        return None

    def statistic(weights: np.ndarray) -> np.ndarray:
        return values(weights)[:, None]

    def draws() -> np.ndarray:
        return replicate(sample, statistic, REPLICATES, labels**2)[:, 0]

    if expected.annotators != 2 or labels != 2:
        return sample.interval(draws(), estimate)
    posterior = posterior_replicates(sample, statistic, REPLICATES)[:, 0]
    if bears_posterior(sample):
        return sample.interval(posterior, estimate)
    return posterior_interval(sample, posterior, draws(), estimate)


def _values(codes: np.ndarray, sample: Sample, expected: Expectation) -> CoefficientValues:
    """The coefficient under weightings of the sample's rows, as the agreement report computes it."""
    labels, weights = len(expected.shares), expected.weights
    if expected.measure == "alpha":
        make: Callable[[np.ndarray], AlphaByMetric | AlphaOnScale] = partial(
            AlphaByMetric, values=labels, metric=nominal(labels)
        )
        if expected.weighting != UNWEIGHTED:
            make = partial(AlphaOnScale, labels=labels, positions=np.arange(labels, dtype=float))
        return recomputable_alpha("alpha", make, codes, sample).values
    if expected.annotators == 2:
        return from_tables(pair_tables(sample.codes, labels), kappa_values, weights)
    if expected.weighting == UNWEIGHTED:
        return from_counts(label_counts(sample.codes, labels), weights, fleiss_expected)
    return partial(PairwiseKappas(sample.codes, [weights]).mean, index=0)


def items_for(half_width: float, expected: Expectation, assurance: float = ASSURANCE) -> PowerPlan:
    """The smallest number of items, to about 2 %, that give this half-width with this assurance.

    Raises:
        StudyError: `half_width` is not between 0 and 1, or more than 100,000 items would be needed.
    """
    if not 0 < half_width < 1:
        raise StudyError(f"the half-width to reach must be between 0 and 1, not {half_width}")
    too_few, enough = 1, max(10, math.ceil(_spread(expected) * (_Z / half_width) ** 2))
    planned = _plan_within_limit(enough, expected, assurance)
    while not _reached(planned, half_width):
        too_few, enough = enough, math.ceil(enough * 1.5)
        planned = _plan_within_limit(enough, expected, assurance)
    # `enough` items have reached the half-width and `too_few` have not, until they are next to each other.
    while enough - too_few > max(1, enough // 50):
        middle = (too_few + enough) // 2
        tried = plan(max(middle, 2), expected, assurance=assurance)
        if _reached(tried, half_width):
            enough, planned = middle, tried
        else:
            too_few = middle
    return planned


def _spread(expected: Expectation) -> float:
    """About n times the variance of the measure, to begin the search with."""
    if expected.measure in OF_PREDICTIONS:
        told = 1.0 if expected.measure == "accuracy" else expected.shares[-1]
        return expected.value * (1 - expected.value) / told
    return kappa_standard_errors(expected.table, expected.weights)[0] ** 2


def _plan_within_limit(items: int, expected: Expectation, assurance: float) -> PowerPlan:
    if items > _MOST_ITEMS:
        raise StudyError(
            f"more than {_MOST_ITEMS:,} items would be needed",
            remedy="reckon with a wider interval, or sample the rare labels more often (`stratify`)",
        )
    return plan(items, expected, assurance=assurance)


def _reached(planned: PowerPlan, half_width: float) -> bool:
    return planned.half_width is not None and planned.half_width <= half_width


def plan_text(expected: Expectation, plans: Sequence[PowerPlan]) -> str:
    """The plans as a table for people, with a final newline."""
    shares = ", ".join(f"{share:.0%}" if share >= 0.01 else f"{share:.1%}" for share in expected.shares)
    assurance = plans[0].assurance if plans else ASSURANCE
    lines = [
        f"{measure_name(expected)}, {len(expected.shares)} labels ({shares}), true value {expected.value:g}",
        f"Known to within W: half the 95 % interval is at most W, in {assurance:.0%} of waves (and in half).",
        *([] if expected.weighting == UNWEIGHTED else [NEIGHBOURS]),
        "",
        f"  items   known to within ({assurance:.0%})   in half of waves   (large-sample formula)  undefined",
    ]
    for planned in plans:
        cells = [
            f"{'undefined' if width is None else f'+/- {width:.3f}':>{room}}"
            for width, room in ((planned.half_width, 21), (planned.median_half_width, 16))
        ]
        formula = planned.large_sample_half_width
        cells.append(f"{'' if formula is None else f'+/- {formula:.3f}':>22}")
        lines.append(f"{planned.items:>7,}   {'   '.join(cells)}   {planned.undefined:>8.0%}")
    return "\n".join(lines) + "\n"


NEIGHBOURS = "Labels are ordered: disagreements are mostly between neighbouring ones."


def measure_name(expected: Expectation) -> str:
    """What is planned for, in words."""
    weights = "" if expected.weighting == UNWEIGHTED else f", {expected.weighting} weights"
    who = "two annotators" if expected.annotators == 2 else f"{expected.annotators} annotators"
    if expected.measure in OF_PREDICTIONS:
        name = {"accuracy": "Accuracy", "recall": "Recall", "f1": "F1"}[expected.measure]
        about = "" if expected.measure == "accuracy" else " of the last label"
        return f"{name}{about} of a model against gold labels"
    if expected.measure == "alpha":
        name = "Krippendorff's alpha"
    elif expected.annotators == 2:
        name = "Cohen's kappa"
    else:
        name = "Fleiss' kappa" if not weights else "Mean pairwise kappa"
    return f"{name}{weights} of {who}"
