"""Checking the stages of a study as far as that is possible without reading data or spending anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from goldpan.batches.questions import Questioner
from goldpan.batches.stage import StageRun
from goldpan.study.load import Project
from goldpan.tasks import schema
from goldpan.tasks.answers import AnswerReader
from goldpan.tasks.prompts import check_template_names
from goldpan.tasks.task import load_task
from goldpan.tasks.where import Where


@dataclass(frozen=True)
class CheckedStage:
    """A stage without errors: its features, the fields of its largest answer, and what a strict model may
    refuse."""

    name: str
    features: int
    properties: int
    warnings: list[str]


def check_stages(project: Project) -> Iterator[CheckedStage]:
    """Load every task, prompt and filter of a study.

    Raises:
        TaskError, PromptError, WhereError: the first thing that does not fit, with its place.
    """
    for name, stage in project.study.stages.items():
        run = StageRun(project, name)
        if stage.input.stage and stage.input.where:
            Where.parse(stage.input.where, StageRun(project, stage.input.stage).features())
        Questioner(stage, project.tasks, None)
        properties = 0
        warnings: list[str] = []
        for choice in stage.task:
            task = load_task(choice.task, project.tasks)
            check_template_names(task)
            AnswerReader(task, stage.output)
            parameters = schema.parameters_schema(task)
            properties = max(properties, len(parameters["properties"]))
            warnings += schema.beyond_strict_limits(task)
        yield CheckedStage(name, len(run.features()), properties, warnings)
