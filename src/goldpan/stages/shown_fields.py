"""What people are shown of a record: its data, and beside it the item that it is, or what it gathers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from goldpan.records.model import Record

TELLING = ("parent", "count", "proposed_by")
"""Fields that tell where a record is from, or who found it: a blind sheet has them only where it is said."""
_ITEM, _CHILDREN = "item", "children"


def shown_fields_of(record: Record) -> dict[str, Any]:
    """The fields of a record by name, as `show` of a wave and the columns of a table have them.

    An item comes first, as `item.FIELD` (a label as `item`), then the data, then `parent`, `count` and
    `proposed_by`, or `children`: what each of these is. Where the data has a field of that name, it is
    that of the data.
    """
    data = record["data"]
    item = record.get(_ITEM)
    fields: dict[str, Any] = {}
    if isinstance(item, dict):
        fields = {f"{_ITEM}.{name}": value for name, value in item.items()}
    elif item is not None:
        fields[_ITEM] = item
    fields.update(data)
    of_record: dict[str, Any] = dict(record)
    for name in TELLING:
        if name in of_record:
            fields.setdefault(name, of_record[name])
    if _CHILDREN in record:
        gathered = [child["id"] if child["item"] is None else child["item"] for child in record["children"]]
        fields.setdefault(_CHILDREN, gathered)
    return fields


def with_fields_of_items(show: Iterable[str], known: Iterable[str]) -> list[str]:
    """The fields that are to be shown, where `item` stands for all fields of the item."""
    known = list(known)
    shown: dict[str, None] = {}
    for path in show:
        own = [name for name in known if name.startswith(f"{_ITEM}.")] if path == _ITEM else []
        shown.update(dict.fromkeys(own if own and _ITEM not in known else [path]))
    return list(shown)


def are_of_items(names: Iterable[str]) -> bool:
    """Whether these fields, by `shown_fields_of`, are those of records that are items."""
    return any(name == _ITEM or name.startswith(f"{_ITEM}.") for name in names)
