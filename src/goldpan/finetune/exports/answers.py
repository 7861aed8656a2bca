"""The answer that a model is to learn: as the task's schema would have it, of chosen features, checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from goldpan.errors import AnswerError, WhereError
from goldpan.tasks.answers import AnswerReader
from goldpan.tasks.features import Feature, value_of
from goldpan.tasks.task import Task
from goldpan.tasks.where import Where


class AnswerWriter:
    """Writes answers to a task, or to a shorter form of it.

    Args:
        task: what was asked.
        features: names of those that the answer holds; others may be among them.
        rationales: whether it holds the task's reasons.

    Attributes:
        task: the task in the form that the answer has: its schema is that of the answer.
    """

    def __init__(self, task: Task, features: Collection[str], rationales: bool):
        self.task = shorter_task(task, features, rationales)
        self._reader = AnswerReader(self.task, "json_schema")

    def arguments(self, values: Mapping[str, Any], rationales: Mapping[str, str]) -> dict[str, Any]:
        """The fields of an answer, in the order of the schema.

        Args:
            values: feature -> value.
            rationales: feature -> reason, of all features that have one.

        Raises:
            AnswerError: it is no answer to the task, or would be read as another one.
        """
        given: dict[str, Any] = {}
        for feature in self.task.features:
            if feature.rationale_key:
                given[feature.rationale_key] = rationales[feature.name]
            given[feature.key] = values[feature.name]
        read = self._reader.predictions_from_tool_call(self.task.function_name, given)
        for feature in self.task.features:
            value = value_of(read[feature.name])
            if not _is_same(value, values[feature.name]):
                raise AnswerError(f"`{feature.key}` would be read as {value!r}, beside the others")
            given[feature.key] = value
        return given


def shorter_task(task: Task, features: Collection[str], rationales: bool) -> Task:
    """A task with some of its features, with or without its reasons; the task itself where that is all of it.

    Rules between features stay where all that they name stays. What a Pydantic model says besides holds only
    of the whole answer.

    Raises:
        TaskError: none of the features is left.
    """
    kept = [feature for feature in task.features if feature.name in features]
    if len(kept) == len(task.features) and (rationales or not any(map(_has_reason, kept))):
        return task
    names = {feature.name for feature in kept}
    return replace(
        task,
        features=tuple(_shortened(feature, kept, rationales) for feature in kept),
        exclusive=tuple(
            group.model_copy(update={"order": order})
            for group in task.exclusive
            if len(order := [name for name in group.order if name in names]) > 1
        ),
        answer_model=None,
        answer_model_source=None,
        expected={},
    )


def _has_reason(feature: Feature) -> bool:
    return bool(feature.rationale)


def _shortened(feature: Feature, kept: list[Feature], rationales: bool) -> Feature:
    changes: dict[str, Any] = {} if rationales else {"rationale": False}
    if feature.required_when:
        others = [
            other if rationales else other.model_copy(update={"rationale": False})
            for other in kept
            if other is not feature
        ]
        try:
            Where.parse(feature.required_when, others)
        except WhereError:
            # It names a feature, or a reason, that is not asked for.
            changes["required_when"] = None
    return feature.model_copy(update=changes)


def _is_same(value: Any, given: Any) -> bool:
    """Whether a value is the one that was given, apart from the order of labels and whole numbers as 2.0."""
    if isinstance(value, list) and isinstance(given, list):
        return len(value) == len(given) and all(map(_is_same, _in_order(value), _in_order(given)))
    # True equals 1 in Python.
    return bool(value == given) and isinstance(value, bool) is isinstance(given, bool)


def _in_order(values: list[Any]) -> list[Any]:
    return sorted(values) if all(isinstance(value, str) for value in values) else values
