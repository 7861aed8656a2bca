"""Texts of a record by the paths that a stage names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from goldpan.records.look_up import look_up
from goldpan.records.model import Record


def text_at(record: Record, path: str) -> str:
    """The text at a path of a record such as `item.raw_name`, or of its `data`; empty where there is none."""
    row = cast(Mapping[str, Any], record)
    there, value = look_up(row, path)
    if not there:
        value = look_up(record["data"], path)[1]
    if isinstance(value, str):
        return value
    # A name such as 1990 may have been read as a number.
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def first_text(record: Record, paths: Sequence[str]) -> str:
    """The first of several texts that is not blank."""
    return next((text for path in paths if (text := text_at(record, path)).strip()), "")
