"""Evaluate predictions against the gold set of a wave, or labels in fields: the room's entry point."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from goldpan.errors import ReconciliationError, StudyError
from goldpan.evaluation.annotator_answers import annotator_answers_of
from goldpan.evaluation.coding import FeatureValues
from goldpan.evaluation.feature import GoldData, evaluate_feature
from goldpan.evaluation.field_gold import read_field_gold
from goldpan.evaluation.judged import JudgedText
from goldpan.evaluation.lost import Trace
from goldpan.evaluation.mistakes import write_mistakes
from goldpan.evaluation.page import evaluation_page
from goldpan.evaluation.predictions import Predictions, read_annotated, read_drawn, read_stage
from goldpan.evaluation.report import EvaluationReport, GoldFields, ModelSource
from goldpan.files import canonical_json, sha256_hex, write_bytes, write_json
from goldpan.records.limit import trial_text
from goldpan.records.model import Record
from goldpan.records.splits import SPLITS
from goldpan.report_provenance import days
from goldpan.stages.documents import as_type, read_document
from goldpan.study.evaluation import Evaluation
from goldpan.tasks.features import Extraction, Feature, Score, Text
from goldpan.tasks.nearest import suggestion
from goldpan.waves.gold.gold_set import GoldItem, read_gold
from goldpan.waves.items import Item, read_items
from goldpan.waves.merging.files import read_merged
from goldpan.waves.merging.wave import awaiting_notes
from goldpan.waves.sampling.left_out import LeftOutValues


@dataclass(frozen=True)
class EvaluationInputs:
    """What an evaluation reads.

    Attributes:
        gold: the gold files of the wave, all splits, of which the study says which are evaluated; or the
            records files of the sources that have the gold in their fields.
        predictions: name of the predictions -> their files: `features.jsonl` of a stage, or annotated files.
        summaries: name of the predictions -> `summary.json` of their stage, for costs and models.
        sample: `sample.jsonl` of the wave; with it, items that nobody resolved are counted and made up for.
        merged: `merged.csv` of the wave; with it, the alternative annotator test is run, and items that await
            a decision are told.
        place: where a record of these sources stands in the user's files, for errors.
        trials: name of the predictions -> source -> limit, where only its first rows were read.
        notes: what is to be known of the gold.
        other_sources: name of the predictions -> sources of the study that they are not about. Where these
            are known, a gold item of any other source without a row in the predictions is gone.
        left_out: what records stand for that a filter left out, where the wave says it.
        chains: name of the predictions -> from the record ids of items to where each was lost in its chain,
            of those that the chain does not lead to a yes.
        judged: from the item ids of all records, and the group of each where they have one, to what other
            stages say of their texts.
        gold_group: the key by which the wave splits its gold (`gold.group`), where it does.
        look: counts the look at the test split, of an evaluation of that split alone, and tells which it is.
    """

    gold: Sequence[Path]
    predictions: Mapping[str, Sequence[Path]]
    summaries: Mapping[str, Path] = field(default_factory=dict)
    sample: Path | None = None
    merged: Path | None = None
    place: Callable[[Record], str] = "{0[source]}/{0[file]}, line {0[line]}".format
    trials: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    notes: Sequence[str] = ()
    other_sources: Mapping[str, Collection[str]] = field(default_factory=dict)
    left_out: LeftOutValues | None = None
    chains: Mapping[str, Trace] = field(default_factory=dict)
    judged: Callable[[Sequence[str], Mapping[str, str] | None], Sequence[JudgedText]] = lambda ids, groups: ()
    gold_group: str | None = None
    look: Callable[[EvaluationReport], int] | None = None


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

    Args:
        name: of the evaluation.
        settings: what the study says.
        features: those of the wave, or those with gold in fields, by name (see `run.evaluated_features`).
        inputs: the files.

    Raises:
        StudyError: a feature or field of the settings is not there, or no gold item is in the splits.
        SourceError: predictions, or gold in fields, that cannot be read or do not fit the features.
        ReconciliationError: gold files that cannot be read or do not fit the sample.
    """
    where = f"evaluations.{name}"
    values = feature_values(settings, features, where)
    in_fields = None
    if settings.source:
        in_fields = read_field_gold(settings, features, inputs.gold, inputs.place, where)
    gold = in_fields.items if in_fields else read_gold(inputs.gold)
    evaluated = _in_splits(gold, settings, where)
    drawn = gold if inputs.sample is None else list(read_items(inputs.sample).values())
    _check_gold(gold, {item.item_id for item in drawn})
    # Of items without any gold label nobody knows the split.
    annotated = [item.item_id for item in drawn] if settings.split == "all" else list(evaluated)
    models = [_read_predictions(model, settings, inputs, values, annotated) for model in settings.predictions]
    merged = None if inputs.merged is None else read_merged(inputs.merged, features.values())
    people = None if merged is None else annotator_answers_of(merged)
    awaiting = awaiting_notes(row for row in merged or () if row.feature in values)
    gone = {
        item
        for model in models
        if model.name in inputs.other_sources
        for item in _gone(model, drawn, inputs.other_sources[model.name])
    }
    groups = in_fields.groups if in_fields else None
    data = GoldData(drawn, evaluated, [item for item in annotated if item not in gone], gone, groups)
    return EvaluationReport(
        name=name,
        wave=settings.wave,
        splits=() if settings.source else SPLITS if settings.split == "all" else tuple(settings.split),
        gold_hash=sha256_hex(b"\n".join(canonical_json(_content(item)) for item in evaluated.values())),
        drawn=in_fields.records if in_fields else len(drawn),
        without_any_label=(in_fields.records if in_fields else len(drawn)) - len(gold),
        sources=tuple(_source(model, settings, inputs.summaries.get(model.name)) for model in models),
        features=tuple(
            evaluate_feature(of_feature, data, models, settings, people, inputs.chains)
            for of_feature in values.values()
        ),
        notes=(
            *_trial_notes(inputs.trials),
            *inputs.notes,
            *awaiting,
            *_group_notes(inputs.gold_group, settings, evaluated),
            *(in_fields.notes if in_fields else ()),
            *_gone_notes(gone & evaluated.keys(), evaluated, inputs.trials),
            *_notes(settings, models, evaluated),
        ),
        judged=tuple(inputs.judged(in_fields.all_ids, groups)) if in_fields else (),
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


def feature_values(
    settings: Evaluation, features: Mapping[str, Feature], where: str
) -> dict[str, FeatureValues]:
    """How the values of each feature compare that is evaluated.

    Args:
        settings, features: as for `evaluate`.
        where: place of the evaluation in the study, for errors.

    Raises:
        StudyError: a feature or field of the settings is not there, or no figure measures it.
    """
    for name in [*(settings.features or []), *settings.match, *settings.tolerance]:
        if name not in features:
            raise StudyError(f"there is no feature `{name}`; {suggestion(name, features)}", where=where)
    for name, fields in settings.match.items():
        feature = features[name]
        if not isinstance(feature, Extraction):
            raise StudyError(f"match: `{name}` is no extraction but a {feature.type}", where=where)
        known = {field.name for field in feature.fields}
        for path in fields:
            if path.partition(".")[0] not in known:
                raise StudyError(f"match: `{name}` has no field `{path}`", where=where)
    for name in settings.tolerance:
        if not isinstance(features[name], Score):
            raise StudyError(f"tolerance: `{name}` is no score but a {features[name].type}", where=where)
    chosen = (
        settings.features
        or list(settings.gold)
        or [name for name, feature in features.items() if not isinstance(feature, Text)]
    )
    for name in chosen:
        if isinstance(features[name], Text):
            raise StudyError(
                f"`{name}` is free text, which no figure here measures",
                where=f"{where}.{'gold' if settings.source else 'features'}",
                remedy="leave it out",
            )
    return {
        name: FeatureValues(features[name], settings.match.get(name), settings.tolerance.get(name))
        for name in chosen
    }


def _in_splits(gold: Sequence[GoldItem], settings: Evaluation, where: str) -> dict[str, GoldItem]:
    wanted = SPLITS if settings.split == "all" else settings.split
    evaluated = {item.item_id: item for item in gold if item.split in wanted}
    if not evaluated:
        raise StudyError(
            f"no item of the gold set is in split {' or '.join(wanted)}",
            where=where,
            remedy="name other splits, or enlarge the wave",
        )
    return dict(sorted(evaluated.items()))


def _check_gold(gold: Sequence[GoldItem], drawn: set[str]) -> None:
    seen: set[str] = set()
    for item in gold:
        if item.item_id in seen or item.item_id not in drawn:
            fault = "stands twice in the gold files" if item.item_id in seen else "is not in the sample"
            raise ReconciliationError(
                f"item {item.item_id} {fault}",
                remedy="give the gold files of one wave, each once, with the sample of that wave",
            )
        seen.add(item.item_id)


def _read_predictions(
    name: str,
    settings: Evaluation,
    inputs: EvaluationInputs,
    values: Mapping[str, FeatureValues],
    wanted: Iterable[str],
) -> Predictions:
    source, paths = settings.predictions[name], inputs.predictions[name]
    if source.stage is not None:
        return read_stage(name, paths[0], values, wanted, source.features, inputs.left_out)
    if source.wave is not None:
        return read_drawn(name, paths[0], values, wanted)
    return read_annotated(name, paths, values, wanted, source.heads)


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


def _source(model: Predictions, settings: Evaluation, summary_file: Path | None) -> ModelSource:
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


def _gone(
    model: Predictions, drawn: Iterable[Item | GoldItem], other_sources: Collection[str]
) -> Iterator[str]:
    """The gold items of which the model could have no row: their records are not among those it was given.

    Stages and annotated files have a row for each record, whatever became of it. Predictions without any of
    the items are those of other records, and say nothing about what is gone.
    """
    known = {item for by_item in model.of_items.values() for item in by_item}
    for item in drawn if known else ():
        if item.item_id not in known and item.source not in other_sources:
            yield item.item_id


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
