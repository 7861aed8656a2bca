"""The items of a wave: what `sample.jsonl` holds, and the LLM's answers, which lie in a file of their own.

An item's id is a hash of its record's id. It survives a spreadsheet (no number, no date, no formula), and
tells an annotator nothing; a record id may well hold a file name such as `positive/123`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from goldpan.files import of_known_keys, rows_as, sha256_hex


@dataclass(frozen=True)
class Item:
    """One sampled record.

    Attributes:
        item_id: names the item on sheets.
        repeat_id: names its second showing; nothing on a sheet tells the two apart.
        id: the record's id.
        source, file: where the record came from.
        stratum: the stratum it was drawn from; may tell the LLM's answer, so it never reaches a blind sheet.
        inclusion_probability: sampled / population of its stratum.
        draw: place in the order of drawing, from 1; a larger sample only adds items after these.
        annotators: who is to answer it.
        repeated_by: which of them get it twice.
        data: the record itself.
        targeted: of a targeted sample the error analysis that had listed the record: its inclusion
            probability is then that within the list, and must not weigh it up to the corpus. Empty of others.
    """

    item_id: str
    repeat_id: str
    id: str
    source: str
    file: str
    stratum: str
    inclusion_probability: float
    draw: int
    annotators: tuple[str, ...]
    repeated_by: tuple[str, ...]
    data: dict[str, Any]
    targeted: str = ""

    def as_json(self) -> dict[str, Any]:
        """JSON-able form, as earlier versions wrote it where the sample is not targeted."""
        return without_empty(asdict(self), "targeted")

    def as_line(self) -> bytes:
        """The item as a line of `sample.jsonl`, with its newline."""
        return orjson.dumps(self.as_json(), option=orjson.OPT_APPEND_NEWLINE)


def without_empty(said: dict[str, Any], key: str) -> dict[str, Any]:
    """A row without a key that has nothing to say: files are then what they were before there was it."""
    return said if said[key] else {name: value for name, value in said.items() if name != key}


def item_id(record_id: str) -> str:
    """The id on sheets of the record `record_id`."""
    return _short_hash(record_id)


def repeat_id(record_id: str) -> str:
    """The id on sheets of the second showing of the record `record_id`."""
    return _short_hash(f"second showing\0{record_id}")


def _short_hash(text: str) -> str:
    return f"i{sha256_hex(text.encode())[:16]}"


def iter_items(sample_file: str | Path) -> Iterator[Item]:
    """The items of `sample.jsonl` in its order.

    Raises:
        ReconciliationError: a line is not an item.
    """
    return rows_as(sample_file, item_of, "an item of a sample", "draw the sample again")


def item_of(row: dict[str, Any]) -> Item:
    """An item from what JSON says of it. Raises KeyError or TypeError where something is missing."""
    lists = {"annotators": tuple(row["annotators"]), "repeated_by": tuple(row["repeated_by"])}
    return of_known_keys(Item, {**row, **lists})


def read_items(sample_file: str | Path) -> dict[str, Item]:
    """The items of `sample.jsonl` by item id."""
    return {item.item_id: item for item in iter_items(sample_file)}
