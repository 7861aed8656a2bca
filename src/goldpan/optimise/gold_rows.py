"""The rows of a search: records of its stage with gold, each in a split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, cast

import orjson

from goldpan.batches.questions import Questioner, Skip
from goldpan.errors import ReconciliationError, StudyError
from goldpan.evaluation.coding import FeatureValues
from goldpan.evaluation.field_gold import read_field_gold
from goldpan.evaluation.files import gold_files
from goldpan.evaluation.read import feature_values
from goldpan.evaluation.run import evaluated_features
from goldpan.optimise.asking import shown_answer
from goldpan.optimise.problem import SearchRow
from goldpan.providers.keys import Keys
from goldpan.providers.prices import context_window
from goldpan.records.model import Record
from goldpan.records.near_duplicates import (
    Shingled,
    hashed_shingles,
    named_near_duplicates,
    near_duplicates,
)
from goldpan.records.read import iter_records
from goldpan.records.source_rows import place_of
from goldpan.records.splits import group_of, split_of
from goldpan.study.load import Project
from goldpan.study.optimised import Optimised
from goldpan.study.wave import Split
from goldpan.tasks.features import Text
from goldpan.tasks.nearest import suggestion
from goldpan.tasks.task import Task, load_task
from goldpan.waves.answer_text import own_paths, own_text
from goldpan.waves.gold.gold_set import GoldItem, lists_drawn_from, read_gold
from goldpan.waves.items import item_id

SPLIT_OF_FIELDS = Split(train=0.4, dev=0.4, test=0.2)
SPLIT_SEED = 0
"""Of splits of gold in fields: not the search's own, so that another search has the same test rows."""
LEAST_ROWS = 20
"""Of dev and test, for a verdict: with 10 rows even 4 gained and none lost may be chance."""
_HELD = {"train": 0, "dev": 0, "test": 1}
"""Only what stands in test must stand nowhere else: dev is chosen by, and measured on test again."""


@dataclass(frozen=True)
class SearchData:
    """What a search works on.

    Attributes:
        task: whose prompt is improved.
        values: feature of the task that counts -> how its answers compare.
        gold: feature -> record id -> right value.
        records: id -> record, as the stage asks about it.
        rows: those with gold, in the order of their ids.
        gold_names: feature that counts -> its name in the gold.
        gold_paths: files that the gold stands in.
        gold_text: where it stands, in words.
        notes: what was left out.
    """

    task: Task
    values: Mapping[str, FeatureValues]
    gold: Mapping[str, Mapping[str, Any]]
    records: Mapping[str, Record]
    rows: tuple[SearchRow, ...]
    gold_names: Mapping[str, str]
    gold_paths: tuple[Path, ...]
    gold_text: str
    notes: tuple[str, ...]

    def of_split(self, split: str) -> tuple[SearchRow, ...]:
        """The rows of a split."""
        return tuple(row for row in self.rows if row.split == split)


def read_search_data(
    project: Project, name: str, records_files: Sequence[Path] = (), gold: Sequence[Path] = ()
) -> SearchData:
    """Read the gold and the records of a search, and put the rows into splits.

    Args:
        records_files, gold: where the records of the stage and the gold stand; default where the workflow
            leaves them.

    Raises:
        StudyError: what the study names does not fit together; or rows of train or dev are near-duplicates
            of test rows, and are to be refused.
        ReconciliationError: the gold has one item in two splits.
        SourceError, TaskError: a file cannot be read.
    """
    settings = project.study.optimised[name]
    where = f"optimised.{name}"
    task = searched_task(project, settings, where)
    values = searched_values(project, settings, task, where)
    gold_items = _gold_items(project, settings, where, gold)
    evaluation = project.study.evaluations[settings.evaluation or settings.stage]
    gold_names = gold_names_of(project, settings, values)
    reader = _RowReader(project, settings, task, values, gold_names, where)
    rows: list[SearchRow] = []
    records: dict[str, Record] = {}
    seen: set[str] = set()
    if not records_files:
        records_files = [project.left(project.paths.stage_records(settings.stage), f"search `{name}`")]
    for record in chain.from_iterable(map(iter_records, records_files)):
        item = gold_items.get(item_id(record["id"]))
        if item is None:
            continue
        seen.add(item.item_id)
        if (row := reader.row(record, item)) is not None:
            records[record["id"]] = record
            rows.append(row)
    if gone := len(gold_items.keys() - seen):
        reader.left_out["that are no records of the stage"] += gone
    rows.sort(key=lambda row: row.id)
    rows, notes = _without_near_duplicates(rows, settings, where)
    in_fields = f"fields of {', '.join(evaluation.source or [])}"
    return SearchData(
        task=task,
        values=values,
        gold=reader.gold,
        records=records,
        rows=tuple(rows),
        gold_names=gold_names,
        gold_paths=tuple(project.root / path for path in gold_files(project, evaluation)),
        gold_text=f"wave {evaluation.wave}" if evaluation.wave else in_fields,
        notes=(
            *(f"{count:,} gold items {why} are left out." for why, count in reader.left_out.items()),
            *notes,
            *_targeted(gold_items.values()),
            *_too_few(rows),
        ),
    )


def _targeted(items: Iterable[GoldItem]) -> list[str]:
    """That the figures are of hard rows, where the gold was drawn from listed ones."""
    errors = lists_drawn_from(items)
    if not errors:
        return []
    return [
        f"The gold is a targeted sample, drawn from what the error analysis {', '.join(errors)} had listed: a"
        " prompt that is better on these rows may be worse on the others, of which nothing is measured here."
    ]


def _too_few(rows: Sequence[SearchRow]) -> list[str]:
    """What is told of dev and test where they have too few rows for a verdict."""
    counts = Counter(row.split for row in rows)
    return [
        f"Only {counts[split]:,} rows are in {split}: by fewer than {LEAST_ROWS} nothing can be told, neither"
        " that a prompt is better nor that it is not. Give more rows gold, or other shares: `split` here,"
        " `gold.split` of a wave."
        for split in ("dev", "test")
        if counts[split] < LEAST_ROWS
    ]


class _RowReader:
    """Makes rows of records with gold.

    Attributes:
        gold: feature -> record id -> right value, of the rows made.
        left_out: why items made none -> how many.
    """

    def __init__(
        self,
        project: Project,
        settings: Optimised,
        task: Task,
        values: Mapping[str, FeatureValues],
        gold_names: Mapping[str, str],
        where: str,
    ):
        self._settings, self._task, self._values, self._gold_names = settings, task, values, gold_names
        self._where = where
        self._is_wave = bool(project.study.evaluations[settings.evaluation or settings.stage].wave)
        self._questioner, self._own_paths = _questioner(project, settings), own_paths(task)
        self.gold: dict[str, dict[str, Any]] = {feature: {} for feature in values}
        self.left_out: Counter[str] = Counter()

    def row(self, record: Record, item: GoldItem) -> SearchRow | None:
        """The row of a record; None where it is left out."""
        labels = {
            feature: _label(item, self._gold_names[feature], of) for feature, of in self._values.items()
        }
        if any(label is _NO_LABEL for label in labels.values()):
            self.left_out["without a gold label of people for all features that count"] += 1
            return None
        asked = self._questioner.ask(record)
        if isinstance(asked, Skip):
            self.left_out["that the stage does not ask about"] += 1
            return None
        if asked[0].task != self._task.name:
            self.left_out["that the stage asks another task"] += 1
            return None
        split, group = item.split, item.group
        if not self._is_wave:
            whole = cast(Mapping[str, Any], record)
            group = group_of(whole, self._settings.group, f"{self._where}.group")
            split = split_of(group, self._settings.split or SPLIT_OF_FIELDS, SPLIT_SEED)
        text = _user_text(asked[0].messages)
        for feature, label in labels.items():
            self.gold[feature][record["id"]] = label
        return SearchRow(
            id=record["id"],
            split=split,
            group=group,
            data=record["data"],
            text=text,
            own=own_text(record, self._own_paths) or text,
            gold={name: shown_answer(self._values[name].feature, label) for name, label in labels.items()},
            answer={self._values[name].feature.key: label for name, label in labels.items()},
        )


def searched_task(project: Project, settings: Optimised, where: str) -> Task:
    """The task whose prompt is improved. Raises StudyError where it is not said which."""
    tasks = [choice.task for choice in project.study.asked_stages[settings.stage].task]
    if settings.task is None and len(tasks) > 1:
        raise StudyError(
            f"the stage `{settings.stage}` asks several tasks: {', '.join(tasks)}",
            where=where,
            remedy="say which one's prompt is improved: `task: NAME`",
        )
    name = settings.task or tasks[0]
    if name not in tasks:
        raise StudyError(
            f"the stage `{settings.stage}` does not ask the task `{name}`; {suggestion(name, tasks)}",
            where=f"{where}.task",
        )
    return load_task(name, project.tasks)


def searched_values(
    project: Project, settings: Optimised, task: Task, where: str
) -> dict[str, FeatureValues]:
    """Of each feature that counts, by the name that the task has for it, how its answers compare."""
    name = settings.evaluation or settings.stage
    evaluation = project.study.evaluations[name]
    by_gold_name = feature_values(evaluation, evaluated_features(project, name), f"evaluations.{name}")
    known = {feature.name: feature for feature in task.features if not isinstance(feature, Text)}
    names = _predicted_by(project, settings)
    values = {}
    for gold_name, of_gold in by_gold_name.items():
        own = names.get(gold_name, gold_name)
        if own in known and known[own].type == of_gold.feature.type:
            values[own] = FeatureValues(
                known[own], evaluation.match.get(gold_name), evaluation.tolerance.get(gold_name)
            )
    if settings.feature is not None:
        if settings.feature not in values:
            raise StudyError(
                f"there is no gold for a feature `{settings.feature}` of the task `{task.name}`;"
                f" {suggestion(settings.feature, values)}",
                where=f"{where}.feature",
            )
        return {settings.feature: values[settings.feature]}
    if not values:
        raise StudyError(
            f"the evaluation `{name}` has gold for no feature of the task `{task.name}`",
            where=where,
            remedy="name another evaluation",
        )
    return values


def _predicted_by(project: Project, settings: Optimised) -> dict[str, str]:
    """Feature of the gold -> feature of the stage, where it has another name there."""
    evaluation = project.study.evaluations[settings.evaluation or settings.stage]
    for predicted in evaluation.predictions.values():
        if predicted.stage == settings.stage:
            return dict(predicted.features)
    return {}


def gold_names_of(
    project: Project, settings: Optimised, values: Mapping[str, FeatureValues]
) -> dict[str, str]:
    """Feature of the task -> feature of the gold."""
    own_to_gold = {own: gold for gold, own in _predicted_by(project, settings).items()}
    return {own: own_to_gold.get(own, own) for own in values}


def _gold_items(
    project: Project, settings: Optimised, where: str, files: Sequence[Path]
) -> dict[str, GoldItem]:
    """The gold by item id. Raises ReconciliationError where an item stands in two splits."""
    name = settings.evaluation or settings.stage
    evaluation = project.study.evaluations[name]
    paths = list(files) or [project.left(path, where) for path in gold_files(project, evaluation)]
    if evaluation.wave is None:
        features = evaluated_features(project, name)
        place = place_of(project, evaluation.source or [])
        items: Iterable[GoldItem] = read_field_gold(
            evaluation, features, paths, place, f"evaluations.{name}"
        ).items
    else:
        items = read_gold(paths)
    by_id: dict[str, GoldItem] = {}
    for item in items:
        if item.item_id in by_id:
            raise ReconciliationError(
                f"the gold has record `{item.id}` twice, in {by_id[item.item_id].split} and {item.split}",
                where=where,
                remedy="freeze the gold of the wave again: an item is in one split",
            )
        by_id[item.item_id] = item
    return by_id


_NO_LABEL = object()


def _label(item: GoldItem, feature: str, values: FeatureValues) -> Any:
    """The gold of a feature; `_NO_LABEL` where there is none that a prompt may be measured by."""
    if feature not in item.labels or item.llm_decided(feature):
        return _NO_LABEL
    label = item.labels[feature]
    return _NO_LABEL if label is None and not values.can_abstain else label


def _questioner(project: Project, settings: Optimised) -> Questioner:
    """What the stage asks about a record, each alone."""
    stage = project.study.asked_stages[settings.stage].model_copy(update={"duplicates": None})
    provider = project.study.providers[stage.provider]
    return Questioner(stage, project.tasks, context_window(stage.model), provider, Keys(project.root))


def _user_text(messages: Sequence[bytes]) -> str:
    chat = orjson.loads(b"".join(messages))
    return "\n".join(message["content"] for message in chat if message["role"] == "user")


def _without_near_duplicates(
    rows: list[SearchRow], settings: Optimised, where: str
) -> tuple[list[SearchRow], list[str]]:
    """The rows without those of train and dev that say what a test row says.

    Raises:
        StudyError: there are such, and they are to be refused.
    """
    near = near_duplicates(
        (Shingled(row.id, row.split, hashed_shingles(row.own or row.text)) for row in rows), _HELD
    )
    if not near:
        return rows, []
    said = named_near_duplicates(near)
    if settings.near_duplicates == "refuse":
        raise StudyError(
            f"{len(near):,} rows of train or dev say what test rows say: {said}",
            where=where,
            remedy="keep alike rows in one split (`group` here, `gold.group` of a wave), take them out, or"
            " leave them out of train and dev: `near_duplicates: leave_out`",
        )
    ids = {duplicate.id for duplicate in near}
    kept = [row for row in rows if row.id not in ids]
    return kept, [f"{len(near):,} rows of train and dev that say what test rows say are left out: {said}."]
