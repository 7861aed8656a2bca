"""What `--map FILE.yaml` says: which question is which feature, which label which, and who is who."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from goldpan.errors import StudyError
from goldpan.study.yaml_file import read_yaml
from goldpan.tasks.features import Extraction, Feature
from goldpan.tasks.nearest import suggestion

_Label = str | bool | int | float | None


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)


class FeatureSource(_Model):
    """Where the answers to a feature come from.

    Attributes:
        question: name of the question, control, schema or column; or annotator -> column, where each has
            one. By default it is called like the feature.
        labels: their label -> ours; null leaves it out. Labels that are not named stay as they are.
        otherwise: the answer where none of `labels` was picked.
        text_to: the field of an extracted object that has what was marked.
        label_to: its field that has the label.
    """

    question: str | dict[str, str] | None = Field(None, alias="from")
    labels: dict[str, _Label] = Field(default_factory=dict)
    otherwise: _Label = None
    text_to: str | None = None
    label_to: str | None = None

    @field_validator("labels", mode="before")
    @classmethod
    def _labels_are_text(cls, value: Any) -> Any:
        """Labels that YAML reads as numbers are what they look like; of truth values it forgets that."""
        if not isinstance(value, dict):
            return value
        if any(isinstance(label, bool) for label in value):
            raise ValueError("put labels such as `yes`, `no` and `true` in quotes: YAML makes one of several")
        return {
            str(label) if isinstance(label, int | float) else label: ours for label, ours in value.items()
        }


_BY_NAME = FeatureSource()
"""Where the answers to a feature come from of which a map says nothing."""


class AnnotationMap(_Model):
    """How an export fits a study.

    Attributes:
        key: as `--key`.
        features: feature -> where its answers come from.
        annotator: the field with the annotator's name.
        annotators: their name -> ours; null leaves out what that one said.
        texts: our field -> their field with the same text.
        offsets: what offsets of marked places count.
        seconds, answered_at, note: the fields with the time spent, with when it was answered, and with notes.
        rows: our field -> their field, of rows that a golden set does not have yet.
    """

    key: str | None = None
    features: dict[str, FeatureSource] = Field(default_factory=dict)
    annotator: str | None = None
    annotators: dict[str, str | None] = Field(default_factory=dict)
    texts: dict[str, str] = Field(default_factory=dict)
    offsets: Literal["code_points", "utf16"] | None = None
    seconds: str | None = None
    answered_at: str | None = None
    note: str | None = None
    rows: dict[str, str] = Field(default_factory=dict)

    @field_validator("features", mode="before")
    @classmethod
    def _names_alone(cls, value: Any) -> Any:
        """`tone: sentiment` is short for `tone: {from: sentiment}`."""
        if not isinstance(value, dict):
            return value
        return {
            name: {"from": source} if isinstance(source, str) else source for name, source in value.items()
        }

    def source_of(self, feature: str) -> FeatureSource:
        """Where the answers to a feature come from."""
        return self.features.get(feature, _BY_NAME)

    def question_of(self, feature: str, annotator: str) -> str:
        """The question that a feature was to an annotator; empty where that one was not asked."""
        question = self.source_of(feature).question
        return question.get(annotator, "") if isinstance(question, dict) else question or feature

    @property
    def columns_by_annotator(self) -> dict[str, dict[str, str]]:
        """annotator -> feature -> column, of tables in which each annotator has columns of their own."""
        columns: dict[str, dict[str, str]] = {}
        for feature, source in self.features.items():
            if isinstance(source.question, dict):
                for annotator, column in source.question.items():
                    columns.setdefault(annotator, {})[feature] = column
        return columns


def read_annotation_map(path: Path | None, features: Mapping[str, Feature]) -> AnnotationMap:
    """The map in a file; an empty one without.

    Args:
        path: of the YAML file.
        features: by name, those that labels are wanted for.

    Raises:
        StudyError: not YAML, not the form of a map, or it names a feature or a field that there is not.
    """
    if path is None:
        return AnnotationMap()
    if not path.is_file():
        raise StudyError("there is no such file", where=str(path), remedy="docs/imports.md shows one")
    try:
        found = AnnotationMap.model_validate(read_yaml(path))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise StudyError(
            f"{key}: {first['msg']}", where=str(path), remedy="docs/imports.md has what may stand in a map"
        ) from None
    for name, source in found.features.items():
        if name not in features:
            raise StudyError(f"there is no feature `{name}`; {suggestion(name, features)}", where=str(path))
        feature = features[name]
        own = [field.name for field in feature.fields] if isinstance(feature, Extraction) else []
        for field in filter(None, (source.text_to, source.label_to)):
            if field not in own:
                raise StudyError(
                    f"an object of `{name}` has no field `{field}`; {suggestion(field, own)}", where=str(path)
                )
    return found
