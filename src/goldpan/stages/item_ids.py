"""Ids of records that were exploded or grouped: from what they hold, never from where it stood.

Two items, or two values that are grouped by, are the same where a reader would call them so: the keys of an
object in any order, letters in any Unicode form (NFC is taken), any white space between words, `1` and `1.0`.
Case, and a number beside its spelling as text, make a difference.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

import orjson

from goldpan.files import sha256_hex
from goldpan.records.look_up import look_up

_DIGITS = 16
_NO_ITEM = "none"
_SEPARATOR = "__"
_INTEGERS_OF_FLOATS = 2**53


def item_identity(item: Any, by: Sequence[str] | None) -> bytes:
    """What makes an item the same as another: all of it, or its fields `by`, as canonical JSON.

    Args:
        item: an object, or the text of a label.
        by: fields of the item, `a.b` inside of `a`; one that is not there counts as null.
    """
    if by is None or not isinstance(item, dict):
        return identity_of_value(item)
    return identity_of_value({name: look_up(item, name)[1] for name in by})


def identity_of_value(value: Any) -> bytes:
    """Canonical JSON of a value in the form in which equal ones are equal."""
    return _as_json(in_one_form(value))


def in_one_form(value: Any) -> Any:
    """A value in the form that all values have which count as the same."""
    if isinstance(value, str):
        return " ".join(unicodedata.normalize("NFC", value).split())
    if isinstance(value, float) and value.is_integer() and abs(value) < _INTEGERS_OF_FLOATS:
        return int(value)
    if isinstance(value, list):
        return [in_one_form(part) for part in value]
    if isinstance(value, dict):
        return {in_one_form(name): in_one_form(part) for name, part in value.items()}
    return value


def item_record_id(parent: str, identity: bytes) -> str:
    """The id of the record of an item; `identity` is that of `item_identity`."""
    return f"{parent}{_SEPARATOR}{sha256_hex(identity)[:_DIGITS]}"


def no_item_id(parent: str) -> str:
    """The id of the row that stands for a record without items."""
    return f"{parent}{_SEPARATOR}{_NO_ITEM}"


def group_record_id(identity: bytes) -> str:
    """The id of the record that gathers those of one value."""
    return f"group{_SEPARATOR}{sha256_hex(identity)[:_DIGITS]}"


def _as_json(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONEncodeError, TypeError):
        # No artifact can hold half of a surrogate pair or a number of more than 64 bits; Python's own can.
        import json

        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode("utf-8", "surrogatepass")
