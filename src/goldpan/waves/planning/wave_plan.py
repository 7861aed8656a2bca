"""What the waves of a study will say about agreement, before anyone starts."""

from __future__ import annotations

from dataclasses import dataclass

from goldpan.as_json import AsJson
from goldpan.statistics.scales import ScaleKind, scale_of
from goldpan.statistics.weights import UNWEIGHTED
from goldpan.waves.planning.expectation import OF_PREDICTIONS, Measure, expectation
from goldpan.waves.planning.power import ASSURANCE, PowerPlan, plan
from goldpan.waves.steps.run import WaveRun

MOST_LABELS = 20
"""With more labels the simulation takes long, and kappa is seldom what one wants to know."""


_NO_KAPPA = {
    "sets": "answers are lists, which have no kappa; the wave will tell Krippendorff's alpha",
    "ranking": "answers are rankings, which have no kappa; the wave will tell Krippendorff's alpha",
    "ordered": "any number may be answered: plan with --labels for as many as you tell apart",
    "nominal": "the set of labels is open, so that kappa cannot be planned for",
    "text": "answers are free text, of which only the share that is exactly alike is told",
}
"""Why there is no plan for a feature without a fixed set of labels to choose one from, by kind of scale."""


_OF_LISTED_ROWS = "a targeted sample: known of listed rows, of which there may be fewer; not of the corpus"


@dataclass(frozen=True)
class FeaturePlan(AsJson):
    """What a wave gives for one feature.

    Attributes:
        wave, feature: their names.
        labels: number of labels; None where answers are not single labels.
        weighting: of the measure planned for: quadratic for a score of three or more steps.
        annotators: answers to each item.
        plan: what the wave's items give; None with a `note` that says why.
        note: why there is no plan, or what is to be known of it.
    """

    wave: str
    feature: str
    labels: int | None
    weighting: str
    annotators: int
    plan: PowerPlan | None
    note: str = ""


def plan_wave(
    run: WaveRun,
    value: float | None = None,
    prevalence: float | None = None,
    measure: Measure = "kappa",
    assurance: float = ASSURANCE,
) -> list[FeaturePlan]:
    """The plan of each feature of a wave, for its annotators and as many answers to each item as it has.

    Args:
        run: the wave.
        value: the true value of the measure one reckons with; default as for `expectation`.
        prevalence: share of the rarest label; without it all labels are reckoned to be as frequent.
        measure: what is to be known.
        assurance: share of waves in which the half-width is to hold.

    Raises:
        StudyError: a number is out of bounds.
    """
    items = wave_size(run)
    plans = []
    for feature in run.codebook.features:
        scale = scale_of(feature)
        labels = len(scale.labels) if scale.closed and scale.labels else None
        ordered = scale.kind == "ordered" and (labels or 0) > 2 and measure not in OF_PREDICTIONS
        weighting = "quadratic" if ordered else UNWEIGHTED
        note = _why_none(run, scale.kind, labels, items, measure)
        planned = None
        if not note and labels is not None and items is not None:
            annotators = len(run.wave.annotators)
            overlap = None if measure in OF_PREDICTIONS else run.wave.per_item
            expected = expectation(labels, value, prevalence, weighting, annotators, measure, overlap)
            planned = plan(items, expected, assurance=assurance)
        if run.wave.among is not None and not note:
            note = _OF_LISTED_ROWS
        plans.append(FeaturePlan(run.name, feature.name, labels, weighting, run.wave.per_item, planned, note))
    return plans


def wave_size(run: WaveRun) -> int | None:
    """Number of items: as drawn, else as the study asks for; None for `all` before the sample is drawn."""
    if run.drawn:
        return len(run.items)
    if isinstance(run.wave.sample, int):
        return run.wave.sample
    allocation = run.wave.stratify.allocation if run.wave.stratify else None
    return sum(allocation.values()) if isinstance(allocation, dict) else None


def _why_none(run: WaveRun, kind: ScaleKind, labels: int | None, items: int | None, measure: Measure) -> str:
    """Why nothing can be planned for a feature; empty where it can."""
    if labels is None:
        return _NO_KAPPA[kind]
    if labels > MOST_LABELS:
        return f"more than {MOST_LABELS} labels: plan with --labels for as many as you tell apart"
    if run.wave.per_item < 2 and measure not in OF_PREDICTIONS:
        return "each item is answered by one annotator, so agreement cannot be measured"
    if items is None:
        return "the number of items is known once the sample is drawn"
    return "agreement needs two items" if items < 2 else ""
