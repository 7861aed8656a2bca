"""Whether the prompts of a study name what there will be: earlier answers, and fields of the records."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path

from goldpan.errors import ErrorGatherer, GoldpanError, PromptError
from goldpan.records.formats import id_fields
from goldpan.records.inputs import source_files
from goldpan.records.read import read_rows
from goldpan.stages.features import features_of_stage
from goldpan.stages.record_kinds import check_stage_input, exploded_of, kinds_of_records, where_of
from goldpan.study.load import Project
from goldpan.study.model import Source
from goldpan.tasks.nearest import suggestion
from goldpan.tasks.prompt_names import NamedPart, check_template_names, named_parts
from goldpan.tasks.task import Task, load_task
from goldpan.tasks.where import Where
from goldpan.tasks.where_types import ANYTHING, ValueKind, missing_part, what_is_missing

_ROWS_LOOKED_AT = 100


def check_prompts(project: Project) -> list[str]:
    """Check the inputs and prompts of all stages before a run.

    Returns:
        What may be wrong, with its place: fields that the first rows lack. Later rows may have them, and the
        template may use them for these rows only.

    Raises:
        TaskError, PromptError: a task cannot be loaded, a template is not valid, or names what there will not
            be; SeveralErrors where it is more than one thing.
        StudyError, WhereError: the input of a stage cannot be exploded, grouped or filtered as it says.
    """
    wrong = ErrorGatherer()
    notes: list[str] = []
    for name in project.study.asked_stages:
        with wrong.gather():
            check_prompts_of_stage(project, name, notes)
    wrong.finish()
    return notes


def check_prompts_of_stage(project: Project, stage: str, notes: list[str] | None = None) -> None:
    """Check what a stage explodes, groups and filters by, and what its prompts name.

    A field is looked for among those that the stage's sources declare (`fields`, `id`, `not_blank`); only
    where it is not among them are the first rows of the files read. Nothing is known of the fields of a
    source that declares none. What a template asks for before it uses it may be absent.

    Args:
        project: it is checked.
        stage: one of its stages.
        notes: takes what is said of fields that the first rows lack; without it they are errors.

    Raises:
        TaskError, PromptError: as of `check_prompts`.
    """
    # What the records hold must be known before anything else can be told.
    check_stage_input(project, stage)
    wrong = ErrorGatherer()
    names = _Names(project, stage, notes)
    place = f"{project.study_file}: stages.{stage}"
    with wrong.gather():
        if (where := where_of(project, stage)) is not None:
            names.check_condition(where, f"{place}.input.where")
    for choice in project.study.asked_stages[stage].task:
        with wrong.gather():
            if choice.when:
                when = Where.parse(choice.when, None, record=names.kinds)
                names.check_condition(when, f"{place}.task: when")
        with wrong.gather():
            task = load_task(choice.task, project.tasks)
            with wrong.gather():
                check_template_names(task, names.kinds)
            for part in named_parts(task):
                if len(part.path) > 1 and not part.may_be_absent:
                    with wrong.gather():
                        names.check(part, task)
    wrong.finish()


class _Names:
    """What prompts of a stage may name."""

    def __init__(self, project: Project, stage: str, notes: list[str] | None):
        self._project, self._study, self._stage = project, project.study, stage
        self._sources = {name: self._study.sources[name] for name in self._study.sources_of(stage)}
        self._notes = notes
        self._fields_seen: set[str] = set()
        self._unread = self._files()
        self._is_readable = True

    def check(self, part: NamedPart, task: Task) -> None:
        """Raise PromptError where a part will not be there, or note that it may not be."""
        what, length = None, 2
        if part.path[0] == "answers":
            what, length = self._wrong_answer(*part.path[1:3]), 3
        elif part.path[0] == "data" and self.kinds["data"] is ANYTHING:
            what = self._wrong_field(part.path[1]) if task.material == "record" else None
        elif part.path[0] in self.kinds:
            # What else there is, such as `loop`, is told by `check_template_names`.
            missing = missing_part(self.kinds, part.path)
            if missing is not None:
                length, what = missing, what_is_missing(self.kinds, part.path[:missing])
        if what is None:
            return
        error = PromptError(
            f"`{'.'.join(part.path[:length])}`: {what}",
            where=part.place,
            remedy="correct the name, or test it with `is defined`",
        )
        self._tell(error, is_error=self._notes is None or part.path[0] != "data")

    def check_condition(self, condition: Where, place: str) -> None:
        """As `check`, of the fields of `data` that a filter compares."""
        for name in sorted(condition.data_fields if self.kinds["data"] is ANYTHING else ()):
            if what := self._wrong_field(name):
                self._tell(
                    PromptError(
                        f"`data.{name}`: {what}",
                        where=place,
                        remedy="correct the name; of a field that may be absent ask `is None`, too",
                    ),
                    is_error=self._notes is None,
                )

    def _tell(self, error: PromptError, *, is_error: bool) -> None:
        if is_error:
            raise error
        if self._notes is not None and str(error) not in self._notes:
            self._notes.append(str(error))

    @cached_property
    def kinds(self) -> dict[str, ValueKind]:
        """What the stage's records hold by name."""
        return kinds_of_records(self._project, self._stage)

    def _wrong_answer(self, stage: str, name: str | None = None) -> str | None:
        earlier = self._study.stages_to(self._stage)[1:]
        if stage not in earlier:
            known = suggestion(stage, earlier) or f"`{self._stage}` follows no other stage"
            return f"no stage `{stage}` stands before `{self._stage}`; {known}"
        here = (self.kinds["answers"].fields or {}).get(stage)
        if here is None:
            return f"what `{stage}` answered stands with each of the `children`"
        answers = self._answers[stage]
        if name in exploded_of(self._study, self._stage, stage):
            return f"`{name}` was exploded: what it lists are records now, each with its `item`"
        if name is None or name in answers:
            return None
        feature = name.removesuffix("_rationale")
        if feature != name and feature in answers:
            return f"the feature `{feature}` of `{stage}` asks for no rationale"
        return f"the stage `{stage}` has no feature `{name}`; {suggestion(name, answers)}"

    def _wrong_field(self, name: str) -> str | None:
        if not all(source.fields for source in self._sources.values()) or name in self._declared:
            return None
        if self._may_be_in_rows(name):
            return None
        known = suggestion(name, [*self._declared, *self._fields_seen])
        return f"no field that {' or '.join(self._sources)} declares, or has in its first rows; {known}"

    @cached_property
    def _answers(self) -> dict[str, list[str]]:
        """stage before -> the names of what it answers, features before their rationales."""
        answers = {}
        for stage in self._study.stages_to(self._stage)[1:]:
            features = features_of_stage(self._project, stage)
            rationales = [feature.rationale_key for feature in features if feature.rationale_key]
            answers[stage] = [*(feature.name for feature in features), *rationales]
        return answers

    @cached_property
    def _declared(self) -> list[str]:
        """The fields that the sources name in the study; of `a.b` also `a`."""
        names = (
            source.rename.get(name, name)
            for source in self._sources.values()
            for name in (*source.fields, *id_fields(source), *source.not_blank)
        )
        return list(dict.fromkeys(part for name in names for part in (name, name.partition(".")[0])))

    def _files(self) -> Iterator[tuple[Source, Path]]:
        for source in self._sources.values():
            yield from ((source, path) for path in source_files(source, self._project.root).values())

    def _may_be_in_rows(self, name: str) -> bool:
        """Whether one of the first rows of a file has a field; so, too, where one cannot be read, which a run
        tells."""
        try:
            while self._is_readable and name not in self._fields_seen:
                source, path = next(self._unread)
                for row in islice(read_rows(source, path), _ROWS_LOOKED_AT):
                    self._fields_seen.update(source.rename.get(field, field) for field in row.data)
        except StopIteration:
            return False
        except GoldpanError:
            self._is_readable = False
        return True
