"""What a condition may compare a feature with: the kinds of values that names in a filter stand for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from goldpan.tasks.features import (
    Binary,
    Classification,
    Extraction,
    Feature,
    Field_,
    Multilabel,
    Ranking,
    Score,
    Text,
)
from goldpan.tasks.nearest import suggestion

_WHAT = {
    "boolean": "true or false",
    "label": "a label",
    "labels": "a list of labels",
    "number": "a number",
    "text": "text",
    "objects": "a list of objects",
    "texts": "a list of texts",
    "object": "an object",
    "anything": "a field of the record",
}
_WHOLE = ("objects", "object", "texts")
"""Kinds that are compared with nothing but None."""


@dataclass(frozen=True)
class ValueKind:
    """The values a name can have.

    Attributes:
        name: which kind it is.
        labels: the labels, for `label` and `labels`.
        least, most: the bounds, for `number`.
        integer: no fractions, for `number`.
        fields: what can be named inside, for `object`.
    """

    name: Literal["boolean", "label", "labels", "number", "text", "texts", "objects", "object", "anything"]
    labels: Sequence[str] = ()
    least: float = 0
    most: float = 0
    integer: bool = False
    fields: Mapping[str, ValueKind] | None = None

    @property
    def what(self) -> str:
        """The kind in words."""
        return _WHAT[self.name]

    @property
    def has_truth(self) -> bool:
        """Whether the bare name can stand as a condition."""
        return self.name in ("boolean", "objects", "object", "texts", "anything")

    def joined(self, other: ValueKind) -> ValueKind:
        """The kind of a feature that two tasks of one stage share."""
        if self.name != other.name:
            return ANYTHING
        if self.fields is not None and other.fields is not None:
            return object_kind(joined_kinds([*self.fields.items(), *other.fields.items()]))
        return replace(
            self,
            labels=list(dict.fromkeys([*self.labels, *other.labels])),
            least=min(self.least, other.least),
            most=max(self.most, other.most),
            integer=self.integer and other.integer,
        )

    def compares_with(self, other: ValueKind, symbol: str) -> bool:
        """Whether a comparison between two names of these kinds makes sense."""
        if ANYTHING in (self, other):
            return True
        if symbol in ("==", "!="):
            return self.name == other.name and self.name not in ("labels", *_WHOLE)
        return self.name == other.name == "number"

    def problem(self, symbol: str, value: Any) -> str | None:
        """Why `name <symbol> value` makes no sense or can never hold; None when it can.

        Args:
            symbol: `==`, `!=`, `<`, `<=`, `>` or `>=`.
            value: a text, a number or a truth value.
        """
        if self.name == "anything":
            return None
        if self.name in ("labels", *_WHOLE):
            return f"is {self.what}; ask `'label' in it`" if self.name == "labels" else f"is {self.what}"
        if self.name == "number":
            return self._number_problem(symbol, value)
        if isinstance(value, bool) if self.name == "boolean" else isinstance(value, str):
            if symbol not in ("==", "!="):
                return f"is {self.what} and has no order"
            return self._unknown_label(value) if self.name == "label" else None
        return f"is {self.what} and cannot be compared with {value!r}"

    def member_problem(self, value: Any) -> str | None:
        """Why `value in name` makes no sense; None when it does."""
        if self.name == "anything":
            return None
        if self.name not in ("labels", "text", "texts"):
            return f"is {self.what}, not a list of labels or text"
        if not isinstance(value, str):
            return f"is {self.what} and cannot hold {value!r}"
        return self._unknown_label(value) if self.name == "labels" else None

    def _unknown_label(self, value: Any) -> str | None:
        return None if value in self.labels else f"has no label {value!r}; {suggestion(value, self.labels)}"

    def _number_problem(self, symbol: str, value: Any) -> str | None:
        if isinstance(value, bool | str):
            return f"is {self.what} and cannot be compared with {value!r}"
        if self.integer and symbol in ("==", "!=") and not float(value).is_integer():
            return f"is a whole number and never {value!r}"
        never = {"<": value <= self.least, ">": value >= self.most}.get(symbol, False)
        if never or not self.least <= value <= self.most:
            return f"goes from {self.least:g} to {self.most:g}; it cannot be compared with {symbol} {value!r}"
        return None


TEXT = ValueKind("text")
ANYTHING = ValueKind("anything")
OBJECTS = ValueKind("objects")
COUNT = ValueKind("number", least=1, most=math.inf, integer=True)


def object_kind(fields: Mapping[str, ValueKind]) -> ValueKind:
    """An object in which nothing else than these fields can be named."""
    return ValueKind("object", fields=dict(fields))


def missing_part(kinds: Mapping[str, ValueKind], path: Sequence[str]) -> int | None:
    """How many names of a path lead to something that is not there; None where all of it may be there."""
    kind = object_kind(kinds)
    for length, name in enumerate(path, 1):
        if kind.fields is None:
            return None
        if name not in kind.fields:
            return length
        kind = kind.fields[name]
    return None


def what_is_missing(kinds: Mapping[str, ValueKind], path: Sequence[str]) -> str:
    """That the last name of a path is not there, in words, with the nearest that is.

    Args:
        path: as far as `missing_part` says; all names before the last one are there.
    """
    *before, last = path
    kind = object_kind(kinds)
    for name in before:
        kind = (kind.fields or {})[name]
    what = f"`{'.'.join(before)}` has no `{last}`" if before else f"there is no `{last}`"
    return f"{what}; {suggestion(last, kind.fields or {})}"


def joined_kinds(pairs: Iterable[tuple[str, ValueKind]]) -> dict[str, ValueKind]:
    """name -> its kind; of a name that is given several times all that it can be."""
    kinds: dict[str, ValueKind] = {}
    for name, kind in pairs:
        kinds[name] = kind if name not in kinds else kinds[name].joined(kind)
    return kinds


def kinds_of(features: Iterable[Feature]) -> dict[str, ValueKind]:
    """The kinds of some features by name; those of one name, of several tasks, are taken together."""
    return joined_kinds((feature.name, kind_of(feature)) for feature in features)


def item_kind(feature: Extraction | Multilabel) -> ValueKind:
    """The kind of one of the things that a feature lists."""
    if isinstance(feature, Multilabel):
        return ValueKind("label", labels=feature.label_list)
    return _object_of(feature.fields)


def _object_of(fields: Iterable[Field_]) -> ValueKind:
    return object_kind({field.name: _kind_of_field(field) for field in fields})


def _kind_of_field(field: Field_) -> ValueKind:
    match field.type:
        case "string":
            return ValueKind("label", labels=field.labels) if field.labels else TEXT
        case "list":
            if field.fields:
                return OBJECTS
            return ValueKind("labels", labels=field.labels) if field.labels else ValueKind("texts")
        case "object":
            return _object_of(field.fields or [])
        case "boolean":
            return ValueKind("boolean")
        case "integer" | "number":
            whole = field.type == "integer"
            return ValueKind("number", least=-math.inf, most=math.inf, integer=whole)


def kind_of(feature: Feature) -> ValueKind:
    """The kind of a feature's value."""
    match feature:
        case Binary():
            return ValueKind("boolean")
        case Classification():
            return ValueKind("label", labels=feature.label_list)
        case Multilabel():
            return ValueKind("labels", labels=feature.label_list)
        case Score():
            return ValueKind("number", least=feature.min, most=feature.max, integer=feature.integer)
        case Text():
            return TEXT
        case Extraction() | Ranking():
            return ValueKind("objects")
