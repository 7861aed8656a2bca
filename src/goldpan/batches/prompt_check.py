"""Whether the prompts of a study name what there will be: earlier answers, and fields of the records."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from itertools import chain, islice

from goldpan.errors import ErrorGatherer, GoldpanError, PromptError
from goldpan.records.formats import id_fields
from goldpan.records.inputs import source_files
from goldpan.records.read import read_rows
from goldpan.study.load import Project
from goldpan.tasks.nearest import suggestion
from goldpan.tasks.prompt_names import NamedPart, check_template_names, named_parts
from goldpan.tasks.task import Task, load_task

_ROWS_LOOKED_AT = 100


def check_prompts(project: Project) -> None:
    """Check the prompts of all stages.

    Raises:
        TaskError, PromptError: a task cannot be loaded, a template is not valid, or names what there will not
            be; SeveralErrors where it is more than one thing.
    """
    wrong = ErrorGatherer()
    for name in project.study.stages:
        with wrong.gather():
            check_prompts_of_stage(project, name)
    wrong.finish()


def check_prompts_of_stage(project: Project, stage: str) -> None:
    """Check what the prompts of a stage name: variables, `answers.STAGE.FEATURE` and `data.FIELD`.

    A field is looked for among those that the stage's sources declare (`fields`, `id`, `not_blank`); only
    where it is not among them are the first rows of the sources read. Nothing is known of the fields of a
    source that declares none. What a template asks for before it uses it may be absent.

    Raises:
        TaskError, PromptError: as of `check_prompts`.
    """
    wrong = ErrorGatherer()
    names = _Names(project, stage)
    for choice in project.study.stages[stage].task:
        with wrong.gather():
            task = load_task(choice.task, project.tasks)
            with wrong.gather():
                check_template_names(task)
            for part in named_parts(task):
                if len(part.path) > 1 and not part.may_be_absent:
                    with wrong.gather():
                        names.check(part, task)
    wrong.finish()


class _Names:
    """What prompts of a stage may name."""

    def __init__(self, project: Project, stage: str):
        self._project, self._study, self._stage = project, project.study, stage
        self._sources = {name: self._study.sources[name] for name in self._study.sources_of(stage)}

    def check(self, part: NamedPart, task: Task) -> None:
        """Raise PromptError where a part will not be there."""
        what = None
        if part.path[0] == "answers":
            what = self._wrong_answer(*part.path[1:3])
        elif part.path[0] == "data" and task.material == "record":
            what = self._wrong_field(part.path[1])
        if what is not None:
            raise PromptError(
                f"`{'.'.join(part.path[: 3 if part.path[0] == 'answers' else 2])}`: {what}",
                where=part.place,
                remedy="correct the name, or test it with `is defined`",
            )

    def _wrong_answer(self, stage: str, name: str | None = None) -> str | None:
        earlier = self._study.stages_to(self._stage)[1:]
        if stage not in earlier:
            known = suggestion(stage, earlier) or f"`{self._stage}` follows no other stage"
            return f"no stage `{stage}` stands before `{self._stage}`; {known}"
        answers = self._answers[stage]
        if name is None or name in answers:
            return None
        feature = name.removesuffix("_rationale")
        if feature != name and feature in answers:
            return f"the feature `{feature}` of `{stage}` asks for no rationale"
        return f"the stage `{stage}` has no feature `{name}`; {suggestion(name, answers)}"

    def _wrong_field(self, name: str) -> str | None:
        if not all(source.fields for source in self._sources.values()) or name in self._declared:
            return None
        if self._fields_seen is None or name in self._fields_seen:
            return None
        known = suggestion(name, [*self._declared, *self._fields_seen])
        return f"no field that {' or '.join(self._sources)} declares, or has in its first rows; {known}"

    @cached_property
    def _answers(self) -> dict[str, list[str]]:
        """stage before -> the names of what it answers, features before their rationales."""
        answers = {}
        for stage in self._study.stages_to(self._stage)[1:]:
            tasks = [load_task(choice.task, self._project.tasks) for choice in self._study.stages[stage].task]
            features = [feature for task in tasks for feature in task.features]
            rationales = [feature.rationale_key for feature in features if feature.rationale_key]
            answers[stage] = [*(feature.name for feature in features), *rationales]
        return answers

    @cached_property
    def _declared(self) -> list[str]:
        """The fields that the sources name in the study; of `a.b` also `a`."""
        names = chain.from_iterable(
            (*source.fields, *id_fields(source), *source.not_blank) for source in self._sources.values()
        )
        return list(dict.fromkeys(part for name in names for part in (name, name.partition(".")[0])))

    @cached_property
    def _fields_seen(self) -> set[str] | None:
        """The fields of the first rows of the sources; None where these cannot be read, which a run tells."""
        seen: set[str] = set()
        with suppress(GoldpanError):
            for source in self._sources.values():
                files = source_files(source, self._project.root).values()
                rows = chain.from_iterable(read_rows(source, path) for path in files)
                seen.update(*(row.data for row in islice(rows, _ROWS_LOOKED_AT)))
            return seen
        return None
