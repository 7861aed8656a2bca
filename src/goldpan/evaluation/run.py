"""One evaluation of a project, from the files it reads to the files it leaves."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from functools import partial

from goldpan.clock import SYSTEM_CLOCK
from goldpan.errors import StudyError
from goldpan.evaluation.chain_trace import trace_of
from goldpan.evaluation.evaluate import EvaluationOutputs, evaluate_files
from goldpan.evaluation.files import describing_stages, evaluated_chains, gold_files, predicted_files
from goldpan.evaluation.judged import judge_texts, judges_of
from goldpan.evaluation.read import EvaluationInputs
from goldpan.evaluation.report import EvaluationReport
from goldpan.files import canonical_json, sha256_file, sha256_hex
from goldpan.records.limit import trial_of
from goldpan.records.skips import FILTERED
from goldpan.records.source_rows import place_of
from goldpan.records.splits import SPLITS
from goldpan.records.test_looks import LookAtTest, looks_file, record_look
from goldpan.stages.features import all_features_of_stage, features_of_stage
from goldpan.stages.proposed_tasks import searches_adopted_by
from goldpan.study.evaluation import Evaluation, Predicted
from goldpan.study.filter import GoldThreshold
from goldpan.study.load import Project
from goldpan.study.local_stage import FilterStage
from goldpan.tasks.features import Feature
from goldpan.tasks.nearest import suggestion
from goldpan.waves.agreement.wave import ORDERS
from goldpan.waves.answer_text import answer_text
from goldpan.waves.codebook import what_is_asked
from goldpan.waves.sampling.left_out import LeftOutValues
from goldpan.waves.steps.left_out_values import left_out_values
from goldpan.waves.steps.run import WaveRun


def evaluate_in_project(project: Project, name: str) -> EvaluationReport:
    """Write the JSON, the page and the table of mistakes of the evaluation `name`.

    Raises:
        StudyError: the study has no such evaluation.
        SourceError, ReconciliationError: the files it reads do not fit together.
    """
    settings = project.named("evaluation", project.study.evaluations, name)
    root, paths = project.root, project.paths
    outputs = EvaluationOutputs(
        json=root / paths.evaluation(name, "json"),
        html=root / paths.evaluation(name, "html"),
        errors=root / paths.evaluation(name, "errors.csv"),
    )
    inputs = evaluation_inputs(project, name)
    features = evaluated_features(project, name)
    check_predicted_features(project, name, features)
    return evaluate_files(name, settings, features, inputs, outputs)


def evaluation_inputs(project: Project, name: str) -> EvaluationInputs:
    """What the evaluation `name` reads.

    Raises:
        StudyError: the study has no such evaluation.
    """
    settings = project.named("evaluation", project.study.evaluations, name)
    judges = judges_of(project, name)
    root, paths, wave = project.root, project.paths, settings.wave
    run = WaveRun(project, wave) if wave else None
    return EvaluationInputs(
        gold=[root / path for path in gold_files(project, settings)],
        predictions={
            model: [root / path for path in predicted_files(project, predicted)]
            for model, predicted in settings.predictions.items()
        },
        summaries={
            model: root / paths.summary(predicted.stage)
            for model, predicted in settings.predictions.items()
            if predicted.stage is not None
        },
        sample=root / paths.sample(wave) if wave else None,
        merged=root / paths.merged(wave) if wave else None,
        place=place_of(project, settings.source or []),
        notes=[
            *([*gold_notes(run), *order_notes(run), *left_out_notes(run)] if run else ()),
            *_threshold_notes(project, settings),
            *_search_notes(project, settings),
        ],
        left_out=_left_out_of(run) if run else None,
        gold_group=run.wave.gold.group if run else None,
        chains={
            name: trace_of(project, stage)
            for name, stage in evaluated_chains(project.study, settings, run.wave if run else None).items()
        },
        other_sources={
            model: project.study.sources.keys() - project.study.sources_predicted(predicted)
            for model, predicted in settings.predictions.items()
            if wave and not predicted.wave
        },
        trials={
            model: trial
            for model, predicted in settings.predictions.items()
            if (trial := trial_of(project, project.study.sources_predicted(predicted)))
        },
        judged=lambda ids, groups: [judge_texts(project, judge, ids, groups) for judge in judges],
        look=partial(_look_at_test, project, settings) if settings.split == ["test"] else None,
    )


def _look_at_test(project: Project, settings: Evaluation, report: EvaluationReport) -> int:
    """Count the look that an evaluation of the test split alone is; returns its number.

    What was seen is what the models said of these rows: the same predictions measured again are the same
    look, also where others of the same file have changed.
    """
    seen = {
        f"{feature.feature}/{model.model}": [
            [figure.as_json() for figure in model.figures],
            sorted([mistake.item_id, mistake.predicted] for mistake in model.mistakes),
        ]
        for feature in report.features
        for model in feature.models
    }
    models = ", ".join(source.model for source in report.sources)
    look = LookAtTest(
        by=f"{project.study.study}: evaluation {report.name}",
        asked=sha256_hex(canonical_json(seen)),
        rows=sha256_file(project.root / project.paths.gold(settings.wave or "", "test.jsonl")),
        items=max((feature.items.in_split for feature in report.features), default=0),
        day=str(datetime.datetime.fromtimestamp(SYSTEM_CLOCK.now(), datetime.UTC).date()),
        what=f"the figures of {models}",
    )
    return len(record_look(looks_file(project, settings), look))


def _left_out_of(run: WaveRun) -> LeftOutValues | None:
    """What records stand for that the chain of a wave left out; None where the wave has none."""
    left_out = run.wave.left_out
    if left_out is None:
        return None
    return left_out_values(left_out, run.codebook.by_name, f"waves.{run.name}")


def left_out_notes(run: WaveRun) -> list[str]:
    """What a wave says of records that its chain left out; nothing of a wave that has none."""
    left_out = run.wave.left_out
    if left_out is None:
        return []
    counts = run.draw_given_out().sample.counts
    notes = []
    for code, said in left_out.by_code.items():
        number, words = (
            counts.left_out.get(code, 0),
            "left out by a filter" if code == FILTERED else "without items",
        )
        values = ", ".join(
            f"{name}: {answer_text(run.codebook.by_name[name], value)}" for name, value in said.items()
        )
        notes.append(
            f"{number:,} of the {counts.population:,} records that the wave was drawn from were {words}; the"
            f" chain's prediction for such a record is {values}."
            + ("" if number else " There were none, so nothing is measured of them.")
        )
    if counts.outside:
        reasons = ", ".join(f"{reason} {number:,}" for reason, number in sorted(counts.outside.items()))
        notes.append(
            f"{sum(counts.outside.values()):,} more records could not be drawn ({reasons}): nobody knows what"
            " the chain would have said of them. They count as nothing here, and the figures do not speak of"
            " them."
        )
    return notes


def order_notes(run: WaveRun) -> list[str]:
    """What is to be known of the order in which annotators had the items of the gold's wave."""
    said = ORDERS.get(run.wave.order)
    return [said] if said else []


def gold_notes(run: WaveRun) -> list[str]:
    """Which features are not asked as they were when the wave of the gold was given out."""
    try:
        now = run.study_codebook.by_name
    except StudyError:
        now = {}
    asked = {name: what_is_asked(feature) for name, feature in now.items()}
    changed = [
        name for name, feature in run.codebook.by_name.items() if asked.get(name) != what_is_asked(feature)
    ]
    if not changed:
        return []
    return [
        f"The tasks ask {', '.join(changed)} in other words or with other labels than annotators were asked:"
        " answers given since cannot be compared with this gold. Make a new wave, or draw this one anew."
    ]


def _threshold_notes(project: Project, settings: Evaluation) -> Iterator[str]:
    """Which filters are measured on the labels that their thresholds were chosen by."""
    for model, predicted in settings.predictions.items():
        stage = project.study.stages.get(predicted.stage or "")
        threshold = stage.threshold if isinstance(stage, FilterStage) else None
        if not isinstance(threshold, GoldThreshold):
            continue
        splits = SPLITS if settings.split == "all" else settings.split
        if (settings.wave is None) != (threshold.wave is None) or settings.wave != threshold.wave:
            continue
        if set(splits) & set(threshold.split):
            yield (
                f"{model}: its threshold was chosen on some of these labels, so its recall here is somewhat"
                " too good; its threshold.json has that on records which it was not chosen on."
            )


def _search_notes(project: Project, settings: Evaluation) -> Iterator[str]:
    """Which stages ask a prompt that was found on labels of this gold."""
    if settings.split == ["test"]:
        return
    for model, predicted in settings.predictions.items():
        for name in sorted(searches_adopted_by(project, predicted.stage or "")):
            search = project.study.optimised.get(name)
            gold = project.study.evaluations.get(search.evaluation or search.stage) if search else None
            if gold is not None and (gold.wave, gold.source) == (settings.wave, settings.source):
                yield (
                    f"{model}: its prompt was found by the search `{name}` on rows of this gold, so its"
                    " figures here are somewhat too good; those that the search tells of its test split are"
                    " of rows that it did not see."
                )


def evaluated_features(project: Project, name: str) -> dict[str, Feature]:
    """The features that the evaluation `name` has gold for: those of its wave, or those with a field.

    Raises:
        StudyError: no task has one of the features that stand in fields.
        TaskError: a task cannot be loaded.
    """
    settings = project.named("evaluation", project.study.evaluations, name)
    _check_own_names(project, name)
    if settings.wave is not None:
        return WaveRun(project, settings.wave).codebook.by_name
    known: dict[str, Feature] = {}
    for feature in _described_features(project, settings):
        first = known.setdefault(feature.name, feature)
        if feature.name in settings.gold and what_is_asked(first) != what_is_asked(feature):
            raise StudyError(
                f"the feature `{feature.name}` is not the same in all tasks that are evaluated",
                where=f"evaluations.{name}.gold",
                remedy="make an evaluation for each stage, with its `predictions`",
            )
    for feature_name in settings.gold:
        if feature_name not in known:
            nearest = suggestion(feature_name, known) or "no task is asked about these sources"
            raise StudyError(
                f"no task says what the feature `{feature_name}` is; {nearest}",
                where=f"evaluations.{name}.gold",
                remedy="features are those of tasks of the stages that are evaluated, or, where only heads"
                " are, of those that are asked about the source",
            )
    return {feature_name: known[feature_name] for feature_name in settings.gold}


def check_predicted_features(project: Project, name: str, features: Mapping[str, Feature]) -> None:
    """Check that features of stages which the gold calls otherwise are there, and of the same kind.

    Args:
        project: of the evaluation.
        name: of the evaluation.
        features: those it has gold for.

    Raises:
        StudyError: one is not.
    """
    for model, predicted in project.study.evaluations[name].predictions.items():
        of_stage = {feature.name: feature for feature in _features_of(project, predicted)}
        where = f"evaluations.{name}.predictions.{model}.features"
        for gold, own in predicted.features.items():
            if gold not in features:
                raise StudyError(
                    f"there is no gold feature `{gold}`; {suggestion(gold, features)}", where=where
                )
            if features[gold].type != of_stage[own].type:
                raise StudyError(
                    f"`{gold}` is a {features[gold].type} and `{own}` a {of_stage[own].type}, which cannot be"
                    " compared",
                    where=where,
                    remedy="compare a filter's `kept` with a binary feature of the gold",
                )


def _described_features(project: Project, settings: Evaluation) -> Iterator[Feature]:
    """What the stages say that an evaluation measures: their features, by the names that the gold has."""
    evaluated = [predicted for predicted in settings.predictions.values() if predicted.stage]
    for predicted in evaluated or [Predicted(stage=name) for name in describing_stages(project, settings)]:
        features = all_features_of_stage(project, predicted.stage or "")
        own = {feature.name: feature for feature in features}
        yield from (feature for feature in features if feature.name not in predicted.features)
        yield from (own[name].model_copy(update={"name": gold}) for gold, name in predicted.features.items())


def _check_own_names(project: Project, name: str) -> None:
    """Check that stages have the features that predict what the gold calls otherwise. Raises StudyError."""
    for model, predicted in project.study.evaluations[name].predictions.items():
        known = [feature.name for feature in _features_of(project, predicted)]
        for own in predicted.features.values():
            if own not in known:
                raise StudyError(
                    f"the stage `{predicted.stage}` has no feature `{own}`; {suggestion(own, known)}",
                    where=f"evaluations.{name}.predictions.{model}.features",
                )


def _features_of(project: Project, predicted: Predicted) -> list[Feature]:
    return features_of_stage(project, predicted.stage) if predicted.features and predicted.stage else []
