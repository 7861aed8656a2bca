"""Checking the stages of a study as far as that is possible without reading data or spending anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from goldpan.batches.prompt_check import check_prompts_of_stage
from goldpan.batches.questions import Questioner
from goldpan.batches.request_check import request_findings
from goldpan.errors import ErrorGatherer, GoldpanError, StudyError
from goldpan.models.chat_templates import NO_TEMPLATE, WITHOUT_TEMPLATE
from goldpan.providers.keys import Keys
from goldpan.providers.model_choice import asked_stage
from goldpan.providers.model_facts import retirement
from goldpan.providers.online.address import check_asked
from goldpan.providers.own_model.identity import is_asked_without_template, own_model
from goldpan.stages.features import features_of_stage
from goldpan.study.load import Project
from goldpan.tasks import schema
from goldpan.tasks.answers import AnswerReader
from goldpan.tasks.task import Task, load_task


@dataclass(frozen=True)
class CheckedStage:
    """A stage without errors: its features, the fields of its largest answer, and what is worth knowing of
    its requests."""

    name: str
    features: int
    properties: int
    warnings: list[str]


def check_stages(project: Project) -> Iterator[CheckedStage]:
    """Load every task, prompt and filter of a study; what is wrong is raised when all of it was looked at.

    Raises:
        TaskError, PromptError, WhereError, StudyError: what does not fit, with its place; SeveralErrors where
            it is more than one thing.
    """
    wrong = ErrorGatherer()
    for name in project.study.asked_stages:
        with wrong.gather():
            yield _check_stage(project, name)
    wrong.finish()


def _check_stage(project: Project, name: str) -> CheckedStage:
    stage = project.study.asked_stages[name]
    provider = project.study.providers[stage.provider]
    keys = Keys(project.root)
    asked = asked_stage(stage)
    wrong = ErrorGatherer()
    tasks: list[Task] = []
    for choice in stage.task:
        with wrong.gather():
            task = load_task(choice.task, project.tasks)
            AnswerReader(task, asked.output or "tool")
            tasks.append(task)
    with wrong.gather():
        check_asked(provider, asked)
    with wrong.gather():
        check_prompts_of_stage(project, name)
    with wrong.gather():
        Questioner(stage, project.tasks, None, provider, keys)
    findings = request_findings(stage, provider, tasks, keys)
    for finding in findings:
        if finding.is_error:
            wrong.add(_would_be_refused(project, name, finding.text))
    wrong.finish()
    return CheckedStage(
        name,
        features=len(features_of_stage(project, name)),
        properties=max(len(schema.parameters_schema(task)["properties"]) for task in tasks),
        warnings=[
            *_about_own_model(project, stage.provider),
            *(finding.text for finding in findings),
            *retirement(stage.model, date.today()),
        ],
    )


def _about_own_model(project: Project, provider: str) -> Iterator[str]:
    """Which weights answer, where they are one's own, or why they cannot yet."""
    model = own_model(project, provider)
    if model is None:
        return
    if model.problem is None:
        yield f"answered by `{model.identity}`, the model of provider `{provider}`"
        if is_asked_without_template(project.study.providers[provider], model):
            yield f"{NO_TEMPLATE}; {WITHOUT_TEMPLATE}"
    else:
        yield f"to be answered by `{model.name}`, and {model.problem[0]}; {model.problem[1]}"


def _would_be_refused(project: Project, stage: str, what: str) -> GoldpanError:
    return StudyError(
        what,
        where=f"{project.study_file}: stages.{stage}",
        remedy="every request would be refused; if you know better, name the stage's `endpoint`, and this is"
        " but a note",
    )
