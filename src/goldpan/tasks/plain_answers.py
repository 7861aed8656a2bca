"""Reading many answers at once, feature by feature instead of answer by answer.

It is for answers that are as they were asked for, which most are: then nothing has to be said about a single
value, and the values of a feature are checked together. `answers.AnswerReader` reads the others one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from goldpan.tasks.features import PREDICTION_TYPES
from goldpan.tasks.task import Task
from goldpan.tasks.values import ColumnCheck, column_check

Predictions = dict[str, dict[str, Any]]


class _Feature(NamedTuple):
    """What is needed to read a feature's column.

    Attributes:
        kind, value_key: type of its predictions, and the key of the value in them.
        check: the check of its values.
        place, rationale_place: where value and reason stand among the values of an answer.
    """

    kind: str
    value_key: str
    check: ColumnCheck
    place: int
    rationale_place: int | None


class PlainAnswers:
    """Makes predictions of the arguments of many answers to one task."""

    def __init__(self, task: Task):
        keys: list[str] = []
        self._features: list[_Feature] = []
        for feature in task.features:
            place = len(keys)
            keys.append(feature.key)
            if feature.rationale_key is not None:
                keys.append(feature.rationale_key)
            self._features.append(
                _Feature(
                    *PREDICTION_TYPES[feature.type],
                    check=column_check(feature),
                    place=place,
                    rationale_place=None if feature.rationale_key is None else place + 1,
                )
            )
        self._names = [feature.name for feature in task.features]
        self._count = len(keys)
        # Of one key, itemgetter would give the bare value.
        self._values_of = itemgetter(*keys) if len(keys) > 1 else lambda arguments: (arguments[keys[0]],)

    def read(self, arguments: Sequence[dict[str, Any]]) -> list[Predictions] | None:
        """The predictions of each answer, before exclusivity groups are looked at.

        Args:
            arguments: at least one answer.

        Returns:
            None when something about one of the answers is not plain: a field too few or too many, a null, a
            value that does not fit.
        """
        checked = self._checked(arguments)
        if checked is None:
            return None
        predictions: list[list[dict[str, Any]]] = []
        for (kind, value_key, *_), (values, reasons) in zip(self._features, checked, strict=True):
            if reasons is None:
                predictions.append([{"type": kind, value_key: value} for value in values])
                continue
            predictions.append(
                [
                    {"type": kind, value_key: value, "rationale": reason}
                    for value, reason in zip(values, reasons, strict=True)
                ]
            )
        return [dict(zip(self._names, values, strict=True)) for values in zip(*predictions, strict=True)]

    def are_plain(self, arguments: Sequence[dict[str, Any]]) -> bool:
        """Whether `read` makes predictions of these answers; it takes a quarter of the time."""
        return self._checked(arguments) is not None

    def _checked(
        self, arguments: Sequence[dict[str, Any]]
    ) -> list[tuple[Sequence[Any], Sequence[str] | None]] | None:
        """Values and reasons of each feature; None as in `read`."""
        if any(len(answer) != self._count for answer in arguments):
            return None
        try:
            columns = list(zip(*map(self._values_of, arguments), strict=True))
        except KeyError:
            return None
        checked: list[tuple[Sequence[Any], Sequence[str] | None]] = []
        for _, _, check, place, rationale_place in self._features:
            values = check(columns[place])
            reasons = None if rationale_place is None else columns[rationale_place]
            if values is None or (reasons is not None and set(map(type, reasons)) != {str}):
                return None
            checked.append((values, reasons))
        return checked
