"""The results of an evaluation, as they are kept, shown and written to its JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from goldpan.as_json import AsJson
from goldpan.evaluation.alternative_annotator import AlternativeAnnotator
from goldpan.evaluation.calibration import Calibration
from goldpan.evaluation.comparison import Comparison
from goldpan.evaluation.judged import JudgedText
from goldpan.evaluation.lost import LostPositives
from goldpan.evaluation.prevalence import Prevalence
from goldpan.files import sha256_hex
from goldpan.report_provenance import ReportInput, ReportProvenance
from goldpan.statistics.bootstrap import REPLICATES
from goldpan.statistics.figures import Figure, figure
from goldpan.statistics.references import methods_of, references_of
from goldpan.statistics.samples import SEED

FORMAT = "goldpan-evaluation-1"
_MOST_FILES = 10


@dataclass(frozen=True)
class LabelFigures(AsJson):
    """One label against all others.

    Attributes:
        label: as shown.
        gold: evaluated items that have it.
        predicted: items to which the model gives it.
        figures: precision, recall, F1.
    """

    label: str
    gold: int
    predicted: int
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Confusion(AsJson):
    """Evaluated items by gold and predicted label, each counted once.

    Attributes:
        gold: labels of the rows.
        predicted: labels of the columns; the last may be that of failed predictions.
        counts: one row for each gold label.
    """

    gold: tuple[str, ...]
    predicted: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Mistake:
    """A prediction that is not the gold value.

    Attributes:
        item_id, id: of the item and its record.
        gold, predicted: as shown; `predicted` is empty where the prediction failed.
        state: `ok`, or why there is no prediction.
        confidence: of the model, where it gives one.
        fields: of the record, as text.
    """

    item_id: str
    id: str
    gold: str
    predicted: str
    state: str
    confidence: float | None
    fields: dict[str, str]


@dataclass(frozen=True)
class Baseline(AsJson):
    """What one gets without a model.

    Attributes:
        name: `majority`, `mean` or `nothing`.
        answer: the answer given to every item, as shown.
        figures: the same as those of the models.
    """

    name: str
    answer: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class ModelEvaluation(
    AsJson, json_names={"answered": "answered_only", "alternative": "alternative_annotator_test"}
):
    """One model on one feature.

    Attributes:
        model: its name.
        figures: over all evaluated items; failed predictions count as wrong.
        failed: evaluated items without a prediction, by state.
        answered: the figures over the items that have a prediction, where some have none.
        with_llm_decided: the figures with the items whose gold label the LLM decided, where there are such.
        labels: each label; of single labels and sets of labels.
        confusion: of single labels, unless they are too many.
        over_baseline: the model against the majority baseline.
        calibration: where predictions carry a confidence.
        prevalence: of the labels in the model's whole corpus.
        alternative: the alternative annotator test; None where annotators' answers are not at hand.
        mistakes: all of them, the most telling first.
        left_out: evaluated items that the chain left out, by the code of the skip; they count as what the
            wave says that they stand for.
        lost: where positives were lost, of a chain whose wave holds what it left out.
    """

    model: str
    figures: tuple[Figure, ...]
    failed: dict[str, int]
    answered: tuple[Figure, ...] | None
    with_llm_decided: tuple[Figure, ...] | None
    labels: tuple[LabelFigures, ...]
    confusion: Confusion | None
    over_baseline: Comparison
    calibration: Calibration | None
    prevalence: Prevalence | None
    alternative: AlternativeAnnotator | None
    mistakes: tuple[Mistake, ...]
    left_out: dict[str, int] = field(default_factory=dict)
    lost: LostPositives | None = None

    def figure(self, name: str) -> Figure | None:
        """The figure of that name, if it was computed."""
        return figure(self.figures, name)

    def as_json(self) -> dict[str, Any]:
        """JSON-able form; mistakes are counted here and listed in `errors.csv`."""
        said = {**super().as_json(), "mistakes": len(self.mistakes)}
        return {key: value for key, value in said.items() if value or key not in ("left_out", "lost")}


@dataclass(frozen=True)
class ItemCounts(AsJson):
    """What became of the items of the gold set, for one feature.

    Attributes:
        in_split: items of the evaluated splits.
        gone: of these, those whose records are not among the models' any more; left out.
        unresolved: of the others, those without a gold label for the feature.
        cannot_tell: those whose gold label is "cannot tell", where that cannot be compared.
        llm_decided: those whose gold label the LLM decided; left out.
        evaluated: those that remain.
        is_weighted: whether they stand for different numbers of records, so that weighted figures differ.
    """

    in_split: int
    gone: int
    unresolved: int
    cannot_tell: int
    llm_decided: int
    evaluated: int
    is_weighted: bool


@dataclass(frozen=True)
class FeatureEvaluation(AsJson):
    """All models on one feature.

    Attributes:
        feature, type: name and type.
        kind: how its values compare (see `statistics.scales.Scale`).
        items: what became of the gold items.
        baselines: the first is the majority baseline.
        models: in the order of the study.
        comparisons: pairs of models.
        notes: sentences that a reader of the numbers must know.
    """

    feature: str
    type: str
    kind: str
    items: ItemCounts
    baselines: tuple[Baseline, ...] = ()
    models: tuple[ModelEvaluation, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelSource:
    """Where the predictions of a model come from.

    Attributes:
        model: its name in the report.
        kind: `stage`, `wave` or `annotated`.
        source: name of the stage or of the annotated files.
        answered_by: rows by model, as the provider calls it.
        is_baseline: whether the built-in weak annotator gave answers.
        tasks: task -> hash.
        states: rows of the whole file by state.
        files: folder and name -> SHA-256.
        cost_usd: of the whole stage, from its summary; None when not known.
        cost_per_record_usd: that by records asked.
        tokens: prompt and completion tokens of the whole stage.
        answered_on: the days on which the service answered, where the rows say them.
    """

    model: str
    kind: str
    source: str
    answered_by: dict[str, int]
    is_baseline: bool
    tasks: dict[str, str]
    states: dict[str, int]
    files: dict[str, str]
    cost_usd: float | None = None
    cost_per_record_usd: float | None = None
    tokens: dict[str, int] = field(default_factory=dict)
    answered_on: str | None = None

    def inputs(self) -> list[ReportInput]:
        """The files; where they are many, all of them as one, with the hash of their sorted hashes."""
        files = self.files
        if len(files) > _MOST_FILES:
            together = sha256_hex("\n".join(sorted(files.values())).encode())
            files = {f"{len(files):,} files, the hash of their hashes": together}
        return [
            ReportInput(f"{self.model}: {name}", hash_, self.answered_on) for name, hash_ in files.items()
        ]

    def as_json(self) -> dict[str, Any]:
        """JSON-able form; costs are not rounded."""
        return asdict(self)


@dataclass(frozen=True)
class GoldFields:
    """Gold that stands in fields of records.

    Attributes:
        sources: whose records.
        fields: feature -> field.
        group: the field that records which may be alike have in common.
    """

    sources: tuple[str, ...]
    fields: dict[str, str]
    group: str | None = None

    def as_json(self) -> dict[str, Any]:
        """JSON-able form; without a group nothing is said of one."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class EvaluationReport:
    """Everything an evaluation found.

    Attributes:
        name: of the evaluation.
        wave: whose gold set; None where the gold stands in fields.
        splits: which splits of it.
        gold_hash: SHA-256 of the gold items read.
        drawn: items of the wave, or records of the sources.
        without_any_label: of these, those nobody resolved for any feature, or without a label in any
            field.
        sources: where predictions come from, a model each.
        features: results by feature.
        notes: sentences about the whole.
        gold_fields: where the gold stands, if not in a wave.
        judged: free texts that other stages have judged.
        look: which look at the test split this is, of an evaluation of that split alone.
    """

    name: str
    wave: str | None
    splits: tuple[str, ...]
    gold_hash: str
    drawn: int
    without_any_label: int
    sources: tuple[ModelSource, ...]
    features: tuple[FeatureEvaluation, ...]
    notes: tuple[str, ...] = ()
    gold_fields: GoldFields | None = None
    judged: tuple[JudgedText, ...] = ()
    look: int | None = None

    @property
    def provenance(self) -> ReportProvenance:
        """What the figures come from, with the literature on what is there."""
        inputs = [ReportInput("gold items", self.gold_hash)]
        for source in self.sources:
            inputs += source.inputs()
        methods = {name for feature in self.features for name in _methods_in(feature)}
        return ReportProvenance(tuple(inputs), REPLICATES, SEED, references_of(methods))

    def as_json(self) -> dict[str, Any]:
        """JSON-able form: the content of the evaluation's JSON file."""
        return {
            "format": FORMAT,
            "evaluation": self.name,
            "wave": self.wave,
            **({"gold_fields": self.gold_fields.as_json()} if self.gold_fields else {}),
            "splits": list(self.splits),
            **({"look_at_test": self.look} if self.look is not None else {}),
            "gold_hash": self.gold_hash,
            "drawn": self.drawn,
            "without_any_label": self.without_any_label,
            "notes": list(self.notes),
            "provenance": self.provenance.as_json(),
            "models": [source.as_json() for source in self.sources],
            "features": [feature.as_json() for feature in self.features],
            **({"judged": [text.as_json() for text in self.judged]} if self.judged else {}),
        }


def _methods_in(feature: FeatureEvaluation) -> Iterator[str]:
    """Names of the figures, tests and methods that a feature's results were made by."""
    if feature.items.is_weighted:
        yield "design_weights"
    for model in feature.models:
        yield "mcnemar"
        for measured in model.figures:
            yield measured.name
            yield from methods_of(measured.weighted.interval)
        if model.calibration is not None:
            yield from ("calibration", "brier")
        if model.prevalence is not None and not model.prevalence.reason:
            yield "prevalence"
        if model.alternative is not None and model.alternative.winning_rate is not None:
            yield "alternative_annotator_test"
