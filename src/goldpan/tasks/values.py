"""Whether one value of an answer fits its feature: a compiled check for each feature type.

A check takes the value as parsed JSON and returns it, brought into its one form (2.0 becomes 2 for an integer
score). It raises AnswerError with a reason that names the field and what was allowed. `null` is dealt with
before a check is called.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from goldpan.errors import AnswerError
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

Check = Callable[[Any], Any]
ColumnCheck = Callable[[Sequence[Any]], Sequence[Any] | None]

_LONGEST_SHOWN = 60

_LARGEST_INTEGER = (1 << 63) - 1


def value_check(feature: Feature) -> Check:
    """The check for a feature's value."""
    key = feature.key
    match feature:
        case Binary():
            return _boolean(key)
        case Classification():
            return _label(key, feature.label_list)
        case Multilabel():
            return _labels(key, feature)
        case Score():
            return _score(key, feature)
        case Text():
            return _text(key, feature.max_chars)
        case Extraction():
            return _items(key, feature)
        case Ranking():
            return _ranking(key, feature.items)


def column_check(feature: Feature) -> ColumnCheck:
    """The check for a feature's values of many answers at once.

    It returns them as `value_check` does, or None when it would refuse one of them, or one is null. Types and
    labels are compared as sets: a call for each value costs more than all else in reading an answer.
    """
    match feature:
        case Binary():
            return lambda column: column if set(map(type, column)) == {bool} else None
        case Classification():
            return _label_column(frozenset(feature.label_list))
        case Score():
            return _score_column(feature)
        case Text():
            return _text_column(feature.max_chars)
    return _by_value(value_check(feature))


def _label_column(allowed: frozenset[str]) -> ColumnCheck:
    def check(column: Sequence[Any]) -> Sequence[Any] | None:
        return column if set(map(type, column)) == {str} and allowed.issuperset(column) else None

    return check


def _score_column(feature: Score) -> ColumnCheck:
    types = {int} if feature.integer else {int, float}

    def check(column: Sequence[Any]) -> Sequence[Any] | None:
        plain = set(map(type, column)) <= types and feature.min <= min(column) and max(column) <= feature.max
        return column if plain else None

    return check


def _text_column(max_chars: int | None) -> ColumnCheck:
    def check(column: Sequence[Any]) -> Sequence[Any] | None:
        plain = set(map(type, column)) == {str} and (max_chars is None or max(map(len, column)) <= max_chars)
        return column if plain else None

    return check


def _by_value(check_one: Check) -> ColumnCheck:
    def check(column: Sequence[Any]) -> Sequence[Any] | None:
        if None in column:
            return None
        try:
            return list(map(check_one, column))
        except AnswerError:
            return None

    return check


def shown(value: Any) -> str:
    """A value of an answer for an error message: its JSON type and, where short, itself."""
    if value is None:
        return "null"
    if isinstance(value, dict | list):
        return f"{_kind(value)} of {len(value)}"
    text = repr(value) if isinstance(value, str) else str(value).lower()
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _kind(value: Any) -> str:
    return "an object" if isinstance(value, dict) else "a list"


def _boolean(key: str) -> Check:
    def check(value: Any) -> bool:
        if value is True or value is False:
            return value
        raise AnswerError(f"`{key}` is {shown(value)}, not true or false")

    return check


def _label(key: str, labels: list[str]) -> Check:
    allowed = frozenset(labels)

    def check(value: Any) -> str:
        if type(value) is not str:
            raise AnswerError(f"`{key}` is {shown(value)}, not a label")
        if value not in allowed:
            raise AnswerError(
                f"`{key}` is {shown(value)}, not one of the labels; {suggestion(value, labels)}"
            )
        return value

    return check


def _labels(key: str, feature: Multilabel) -> Check:
    check_label = _label(key, feature.label_list)
    order = {label: place for place, label in enumerate(feature.label_list)}
    least = feature.min_labels
    most = len(order) if feature.max_labels is None else feature.max_labels

    def check(value: Any) -> list[str]:
        labels = _distinct(key, value, check_label)
        if not least <= len(labels) <= most:
            raise AnswerError(f"`{key}` has {len(labels)} labels, not {least} to {most}")
        # The order of labels says nothing, so it is made that of the task.
        return sorted(labels, key=order.__getitem__)

    return check


def _ranking(key: str, items: list[str]) -> Check:
    check_item = _label(key, items)

    def check(value: Any) -> list[str]:
        ranking = _distinct(key, value, check_item)
        if len(ranking) != len(items):
            absent = next(item for item in items if item not in ranking)
            raise AnswerError(f"`{key}` leaves out `{absent}`; it must rank all {len(items)} items")
        return ranking

    return check


def _distinct(key: str, value: Any, check: Check) -> list[str]:
    """The labels of a list, each checked and none twice."""
    if type(value) is not list:
        raise AnswerError(f"`{key}` is {shown(value)}, not a list of labels")
    seen: set[str] = set()
    for label in value:
        if check(label) in seen:
            raise AnswerError(f"`{key}` names {shown(label)} twice")
        seen.add(label)
    return value


def _score(key: str, feature: Score) -> Check:
    least, most, integer = feature.min, feature.max, feature.integer
    number = _number(key, integer)
    bounds = f"{least:.15g} to {most:.15g}"

    def check(value: Any) -> float:
        score = number(value)
        if not least <= score <= most:
            raise AnswerError(f"`{key}` is {shown(value)}, outside {bounds}")
        return score

    return check


def _number(key: str, integer: bool) -> Check:
    what = "a whole number" if integer else "a number"

    def fitting(value: int) -> int:
        # What has more can be written neither as JSON by all readers nor into a column of a table.
        if not -_LARGEST_INTEGER <= value <= _LARGEST_INTEGER:
            raise AnswerError(f"`{key}` is {shown(value)}, which does not fit 64 bits")
        return value

    def check(value: Any) -> float:
        kind = type(value)
        if kind is int:
            return fitting(value)
        if kind is not float or not math.isfinite(value):
            raise AnswerError(f"`{key}` is {shown(value)}, not {what}")
        if not integer:
            return value
        if not value.is_integer():
            raise AnswerError(f"`{key}` is {shown(value)}, not a whole number")
        return fitting(int(value))

    return check


def _text(key: str, max_chars: int | None) -> Check:
    def check(value: Any) -> str:
        if type(value) is not str:
            raise AnswerError(f"`{key}` is {shown(value)}, not text")
        if max_chars is not None and len(value) > max_chars:
            raise AnswerError(f"`{key}` has {len(value)} characters; at most {max_chars} were asked for")
        return value

    return check


def _items(key: str, feature: Extraction) -> Check:
    check_item = _object(feature.fields)
    most = math.inf if feature.max_items is None else feature.max_items

    def check(value: Any) -> list[dict[str, Any]]:
        if type(value) is not list:
            raise AnswerError(f"`{key}` is {shown(value)}, not a list of objects")
        if len(value) > most:
            raise AnswerError(f"`{key}` has {len(value)} items; at most {most} were asked for")
        return [_at(f"{key}[{number}]", check_item, item) for number, item in enumerate(value)]

    return check


def _at(place: str, check: Check, value: Any) -> Any:
    """Run a nested check; its reason gets the place put before it."""
    try:
        return check(value)
    except AnswerError as error:
        raise AnswerError(f"`{place}`: {error.what}") from None


def _object(fields: list[Field_]) -> Check:
    checks = {field.name: _field(field) for field in fields}

    def check(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise AnswerError(f"is {shown(value)}, not an object")
        for name in checks:
            if name not in value:
                raise AnswerError(f"`{name}` is missing")
        return {name: check_field(value[name]) for name, check_field in checks.items()}

    return check


def _field(field: Field_) -> Check:
    check = _present_field(field)
    if not field.nullable:
        return check
    return lambda value: None if value is None else check(value)


def _present_field(field: Field_) -> Check:
    name = field.name
    if field.type == "boolean":
        return _boolean(name)
    if field.type in ("integer", "number"):
        return _number(name, field.type == "integer")
    if field.type == "object":
        nested = _object(field.fields or [])
        return lambda value: _at(name, nested, value)
    if field.type == "list":
        return _list(name, _object(field.fields) if field.fields else _string(name, field.labels))
    return _string(name, field.labels)


def _string(name: str, labels: list[str] | None) -> Check:
    return _label(name, labels) if labels else _text(name, None)


def _list(name: str, check_item: Check) -> Check:
    def check(value: Any) -> list[Any]:
        if type(value) is not list:
            raise AnswerError(f"`{name}` is {shown(value)}, not a list")
        return [_at(f"{name}[{number}]", check_item, item) for number, item in enumerate(value)]

    return check
