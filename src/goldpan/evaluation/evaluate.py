"""Evaluate predictions against the gold set of a wave, or labels in fields: the room's entry point."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from goldpan.evaluation.annotator_answers import annotator_answers_of
from goldpan.evaluation.feature import evaluate_feature
from goldpan.evaluation.mistakes import write_mistakes
from goldpan.evaluation.page import evaluation_page
from goldpan.evaluation.predictions import Predictions
from goldpan.evaluation.read import EvaluationInputs, read_evaluation
from goldpan.evaluation.report import EvaluationReport, GoldFields, ModelSource
from goldpan.files import canonical_json, sha256_hex, write_bytes, write_json
from goldpan.records.limit import trial_text
from goldpan.records.splits import SPLITS
from goldpan.report_provenance import days
from goldpan.stages.documents import as_type, read_document
from goldpan.study.evaluation import Evaluation
from goldpan.tasks.features import Feature
from goldpan.waves.gold.gold_set import GoldItem, lists_drawn_from
from goldpan.waves.merging.files import read_merged
from goldpan.waves.merging.wave import awaiting_notes


@dataclass(frozen=True)
class EvaluationOutputs:
    """What an evaluation writes: the JSON, the page, and the table of mistakes."""

    json: Path
    html: Path
    errors: Path


def evaluate(
    name: str, settings: Evaluation, features: Mapping[str, Feature], inputs: EvaluationInputs
) -> EvaluationReport:
    """Evaluate all predictions on all features. The same inputs give the same report, to the last digit.

    Takes and raises what `read_evaluation` does.
    """
    read = read_evaluation(name, settings, features, inputs)
    values, models, data, in_fields = read.values, read.models, read.data, read.in_fields
    gold, evaluated, drawn = read.gold, data.items, data.drawn
    merged = None if inputs.merged is None else read_merged(inputs.merged, features.values())
    people = None if merged is None else annotator_answers_of(merged)
    awaiting = awaiting_notes(row for row in merged or () if row.feature in values)
    return EvaluationReport(
        name=name,
        wave=settings.wave,
        splits=() if settings.source else SPLITS if settings.split == "all" else tuple(settings.split),
        gold_hash=gold_hash(evaluated.values()),
        drawn=in_fields.records if in_fields else len(drawn),
        without_any_label=(in_fields.records if in_fields else len(drawn)) - len(gold),
        sources=tuple(model_source(model, settings, inputs.summaries.get(model.name)) for model in models),
        features=tuple(
            evaluate_feature(of_feature, data, models, settings, people, inputs.chains)
            for of_feature in values.values()
        ),
        notes=(
            *_trial_notes(inputs.trials),
            *_targeted_notes(evaluated),
            *inputs.notes,
            *awaiting,
            *_group_notes(inputs.gold_group, settings, evaluated),
            *(in_fields.notes if in_fields else ()),
            *_gone_notes(evaluated.keys() & set(data.gone), evaluated, inputs.trials),
            *_notes(settings, models, evaluated),
        ),
        judged=tuple(inputs.judged(in_fields.all_ids, data.groups)) if in_fields else (),
        gold_fields=None
        if settings.source is None
        else GoldFields(tuple(settings.source), settings.gold, settings.group),
    )


def evaluate_files(
    name: str,
    settings: Evaluation,
    features: Mapping[str, Feature],
    inputs: EvaluationInputs,
    outputs: EvaluationOutputs,
) -> EvaluationReport:
    """Evaluate, and write the JSON, the page and the table of mistakes; arguments as for `evaluate`."""
    report = evaluate(name, settings, features, inputs)
    if inputs.look is not None:
        # Counted before anybody can see a figure.
        report = replace(report, look=inputs.look(report))
    write_mistakes(outputs.errors, report.features)
    write_bytes(outputs.html, evaluation_page(report, settings.mistakes).encode())
    write_json(outputs.json, report.as_json())
    return report


def gold_hash(items: Iterable[GoldItem]) -> str:
    """SHA-256 of the labels of gold items, and of how they came about."""
    return sha256_hex(b"\n".join(canonical_json(_content(item)) for item in items))


def _content(item: GoldItem) -> dict[str, Any]:
    return {"item_id": item.item_id, "labels": item.labels, "resolutions": item.resolutions}


@dataclass(frozen=True)
class _Summary:
    """What an evaluation takes from the summary.json of a stage."""

    records: int = 0
    states: dict[str, int] = field(default_factory=dict)
    cost_usd: float | None = None
    baseline: bool = False
    tokens: dict[str, int] = field(default_factory=dict)


def _read_summary(path: Path) -> _Summary:
    what, remedy = "a summary.json", "delete it and run again: it is made anew, and nothing is paid again"
    return as_type(_Summary, read_document(path, what, remedy), path, what, remedy)


def model_source(model: Predictions, settings: Evaluation, summary_file: Path | None) -> ModelSource:
    """Where the predictions of a model come from.

    Args:
        model: its predictions.
        settings: of the evaluation.
        summary_file: `summary.json` of its stage, which knows the cost.
    """
    source = settings.predictions[model.name]
    summary = _read_summary(summary_file) if summary_file else _Summary()
    asked = summary.records - summary.states.get("skipped", 0)
    cost = summary.cost_usd
    return ModelSource(
        model=model.name,
        kind="stage" if source.stage else "wave" if source.wave else "annotated",
        source=source.stage or source.wave or source.annotated or "",
        answered_by=dict(sorted(model.models.items())),
        is_baseline=summary.baseline,
        tasks=dict(sorted(model.tasks.items())),
        states=dict(sorted(model.states.items())),
        files=model.files,
        answered_on=days(model.answered),
        cost_usd=cost,
        cost_per_record_usd=cost / asked if cost is not None and asked else None,
        tokens=summary.tokens,
    )


def _trial_notes(trials: Mapping[str, Mapping[str, int]]) -> list[str]:
    return [f"{model}: these predictions are of {trial_text(trial)}." for model, trial in trials.items()]


def _targeted_notes(gold: Mapping[str, GoldItem]) -> list[str]:
    """That nothing is said of a corpus where the gold was drawn from listed rows."""
    errors = lists_drawn_from(gold.values())
    if not errors:
        return []
    return [
        "The gold is a targeted sample: its items were drawn from rows that the error analysis"
        f" {', '.join(errors)} had listed for being wrong, doubtful or in a bad slice. Figures are of these"
        " rows only, each counted once: nothing is weighted up to the corpus, and no prevalence is corrected"
        " by them."
    ]


def _group_notes(key: str | None, settings: Evaluation, gold: Mapping[str, GoldItem]) -> list[str]:
    """That intervals take each item for itself where the gold is split by groups."""
    number = len({item.group for item in gold.values()})
    if key is None or number == len(gold):
        return []
    come = (
        f"The {len(gold):,} evaluated items come in {number:,} group{'' if number == 1 else 's'} by `{key}`,"
        " by which the wave's gold is split (`gold.group`). Intervals take items as drawn one by one, so they"
        " are too narrow where items of a group are alike; those of heads draw groups as a whole."
    )
    if settings.split == "all":
        return [come]
    return [
        f"{come} A split holds whole groups and is no random part of the corpus, which corrected prevalences"
        " take it for: `split: all` in the evaluation measures on all items (but a head also on those that it"
        " learned from), and a wave with smaller groups or without `gold.group` has other splits."
    ]


def _gone_notes(
    gone: Collection[str], evaluated: Mapping[str, GoldItem], trials: Mapping[str, Mapping[str, int]]
) -> list[str]:
    if not gone:
        return []
    why = "or lie beyond the limit of the trial, " if trials else ""
    return [
        f"{len(gone):,} of {len(evaluated):,} gold items are gone from the sources (their records were"
        f" removed, {why}or have another id by now), so no model could be asked about them; they are left"
        " out, and count as no mistake."
    ]


def _notes(settings: Evaluation, models: Sequence[Predictions], gold: Mapping[str, GoldItem]) -> list[str]:
    notes = []
    for model in models:
        # Where only texts are judged, nothing of the predictions is read here.
        compared = settings.gold or settings.wave
        known = {item for by_item in model.of_items.values() for item in by_item}
        if compared and known.isdisjoint(gold):
            notes.append(f"{model.name}: no gold item has a row in these predictions.")
        if settings.source and settings.predictions[model.name].annotated:
            notes.append(
                f"{model.name}: a head that learned from these labels, or from those of these records, is"
                " measured here on what it learned from; its own metrics.json is of its test split."
            )
        elif settings.predictions[model.name].annotated and any(
            item.split != "test" for item in gold.values()
        ):
            notes.append(
                f"{model.name}: a head that learned from this gold set must be measured on its test split"
                " alone."
            )
    return notes
