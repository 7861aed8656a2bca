"""Features that need a value where another feature says so, and have none elsewhere (`required_when`)."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from goldpan.errors import AnswerError, TaskError, WhereError
from goldpan.tasks.features import PREDICTION_TYPES, Feature
from goldpan.tasks.where import RECORD_KINDS, Where, values_of_row


class Requirement:
    """The rule of one feature: a value where the condition holds, null where it does not.

    Args:
        feature: it has a `required_when`.
        features: all features of its task; the condition names some of them.

    Raises:
        TaskError: the feature does not allow `null`, or the condition is wrong, names the feature itself or a
            field of the record, of which an answer knows nothing.
    """

    def __init__(self, feature: Feature, features: Iterable[Feature]):
        self._name, self._key = feature.name, feature.key
        self._value_key = PREDICTION_TYPES[feature.type][1]
        self._condition = feature.required_when or ""
        place = f"`{feature.name}`, required_when"
        if not feature.abstain:
            raise TaskError(f"{place}: the feature is null where nothing is required; add `abstain: true`")
        others = [other for other in features if other is not feature]
        try:
            self._where = Where.parse(self._condition, others)
        except WhereError as error:
            raise TaskError(f"{place}: {error.what}", where=error.where, remedy=error.remedy) from None
        of_record = sorted(_names(self._condition) & RECORD_KINDS.keys())
        if of_record:
            raise TaskError(
                f"{place}: `{of_record[0]}` belongs to the record; only features of the task can be named"
            )

    def apply(self, predictions: dict[str, dict[str, Any]], adjusted: list[str]) -> None:
        """Hold one answer to the rule: a value that nothing asks for becomes null, and that is noted.

        Raises:
            AnswerError: the value is null or empty although it is required.
        """
        prediction = predictions[self._name]
        value = prediction[self._value_key]
        if self._where.matches(values_of_row({}, predictions)):
            if value is None:
                raise AnswerError(f"`{self._key}` is null, and required when {self._condition}")
            if value == [] or (isinstance(value, str) and not value.strip()):
                raise AnswerError(f"`{self._key}` is empty, and required when {self._condition}")
        elif value is not None:
            prediction.update({self._value_key: None, "abstained": True})
            adjusted.append(f"`{self._name}` set to null: it is for {self._condition}")


def requirements_of(features: tuple[Feature, ...]) -> list[Requirement]:
    """The rules of the features that have one. Raises TaskError as `Requirement` does."""
    return [Requirement(feature, features) for feature in features if feature.required_when]


def _names(condition: str) -> set[str]:
    """All bare names of a condition that was parsed before."""
    tree = ast.parse(" ".join(condition.split()), mode="eval")
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
