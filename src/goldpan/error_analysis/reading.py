"""The evaluated rows of a project's evaluation, by feature and model, for the parts of an error analysis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from goldpan.error_analysis.items import AnswerFiles, ErrorItem, ErrorItems
from goldpan.evaluation.baselines import key_text
from goldpan.evaluation.coding import FAILED, FeatureValues
from goldpan.evaluation.feature import GoldData, evaluated_items, key_of, prediction_for_item
from goldpan.evaluation.predictions import Prediction, Predictions
from goldpan.evaluation.read import EvaluationData, read_evaluation
from goldpan.evaluation.run import check_predicted_features, evaluated_features, evaluation_inputs
from goldpan.records.inputs import files_of_sources
from goldpan.records.splits import SPLITS
from goldpan.stages.features import all_features_of_stage
from goldpan.study.error_analysis import ErrorAnalysis
from goldpan.study.evaluation import Evaluation, Predicted
from goldpan.study.load import Project
from goldpan.waves.collect.record_fields import field_path
from goldpan.waves.gold.gold_set import GoldItem


@dataclass(frozen=True)
class AnalysedModel:
    """What is looked at of one model on one feature.

    Attributes:
        items: its evaluated rows.
        values: how the values of the feature compare.
        answers: all answers of the stage that predicts it; None of heads and of answers in a table.
        paraphrases: all answers of the stages that ask the same in other words.
    """

    items: ErrorItems
    values: FeatureValues
    answers: AnswerFiles | None
    paraphrases: tuple[AnswerFiles, ...]


@dataclass(frozen=True)
class AnalysedEvaluation:
    """What an error analysis looks at.

    Attributes:
        settings: of the evaluation.
        data: its gold and predictions.
        summaries: name of the predictions -> `summary.json` of their stage.
        notes: what the evaluation says of its gold.
        features: feature -> the models that predict it, in the order of the study.
        embeddings: files of the embedding that mistakes are put into clusters by.
        embedding_group: the group of these HDF5 files that holds the vectors.
    """

    settings: Evaluation
    data: EvaluationData
    summaries: dict[str, Path]
    notes: tuple[str, ...]
    features: dict[str, list[AnalysedModel]]
    embeddings: tuple[Path, ...]
    embedding_group: str


def read_analysed(project: Project, name: str) -> AnalysedEvaluation:
    """Read what the error analysis `name` looks at.

    Raises:
        StudyError: the study has no such analysis, or its evaluation does not know a feature.
        SourceError, ReconciliationError: the files it reads do not fit together.
    """
    analysis = project.named("error analysis", project.study.errors, name)
    evaluation = analysis.evaluation or name
    settings = project.named("evaluation", project.study.evaluations, evaluation)
    features = evaluated_features(project, evaluation)
    check_predicted_features(project, evaluation, features)
    inputs = evaluation_inputs(project, evaluation)
    data = read_evaluation(evaluation, settings, features, inputs)
    models = [model for model in data.models if model.name in (analysis.predictions or settings.predictions)]
    by_feature = {
        feature: [
            AnalysedModel(
                items=_error_items(project, settings, values, data.data, model),
                values=values,
                answers=_answers(project, settings.predictions[model.name], feature),
                paraphrases=tuple(_paraphrases(project, analysis, settings.predictions[model.name], feature)),
            )
            for model in models
            if model.covers(feature)
        ]
        for feature, values in data.values.items()
        if feature in (analysis.features or data.values)
    }
    return AnalysedEvaluation(
        settings=settings,
        data=data,
        summaries=dict(inputs.summaries),
        notes=tuple(inputs.notes),
        features=by_feature,
        embeddings=_embedding_files(project, analysis.embedding),
        embedding_group=project.study.embeddings[analysis.embedding].group if analysis.embedding else "",
    )


def _error_items(
    project: Project, settings: Evaluation, values: FeatureValues, gold: GoldData, model: Predictions
) -> ErrorItems:
    items = evaluated_items(values, gold)
    name = values.feature.name
    predictions = [prediction_for_item(values, model, item.item_id) for item in items]
    keys = [key_of(values, prediction) for prediction in predictions]
    golds = [values.key(item.labels[name]) for item in items]
    right = values.right(values.code(golds, [keys]))[:, 0].tolist() if items else []
    return ErrorItems(
        feature=name,
        kind=values.feature.type,
        labels=values.scale.labels or (),
        model=model.name,
        items=tuple(
            _error_item(item, gold, prediction, gold_key, None if key is FAILED else key, is_right)
            for item, prediction, gold_key, key, is_right in zip(
                items, predictions, golds, keys, right, strict=True
            )
        ),
        label_fields=tuple(field_path(field) for field in settings.gold.values()),
        learned_splits=_learned_splits(project, settings, settings.predictions[model.name], name),
    )


def _error_item(
    item: GoldItem, gold: GoldData, prediction: Prediction, gold_key: object, key: object, is_right: bool
) -> ErrorItem:
    return ErrorItem(
        item_id=item.item_id,
        id=item.id,
        source=item.source,
        file=item.file,
        data=item.data,
        gold=key_text(gold_key),
        predicted=key_text(key) if prediction.state == "ok" else "",
        gold_key=gold_key,
        predicted_key=key,
        state=prediction.state,
        is_right=is_right,
        confidence=prediction.confidence if prediction.state == "ok" else None,
        samples=prediction.samples,
        group=item.group if gold.groups is None else gold.groups[item.item_id],
        split=item.split,
    )


def _learned_splits(
    project: Project, settings: Evaluation, predicted: Predicted, feature: str
) -> tuple[str, ...]:
    """The splits of the gold that the head of a feature has learned from, or was chosen by."""
    if predicted.annotated is None:
        return ()
    column = predicted.heads.get(feature, feature)
    for name in project.study.annotated[predicted.annotated].heads:
        head = project.study.heads[name]
        if column not in {head.column_of(name, target) for target in head.targets}:
            continue
        if head.labels.source and set(head.labels.source) & set(settings.source or []):
            # Its splits are not those of the evaluation, which has none.
            return SPLITS
        if head.labels.wave is not None and head.labels.wave == settings.wave:
            return ("train", "dev")
    return ()


def _answers(project: Project, predicted: Predicted, feature: str) -> AnswerFiles | None:
    if predicted.stage is None:
        return None
    return _answer_files(project, predicted.stage, predicted.features.get(feature, feature))


def _answer_files(project: Project, stage: str, feature: str) -> AnswerFiles:
    root, paths = project.root, project.paths
    return AnswerFiles(stage, feature, root / paths.features(stage), root / paths.stage_records(stage))


def _paraphrases(
    project: Project, analysis: ErrorAnalysis, predicted: Predicted, feature: str
) -> Iterator[AnswerFiles]:
    """The stages that ask for the feature in other words, of which some may not ask for this one."""
    own = predicted.features.get(feature, feature)
    for stage in analysis.paraphrases if predicted.stage is not None else ():
        known = {described.name for described in all_features_of_stage(project, stage)}
        if stage != predicted.stage and known & {own, feature}:
            yield _answer_files(project, stage, own if own in known else feature)


def _embedding_files(project: Project, embedding: str | None) -> tuple[Path, ...]:
    if embedding is None:
        return ()
    sources: Sequence[str] = project.study.embeddings[embedding].source
    places = files_of_sources(project, sources)
    return tuple(project.root / project.paths.embeddings(embedding, *place) for place in places)
