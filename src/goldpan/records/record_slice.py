"""Slices of records: those that share a value of a field, or whose number or text length lies in an interval.

A slice is told by what stands in a record alone, so that one found in labelled records can be looked up in
all others.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from goldpan.records.look_up import look_up

Kind = Literal["value", "absent", "number", "length"]
SOURCE_KEYS = ("source", "file")
_DATA = "data."
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d{1,2}", re.ASCII)


@dataclass(frozen=True)
class RecordSlice:
    """A condition that a record meets or does not.

    Attributes:
        key: `data.FIELD` (`data.a.b` goes inside), `file` or `source`.
        kind: `value`: the field holds `value`, or is a list that does; `absent`: it has no value; `number`:
            its number lies in [low, high); `length`: its text has so many characters.
        value: as `value_as_text` gives it; of `value` only.
        low, high: of `number` and `length`; None where there is no bound on that side.
    """

    key: str
    kind: Kind
    value: str | None = None
    low: float | None = None
    high: float | None = None

    def holds(self, record: Mapping[str, Any]) -> bool:
        """Whether a record (with `source`, `file` and `data`) is in the slice."""
        values = list(values_at(record, self.key))
        if self.kind == "absent":
            return not values
        if self.kind == "value":
            return any(value_as_text(value) == self.value for value in values)
        measure = text_length if self.kind == "length" else number_of
        return any(self._is_between(measure(value)) for value in values)

    def _is_between(self, number: float | None) -> bool:
        if number is None:
            return False
        return (self.low is None or number >= self.low) and (self.high is None or number < self.high)

    @property
    def name(self) -> str:
        """As people read it: `topic: sport`, `length of text: 120 to 339 characters`."""
        field = self.key.removeprefix(_DATA)
        if self.kind == "value":
            return f"{field}: {self.value}"
        if self.kind == "absent":
            return f"{field}: no value"
        low, high = self.low, self.high
        if self.kind == "length":
            # Lengths are whole, so that the last one below `high` can be named.
            first, last = _whole(low), None if high is None else _whole(high) - 1
            between = f"{first:,} to {last:,}" if last is not None else f"at least {first:,}"
            return (
                f"length of {field}: {'at most ' + format(last, ',') if low is None else between} characters"
            )
        if low is None:
            return f"{field}: below {high:g}"
        return f"{field}: at least {low:g}" if high is None else f"{field}: {low:g} to below {high:g}"

    def as_json(self) -> dict[str, Any]:
        """JSON-able form; bounds are not rounded, as records are looked up by them."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def _whole(number: float | None) -> int:
    return math.ceil(number or 0)


def values_at(record: Mapping[str, Any], key: str) -> Iterator[Any]:
    """The single values that stand at `key`: those of a list one by one, also of lists inside lists, and of
    objects in a list by the rest of the path. Nothing, an empty text and an empty list are no value."""
    if key in SOURCE_KEYS:
        yield record[key]
        return
    yield from _values_inside(record["data"], key.removeprefix(_DATA))


def _values_inside(data: Any, path: str) -> Iterator[Any]:
    there, value = look_up(data, path)
    if there:
        yield from _single_values(value)
        return
    head, _, rest = path.partition(".")
    while rest:
        there, inner = look_up(data, head)
        if there and isinstance(inner, list):
            for member in inner:
                yield from _values_inside(member, rest)
            return
        step, _, rest = rest.partition(".")
        head = f"{head}.{step}"


def _single_values(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for member in value:
            yield from _single_values(member)
    elif value is not None and not isinstance(value, dict) and value != "":
        yield value


def paths_of(data: Any, prefix: str = "data") -> Iterator[str]:
    """The keys of all fields of a record's `data` at which `values_at` may give something."""
    if isinstance(data, dict):
        for name, value in data.items():
            yield from paths_of(value, f"{prefix}.{name}")
    elif isinstance(data, list) and any(isinstance(member, dict) for member in data):
        for member in data:
            yield from paths_of(member, prefix)
    elif prefix != "data":
        yield prefix


def value_as_text(value: Any) -> str:
    """A single value as text, so that `1`, `1.0` and `"1"` are one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def number_of(value: Any) -> float | None:
    """A single value as a number, also where it stands as text, with a decimal comma, too (`136,45`, not
    `1,234`, whose comma may part thousands); None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and _DECIMAL_COMMA.fullmatch(value.strip()):
        value = value.replace(",", ".")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def text_length(value: Any) -> float | None:
    """Characters of a text; None where it is none."""
    return len(value) if isinstance(value, str) else None
