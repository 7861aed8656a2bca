"""From items back to what they belong to: one record for each parent, or for each value of a field."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import orjson

from goldpan.errors import SourceError
from goldpan.files import LONGEST_LINE, replacing
from goldpan.records.grouped_lines import GroupedLines, LinesOfGroup
from goldpan.records.look_up import look_up
from goldpan.records.model import OF_ITEM, Record
from goldpan.records.skips import NO_ITEMS, skip_code
from goldpan.stages.earlier import EarlierStage, skip_by_condition
from goldpan.stages.explode import is_without_items
from goldpan.stages.item_ids import group_record_id, identity_of_value, in_one_form
from goldpan.stages.rows import FeatureRow
from goldpan.tasks.where import Where, values_of_row

_OF_ONE_STAGE = ("skip", "children", "rows", "neighbours")
Head = dict[str, Any]


def group_by_parent(
    earlier: EarlierStage, output: Path, *, of_children: Collection[str], where: Where | None = None
) -> int:
    """Write one record for each record whose items are the records of a stage.

    It has the id, the data and the earlier answers of that record, and its items as `children`, each with
    `id`, `item`, `count`, `state` (with `reason`, unless it is `ok`) and `answers`. A record in which nothing
    was found has no children and goes on; one that was skipped, or not answered, keeps its reason.

    Args:
        earlier: the stage.
        output: the records file to write.
        of_children: the stages whose answers are about the items.
        where: which of the items go on; the others stay among the children, with the state `skipped`.

    Returns:
        Number of rows written.

    Raises:
        SourceError: the children of a record do not fit on a line.
        ReconciliationError: the records and features of the stage do not fit together.
    """

    def head_of(record: Record) -> Head:
        left_out = (*OF_ITEM, *_OF_ONE_STAGE)
        made: Head = {name: value for name, value in record.items() if name not in left_out}
        made["id"] = record.get("parent")
        for name in ("answers", "rationales"):
            if name in made:
                made[name] = {stage: said for stage, said in made[name].items() if stage not in of_children}
        made |= record.get("outer", {})
        skip = record.get("skip")
        if skip is not None and is_without_items(record) and skip_code(skip) != NO_ITEMS:
            made["skip"] = skip
        return made

    def child_of(record: Record, row: FeatureRow) -> dict[str, Any]:
        child = _child(earlier, record, row, where)
        child["answers"] = {name: said for name, said in child["answers"].items() if name in of_children}
        return child

    return _gather(
        earlier,
        output,
        lambda record, row: str(record.get("parent")).encode(),
        lambda record, row: head_of(record),
        child_of,
    )


def group_by_field(earlier: EarlierStage, by: str, output: Path, *, where: Where | None = None) -> int:
    """Write one record for each value that a field has in the records of a stage.

    Its data is the value, under the last name of the field; its children are as of `group_by_parent`, with
    all of their answers, and with their data where they are no items. Records without the field are those of
    the value null; where these are none but records without items, it is skipped: it would be about nothing.

    Args:
        by: `data.FIELD`, `item.FIELD`, `answers.STAGE.FEATURE`, a feature of the stage, `source` or `file`.
        earlier, output, where: as of `group_by_parent`.

    Returns, raises: as `group_by_parent`.
    """
    name = by.rpartition(".")[2]

    def value_in(record: Record, row: FeatureRow) -> Any:
        return in_one_form(look_up(_visible(earlier, record, row), by)[1])

    def head_of(record: Record, row: FeatureRow) -> Head:
        value = value_in(record, row)
        place = {"source": record["source"], "file": record["file"], "line": record["line"]}
        return {"id": group_record_id(identity_of_value(value)), **place, "data": {name: value}}

    def child_of(record: Record, row: FeatureRow) -> dict[str, Any]:
        child = _child(earlier, record, row, where)
        return child if "item" in record else {**child, "data": record["data"]}

    return _gather(
        earlier,
        output,
        lambda record, row: identity_of_value(value_in(record, row)),
        head_of,
        child_of,
        childless=b',"skip":"%s: none of its records has an item"' % NO_ITEMS.encode(),
    )


def _child(earlier: EarlierStage, record: Record, row: FeatureRow, where: Where | None) -> dict[str, Any]:
    """One record as it stands among the children of another."""
    state, reason = row["state"], row.get("reason")
    if "skip" not in record:
        skip = earlier.skip_of(row)
        if skip is None:
            if where is not None and not where.matches(_visible(earlier, record, row)):
                skip = skip_by_condition(where)
            earlier.hand_on(record, row)
        if skip is not None and state == "ok":
            state, reason = "skipped", skip
    child = {"id": record["id"], "item": record.get("item"), "count": record.get("count", 1), "state": state}
    if state != "ok":
        child["reason"] = reason
    if "proposed_by" in record:
        child["proposed_by"] = record["proposed_by"]
    return {**child, "answers": record.get("answers", {})}


def _visible(earlier: EarlierStage, record: Record, row: FeatureRow) -> dict[str, Any]:
    own = values_of_row({}, row["features"])
    return {**record, "answers": {**record.get("answers", {}), earlier.name: own}, **own}


def _gather(
    earlier: EarlierStage,
    output: Path,
    key_of: Callable[[Record, FeatureRow], bytes],
    head_of: Callable[[Record, FeatureRow], Head],
    child_of: Callable[[Record, FeatureRow], dict[str, Any]],
    childless: bytes = b"",
) -> int:
    """Gather on disk, for the records of a group may stand anywhere; groups are in the order of the first.

    Args:
        childless: what the lines of groups without children have besides.
    """
    rows = 0
    with GroupedLines() as groups, replacing(output) as out:
        for record, row in earlier.rows():
            key = key_of(record, row)
            number = groups.number(key) or groups.begin(key, orjson.dumps(head_of(record, row)))
            groups.count_row(number)
            if not is_without_items(record):
                groups.add(number, orjson.dumps(child_of(record, row)))
        for group in groups:
            out.write(_line(group, earlier, childless))
            rows += 1
    return rows


def _line(group: LinesOfGroup, earlier: EarlierStage, childless: bytes) -> bytes:
    children = list(group.lines)
    besides = b"" if children else childless
    line = b'%s,"rows":%d,"children":[%s]%s}\n' % (group.head[:-1], group.rows, b",".join(children), besides)
    if len(line) > LONGEST_LINE:
        raise SourceError(
            f"the {len(children):,} records of one group have more than {LONGEST_LINE:,} bytes together",
            where=f"{earlier.records}, record {orjson.loads(group.head)['id']!r}",
            remedy="group by a field that has more values, or group fewer records",
        )
    return line
