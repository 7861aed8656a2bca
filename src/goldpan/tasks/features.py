"""The typed things a task finds out, and how each is spelled in an answer (flat names) and a prediction."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel as _BaseModel
from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from goldpan.errors import StudyError, TaskError
from goldpan.study.load import validate

# 54 characters and `_rationale` make 64, the longest property name all services take.
FeatureName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=54)]

Keyword = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^*]+\*?$", max_length=100)]


def _labels_as_text(value: Any) -> Any:
    """Say plainly what is wrong with a label that YAML did not read as text."""
    labels = list(value) if isinstance(value, list | dict) else None
    if labels is None:
        raise ValueError("must be a list of labels, or a mapping of labels to descriptions")
    for label in labels:
        if isinstance(label, bool):
            raise ValueError(
                f"label {label} is not text: quote it (YAML reads yes, no, on and off as true or false)"
            )
        if not isinstance(label, str):
            raise ValueError(f"label {label!r} is not text: put it in quotes")
        if not label.strip():
            raise ValueError("a label is empty")
    repeated = [label for label, count in Counter(labels).items() if count > 1]
    if repeated:
        raise ValueError(f"label `{repeated[0]}` is given twice")
    if isinstance(value, dict):
        return {label: "" if description is None else description for label, description in value.items()}
    return value


LabelList = Annotated[list[str], BeforeValidator(_labels_as_text)]
Labels = Annotated[list[str] | dict[str, str], BeforeValidator(_labels_as_text)]


class _Model(_BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


FOR_PEOPLE = frozenset({"title", "question", "keywords"})
"""Keys that only people see: no LLM is asked otherwise because of them."""


class _Feature(_Model):
    """What all features have.

    Attributes:
        name: unique within the task.
        description: what the annotator is told.
        rationale: ask for a reason in `<name>_rationale`; a string describes what it should say.
        abstain: allow `null`, meaning that the text does not say.
        required_when: a condition over other features of the task: where it holds there must be a value, and
            elsewhere there is none.
        title: a short name in words, which pages show in place of `name`.
        question: what annotators are asked, in a sentence, above the description.
        keywords: words that pages mark in the texts; one that ends in `*` stands for all that begin so.
    """

    name: FeatureName
    description: str = Field(min_length=1)
    rationale: bool | str = False
    abstain: bool = False
    required_when: str | None = Field(None, min_length=1)
    title: str | None = Field(None, min_length=1, max_length=80)
    question: str | None = Field(None, min_length=1)
    keywords: list[Keyword] | None = Field(None, min_length=1)

    @property
    def key(self) -> str:
        """The flat name of the value in an answer."""
        return self.name

    @property
    def rationale_key(self) -> str | None:
        """The flat name of the reason in an answer, if one is asked for."""
        return f"{self.name}_rationale" if self.rationale else None


class Binary(_Feature):
    """Is it there or not; flat name `<name>_detected`."""

    type: Literal["binary"]

    @property
    def key(self) -> str:
        return f"{self.name}_detected"


class Labelled(_Feature):
    """Features over a closed set of labels, each with an optional description."""

    labels: Labels = Field(min_length=2)

    @property
    def label_list(self) -> list[str]:
        """The labels in their order."""
        return list(self.labels)


class Classification(Labelled):
    """Exactly one label of a set."""

    type: Literal["classification"]


class Multilabel(Labelled):
    """Any labels of a set."""

    type: Literal["multilabel"]
    min_labels: int = Field(0, ge=0)
    max_labels: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _counts_can_be_met(self) -> Multilabel:
        most = len(self.labels) if self.max_labels is None else self.max_labels
        if not self.min_labels <= most <= len(self.labels):
            raise ValueError(f"needs min_labels <= max_labels <= {len(self.labels)}, the number of labels")
        return self


class Score(_Feature):
    """A number within bounds."""

    type: Literal["score"]
    min: float = Field(allow_inf_nan=False)
    max: float = Field(allow_inf_nan=False)
    integer: bool = True

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> Score:
        if not self.min < self.max:
            raise ValueError("min must be below max")
        if self.integer and not (self.min.is_integer() and self.max.is_integer()):
            raise ValueError("an integer score needs whole bounds; or say `integer: false`")
        return self


class Text(_Feature):
    """Free text; flat name `<name>_text`, or `<name>` with `bare: true`."""

    type: Literal["text"]
    bare: bool = False
    max_chars: int | None = Field(None, ge=1)

    @property
    def key(self) -> str:
        return self.name if self.bare else f"{self.name}_text"


class Field_(_Model):
    """One field of an extracted object; objects may nest."""

    name: FeatureName
    description: str = ""
    type: Literal["string", "integer", "number", "boolean", "object", "list"] = "string"
    labels: LabelList | None = Field(
        None, min_length=1, description="Allowed values of a string, or of each string in a list."
    )
    nullable: bool = False
    fields: list[Field_] | None = Field(
        None,
        min_length=1,
        description="Of an object, or of a list's items; a list without is one of strings.",
    )

    @model_validator(mode="after")
    def _nesting_fits_the_type(self) -> Field_:
        if self.type == "object" and not self.fields:
            raise ValueError(f"field `{self.name}` is an object and needs `fields`")
        if self.fields and self.type not in ("object", "list"):
            raise ValueError(f"field `{self.name}` is a {self.type} and cannot have `fields`")
        if self.labels and (self.fields or self.type not in ("string", "list")):
            raise ValueError(f"field `{self.name}`: only a string or a list of strings can have `labels`")
        _check_field_names(self.fields or [])
        return self


def _check_field_names(fields: list[Field_]) -> None:
    repeated = [name for name, count in Counter(field.name for field in fields).items() if count > 1]
    if repeated:
        raise ValueError(f"field `{repeated[0]}` is given twice")


class Extraction(_Feature):
    """A list of objects found in the text."""

    type: Literal["extraction"]
    fields: list[Field_] = Field(min_length=1)
    max_items: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _field_names_differ(self) -> Extraction:
        _check_field_names(self.fields)
        return self


class Ranking(_Feature):
    """All given items, best first; each exactly once."""

    type: Literal["ranking"]
    items: LabelList = Field(min_length=2)


Feature = Annotated[
    Binary | Classification | Multilabel | Score | Text | Extraction | Ranking,
    Field(discriminator="type"),
]
FEATURE_MODELS: dict[str, type[_Feature]] = {
    "binary": Binary,
    "classification": Classification,
    "multilabel": Multilabel,
    "score": Score,
    "text": Text,
    "extraction": Extraction,
    "ranking": Ranking,
}
"""feature type -> its model."""


def parse_feature(settings: dict[str, Any], where: str) -> Feature:
    """Build a feature from its keys.

    Args:
        settings: the keys as a task file has them.
        where: named in errors.

    Raises:
        TaskError: an unknown type, or a wrong, missing or unknown key.
    """
    kind = settings.get("type")
    remedy = "docs/tasks.md lists the keys of all feature types"
    if not isinstance(kind, str) or kind not in FEATURE_MODELS:
        what = f"there is no type {kind!r}" if "type" in settings else "the key `type` is required"
        raise TaskError(f"{what}; allowed: {', '.join(FEATURE_MODELS)}", where=where, remedy=remedy)
    try:
        return cast(Feature, validate(FEATURE_MODELS[kind], settings, Path(where)))
    except StudyError as error:
        raise TaskError(error.what, where=where, remedy=remedy) from None


class Exclusive(_Model):
    """Binary features of which at most one may hold; on a tie the first in `order` wins."""

    order: list[FeatureName] = Field(min_length=2)


PREDICTION_TYPES = {
    "binary": ("BinaryPrediction", "detected"),
    "classification": ("ClassificationPrediction", "label"),
    "multilabel": ("MultilabelPrediction", "labels"),
    "score": ("ScorePrediction", "score"),
    "text": ("TextPrediction", "text"),
    "extraction": ("ExtractionPrediction", "items"),
    "ranking": ("RankingPrediction", "ranking"),
}
"""feature type -> (name of the prediction type in features.jsonl, key that holds its value)."""


def prediction_of(feature_type: str, value: Any) -> dict[str, Any]:
    """The prediction of a value of a feature of some type, as it stands in `features.jsonl`."""
    name, key = PREDICTION_TYPES[feature_type]
    return {"type": name, key: value}


def value_of(prediction: dict[str, Any]) -> Any:
    """The bare value of a prediction object as it stands in `features.jsonl`; None when it abstained."""
    return prediction[_VALUE_KEYS[prediction["type"]]]


def is_prediction(value: Any) -> bool:
    """Whether a value is a prediction object of a type that is known, with its value."""
    kind = value.get("type") if type(value) is dict else None
    return type(kind) is str and kind in _VALUE_KEYS and _VALUE_KEYS[kind] in value


_VALUE_KEYS = dict(PREDICTION_TYPES.values())
