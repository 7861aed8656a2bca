"""What the waves of a study will say about agreement, before anyone starts."""

from __future__ import annotations

from dataclasses import dataclass

from goldpan.as_json import AsJson
from goldpan.statistics.scales import scale_of
from goldpan.statistics.weights import UNWEIGHTED
from goldpan.tasks.features import Feature
from goldpan.waves.planning.power import PowerPlan, expectation, plan
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


@dataclass(frozen=True)
class FeaturePlan(AsJson):
    """What a wave gives for one feature.

    Attributes:
        wave, feature: their names.
        labels: number of labels; None where answers are not single labels.
        weighting: of the kappa planned for: quadratic for a score of three or more steps.
        plan: what the wave's items give; None with a `note` that says why.
    """

    wave: str
    feature: str
    labels: int | None
    weighting: str
    plan: PowerPlan | None
    note: str = ""


def plan_wave(run: WaveRun, kappa: float, prevalence: float | None = None) -> list[FeaturePlan]:
    """The plan of each feature of a wave, for two answers to each item.

    Args:
        run: the wave.
        kappa: the true kappa one reckons with.
        prevalence: share of the rarest label; without it all labels are reckoned to be as frequent.

    Raises:
        StudyError: kappa or prevalence is out of bounds.
    """
    items = wave_size(run)
    return [_plan_feature(run, feature, items, kappa, prevalence) for feature in run.codebook.features]


def wave_size(run: WaveRun) -> int | None:
    """Number of items: as drawn, else as the study asks for; None for `all` before the sample is drawn."""
    if run.drawn:
        return len(run.items)
    if isinstance(run.wave.sample, int):
        return run.wave.sample
    allocation = run.wave.stratify.allocation if run.wave.stratify else None
    return sum(allocation.values()) if isinstance(allocation, dict) else None


def _plan_feature(
    run: WaveRun, feature: Feature, items: int | None, kappa: float, prevalence: float | None
) -> FeaturePlan:
    scale = scale_of(feature)
    labels = len(scale.labels) if scale.closed and scale.labels else None
    weighting = "quadratic" if scale.kind == "ordered" and (labels or 0) > 2 else UNWEIGHTED
    note = ""
    if labels is None:
        note = _NO_KAPPA[scale.kind]
    elif labels > MOST_LABELS:
        note = f"more than {MOST_LABELS} labels: plan with --labels for as many as you tell apart"
    elif run.wave.per_item < 2:
        note = "each item is answered by one annotator, so agreement cannot be measured"
    elif items is None:
        note = "the number of items is known once the sample is drawn"
    elif items < 2:
        note = "agreement needs two items"
    if note or labels is None or items is None:
        return FeaturePlan(run.name, feature.name, labels, weighting, None, note)
    expected = expectation(labels, kappa, prevalence, weighting)
    return FeaturePlan(run.name, feature.name, labels, weighting, plan(items, expected))
