"""The labels a head learns from, by record id: a gold set, the answers of stages, or fields of records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from goldpan.errors import ReconciliationError
from goldpan.files import replacing
from goldpan.heads.aggregate import aggregate
from goldpan.records.look_up import look_up
from goldpan.records.read import iter_records
from goldpan.records.splits import SplitName, group_of, split_of
from goldpan.stages.rows import FeatureRow, read_features
from goldpan.study.head import Aggregate, Head
from goldpan.tasks.features import value_of
from goldpan.waves.gold.gold_set import GoldItem, read_gold

OK = "ok"
_GROUP = "`group` of the head"
_ROUNDING = 0.01
"""Shares in a gold file are rounded."""


@dataclass(frozen=True, slots=True)
class LabelledRecord:
    """One record with what is known about it.

    Attributes:
        id: the record's id.
        split: `train`, `dev` or `test`.
        group: records of one group are in one split.
        values: target -> bare value; None when there is none, nobody could tell, or a majority was a tie.
        answers: target -> how many answers the value was made from.
        all_answers: target -> these answers, where they are known; not written.
    """

    id: str
    split: SplitName
    group: str
    values: dict[str, Any]
    answers: dict[str, int]
    all_answers: dict[str, list[Any]] = field(default_factory=dict)


def read_labels(
    settings: Head, files: Sequence[Path], records: Sequence[Path] = ()
) -> dict[str, LabelledRecord]:
    """The labels of a head by record id.

    Args:
        settings: what the study says.
        files: all gold files of the wave; `features.jsonl` of each stage; or records files of the sources.
        records: for labels of stages that are grouped by `data.FIELD`, the records files of their sources.

    Raises:
        StudyError: a record lacks the field of the group key.
        ReconciliationError: two rows are about one record, or a file is not what it should be.
        HeadError: answers that cannot be aggregated.
    """
    if settings.labels.wave:
        return _gold_labels(settings, files)
    if settings.labels.source:
        return _record_labels(settings, files)
    return _stage_labels(settings, files, records)


def write_labels(path: Path, labels: Iterable[LabelledRecord]) -> None:
    """Write what a head learned from, one record a line."""
    with replacing(path) as handle:
        for label in labels:
            row = asdict(label)
            del row["all_answers"]
            handle.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def _gold_labels(settings: Head, files: Sequence[Path]) -> dict[str, LabelledRecord]:
    labels: dict[str, LabelledRecord] = {}
    for item in read_gold(files):
        values = {target: item.labels.get(settings.field_of(target)) for target in settings.targets}
        answers = {target: int(value is not None) for target, value in values.items()}
        behind = {target: _answers_behind(item, settings.field_of(target)) for target in settings.targets}
        _add(labels, LabelledRecord(item.id, item.split, item.group, values, answers, behind), "the gold set")
    return labels


def _answers_behind(item: GoldItem, feature: str) -> list[str]:
    """The annotators' answers, by their shares; none where these are a posterior, which claims more, or one
    annotator's.

    A gold file does not say how many of an item's annotators answered this feature: it is taken to be as many
    as the shares allow.
    """
    shares = item.soft_labels.get(feature, {})
    if item.is_posterior(feature) or item.is_single(feature):
        return []
    for annotators in range(len(item.annotators), 1, -1):
        counts = {label: share * annotators for label, share in shares.items()}
        if all(abs(count - round(count)) < _ROUNDING for count in counts.values()):
            return [label for label, count in counts.items() for _ in range(round(count))]
    return []


def _record_labels(settings: Head, files: Sequence[Path]) -> dict[str, LabelledRecord]:
    labels: dict[str, LabelledRecord] = {}
    for path in files:
        for record in iter_records(path):
            if "skip" in record:
                continue
            data = record["data"]
            values = {target: look_up(data, settings.field_of(target))[1] for target in settings.targets}
            answers = {target: int(value is not None) for target, value in values.items()}
            _add(
                labels,
                _placed(settings, record["id"], group_of(record, settings.group, _GROUP), values, answers),
                path,
            )
    return labels


def _stage_labels(
    settings: Head, files: Sequence[Path], records: Sequence[Path]
) -> dict[str, LabelledRecord]:
    """The answers of one or more stages; each answer of each stage counts the same."""
    answers_by_id: dict[str, dict[str, list[Any]]] = {}
    groups: dict[str, str] = {}
    grouped_by_data = (settings.group or "").startswith("data.")
    for path in files:
        seen: set[str] = set()
        for number, row in read_features(path):
            id = row["id"]
            if id in seen:
                raise ReconciliationError(
                    f"there are two rows of record {id!r}", where=f"{path}, line {number}"
                )
            seen.add(id)
            if row["state"] != OK:
                continue
            answers = answers_by_id.setdefault(id, {target: [] for target in settings.targets})
            for target in settings.targets:
                answers[target] += _answers(row, settings.field_of(target), settings.labels.aggregate)
            if not grouped_by_data:
                groups[id] = group_of(row, settings.group, _GROUP)
    if grouped_by_data:
        groups = _groups(answers_by_id, records, settings.group)
    return {
        id: _placed(
            settings,
            id,
            groups[id],
            {target: _one_of(values, settings.labels.aggregate) for target, values in answers.items()},
            {target: len(values) for target, values in answers.items()},
            answers,
        )
        for id, answers in answers_by_id.items()
    }


def _answers(row: FeatureRow, feature: str, how: Aggregate | None) -> list[Any]:
    """What was answered about a feature: once, or by each sample where they are aggregated."""
    samples = row["samples"] if how and "samples" in row else [row]
    predictions = [sample["features"].get(feature) for sample in samples if sample["state"] == OK]
    values = [value_of(prediction) for prediction in predictions if prediction is not None]
    return [value for value in values if value is not None]


def _one_of(values: Sequence[Any], how: Aggregate | None) -> Any:
    if not values:
        return None
    return values[0] if how is None else aggregate(values, how)


def _groups(answered: Mapping[str, Any], records: Sequence[Path], key: str | None) -> dict[str, str]:
    groups = {
        record["id"]: group_of(record, key, _GROUP)
        for path in records
        for record in iter_records(path)
        if record["id"] in answered
    }
    for id in answered:
        if id not in groups:
            raise ReconciliationError(
                f"the record {id!r} was answered but is in no records file, so its group is not known",
                where=", ".join(map(str, records)) or "no records file given",
                remedy="make the features again",
            )
    return groups


def _placed(
    settings: Head,
    id: str,
    group: str,
    values: dict[str, Any],
    answers: dict[str, int],
    all_answers: dict[str, list[Any]] | None = None,
) -> LabelledRecord:
    split = split_of(group, settings.split, settings.seed)
    return LabelledRecord(id, split, group, values, answers, all_answers or {})


def _add(labels: dict[str, LabelledRecord], label: LabelledRecord, where: object) -> None:
    if label.id in labels:
        raise ReconciliationError(
            f"there are two rows of record {label.id!r}",
            where=str(where),
            remedy="labels are joined by id; give the sources ids that differ",
        )
    labels[label.id] = label
