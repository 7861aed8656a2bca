"""Stages that ask a fine-tuned model for more than its export teaches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from goldpan.finetune.exports.files import exported_stage
from goldpan.finetune.exports.material import answer_writers, table_task
from goldpan.study.load import Project
from goldpan.study.stage import Stage
from goldpan.tasks.features import Feature
from goldpan.tasks.task import Task, load_task


def untaught_fields(project: Project) -> Iterator[str]:
    """A line about each stage whose model is asked for fields of an answer that it has not learned to give:
    it is held to them, and what it writes there is worth nothing.

    Raises:
        TaskError: a task cannot be loaded.
        StudyError: an export does not fit its task.
    """
    study = project.study
    for name, stage in study.asked_stages.items():
        tuned = getattr(study.providers[stage.provider], "finetuned", None)
        if tuned is None:
            continue
        export = study.finetunes[tuned].export
        settings, where = study.exports[export], f"exports.{export}"
        if settings.stage is None and settings.features is None:
            # Then the gold decides, which may not be there yet.
            continue
        teaching = exported_stage(study, settings)
        taught = (
            _tasks(project, study.asked_stages[teaching])
            if teaching
            else [task for task in (table_task(project, settings, where),) if task]
        )
        known = _fields(writer.task for writer in answer_writers(taught, settings, where).values())
        asked = _fields(_tasks(project, stage))
        if more := [field for field in asked if field not in known]:
            yield (
                f"stage {name}: note: asks `{tuned}` for {', '.join(more)}, which the export `{export}` does"
                " not teach: what comes there is worth nothing; teach it (`features`, `rationales: true`), or"
                " give the stage a task without it"
            )


def _tasks(project: Project, stage: Stage) -> list[Task]:
    return [load_task(choice.task, project.tasks) for choice in stage.task]


def _fields(tasks: Iterable[Task]) -> list[str]:
    """Names of the fields of answers, each once."""
    features: list[Feature] = [feature for task in tasks for feature in task.features]
    fields = [field for feature in features for field in (feature.rationale_key, feature.key) if field]
    return list(dict.fromkeys(fields))
