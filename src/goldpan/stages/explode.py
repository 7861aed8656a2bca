"""From records to their items: one record for each item that an earlier stage found, named by its content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from goldpan.errors import ReconciliationError
from goldpan.files import replacing
from goldpan.records.model import OF_ITEM, Record
from goldpan.records.skips import NO_ITEMS, skip_code
from goldpan.stages.earlier import EarlierStage, side_by_side, skip_by_condition
from goldpan.stages.item_ids import item_identity, item_record_id, no_item_id
from goldpan.stages.rows import FeatureRow
from goldpan.tasks.features import Field_, value_of
from goldpan.tasks.where import Where, values_of_row


@dataclass
class _Item:
    """Items of one record that are the same.

    Attributes:
        spellings: canonical JSON -> the item, for items that are the same in what counts and differ else.
        times: how often each of these stands in the answers.
        proposed_by: the stages that found it, in their order.
    """

    spellings: dict[bytes, Any] = field(default_factory=dict)
    times: Counter[bytes] = field(default_factory=Counter)
    proposed_by: list[str] = field(default_factory=list)

    def add(self, item: Any, stage: str) -> None:
        spelling = orjson.dumps(item, option=orjson.OPT_SORT_KEYS)
        self.spellings.setdefault(spelling, item)
        self.times[spelling] += 1
        if stage not in self.proposed_by:
            self.proposed_by.append(stage)

    @property
    def item(self) -> Any:
        """The spelling found most often, of these the first by its JSON: whatever the order of the answer."""
        return self.spellings[min(self.times, key=lambda spelling: (-self.times[spelling], spelling))]


def explode_stages(
    earlier: Sequence[EarlierStage],
    feature: str,
    output: Path,
    *,
    by: Sequence[str] | None = None,
    where: Where | None = None,
) -> int:
    """Write one record for each item of what one or several stages of one input answered.

    The record has `item`, `parent` (the id of the record that it was found in), `count` and, of several
    stages, `proposed_by`; data and earlier answers are those of the parent, without the list of items itself.
    Items of one record come in the order of what they hold, whatever their order in the answer. A record
    without items has one row, skipped: `no_items`; one that was not answered, or skipped before, has one with
    that reason.

    Args:
        earlier: the stages; the items of all of them are united.
        feature: their extraction or multilabel.
        output: the records file to write.
        by: fields that make an item the same as another; None for the whole item.
        where: which items go on, by `item`, `count`, the features of the stages and all else of the record.

    Returns:
        Number of rows written.

    Raises:
        ReconciliationError: the stages do not have the same records, or a feature holds no list.
    """
    rows = 0
    with replacing(output) as out:
        for parent, answers in side_by_side(earlier):
            for record in _exploded(parent, answers, earlier, feature, by, where):
                out.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
                rows += 1
    return rows


def _exploded(
    parent: Record,
    answers: Sequence[FeatureRow],
    earlier: Sequence[EarlierStage],
    feature: str,
    by: Sequence[str] | None,
    where: Where | None,
) -> Iterator[dict[str, Any]]:
    identity = parent["id"]
    if "skip" in parent:
        yield {**_of_parent(parent), "id": no_item_id(identity), "skip": parent["skip"]}
        return
    items: dict[bytes, _Item] = {}
    why_none: list[str] = []
    visible: dict[str, Any] = {}
    for stage, row in zip(earlier, answers, strict=True):
        skip = stage.skip_of(row)
        if skip is None:
            stage.hand_on(parent, row, without=feature)
            visible.update(values_of_row({}, row["features"]))
            skip = _add_items(items, stage, row, feature, by)
        if skip is not None:
            why_none.append(skip)
    shared = _of_parent(parent)
    if not items:
        yield {**shared, "id": no_item_id(identity), "skip": _reason(why_none)}
        return
    # By what they hold, so that a group which lists them stays as it is, too, when an answer is reordered.
    for key, found in sorted(items.items()):
        record = {**shared, "id": item_record_id(identity, key)}
        record |= {"item": found.item, "parent": identity, "count": found.times.total()}
        if len(earlier) > 1:
            record["proposed_by"] = found.proposed_by
        if where is not None and not where.matches({**visible, **record}):
            record["skip"] = skip_by_condition(where)
        yield record


def _of_parent(parent: Mapping[str, Any]) -> dict[str, Any]:
    """What a record of an item has of its parent, the head first; an item that was the parent is `outer`."""
    shared = {name: value for name, value in parent.items() if name not in (*OF_ITEM, "skip")}
    outer = {name: parent[name] for name in OF_ITEM if name in parent}
    shared["parent"] = parent["id"]
    return {**shared, "outer": outer} if "item" in outer else shared


def _add_items(
    items: dict[bytes, _Item], stage: EarlierStage, row: FeatureRow, feature: str, by: Sequence[str] | None
) -> str | None:
    """Add what a stage found in a record; returns why that is nothing."""
    prediction = row["features"].get(feature)
    if prediction is None:
        return f"{NO_ITEMS}: stage {stage.name} was not asked for `{feature}` of this record"
    found = value_of(prediction)
    if found is None:
        return f"{NO_ITEMS}: stage {stage.name} cannot tell `{feature}` of this record"
    if not isinstance(found, list):
        raise ReconciliationError(
            f"`{feature}` of record {row['id']!r} is no list of items",
            where=str(stage.features),
            remedy="delete the file and run again: it is made from the ledger, and nothing is paid again",
        )
    fields = next(
        (one.fields for one in stage.schema if one.name == feature and one.type == "extraction"), []
    )
    for item in found:
        items.setdefault(item_identity(item, by), _Item()).add(_in_order(item, fields), stage.name)
    return None if found else f"{NO_ITEMS}: stage {stage.name} found no `{feature}`"


def _in_order(value: Any, fields: Sequence[Field_]) -> Any:
    """A value with the fields of its objects as the task has them, for their order does not count."""
    if isinstance(value, list):
        return [_in_order(part, fields) for part in value]
    if not isinstance(value, dict):
        return value
    nested = {field.name: field.fields or [] for field in fields}
    names = [*(name for name in nested if name in value), *sorted(value.keys() - nested.keys())]
    return {name: _in_order(value[name], nested.get(name, [])) for name in names}


def _reason(why_none: Sequence[str]) -> str:
    """One reason of several: that a stage was not answered weighs more than that another found nothing."""
    codes = [skip_code(why) for why in why_none]
    code = next((code for code in codes if code != NO_ITEMS), NO_ITEMS)
    said = [why.removeprefix(f"{code}: ") for why in why_none if why.startswith(f"{code}: ")]
    return f"{code}: {'; '.join(said)}"


def is_without_items(record: Mapping[str, Any]) -> bool:
    """Whether a row stands for a record that has no item, be it that there is none or that nobody knows."""
    return "parent" in record and "item" not in record
