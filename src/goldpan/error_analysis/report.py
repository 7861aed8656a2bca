"""The results of an error analysis, as they are kept, shown and written to its JSON.

    ErrorReport            one analysis
      FeatureErrors        one feature: all models, and the gold labels that are doubtful
        ModelErrors        one model on it
          Slices           where it is worse than elsewhere       rows: wrong rows of significant slices
          ConfusionPairs   which labels it takes for which        rows: all wrong rows, pair by pair
          ErrorClusters    which wrong rows are alike             rows: all of each cluster, the nearest first
          CalibrationErrors  where its confidence is too high     no rows
          Instability      whose answer is not always the same    rows: all unstable ones of the predictions
        SuspectedLabels    gold labels that may be wrong          rows: all suspects

The parts are in `parts.py`. Each says in words what it found (`finding`), and, where it could not look, why
(`reason`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from goldpan.as_json import AsJson
from goldpan.error_analysis.items import Listed
from goldpan.error_analysis.parts import (
    AnalysisPart,
    CalibrationErrors,
    ConfusionPairs,
    ErrorClusters,
    Instability,
    Slices,
    SuspectedLabels,
)
from goldpan.report_provenance import ReportProvenance
from goldpan.statistics.figures import Estimate

FORMAT = "goldpan-errors-1"


def alpha_of_each_test(alpha: float, models: int, features: int) -> float:
    """How often one test may find something where nothing is, so that the whole analysis keeps `alpha`.

    Tests are, of each feature: slices, clusters and calibration of each model, and the suspects once. All
    have the same share (Bonferroni): none is more important, and how they depend on each other is not known.

    Args:
        alpha: of the whole analysis.
        models: number of predictions.
        features: number of features.
    """
    return alpha / max(1, features * (3 * models + 1))


@dataclass(frozen=True, kw_only=True)
class ModelErrors(AsJson):
    """One model on one feature.

    Attributes:
        model: name of the predictions.
        items, wrong: evaluated rows, and how many are wrong; failed predictions count as wrong.
        failed: evaluated rows without a prediction, by state.
        error_rate: `wrong` of `items`, with interval.
        slices, confusion, clusters, calibration, instability: the parts.
    """

    model: str
    items: int
    wrong: int
    failed: dict[str, int]
    error_rate: Estimate
    slices: Slices
    confusion: ConfusionPairs
    clusters: ErrorClusters
    calibration: CalibrationErrors
    instability: Instability

    @property
    def parts(self) -> tuple[AnalysisPart, ...]:
        """All parts, in the order of the page."""
        return (self.slices, self.confusion, self.clusters, self.calibration, self.instability)


@dataclass(frozen=True, kw_only=True)
class FeatureErrors(AsJson):
    """All models on one feature.

    Attributes:
        feature: its name.
        type: as in the task.
        models: in the order of the study; those that do not predict it are left out.
        suspects: gold labels that may be wrong.
        notes: sentences that a reader must know.
    """

    feature: str
    type: str
    models: tuple[ModelErrors, ...]
    suspects: SuspectedLabels
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ErrorReport(AsJson):
    """An error analysis.

    Attributes:
        name: as in the study.
        evaluation: whose predictions and gold were looked at.
        gold: where the gold comes from, in words: the wave and its splits, or the sources.
        alpha: of the whole analysis.
        each_alpha: of each of its tests, see `alpha_of_each_test`.
        features: in the order of the evaluation.
        notes: sentences about the whole.
        provenance: what was read, and the literature.
    """

    name: str
    evaluation: str
    gold: str
    alpha: float
    each_alpha: float
    features: tuple[FeatureErrors, ...]
    notes: tuple[str, ...] = ()
    provenance: ReportProvenance

    def listed(self) -> Iterator[Listed]:
        """All lines of the table of rows, in the order of the page."""
        for feature in self.features:
            for model in feature.models:
                for part in model.parts:
                    yield from part.listed()
            yield from feature.suspects.listed()

    @property
    def has_findings(self) -> bool:
        """Whether a part that tests has found anything."""
        return any(
            feature.suspects.suspects
            or any(
                model.slices.significant
                or model.clusters.clusters
                or any(found.is_significant for found in model.calibration.overconfident)
                for model in feature.models
            )
            for feature in self.features
        )

    def as_json(self) -> dict[str, Any]:
        """JSON-able form: the content of the analysis' JSON file."""
        return {"format": FORMAT, **super().as_json()}
