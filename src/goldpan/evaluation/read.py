"""What an evaluation reads: the gold, and the predictions joined to it by item id."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from goldpan.errors import ReconciliationError, StudyError
from goldpan.evaluation.coding import FeatureValues
from goldpan.evaluation.feature import GoldData
from goldpan.evaluation.field_gold import FieldGold, read_field_gold
from goldpan.evaluation.judged import JudgedText
from goldpan.evaluation.lost import Trace
from goldpan.evaluation.predictions import Predictions, read_annotated, read_drawn, read_stage
from goldpan.evaluation.report import EvaluationReport
from goldpan.records.model import Record
from goldpan.records.splits import SPLITS
from goldpan.study.evaluation import Evaluation
from goldpan.tasks.features import Extraction, Feature, Score, Text
from goldpan.tasks.nearest import suggestion
from goldpan.waves.gold.gold_set import GoldItem, read_gold
from goldpan.waves.items import Item, read_items
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
class EvaluationData:
    """The gold and the predictions of an evaluation.

    Attributes:
        values: feature -> how its values compare, of the features that are evaluated.
        gold: all gold items, of whatever split.
        data: what of them is evaluated.
        models: their predictions, in the order of the study.
        in_fields: the gold, where it stands in fields of records.
    """

    values: dict[str, FeatureValues]
    gold: list[GoldItem]
    data: GoldData
    models: list[Predictions]
    in_fields: FieldGold | None


def read_evaluation(
    name: str, settings: Evaluation, features: Mapping[str, Feature], inputs: EvaluationInputs
) -> EvaluationData:
    """Read the gold of an evaluation, and what its models say of it.

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
    drawn: Sequence[Item | GoldItem] = gold
    if inputs.sample is not None:
        drawn = list(read_items(inputs.sample).values())
    _check_gold(gold, {item.item_id for item in drawn})
    # Of items without any gold label nobody knows the split.
    annotated = [item.item_id for item in drawn] if settings.split == "all" else list(evaluated)
    models = [_read_predictions(model, settings, inputs, values, annotated) for model in settings.predictions]
    gone = {
        item
        for model in models
        if model.name in inputs.other_sources
        for item in _gone(model, drawn, inputs.other_sources[model.name])
    }
    groups = in_fields.groups if in_fields else None
    data = GoldData(drawn, evaluated, [item for item in annotated if item not in gone], gone, groups)
    return EvaluationData(values, gold, data, models, in_fields)


def feature_values(
    settings: Evaluation, features: Mapping[str, Feature], where: str
) -> dict[str, FeatureValues]:
    """How the values of each feature compare that is evaluated.

    Args:
        settings, features: as for `read_evaluation`.
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
