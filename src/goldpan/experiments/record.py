"""Record the run of a stage: from the artifacts of the workflow into the history of the project."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from goldpan import __version__
from goldpan.clock import SYSTEM_CLOCK, Clock
from goldpan.errors import SourceError, StudyError
from goldpan.evaluation.field_gold import read_field_gold
from goldpan.evaluation.files import field_evaluations, gold_files
from goldpan.evaluation.judged import judge_texts, judges_of
from goldpan.evaluation.predictions import read_stage
from goldpan.evaluation.read import feature_values
from goldpan.evaluation.run import evaluated_features
from goldpan.experiments.git_state import git_state
from goldpan.experiments.history import History
from goldpan.experiments.identity import module_id, prompt_hash, run_id, table_of_modules, what_is_run
from goldpan.experiments.rows import Scored, scored, table_of_rows
from goldpan.experiments.run import FeatureMetrics, PromptTexts, Run
from goldpan.files import read_json, write_bytes
from goldpan.providers.model_choice import asked_stage
from goldpan.records.limit import trial_of
from goldpan.records.read import iter_records
from goldpan.records.source_rows import place_of
from goldpan.stages.features import features_of_stage
from goldpan.stages.rows import with_features
from goldpan.study.load import Project
from goldpan.tasks.features import FOR_PEOPLE
from goldpan.tasks.task import Task, load_task


def record_run(project: Project, stage: str, clock: Clock = SYSTEM_CLOCK) -> Run:
    """Write the run of a stage into the history, and a copy among the results of the study.

    Raises:
        StudyError: the stage is measured by no evaluation with gold in fields, a step before it has not run,
            or its tasks were changed after they were answered.
        SourceError, ReconciliationError: what the steps before left is damaged or does not fit together.
    """
    project.named("stage", project.study.asked_stages, stage)
    if not field_evaluations(project.study, stage):
        raise StudyError(
            f"stage `{stage}` is measured by no evaluation with gold in fields, so it has no runs",
            where=str(project.study_file),
            remedy="add one: docs/evaluation.md, `source` and `gold`; modules have one where their task says"
            " what is `expected`",
        )
    run, rows = made_run(project, stage, clock)
    history = History(project.runs)
    run = history.record(run, rows)
    write_bytes(project.root / project.paths.run(stage, "csv"), rows)
    write_bytes(project.root / project.paths.run(stage, "json"), history.run_file(run.id).read_bytes())
    return run


def made_run(project: Project, stage: str, clock: Clock = SYSTEM_CLOCK) -> tuple[Run, bytes]:
    """The run of a stage as its artifacts are now, and its rows as CSV; raises as `record_run`."""
    root, paths, settings = project.root, project.paths, asked_stage(project.study.asked_stages[stage])
    summary = read_json(project.left(paths.summary(stage), f"the run of `{stage}`"))
    tasks = [load_task(choice.task, project.tasks) for choice in settings.task]
    _check_tasks(tasks, summary, project.paths.summary(stage))
    what = what_is_run(project, stage, trial_of(project, project.study.sources_of(stage)))
    features_file = project.left(paths.features(stage), f"the run of `{stage}`")
    records = iter_records(project.left(paths.stage_records(stage), f"the run of `{stage}`"))
    answered: list[int] = []

    def rows() -> Any:
        for record, row in with_features(records, features_file):
            if row.get("answered_at"):
                answered.append(row["answered_at"] or 0)
            yield record, row

    table = table_of_rows(rows(), features_of_stage(project, stage), _scored(project, stage))
    module = table_of_modules(project).get(stage)
    now = datetime.datetime.fromtimestamp(clock.now(), datetime.UTC)
    run = Run(
        id=run_id(what),
        module=module_id(project, stage),
        name=module.name if module else None,
        kind=module.kind if module else None,
        study=project.study.study,
        stage=stage,
        what=what,
        prompt_hash=prompt_hash(what),
        prompt_version=0,
        prompts=[_prompt_texts(task) for task in tasks],
        data_hash=what["data"],
        provider_kind=project.study.providers[settings.provider].kind,
        service=what["asked"]["service"],
        model=settings.model,
        params=settings.params,
        samples=settings.samples,
        limit=what["limit"],
        metrics=_metrics(project, stage),
        records=summary["records"],
        states={state: count for state, count in summary["states"].items() if count},
        tokens=summary.get("tokens", {}),
        cost_usd=summary.get("cost_usd"),
        answered_by=summary.get("models", {}),
        baseline=summary.get("baseline", False),
        mode=settings.mode,
        requests_paid=summary.get("requests_paid"),
        answered_at=max(answered, default=None),
        recorded_at=now.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        rows_sha256="",
        git=git_state(root.resolve(), project.runs.resolve()),
        goldpan_version=__version__,
    )
    return run, table


def _check_tasks(tasks: Sequence[Task], summary: dict[str, Any], where: str) -> None:
    for task in tasks:
        if summary["tasks"].get(task.name, {}).get("hash") != task.hash:
            raise StudyError(
                f"task `{task.name}` is not what was asked: it was changed since",
                where=where,
                remedy="run again: it asks what is new, and records that",
            )


def _prompt_texts(task: Task) -> PromptTexts:
    features = [
        feature.model_dump(mode="json", exclude=set(FOR_PEOPLE), exclude_defaults=True)
        | {"name": feature.name, "type": feature.type}
        for feature in task.features
    ]
    return PromptTexts(task.name, task.hash, task.system_template, task.user_template, features)


def _scored(project: Project, stage: str) -> list[Scored]:
    """The stage's features with gold, each once, in the order of the evaluations."""
    measured: dict[str, Scored] = {}
    for name, model in field_evaluations(project.study, stage).items():
        settings, where = project.study.evaluations[name], f"evaluations.{name}"
        features = evaluated_features(project, name)
        values = feature_values(settings, features, where)
        paths = [project.root / path for path in gold_files(project, settings)]
        place = place_of(project, settings.source or [])
        gold = read_field_gold(settings, features, paths, place, where)
        items = gold.items
        wanted = [item.item_id for item in items]
        predicted_by = settings.predictions[model].features
        path = project.root / project.paths.features(stage)
        predictions = read_stage(model, path, values, wanted, predicted_by)
        for feature, of_feature in values.items():
            if predictions.covers(feature) and feature not in measured:
                measured[feature] = scored(of_feature, settings.gold[feature], items, predictions)
        for judge in judges_of(project, name):
            if judge.judged == stage:
                verdicts = judge_texts(project, judge, gold.all_ids).verdicts
                measured.setdefault(judge.feature.name, Scored(judge.feature, None, {}, verdicts))
    return list(measured.values())


def _metrics(project: Project, stage: str) -> list[FeatureMetrics]:
    """What the evaluations of a stage have found, each feature once."""
    found: dict[str, FeatureMetrics] = {}
    for name, model in field_evaluations(project.study, stage).items():
        path = project.left(project.paths.evaluation(name, "json"), f"the run of `{stage}`")
        try:
            evaluation = read_json(path)
            for metrics in chain(
                _metrics_of(evaluation, name, model), _judged_metrics(evaluation, name, model)
            ):
                found.setdefault(metrics.feature, metrics)
        except (KeyError, TypeError, AttributeError) as error:
            raise SourceError(
                f"is not an evaluation that this goldpan can read: {error!r}",
                where=str(path),
                remedy="delete it and run again, which makes it anew; nothing is paid again",
            ) from None
    return list(found.values())


def _metrics_of(evaluation: dict[str, Any], name: str, model: str) -> Iterator[FeatureMetrics]:
    """What an evaluation says of one of its models."""
    for feature in evaluation["features"]:
        for own in feature["models"]:
            if own["model"] == model:
                baselines = [
                    {**baseline, "figures": _raw(baseline["figures"])} for baseline in feature["baselines"]
                ]
                yield FeatureMetrics(
                    feature=feature["feature"],
                    type=feature["type"],
                    kind=feature["kind"],
                    evaluation=name,
                    items=feature["items"],
                    figures=_raw(own["figures"]),
                    baselines=baselines,
                    failed=own["failed"],
                    over_baseline=own["over_baseline"],
                )


def _judged_metrics(evaluation: dict[str, Any], name: str, model: str) -> Iterator[FeatureMetrics]:
    """What other stages say of the free texts of one model; there is no answer that one could always give."""
    for text in evaluation.get("judged", []):
        if text["model"] == model:
            yield FeatureMetrics(
                feature=text["feature"],
                type="text",
                kind="judged",
                evaluation=name,
                items={"evaluated": text["items"]},
                figures=_raw(text["figures"]),
                baselines=[],
                failed={**text["failed"], **{f"not judged: {s}": n for s, n in text["not_judged"].items()}},
            )


def _raw(figures: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Figures over the items as they are: gold in fields was not drawn, so that nothing is weighted."""
    return [{"name": figure["name"], "raw": figure["raw"]} for figure in figures]
