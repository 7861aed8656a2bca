"""The typed predictions of the trace critic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from goldpan.errors import TaskError


@dataclass(frozen=True, slots=True)
class _Prediction:
    def to_dict(self) -> dict[str, Any]:
        """The prediction as in a row of `features.jsonl`: with its `type`, without a rationale of None."""
        values = asdict(self)
        if values["rationale"] is None:
            del values["rationale"]
        return {"type": type(self).__name__, **values}


@dataclass(frozen=True, slots=True)
class BinaryPrediction(_Prediction):
    """Whether a feature was detected."""

    detected: bool
    rationale: str | None = None


@dataclass(frozen=True, slots=True)
class ClassificationPrediction(_Prediction):
    """Which label a feature has."""

    label: str
    rationale: str | None = None


@dataclass(frozen=True, slots=True)
class TextPrediction(_Prediction):
    """The text of a feature."""

    text: str
    rationale: str | None = None


Prediction = BinaryPrediction | ClassificationPrediction | TextPrediction

_PREDICTIONS: dict[str, type[Prediction]] = {
    kind.__name__: kind for kind in (BinaryPrediction, ClassificationPrediction, TextPrediction)
}


def typed_predictions(features: Mapping[str, Mapping[str, Any]]) -> dict[str, Prediction]:
    """The predictions of `features` in a row of `features.jsonl`, by feature, in their order.

    Raises:
        TaskError: the rubric was given a type of feature that the critic's Python API does not have.
    """
    return {name: _typed(name, prediction) for name, prediction in features.items()}


def _typed(name: str, prediction: Mapping[str, Any]) -> Prediction:
    values = dict(prediction)
    kind = values.pop("type")
    if kind not in _PREDICTIONS or values.get("abstained"):
        what = "an abstention" if kind in _PREDICTIONS else f"a {kind}"
        raise TaskError(
            f"the feature `{name}` is {what}, which has no type in the critic's Python API",
            remedy="read it from `to_dict()` of the annotation, or from features.jsonl",
        )
    return _PREDICTIONS[kind](**values)
