"""The results of an error analysis, as they are kept, shown and written to its JSON.

    ErrorReport            one analysis
      FeatureErrors        one feature: all models, and the gold labels that are doubtful
        ModelErrors        one model on it
          Slices           where it is worse than elsewhere       rows: wrong rows of significant slices
          ConfusionPairs   which labels it takes for which        rows: the most informative of each pair
          ErrorClusters    which wrong rows are alike             rows: all of each cluster, the nearest first
          CalibrationErrors  where its confidence is too high     no rows
          Instability      whose answer is not always the same    rows: all unstable ones of the predictions
        SuspectedLabels    gold labels that may be wrong          rows: all suspects

Every part says in words what it found (`finding`), and, where it could not look, why (`reason`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from goldpan.as_json import AsJson, rounded
from goldpan.error_analysis.items import Listed
from goldpan.evaluation.calibration import Bin, Calibration
from goldpan.evaluation.report import Confusion
from goldpan.records.record_slice import RecordSlice
from goldpan.report_provenance import ReportProvenance
from goldpan.statistics.figures import Estimate

FORMAT = "goldpan-errors-1"
NOT_MEASURED = Estimate(None)
"""Stands where there was nothing to measure."""


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
class AnalysisPart(AsJson):
    """What all parts of an analysis have.

    Attributes:
        finding: what was found, in one or a few sentences; also where nothing was.
        reason: why the part could not look, e.g. `no confidence is known`; None where it did.
        notes: sentences that a reader of the numbers must know (how it was tested, what was left out).
        rows: what the part lists, with the fields of the records, the largest score first.
    """

    finding: str
    reason: str | None = None
    notes: tuple[str, ...] = ()
    rows: tuple[Listed, ...] = ()

    def listed(self) -> Iterator[Listed]:
        """The part's lines in the table of rows."""
        yield from self.rows

    def as_json(self) -> dict[str, Any]:
        """JSON-able form; of rows what is about them, while their fields stand in the table of rows."""
        return {**super().as_json(), "rows": [_row_json(row) for row in self.rows]}


@dataclass(frozen=True, kw_only=True)
class Slice(AsJson):
    """Evaluated rows that have something in common, against all others.

    Attributes:
        condition: what they have in common; `condition.name` is for people.
        items, wrong: evaluated rows in it, and how many of these are wrong.
        error_rate: share of its rows that are wrong, with its interval, not corrected for the number of slices.
        outside: the same of all evaluated rows that are not in it.
        difference: `error_rate` minus `outside`, with its interval (not corrected either).
        p_adjusted: chance that the worst of all slices looked at is as extreme where no slice differs.
        is_significant: whether `p_adjusted` is at most the alpha of the test.
        aliases: names of other slices that hold the same rows.
    """

    condition: RecordSlice
    items: int
    wrong: int
    error_rate: Estimate
    outside: Estimate
    difference: Estimate
    p_adjusted: float
    is_significant: bool
    aliases: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As people read it."""
        return self.condition.name


@dataclass(frozen=True, kw_only=True)
class Slices(AnalysisPart):
    """Slices with more errors than elsewhere.

    Attributes:
        slices: the significant ones and the most extreme of the others, the smallest `p_adjusted` first.
        looked_at: number of slices that were tested.
        overall: error rate of all evaluated rows.
        alpha: of this test, over all its slices.
        method: how it was tested, for the text of a paper; empty where nothing was.
    """

    slices: tuple[Slice, ...] = ()
    looked_at: int = 0
    overall: Estimate = NOT_MEASURED
    alpha: float = 0.0
    method: str = ""

    @property
    def significant(self) -> tuple[Slice, ...]:
        """Those that are worse than elsewhere."""
        return tuple(found for found in self.slices if found.is_significant)


@dataclass(frozen=True, kw_only=True)
class ConfusedPair(AsJson):
    """A gold label and what a model says in its place.

    Attributes:
        gold, predicted: as shown; `predicted` is the state (`refused`, ...) where there is no prediction.
        items: how many rows.
        of_gold: rows with this gold label.
        share: `items` of `of_gold`, with interval.
        examples: item ids of its most informative rows, which are among the part's rows: the surest first;
            where no confidence is known, in the order of item ids.
    """

    gold: str
    predicted: str
    items: int
    of_gold: int
    share: Estimate
    examples: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As people read it, and as `Listed.name` of its rows."""
        return f"{self.gold} -> {self.predicted}"


@dataclass(frozen=True, kw_only=True)
class ConfusionPairs(AnalysisPart):
    """Which labels a model takes for which.

    Attributes:
        pairs: the most frequent first.
        matrix: all evaluated rows by gold and predicted label; None where labels are too many or no labels.
    """

    pairs: tuple[ConfusedPair, ...] = ()
    matrix: Confusion | None = None


@dataclass(frozen=True, kw_only=True)
class ErrorCluster(AsJson):
    """Wrong rows that are alike.

    Attributes:
        name: made of `words`, and `Listed.name` of its rows.
        words: those that tell it from right rows, the most telling first.
        items: wrong rows in it.
        examples: item ids of its rows, the nearest to its centre first.
        near: rows, right and wrong, that lie as near to its centre; None where that was not counted.
        error_rate: share of these that are wrong.
    """

    name: str
    words: tuple[str, ...]
    items: int
    examples: tuple[str, ...]
    near: int | None = None
    error_rate: Estimate = NOT_MEASURED


@dataclass(frozen=True, kw_only=True)
class ErrorClusters(AnalysisPart):
    """Groups of wrong rows that are alike.

    Attributes:
        clusters: the largest first; empty where wrong rows are no more alike than right ones.
        by: what rows are compared by: `words (TF-IDF)`, or the name of the embedding.
        alone: wrong rows in no cluster.
        p_value: chance to see wrong rows so much alike where they are as right ones; None where not tested.
        alpha: of this test.
        method: how clusters were found and tested; empty where nothing was.
    """

    clusters: tuple[ErrorCluster, ...] = ()
    by: str = ""
    alone: int = 0
    p_value: float | None = None
    alpha: float = 0.0
    method: str = ""


@dataclass(frozen=True, kw_only=True)
class SuspectedLabel(AsJson):
    """A gold label that may be wrong.

    Attributes:
        item_id, id: of the item and its record.
        gold: the label, as shown.
        suggested: what probabilities or models say in its place.
        score: how doubtful it is, 0 to 1.
        why: in words.
    """

    item_id: str
    id: str
    gold: str
    suggested: str
    score: float
    why: str


@dataclass(frozen=True, kw_only=True)
class SuspectedLabels(AnalysisPart):
    """Gold labels of one feature that may be wrong.

    Attributes:
        suspects: the most doubtful first; `rows` has the same with the fields of the records.
        method: `confident learning`, `disagreement of models`, or empty where nothing was looked for.
        models: predictions it went by.
        looked_at: items with a gold label that were looked at.
        expected: how many of so many clean labels would be suspected by chance; None where not known.
        p_value: of the number of suspects under clean labels; None where not tested.
        alpha: of this test.
    """

    suspects: tuple[SuspectedLabel, ...] = ()
    method: str = ""
    models: tuple[str, ...] = ()
    looked_at: int = 0
    expected: float | None = None
    p_value: float | None = None
    alpha: float = 0.0


@dataclass(frozen=True, kw_only=True)
class OverconfidentBin(AsJson):
    """A bin of confidence in which the model is right less often than it says.

    Attributes:
        bin: as of `Calibration.bins`.
        gap: confidence minus accuracy.
        p_adjusted: corrected for the number of bins.
        is_significant: whether that is at most the alpha of the test.
    """

    bin: Bin
    gap: float
    p_adjusted: float
    is_significant: bool


@dataclass(frozen=True, kw_only=True)
class CalibrationErrors(AnalysisPart):
    """Whether a model's confidence can be believed.

    Attributes:
        calibration: as in the evaluation; None where no confidence is known.
        overconfident: bins in which the model says more than it keeps, the largest gap first.
        alpha: of this test.
    """

    calibration: Calibration | None = None
    overconfident: tuple[OverconfidentBin, ...] = ()
    alpha: float = 0.0


@dataclass(frozen=True, kw_only=True)
class InstabilitySource(AsJson):
    """Answers that were held against each other.

    Attributes:
        name: `samples` of a row, or the stage that asks in other words.
        compared: rows with at least two answers.
        unstable: of these, rows whose answers differ.
        share: `unstable` of `compared`, with interval.
        unjoined: rows that are on one side only.
    """

    name: str
    compared: int
    unstable: int
    share: Estimate
    unjoined: int = 0


@dataclass(frozen=True, kw_only=True)
class Instability(AnalysisPart):
    """Rows of the predictions, labelled or not, whose answer is not always the same. It tests nothing.

    Attributes:
        sources: what was compared.
        compared: rows with at least two answers of any kind.
        unstable: rows whose answers differ.
        share: `unstable` of `compared`, with interval.
        wrong_if_unstable, wrong_if_stable: error rates of the evaluated rows of each kind.
    """

    sources: tuple[InstabilitySource, ...] = ()
    compared: int = 0
    unstable: int = 0
    share: Estimate = NOT_MEASURED
    wrong_if_unstable: Estimate = NOT_MEASURED
    wrong_if_stable: Estimate = NOT_MEASURED


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


def _row_json(row: Listed) -> dict[str, Any]:
    return {
        "name": row.name,
        "item_id": row.item_id,
        "id": row.id,
        "gold": row.gold,
        "predicted": row.predicted,
        "score": rounded(row.score),
        "why": row.why,
    }
