"""The data set of one module: its rows, their right answers, and what is asked about them."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from goldpan.batches.questions import Questioner
from goldpan.errors import TaskError
from goldpan.evaluation.read import feature_values
from goldpan.evaluation.run import evaluated_features
from goldpan.experiments.row_fields import unread_fields
from goldpan.files import canonical_json
from goldpan.records.inputs import source_files
from goldpan.records.look_up import look_up
from goldpan.records.model import Record
from goldpan.records.read import build_records, iter_records
from goldpan.records.source_rows import place_of
from goldpan.study.load import Project
from goldpan.tasks.features import (
    Binary,
    Classification,
    Extraction,
    Feature,
    Multilabel,
    Ranking,
    Score,
    Text,
)
from goldpan.tasks.task import Task
from goldpan.waves.codebook import labels
from goldpan.waves.collect.record_fields import RecordFields, field_path
from goldpan.waves.sheets.spreadsheet import fold

_PUNCTUATION = re.compile(r"(?<!\d)[.,:;]|[.,:;](?!\d)|[!?\"'“”‘’«»()\[\]]")
"""Marks that end or enclose words; those inside of numbers (1.5) and those with a meaning (+, #, %) stay."""

METADATA = "metadata"
"""The field in which a row says something of itself; like the right answers, no prompt may show it."""


class DataSet:
    """The rows of one module of a study, and what they are measured by.

    Args:
        load: as `load_task`; a chain's modules look at the tasks of all before them.

    Raises:
        TaskError: the task does not say where rows have the right answers.
    """

    def __init__(self, project: Project, module: str, load: Callable[[str, Path], Task]):
        self.project, self.module, self.study, self._load = project, module, project.study, load
        evaluation = self.study.evaluations.get(module)
        if evaluation is None or evaluation.source is None:
            raise TaskError(
                "nothing says which fields of a row have the right answers",
                where=str(project.tasks / f"{self.study.asked_stages[module].task[0].task}.yaml"),
                remedy="add `expected: {FEATURE: {field: expected.FEATURE}}`; docs/tasks.md has more",
            )
        self.evaluation, self.sources = evaluation, evaluation.source
        self.place = place_of(project, self.sources)
        gold = (path for name in self.study.stages_to(module) for path in _gold(project, name).values())
        self._hidden = {METADATA, *(field_path(path).partition(".")[0] for path in gold)}
        self._judged = {name for one in self.study.evaluations.values() for name in one.judged}
        self.gold_paths = _all_gold(project, self.sources)
        self._ids = {name for source in self.sources for name in self.study.sources[source].id or ()}

    @property
    def folder(self) -> str:
        """Where its versions lie, relative to the project root; of a chain its one file."""
        settings = self.study.modules
        return settings.data if settings else ""

    @cached_property
    def fields(self) -> RecordFields:
        """Reads the right answers. Raises StudyError or TaskError where task and evaluation do not fit."""
        where = f"{self.project.study_file}: evaluations.{self.module}"
        features = evaluated_features(self.project, self.module)
        feature_values(self.evaluation, features, where)
        gold, required = self.evaluation.gold, self.evaluation.every_record
        return RecordFields(features, gold, self.place, f"{where}.gold", required)

    @cached_property
    def questioner(self) -> Questioner:
        """Makes the prompts."""
        return Questioner(self.study.asked_stages[self.module], self.project.tasks, None)

    @cached_property
    def _before(self) -> dict[str, list[tuple[Feature, str | None]]]:
        """stage before -> its features, each with the field that has its right answer."""
        return {
            stage: [
                (feature, _gold(self.project, stage).get(feature.name))
                for choice in self.study.asked_stages[stage].task
                for feature in self._load(choice.task, self.project.tasks).features
            ]
            for stage in self.study.stages_to(self.module)[1:]
        }

    def records(self) -> Iterator[Record]:
        """All rows; of one that cannot be used `skip` says why."""
        with tempfile.TemporaryDirectory() as folder:
            for name in self.sources:
                source = self.study.sources[name].model_copy(update={"on_error": "skip"})
                for file, path in source_files(source, self.project.root).items():
                    output = Path(folder) / "records.jsonl"
                    build_records(source, name, file, path, output, source.limit)
                    yield from iter_records(output)

    def unread(self, record: Record) -> Iterator[str]:
        """What stands in a row and is read by nothing."""
        beside = {METADATA, *self._ids, *self._hidden}
        return unread_fields(record["data"], beside, self.gold_paths, self._judged)

    def shown(self, record: Record) -> Record:
        """A row without what no prompt may show."""
        data = {name: value for name, value in record["data"].items() if name not in self._hidden}
        return {**record, "data": data}

    def fields_to_show(self) -> list[str]:
        """The fields of the rows that people may see, in the order of the rows: all but id, right answers and
        metadata. Of objects it is their parts (`input.keyword`)."""
        shown: dict[str, None] = {}
        for record in self.records():
            if "skip" in record:
                continue
            for name, value in self.shown(record)["data"].items():
                if name not in self._ids:
                    shown.update(dict.fromkeys(_parts(name, value)))
        return list(shown)

    def input(self, record: Record) -> bytes:
        """What tells rows apart: all of a row but its id and what is hidden, whatever its case, space and
        punctuation."""
        data = self.shown(record)["data"]
        return canonical_json(_folded({name: value for name, value in data.items() if name not in self._ids}))

    def answers(self, record: Record) -> dict[str, dict[str, Any]]:
        """What the stages before would have answered, had they been right; where nothing says what is right,
        any value of the feature."""
        return {
            stage: {feature.name: _answer(feature, record, path) for feature, path in asked}
            for stage, asked in self._before.items()
        }


def _all_gold(project: Project, sources: Collection[str]) -> frozenset[str]:
    """Fields with right answers of all evaluations over the same rows: those of a chain share them."""
    return frozenset(
        field_path(path)
        for evaluation in project.study.evaluations.values()
        if set(evaluation.source or []) & set(sources)
        for path in evaluation.gold.values()
    )


def _gold(project: Project, stage: str) -> Mapping[str, str]:
    evaluation = project.study.evaluations.get(stage)
    return evaluation.gold if evaluation else {}


def _answer(feature: Feature, record: Record, path: str | None) -> Any:
    value = look_up(record["data"], field_path(path))[1] if path else None
    if value is not None:
        return value
    match feature:
        case Binary():
            return False
        case Classification():
            return labels(feature)[0]
        case Ranking():
            return list(feature.items)
        case Score():
            return feature.min
        case Multilabel() | Extraction():
            return []
        case Text():
            return "text"


def _parts(name: str, value: Any) -> list[str]:
    """The paths of a field's parts; its own where it has none, or one whose name would be read as two."""
    if not isinstance(value, dict) or not value or any("." in part for part in value):
        return [name]
    return [f"{name}.{part}" for part in value]


def _folded(value: Any) -> Any:
    match value:
        case str():
            return " ".join(_PUNCTUATION.sub(" ", fold(value)).split())
        case dict():
            return {name: _folded(part) for name, part in value.items()}
        case list():
            return [_folded(part) for part in value]
    return value
