"""What kind of values a feature has, and so how answers to it can be compared."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from goldpan.errors import SheetError
from goldpan.files import canonical_json
from goldpan.tasks.features import (
    Binary,
    Classification,
    Extraction,
    Feature,
    Multilabel,
    Ranking,
    Score,
    Text,
)

ScaleKind = Literal["nominal", "ordered", "sets", "ranking", "text"]
_MOST_DECLARED = 1000
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)


@dataclass(frozen=True)
class Scale:
    """How values of a feature compare.

    Attributes:
        kind: `nominal` labels, `ordered` labels or numbers, `sets` of labels or objects, `ranking`, `text`.
        labels: all labels that could be given, in their order, as texts; None when the set is open.
    """

    kind: ScaleKind
    labels: tuple[str, ...] | None = None

    @property
    def closed(self) -> bool:
        """Whether answers are single labels, so that they can be counted by label."""
        return self.kind in ("nominal", "ordered")

    def key(self, value: Any) -> Hashable:
        """The value in the form in which two equal answers are equal: 1, 1.0 and "1" are one label.

        Raises:
            SheetError: the value does not fit the kind.
        """
        if self.kind == "sets":
            return frozenset(value_text(member) for member in _list_of(value))
        if self.kind == "ranking":
            return tuple(value_text(member) for member in _list_of(value))
        return value_text(value).strip() if self.kind == "text" else value_text(value)

    def categories(self, keys: Iterable[Hashable]) -> tuple[Hashable, ...]:
        """All distinct values in their order: declared labels first, then others that occur, sorted.

        Raises:
            SheetError: an ordered scale was given a label that is no number and not in its order.
        """
        distinct = set(keys)
        if not self.closed:
            return tuple(sorted(distinct, key=_sortable))
        declared = self.labels or ()
        others = distinct.difference(declared)
        if self.kind == "nominal" or not others:
            return (*declared, *sorted(others, key=_number_first))
        if not _all_numbers([*declared, *others]):
            raise SheetError(
                f"{', '.join(sorted(map(repr, others)))} has no place in the order of the labels",
                remedy="give all labels in their order, or correct the answer",
            )
        return tuple(sorted(distinct.union(declared), key=_number_first))


def positions(categories: Sequence[Hashable]) -> np.ndarray:
    """Places of ordered labels, shape (k,): their numbers where all are numbers, else 0, 1, 2, ..."""
    if _all_numbers(categories):
        return np.array([float(str(category)) for category in categories])
    return np.arange(len(categories), dtype=float)


def scale_of(feature: Feature) -> Scale:
    """The scale of a task's feature."""
    match feature:
        case Binary():
            return Scale("nominal", ("no", "yes"))
        case Classification():
            return Scale("nominal", tuple(feature.label_list))
        case Multilabel():
            return Scale("sets", tuple(feature.label_list))
        case Score():
            return Scale("ordered", _whole_numbers(feature))
        case Extraction():
            return Scale("sets")
        case Ranking():
            return Scale("ranking")
        case Text():
            return Scale("text")


def _whole_numbers(feature: Score) -> tuple[str, ...] | None:
    if not feature.integer or feature.max - feature.min > _MOST_DECLARED:
        return None
    return tuple(str(number) for number in range(int(feature.min), int(feature.max) + 1))


def value_text(value: Any) -> str:
    """One value as a text: `yes`, `3`, `2.5`, the label itself; objects and lists as canonical JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(int(value)) if value == int(value) else repr(float(value))
    return canonical_json(value).decode()


def _list_of(value: Any) -> Sequence[Any]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise SheetError(f"a list was expected, not {value!r}")
    return value


def is_number(text: Hashable) -> bool:
    """Whether a label is a plain number; "nan", "infinity" and "1_000", which float() reads, are labels."""
    return bool(_NUMBER.fullmatch(str(text)))


def _all_numbers(categories: Iterable[Hashable]) -> bool:
    return all(map(is_number, categories))


def _number_first(key: Hashable) -> tuple[bool, float, str]:
    return (False, float(str(key)), str(key)) if is_number(key) else (True, 0.0, str(key))


def _sortable(key: Hashable) -> Any:
    return sorted(key) if isinstance(key, frozenset) else key
