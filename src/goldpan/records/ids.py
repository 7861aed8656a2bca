"""Record ids that stay the same from run to run, and the request ids made from them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from goldpan.files import canonical_json, sha256_hex
from goldpan.records.rows import RowError, type_name

CUSTOM_ID_LENGTH = 64
"""The longest `custom_id` that the strictest provider takes, in characters."""

UNREADABLE = "!"
"""First character of the id of a row that could not be used; the ids of usable rows never begin with it."""

_SEPARATOR = "__"
_CONTENT_HASH_DIGITS = 32
_TUPLE_HASH_DIGITS = 16
_CUSTOM_ID_HASH_DIGITS = 20
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_LOOKS_HASHED = re.compile(rf"--[0-9a-f]{{{_CUSTOM_ID_HASH_DIGITS}}}$")
_LOOKS_SAMPLED = re.compile(r"__s[0-9]+$")


def record_id(data: dict[str, Any], fields: Sequence[str] | None) -> str:
    """The id of a row: from named fields, or from its content when no fields are named.

    The values of several fields are joined by `__`; where a value could be taken for a part of the join, a
    hash of the tuple is added, so that no two tuples share an id. A number and its spelling as text
    (`1` and `"1"`) are the same value.

    Raises:
        RowError: `missing_id`, when a named field is absent, null, empty, or not text, integer or number.
    """
    if fields is None:
        return sha256_hex(canonical_json(data))[:_CONTENT_HASH_DIGITS]
    return _joined([_id_part(data, field) for field in fields], _SEPARATOR)


def trace_id(data: dict[str, Any]) -> str:
    """The id of a trace segment, `conv_<conversation_id>__seg_<segment_id>`.

    A prefix that an id already has is not doubled.

    Raises:
        RowError: `missing_id`, as for `record_id`.
    """
    conversation = _id_part(data, "conversation_id").removeprefix("conv_")
    segment = _id_part(data, "segment_id").removeprefix("seg_")
    return _joined([f"conv_{conversation}", f"seg_{segment}"], _SEPARATOR)


def unreadable_id(source_name: str, file_name: str, line: int) -> str:
    """The id of a row that could not be used, `!<source>/<file>:<line>`."""
    return f"{UNREADABLE}{source_name}/{file_name}:{line}"


def custom_id(record_id: str, sample: int = 0, prefix: str = "req") -> str:
    """The id a request carries to the provider: `<prefix>__<record id>`, with `__s<sample>` from sample 1 on.

    Where the record id does not fit in 64 characters of `[A-Za-z0-9_-]`, or could be taken for one that was
    changed, it is cut, cleaned and given a hash of itself: different records and samples have different ids.

    Args:
        record_id: id of the record.
        sample: index of the answer among those asked for the record, from 0.
        prefix: of at most 16 characters of `[A-Za-z0-9_-]`.
    """
    if not _PLAIN.fullmatch(prefix) or len(prefix) > 16:
        raise ValueError(f"prefix {prefix!r} is not 1 to 16 characters of [A-Za-z0-9_-]")
    head, tail = f"{prefix}__", f"__s{sample}" if sample else ""
    room = CUSTOM_ID_LENGTH - len(head) - len(tail)
    is_plain = (
        len(record_id) <= room
        and _PLAIN.fullmatch(record_id)
        and not _LOOKS_HASHED.search(record_id)
        and not _LOOKS_SAMPLED.search(record_id)
    )
    if is_plain:
        return head + record_id + tail
    digest = sha256_hex(record_id.encode())[:_CUSTOM_ID_HASH_DIGITS]
    stem = _UNSAFE.sub("-", record_id[: room - len(digest) - 2])
    return f"{head}{stem}--{digest}{tail}"


def _id_part(data: dict[str, Any], field: str) -> str:
    value = data.get(field)
    if isinstance(value, str) and value.strip() and not value.startswith(UNREADABLE):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if field not in data:
        fault = "is not there"
    elif isinstance(value, str) and value.strip():
        fault = f"begins with `{UNREADABLE}`, which marks rows that could not be read"
    elif value is None or isinstance(value, str):
        fault = "is empty"
    else:
        fault = f"is {type_name(value)}, not text or a number"
    raise RowError(
        "missing_id",
        f"the id field `{field}` {fault}",
        remedy="name fields under `id` that every row has, or leave `id` out for an id made from the content",
    )


def _joined(values: list[str], separator: str) -> str:
    """Join so that different lists give different texts."""
    text = separator.join(values)
    if len(values) > 1 and any(_blurs_the_join(value) for value in values):
        text += "-" + sha256_hex(canonical_json(values))[:_TUPLE_HASH_DIGITS]
    return text


def _blurs_the_join(value: str) -> bool:
    return _SEPARATOR in value or value.startswith("_") or value.endswith("_")
