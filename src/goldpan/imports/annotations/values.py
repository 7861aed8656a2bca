"""The values of our features in an annotation: questions become features, labels ours, spans objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from goldpan.errors import AnswerError
from goldpan.imports.annotations.exported import ExportedAnnotation
from goldpan.imports.annotations.mapping import AnnotationMap, FeatureSource
from goldpan.imports.annotations.offsets import PlacedSpan, RecordText, place_spans
from goldpan.records.look_up import look_up
from goldpan.tasks.features import Extraction, Feature, Multilabel, Ranking, Text
from goldpan.tasks.values import value_check
from goldpan.waves.answer_text import answer_text
from goldpan.waves.codebook import CANNOT_TELL, NONE_OF_THEM
from goldpan.waves.collect.cell_values import read_cell

_NOTHING = object()
"""No answer; None is "cannot tell"."""


@dataclass
class ReadValues:
    """What an annotation says in our words.

    Attributes:
        values: feature -> answer; None is "cannot tell".
        spans: feature -> for each object of it what is marked, as JSON values of a sheet.
        faults: what does not fit.
    """

    values: dict[str, Any] = field(default_factory=dict)
    spans: dict[str, list[list[dict[str, Any]]]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


class ValueReader:
    """Reads the values of features from annotations.

    Args:
        features: by name.
        settings: how an export fits them.
        cannot_tell: whether one may have abstained.

    Attributes:
        used: the questions that were read, each with the number of its answers.
        unused: those that no feature is read from, likewise.
        asked_apart: those of `unused` that are questions of a tool, and no columns of its rows.
        repaired: feature -> how many answers were written otherwise than the label that they mean.
        example: feature -> one of them.
    """

    def __init__(self, features: Mapping[str, Feature], settings: AnnotationMap, cannot_tell: bool):
        self.features, self.settings, self._cannot_tell = features, settings, cannot_tell
        self.used: Counter[str] = Counter()
        self.unused: Counter[str] = Counter()
        self.asked_apart: set[str] = set()
        self.repaired: Counter[str] = Counter()
        self.example: dict[str, str] = {}

    @cached_property
    def questions(self) -> set[str]:
        """All questions that features are read from."""
        read: set[str] = set()
        for name in self.features:
            question = self.settings.source_of(name).question
            read |= set(question.values()) if isinstance(question, dict) else {question or name}
        # What is inside of a column is one of its parts.
        return read | {question.partition(".")[0] for question in read}

    def read(
        self,
        annotation: ExportedAnnotation,
        annotator: str,
        texts: Sequence[RecordText],
        shown: Sequence[str],
    ) -> ReadValues:
        """The values of an annotation.

        Args:
            annotation: what was said.
            annotator: by whom, as they are called here.
            texts: of the record that it is about.
            shown: texts that the tool had of it.
        """
        read = ReadValues()
        asked: set[str] = set()
        for name, feature in self.features.items():
            question = self.settings.question_of(name, annotator)
            asked.add(question)
            try:
                self._read_feature(read, feature, question, annotation, texts, shown)
            except AnswerError as error:
                what = error.what if error.what.startswith(f"`{name}`") else f"`{name}`: {error.what}"
                read.faults.append(what)
        self.used.update(annotation.questions & asked)
        unused = annotation.questions - self.questions
        self.unused.update(unused)
        self.asked_apart |= unused - annotation.data.keys()
        return read

    def _read_feature(
        self,
        read: ReadValues,
        feature: Feature,
        question: str,
        annotation: ExportedAnnotation,
        texts: Sequence[RecordText],
        shown: Sequence[str],
    ) -> None:
        """Take the answer to one feature, if there is one. Raises AnswerError where it does not fit."""
        source = self.settings.source_of(feature.name)
        if question in annotation.unreadable:
            raise AnswerError(annotation.unreadable[question])
        if question in annotation.spans:
            if not isinstance(feature, Extraction):
                raise AnswerError(f"places are marked, which are no answer to a {feature.type}")
            placed = place_spans(annotation.spans[question], texts, shown, self.settings.offsets)
            self._read_spans(read, feature, source, placed)
            return
        has, value = look_up(annotation.answers, question)
        said = value if has and value not in (None, "") else _NOTHING
        if said is _NOTHING and question in annotation.unanswered and source.otherwise is not None:
            said = []
        if said is _NOTHING:
            return
        cell = _cell(feature, source, said)
        if cell is _NOTHING:
            return
        answer = read_cell(feature, cell, self._cannot_tell)
        read.values[feature.name] = answer.value
        if answer.repaired and isinstance(cell, str) and cell != CANNOT_TELL:
            self.repaired[feature.name] += 1
            self.example.setdefault(feature.name, f"{cell!r} for {answer_text(feature, answer.value)!r}")

    def _read_spans(
        self, read: ReadValues, feature: Extraction, source: FeatureSource, placed: Sequence[PlacedSpan]
    ) -> None:
        text_to, label_to = _fields_of(feature, source)
        objects, spans = [], []
        for span in placed:
            label = source.labels.get(span.label, span.label)
            if label is None:
                continue
            value: dict[str, Any] = {part.name: None for part in feature.fields if part.nullable}
            value[text_to] = span.text
            if label_to is not None:
                value[label_to] = label
            objects.append(value)
            spans.append([_as_marked(span, text_to)])
        read.values[feature.name] = value_check(feature)(objects)
        if any(spans):
            read.spans[feature.name] = spans


def _as_marked(span: PlacedSpan, of: str) -> dict[str, Any]:
    """A span as the page of a sheet exports it."""
    return {
        "of": of,
        "field": span.of.field,
        "path": list(span.of.path),
        "start": span.start,
        "end": span.end,
        "text": span.text,
    }


def _fields_of(feature: Extraction, source: FeatureSource) -> tuple[str, str | None]:
    """The fields of an object that have its text and its label. Raises AnswerError where it is not clear."""
    strings = [part for part in feature.fields if part.type == "string"]
    labelled = [part.name for part in strings if part.labels]
    label_to = source.label_to or (labelled[0] if len(labelled) == 1 else None)
    plain = [part.name for part in strings if not part.labels and part.name != label_to]
    text_to = source.text_to or (plain[0] if len(plain) == 1 else None)
    if text_to is None:
        raise AnswerError("say with `text_to` of a map which field of an object has what is marked")
    if label_to is None and len(labelled) > 1:
        raise AnswerError("say with `label_to` of a map which field of an object has the label")
    return text_to, label_to


def _cell(feature: Feature, source: FeatureSource, said: Any) -> Any:
    """An answer with our labels, as a cell has it. Raises AnswerError where several hold and one may."""
    if said == [CANNOT_TELL]:
        return CANNOT_TELL
    if isinstance(said, dict):
        if not isinstance(feature, Extraction):
            raise AnswerError("it is an object, not an answer")
        return [said]
    if isinstance(said, list) and said and not all(isinstance(part, str | int | float) for part in said):
        if not isinstance(feature, Extraction):
            raise AnswerError("it is a list of objects, not an answer")
        return said
    if isinstance(feature, Text | Extraction):
        return _only(said) if isinstance(said, list) and isinstance(feature, Text) else said
    labels = said if isinstance(said, list) else [said]
    if source.labels:
        labels = _with_our_labels(source, labels)
    if isinstance(feature, Multilabel | Ranking):
        if len(labels) == 1 and (not isinstance(said, list) or labels[0] == NONE_OF_THEM):
            return labels[0]
        return _NOTHING if source.labels and not labels and said else labels
    return _only(labels)


def _with_our_labels(source: FeatureSource, labels: Sequence[Any]) -> list[Any]:
    """Labels as they are called here; those that the map leaves out are not among them."""
    ours: list[Any] = []
    for label in labels:
        key = label_text(label)
        if key in source.labels:
            ours.append(source.labels[key])
        elif source.otherwise is None:
            ours.append(label)
    ours = [label for label in dict.fromkeys(ours) if label is not None]
    return ours or ([] if source.otherwise is None else [source.otherwise])


def label_text(label: Any) -> str:
    """A label as a map writes it: 1.0 is `1`, a truth value `true` or `false`."""
    if isinstance(label, bool):
        return str(label).lower()
    return f"{label:.15g}" if isinstance(label, int | float) else str(label)


def _only(labels: Sequence[Any]) -> Any:
    if len(labels) > 1:
        listed = " and ".join(f"`{label}`" for label in labels)
        raise AnswerError(f"{listed} are picked, but only one can hold")
    return labels[0] if labels else _NOTHING
