"""Gold that the data already have: labels in fields of the records of a source, without a wave."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from goldpan.errors import ReconciliationError, StudyError
from goldpan.files import canonical_json
from goldpan.records.look_up import look_up
from goldpan.records.model import Record
from goldpan.records.read import iter_records
from goldpan.study.evaluation import Evaluation
from goldpan.tasks.features import Feature
from goldpan.waves.collect.cell_values import is_empty
from goldpan.waves.collect.record_fields import RecordFields, field_path
from goldpan.waves.gold.gold_set import GoldItem
from goldpan.waves.items import item_id

_REMEDY = "correct the values in the source, or leave the field empty where there is no gold"
_REMEDY_EVERY = "give each row its right answer: without one, what is said of it could not be measured"


def gold_remedy(settings: Evaluation) -> str:
    """What to do about gold that is no value of its feature, or is missing where it must not be."""
    return _REMEDY_EVERY if settings.every_record else _REMEDY


@dataclass(frozen=True)
class FieldGold:
    """The gold of some sources.

    Attributes:
        items: the records that have a label for any feature, all alike in weight.
        records: all records, also those without any label.
        notes: what was taken for what.
        all_ids: the item ids of all records that could be asked about.
        groups: item id -> its group, of all of these; None where records are taken one by one.
    """

    items: list[GoldItem]
    records: int
    notes: list[str]
    all_ids: list[str]
    groups: dict[str, str] | None = None


def read_field_gold(
    settings: Evaluation,
    features: Mapping[str, Feature],
    paths: Sequence[Path],
    place: Callable[[Record], str],
    where: str,
) -> FieldGold:
    """Read the gold of records files.

    Args:
        settings: of the evaluation, with `gold`.
        features: those that `gold` names a field for.
        paths: the records files of the sources.
        place: where a record stands in the user's files, for errors.
        where: place of the evaluation in the study, for errors.

    Raises:
        StudyError: no record has one of the fields, or all of them are empty.
        SourceError: a value is no label of its feature, or with `every_record` there is none.
        ReconciliationError: two records have one id.
    """
    fields = RecordFields(features, settings.gold, place, f"{where}.gold", settings.every_record)
    items: dict[str, GoldItem] = {}
    all_ids: list[str] = []
    groups: dict[str, str] = {}
    lacking = records = 0
    for path in paths:
        for record in iter_records(path):
            records += 1
            if "skip" in record:
                continue
            all_ids.append(item_id(record["id"]))
            group = _group_of(record, settings.group) if settings.group else None
            groups[all_ids[-1]] = f"record {record['id']}" if group is None else f"group {group}"
            lacking += group is None
            labels = fields.values(record)
            # Where nothing is compared, but judged, all records are measured.
            if settings.gold and not labels:
                continue
            item = _item(record, labels)
            if item.item_id in items:
                raise ReconciliationError(
                    f"there are two records `{record['id']}`",
                    where=place(record),
                    remedy="gold is joined by id; give the sources ids that differ",
                )
            items[item.item_id] = item
    fields.finish(gold_remedy(settings))
    if not items:
        raise StudyError(
            f"no record has a label: {', '.join(settings.gold.values())} are empty in all {records:,}",
            where=f"{where}.gold",
            remedy="name the fields that hold the labels",
        )
    if settings.group and lacking == len(all_ids):
        raise StudyError(
            f"no record has a field `{settings.group}`",
            where=f"{where}.group",
            remedy="name the field that records which are alike have in common, or leave `group` out",
        )
    return FieldGold(
        items=list(items.values()),
        records=records,
        notes=[*fields.notes(), *_group_notes(settings.group, groups, lacking)],
        all_ids=all_ids,
        groups=groups if settings.group else None,
    )


def _group_of(record: Record, field: str) -> str | None:
    """What a record has in common with others; None where its field is empty or absent."""
    value = look_up(record["data"], field_path(field))[1]
    return None if is_empty(value) else canonical_json(value).decode()


def _group_notes(field: str | None, groups: Mapping[str, str], lacking: int) -> Iterator[str]:
    if field is None:
        return
    number = len(set(groups.values()))
    if number == len(groups):
        yield f"No two records have one `{field}`, so each is taken by itself."
        return
    yield (
        f"Records of one `{field}` may be alike, so intervals are by bootstrap over {number:,} groups of"
        f" {len(groups):,} records. McNemar's test takes records one by one, and its p may be too small; go"
        " by the intervals of differences."
    )
    if lacking:
        yield f"{lacking:,} records have no `{field}`: each is a group of its own."


def _item(record: Record, labels: dict[str, object]) -> GoldItem:
    return GoldItem(
        item_id=item_id(record["id"]),
        id=record["id"],
        source=record["source"],
        file=record["file"],
        split="test",
        group=record["id"],
        stratum="all",
        inclusion_probability=1.0,
        annotators=(),
        labels=labels,
        soft_labels={},
        resolutions={},
        data=record["data"],
    )
