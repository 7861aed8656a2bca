"""The key that stands with an answer for a record: a pattern such as `row-{data.id}`, filled from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from goldpan.errors import StudyError
from goldpan.records.ids import custom_id
from goldpan.records.look_up import look_up

OWN_CUSTOM_ID = "{custom_id}"
"""The pattern of the ids that goldpan gives its own requests."""

_PLACE = re.compile(r"\{([^{}]*)\}")
_POSITIONS = ("line", "row", "index", "number", "i", "n")
_FIRST_PARTS = ("id", "source", "file", "data", "item", "parent", "answers")


class CustomIdPattern:
    """Gives the key of a record, or of one of its samples.

    Args:
        pattern: text with places in braces: `{custom_id}` (goldpan's own), `{id}`, `{source}`, `{file}`,
            `{data.FIELD}`, `{sample}`; other paths of a record go as well.
        samples: how often the stage asks a record.

    Raises:
        StudyError: it has no place that tells records apart, one that no record has, or a row's position.
    """

    def __init__(self, pattern: str, samples: int = 1):
        self.pattern = pattern
        self._parts = _PLACE.split(pattern)
        places = self._parts[1::2]
        for place in places:
            if place in _POSITIONS:
                raise _wrong(
                    pattern,
                    f"`{{{place}}}` is a position, and rows are never joined by that: they move",
                    "put the number into a field of the input file, and name that: {data.FIELD}",
                )
            if place not in ("custom_id", "sample") and place.partition(".")[0] not in _FIRST_PARTS:
                raise _wrong(
                    pattern,
                    f"records have no `{place}`",
                    "name {id}, {data.FIELD} or {custom_id}, e.g. --custom-id 'row-{data.id}'",
                )
        if not set(places) - {"sample", "source", "file"} or any(
            mark in "".join(self._parts[::2]) for mark in "{}"
        ):
            raise _wrong(
                pattern,
                "no place in it tells one record from another",
                "name {id}, {data.FIELD} or {custom_id}, e.g. --custom-id 'row-{data.id}'",
            )
        if samples > 1 and not {"sample", "custom_id"} & set(places):
            raise _wrong(
                pattern,
                f"the stage asks each record {samples} times, and the pattern does not say which is meant",
                "put {sample} into it (0 is the first)",
            )

    def lacking(self, record: Mapping[str, Any]) -> StudyError:
        """The error that no record has one of the fields, of a record that has no key."""
        gone = next(place for place in self._parts[1::2] if _value(record, place, 0) is None)
        return _wrong(
            self.pattern,
            f"no record of the stage has a text or a number at `{gone}`",
            "name a field that the rows of the input have, e.g. {data.id}, or {id}",
        )

    def key(self, record: Mapping[str, Any], sample: int = 0) -> str | None:
        """The key of a sample of a record; None where the record lacks a field of it."""
        filled = list(self._parts)
        for at in range(1, len(filled), 2):
            value = _value(record, filled[at], sample)
            if value is None:
                return None
            filled[at] = value
        return "".join(filled)


def _value(record: Mapping[str, Any], place: str, sample: int) -> str | None:
    if place == "custom_id":
        return custom_id(record["id"], sample)
    if place == "sample":
        return str(sample)
    _, value = look_up(record, place)
    if type(value) is float and value.is_integer():
        return str(int(value))
    if type(value) is int or type(value) is float:
        return str(value)
    return value if type(value) is str and value else None


def _wrong(pattern: str, what: str, remedy: str) -> StudyError:
    return StudyError(what, where=f"--custom-id {pattern}", remedy=remedy)
