"""Whether the data set of each module fits the task that it measures.

The rows of a data set carry the right answers in fields of their own. What is wrong with a row is an error of
the data set, named by file, line and id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from goldpan.errors import ErrorGatherer, GoldpanError, PromptError, SourceError, StudyError
from goldpan.experiments.data_set import METADATA, DataSet
from goldpan.experiments.identity import table_of_modules
from goldpan.experiments.row_fields import remedy_of
from goldpan.records.look_up import look_up
from goldpan.records.model import Record
from goldpan.study.load import Project, load_project, modules_of
from goldpan.study.paths import studies_folder
from goldpan.study.yaml_file import read_yaml
from goldpan.tasks.features import (
    Binary,
    Classification,
    Extraction,
    Feature,
    Multilabel,
)
from goldpan.tasks.task import load_task


@dataclass(frozen=True)
class CheckedModule:
    """What the data set of one module holds.

    Attributes:
        study: name of the study.
        module: id of the module.
        rows: rows of the data set.
        answers: feature -> how often each label is right; of an extraction the objects, else the rows.
        notes: what was taken for what.
    """

    study: str
    module: str
    rows: int
    answers: dict[str, Counter[str]]
    notes: list[str] = field(default_factory=list)


def projects_with_modules(root: str | Path, study: str | None) -> tuple[list[Project], list[Project]]:
    """The study that is named, else all of a project that take modules; and the others that take some.

    Modules that are not enabled are taken, too: their data sets are there to be checked.

    Raises:
        StudyError: there is no such study, none takes modules, or one does not fit the model.
    """
    folder = studies_folder(Path(root))
    files = sorted(folder.glob("*.yaml"))
    if study is None:
        found = [_load(path.stem, root) for path in files if read_yaml(path).get("modules") is not None]
        if not found:
            raise StudyError("no study takes modules", where=str(folder), remedy="docs/keywords.md says how")
        return _with_data_of_their_own(found), []
    named = _load(study, root)
    others = []
    for path in files:
        # What is wrong with these is told when they are checked themselves.
        with suppress(GoldpanError):
            if path.resolve() != named.study_file.resolve() and read_yaml(path).get("modules") is not None:
                others.append(_load(path.stem, root))
    return [named], others


def _with_data_of_their_own(projects: Sequence[Project]) -> list[Project]:
    """The studies without those whose modules another one asks about the same rows."""
    kept: list[Project] = []
    known: set[tuple[str, str]] = set()
    for project in sorted(projects, key=lambda project: -len(project.study.asked_stages)):
        study = project.study
        asked = {
            (name, f"{study.sources[source].files}")
            for name in study.asked_stages
            for source in study.sources_of(name)
        }
        if not asked <= known:
            kept.append(project)
        known |= asked
    return sorted(kept, key=lambda project: project.study_file.name)


def _load(study: str, root: str | Path) -> Project:
    return load_project(study, root=root, disabled_modules=True)


def check_data_sets(
    projects: Sequence[Project], only: Collection[str] = (), others: Sequence[Project] = ()
) -> list[CheckedModule]:
    """Check the data sets of the modules of some studies.

    Each row has an id and an input of its own, and for each feature that is measured a right answer which
    fits it. Each prompt renders with each row, and shows neither right answers nor metadata. No input of one
    study stands in the data set of the same module of another one.

    Args:
        projects: the studies, one after the other of one project.
        only: ids of modules; none means all.
        others: studies in which the rows must not stand either; they are not checked themselves.

    Raises:
        StudyError: a study takes no modules, or none of them takes one that is named.
        TaskError, PromptError, SourceError: what is wrong; SeveralErrors where it is more than one thing.
    """
    modules = [(project, name) for project in projects for name in modules_of(project)]
    known = dict.fromkeys(name for _, name in modules)
    for name in only:
        if name not in known:
            raise StudyError(f"there is no module `{name}`; there are: {', '.join(known)}")
    inputs, load = _Inputs(), cache(load_task)
    wrong = ErrorGatherer()
    checked = []
    for project, name in modules:
        if not only or name in only:
            with wrong.gather():
                checked.append(_check(DataSet(project, name, load), inputs, wrong))
    for project in others:
        for name in modules_of(project):
            if name in known and (not only or name in only):
                with suppress(GoldpanError):
                    data_set = DataSet(project, name, load)
                    for record in data_set.records():
                        with wrong.gather():
                            inputs.add(data_set, record)
    wrong.finish()
    return checked


def modules_without_data(project: Project) -> list[str]:
    """The enabled modules of the table that a study does not take, as it has no rows for them."""
    settings, taken = project.study.modules, modules_of(project)
    if settings is None or settings.only is not None:
        return []
    return [name for name, row in table_of_modules(project).items() if row.enabled and name not in taken]


class _Inputs:
    """The inputs of all rows, by module, and where they stand."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, bytes], tuple[DataSet, str, dict[str, Any]]] = {}

    def add(self, data_set: DataSet, record: Record) -> None:
        """Note a row. Raises SourceError when another has the same input."""
        if "skip" in record:
            return
        place = data_set.place(record)
        right = {path: look_up(record["data"], path)[1] for path in sorted(data_set.gold_paths)}
        key = data_set.module, data_set.input(record)
        other, elsewhere, other_right = self._seen.setdefault(key, (data_set, place, right))
        if elsewhere == place:
            return
        if other.study.study != data_set.study.study and other.folder == data_set.folder:
            return  # versions of one data set
        is_other = any(
            None not in (given, other_right.get(path)) and given != other_right.get(path)
            for path, given in right.items()
        )
        if other.study.study == data_set.study.study and is_other:
            what = "the same input stands already, with another right answer,"
            remedy = "decide which of the two is right, and leave the other out"
        elif other.study.study == data_set.study.study:
            what, remedy = "the same input stands already", "leave one of them out, or tell them apart"
        else:
            what = f"a leak: the same input stands in a data set of the study `{other.study.study}`, too,"
            remedy = "leave one of them out: what is measured on one must not be known from the other"
        raise SourceError(
            f"record `{record['id']}`: {what} at {elsewhere}, but for case, space and punctuation",
            where=place,
            remedy=remedy,
        )


def _check(data_set: DataSet, inputs: _Inputs, wrong: ErrorGatherer) -> CheckedModule:
    fields = data_set.fields
    rows, usable, unread = 0, 0, dict[str, list[str]]()
    answers = {name: Counter[str]() for name in fields.features}
    prompt_faults: dict[str, list[GoldpanError]] = {}
    for record in data_set.records():
        rows += 1
        place = data_set.place(record)
        if "skip" in record:
            wrong.add(SourceError(record["skip"], where=place, remedy=remedy_of(record["skip"])))
            continue
        usable += 1
        with wrong.gather():
            inputs.add(data_set, record)
        values, faults = fields.read(record)
        for fault in faults:
            wrong.add(SourceError(fault, where=place, remedy="give the row its right answer"))
        for name in data_set.unread(record):
            if faults:
                what = f"record `{record['id']}`: {name}"
                wrong.add(SourceError(what, where=place, remedy="correct the name, or leave it out"))
            unread.setdefault(name, []).append(place)
        for name, value in values.items():
            answers[name].update(_counted(fields.features[name], value))
        try:
            _check_prompt(data_set, record, place)
        except GoldpanError as error:
            # One mistake of a template shows in each row.
            prompt_faults.setdefault(error.what.replace(record["id"], ""), []).append(error)
    for faults_alike in prompt_faults.values():
        wrong.add(_told_once(faults_alike))
    if not rows:
        files = [file for name in data_set.sources for file in data_set.study.sources[name].files]
        raise StudyError(
            f"the data set of module `{data_set.module}` has no rows",
            where=", ".join(files),
            remedy="give it rows such as docs/keywords.md shows",
        )
    if usable:
        with wrong.gather():
            # That no row at all has a field is told here, with the nearest one there is.
            fields.finish("")
    return CheckedModule(
        data_set.study.study, data_set.module, rows, answers, [*fields.notes(), *_unread_notes(unread)]
    )


def _told_once(alike: Sequence[GoldpanError]) -> GoldpanError:
    """The first of some errors that differ in the record only, with how many others there are."""
    first = alike[0]
    others = f" (so it is with {len(alike) - 1:,} more)" if alike[1:] else ""
    return type(first)(f"{first.what}{others}", where=first.where, remedy=first.remedy)


def _unread_notes(unread: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for name, places in unread.items():
        yield f"{name} ({places[0]}" + (f" and {len(places) - 1:,} more)" if places[1:] else ")")


def _counted(feature: Feature, value: Any) -> list[str]:
    match feature:
        case Binary():
            return ["cannot tell" if value is None else str(value).lower()]
        case Classification():
            return ["cannot tell" if value is None else value]
        case Multilabel():
            return list(value or [])
        case Extraction():
            return ["objects"] * len(value or [])
    return ["values"]


def _check_prompt(data_set: DataSet, record: Record, place: str) -> None:
    """Raise PromptError where a row's prompt cannot be made, or shows what it must not."""
    answers = data_set.answers(record)
    asked = data_set.questioner.ask({**record, "answers": answers})
    if not isinstance(asked, list):
        raise SourceError(f"record `{record['id']}` would not be asked: {asked.reason}", where=place)
    try:
        without = data_set.questioner.ask({**data_set.shown(record), "answers": answers})
    except PromptError as error:
        raise PromptError(
            f"the prompt needs what it must not show, the right answers or `{METADATA}`: {error.what}",
            where=error.where,
            remedy="show only what would be known without them",
        ) from None
    if not isinstance(without, list) or [one.messages for one in asked] != [one.messages for one in without]:
        raise PromptError(
            f"record `{record['id']}`: the prompt shows the right answers or `{METADATA}`: without them it is"
            " another one",
            where=f"{place}, module `{data_set.module}`",
            remedy="show only what would be known without them",
        )
