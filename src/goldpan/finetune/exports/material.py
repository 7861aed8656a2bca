"""What an export is made of, by its settings: features and form of answers, the gold, what is negative."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from goldpan.errors import ReconciliationError, StudyError, TaskError
from goldpan.finetune.exports.answers import AnswerWriter
from goldpan.finetune.exports.formats import AnswerForm
from goldpan.stages.features import features_of_stage
from goldpan.stages.record_kinds import KINDS_OF_ANY_RECORD
from goldpan.study.export import Export
from goldpan.study.load import Project
from goldpan.tasks.features import Extraction, Feature, Multilabel
from goldpan.tasks.nearest import suggestion
from goldpan.tasks.task import Task, load_task
from goldpan.tasks.where import Where
from goldpan.waves.gold.gold_set import GoldItem, read_gold

IsNegative = Callable[[Mapping[str, Any]], bool]


def table_task(project: Project, settings: Export, where: str) -> Task | None:
    """The task of a table that nobody was asked about; None where a stage asks.

    Raises:
        StudyError: there is no prompt.
        TaskError: the task cannot be loaded.
    """
    if settings.stage is not None or settings.gold is None:
        return None
    table = project.study.waves[settings.gold].from_
    if table is None:
        return None
    if settings.prompt is None:
        raise StudyError(
            "the gold is of a table that nobody was asked about, so there is no prompt",
            where=where,
            remedy="give the export one: `prompt: {user: FILE}`",
        )
    return load_task(table.task, project.tasks, needs_prompt=False)


def gold_by_record(project: Project, settings: Export, where: str) -> dict[str, GoldItem]:
    """The gold of an export by the id of its record; nothing where it has none.

    Raises:
        StudyError: the gold set is not there yet.
        ReconciliationError: it has a record twice.
    """
    gold: dict[str, GoldItem] = {}
    if settings.gold is None:
        return gold
    paths = [project.left(path, where) for path in project.paths.gold_splits(settings.gold)]
    for item in read_gold(paths):
        if item.id in gold:
            raise ReconciliationError(
                f"the gold has record `{item.id}` twice, in {gold[item.id].split} and {item.split}",
                where=where,
                remedy="freeze the gold of the wave again: an item is in one split",
            )
        gold[item.id] = item
    return gold


def check_gold_features(
    project: Project, settings: Export, writers: Iterable[AnswerWriter], where: str
) -> None:
    """Check that the wave of an export asks people for features of its answers.

    Raises:
        StudyError: it asks for none.
        TaskError: a task of the wave's stage cannot be loaded.
    """
    if settings.gold is None:
        return
    wave = project.study.waves[settings.gold]
    asked = set(wave.features or ())
    if not asked and wave.stage is not None:
        asked = {feature.name for feature in features_of_stage(project, wave.stage)}
    answered = {feature.name for writer in writers for feature in writer.task.features}
    if asked and not asked & answered:
        raise StudyError(
            f"wave `{settings.gold}` has gold for {', '.join(sorted(asked))}, and the answers hold"
            f" {', '.join(sorted(answered))}",
            where=f"{where}.gold",
            remedy="name a wave about features of the stage, or leave `gold` out",
        )


def answer_writers(
    tasks: Iterable[Task], settings: Export, where: str, gold_features: Collection[str] = ()
) -> dict[str, AnswerWriter]:
    """Task -> what writes its answers, of the tasks that have features of the export.

    Args:
        tasks: those that may be asked.
        where: the place of the export in the study, for errors.
        gold_features: features of the gold set, which with `gold` alone are those of the answer; none where
            they are not known yet.

    Raises:
        StudyError: a feature is in no task, or none is left.
    """
    tasks = list(tasks)
    known = {feature.name for task in tasks for feature in task.features}
    for name in settings.features or ():
        if name not in known:
            raise StudyError(
                f"no task has a feature `{name}`; {suggestion(name, sorted(known))}",
                where=f"{where}.features",
            )
    chosen = set(settings.features or known)
    if settings.stage is None and settings.features is None and gold_features:
        chosen &= set(gold_features)
    rationales = settings.gold is None if settings.rationales is None else settings.rationales
    writers = {}
    for task in tasks:
        if chosen & {feature.name for feature in task.features}:
            try:
                writers[task.name] = AnswerWriter(task, chosen, rationales)
            except TaskError as error:
                raise StudyError(error.what, where=f"{where}.features", remedy=error.remedy) from None
    if not writers:
        raise StudyError("the gold set has no feature of the task", where=where)
    return writers


def answer_form(settings: Export, asked: str, writers: Iterable[AnswerWriter]) -> AnswerForm:
    """How the answers of an export are written.

    Args:
        asked: how the stage asks for them: `tool`, `json_schema` or `text`.
        writers: those of its tasks.
    """
    if settings.answer is not None:
        return settings.answer
    if asked == "text" and all(len(writer.task.features) == 1 for writer in writers):
        return "text"
    return "tool" if settings.format == "openai_chat" and asked == "tool" else "json"


def negative_test(settings: Export, writers: Iterable[AnswerWriter], where: str) -> IsNegative | None:
    """A function that tells of a record with its labels whether it is a negative; None where none is one.

    Raises:
        WhereError, StudyError: the condition or the feature does not fit the answers.
    """
    negatives = settings.negatives
    if negatives is None:
        return None
    features: list[Feature] = [feature for writer in writers for feature in writer.task.features]
    if negatives.when is not None:
        return Where.parse(negatives.when, features, record=KINDS_OF_ANY_RECORD).matches
    name = negatives.empty or ""
    lists = {one.name: one for one in features if isinstance(one, Extraction | Multilabel)}
    if name not in lists:
        raise StudyError(
            f"no feature `{name}` of the answer is a list; {suggestion(name, sorted(lists))}",
            where=f"{where}.empty",
            remedy="name an extraction or multilabel feature, or write a condition: `when: …`",
        )
    return lambda values: values.get(name) == []
