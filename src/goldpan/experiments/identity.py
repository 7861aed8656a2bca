"""What is run when a stage is asked, before anybody is: what a run's id is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from goldpan.evaluation.files import field_evaluations
from goldpan.files import canonical_json, sha256_file, sha256_hex
from goldpan.providers.connect import service_of
from goldpan.providers.keys import Keys
from goldpan.providers.model_choice import asked_stage
from goldpan.records.inputs import source_files
from goldpan.records.limit import rows_within_limit
from goldpan.study.evaluation import Evaluation
from goldpan.study.load import Project, module_table
from goldpan.study.modules import Module
from goldpan.study.stage import Stage
from goldpan.tasks.task import load_task

_ID_DIGITS = 16
_USUAL_ROUNDS = Stage.model_fields["max_rounds"].default


def table_of_modules(project: Project) -> dict[str, Module]:
    """The modules of the study's table, by id; none where it names no table."""
    settings = project.study.modules
    return {} if settings is None else module_table(settings, project.root).modules


def module_id(project: Project, stage: str) -> str:
    """What the runs of a stage are gathered under: its id in the table of modules, so that all studies of a
    module have one history; of any other stage `STUDY.STAGE`."""
    return stage if stage in table_of_modules(project) else f"{project.study.study}.{stage}"


def what_is_run(project: Project, stage: str, limit: Mapping[str, int]) -> dict[str, Any]:
    """All that decides what a stage is asked and how it is measured, without names of files and studies.

    Args:
        project, stage: the stage.
        limit: source -> its limit, of those sources that have rows beyond it.

    Raises:
        StudyError: a pattern of a source matches no file.
        TaskError: a task cannot be loaded.
    """
    evaluations = [project.study.evaluations[name] for name in field_evaluations(project.study, stage)]
    before = project.study.stages_to(stage)[1:]
    return {
        "module": module_id(project, stage),
        "tasks": _tasks(project, stage),
        "data": data_hash(project, stage),
        "asked": _asked(project, stage),
        "limit": dict(limit),
        "after": [
            _after(project, later, name) for later, name in zip([stage, *before], before, strict=False)
        ],
        **_judged(project, stage, evaluations),
        "gold": [
            {"fields": evaluation.gold, "match": evaluation.match}
            # Named only where it is given, so that runs recorded before there was the key keep their ids.
            | ({"tolerance": evaluation.tolerance} if evaluation.tolerance else {})
            | ({"group": evaluation.group} if evaluation.group else {})
            for evaluation in evaluations
        ],
    }


def _after(project: Project, stage: str, earlier: str) -> dict[str, Any]:
    """What a stage makes of an earlier one, and what that says."""
    settings = project.study.stages[stage].input
    # Left out where they say nothing, so that runs recorded before there were these keys keep their ids.
    made = settings.model_dump(mode="json", include={"explode", "by", "group", "neighbours"})
    local = project.study.local_stages.get(earlier)
    if local is not None:
        return {"where": settings.where, **made, "local": local.model_dump(mode="json", exclude={"input"})}
    return {
        "where": settings.where,
        **made,
        "tasks": _tasks(project, earlier),
        "asked": _asked(project, earlier),
    }


def _judged(project: Project, stage: str, evaluations: Sequence[Evaluation]) -> dict[str, Any]:
    """Who judges the free texts of a stage; nothing where nobody does, so that older runs keep their ids."""
    judged = {
        feature: {
            "feature": says.feature,
            "tasks": _tasks(project, says.stage),
            "asked": _asked(project, says.stage),
        }
        for evaluation in evaluations
        for feature, says in evaluation.judged.items()
        if stage in project.study.stages_to(says.stage)
    }
    return {"judged": judged} if judged else {}


def run_id(what: Mapping[str, Any]) -> str:
    """The id of the run of `what_is_run`."""
    return sha256_hex(canonical_json(what))[:_ID_DIGITS]


def prompt_hash(what: Mapping[str, Any]) -> str:
    """One hash for the tasks of `what_is_run`: that of its task where it has one."""
    hashes = [task["hash"] for task in what["tasks"]]
    return hashes[0] if len(hashes) == 1 else sha256_hex(canonical_json(what["tasks"]))


def data_hash(project: Project, stage: str) -> str:
    """SHA-256 of the bytes of the user's files that a stage is asked about, and of how they are read."""
    parts = []
    for name in project.study.sources_of(stage):
        source = project.study.sources[name]
        files = [sha256_file(path) for path in source_files(source, project.root).values()]
        parts.append([source.model_dump(mode="json", exclude={"files", "limit"}), *files])
    return sha256_hex(canonical_json(parts))


def planned_limits(project: Project, stage: str) -> dict[str, int]:
    """source -> its limit, of the sources that have rows beyond it, by the user's files as they are now."""
    limits = {}
    for name in project.study.sources_of(stage):
        source = project.study.sources[name]
        if source.limit is None:
            continue
        if rows_within_limit(source, source.limit, source_files(source, project.root)).has_more:
            limits[name] = source.limit
    return limits


def _tasks(project: Project, stage: str) -> list[dict[str, Any]]:
    return [
        {"when": choice.when, "hash": load_task(choice.task, project.tasks).hash}
        for choice in project.study.asked_stages[stage].task
    ]


def _asked(project: Project, stage: str) -> dict[str, Any]:
    """Whom a stage asks, and how."""
    settings = asked_stage(project.study.asked_stages[stage])
    provider = project.study.providers[settings.provider]
    return {
        "service": service_of(provider, Keys(project.root)),
        **settings.model_dump(
            mode="json", include={"model", "params", "output", "endpoint", "samples", "aggregate"}
        ),
        # An invalid answer that is asked again may be right. Named only where it is not the default, so that
        # runs recorded before it was keep their ids.
        **({"max_rounds": settings.max_rounds} if settings.max_rounds != _USUAL_ROUNDS else {}),
        # Of texts that are the same one spelling is asked.
        **({"duplicates": settings.duplicates.share} if settings.duplicates else {}),
    }
