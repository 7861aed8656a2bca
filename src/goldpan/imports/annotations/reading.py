"""From exports to answers here: joined, named and checked one by one. Where they go comes later."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from goldpan.errors import AnswerError
from goldpan.files import canonical_json
from goldpan.imports.annotations.annotators import LEFT_OUT_BY_MAP, sheet_of_ours
from goldpan.imports.annotations.exported import ExportedAnnotation
from goldpan.imports.annotations.joining import JoinIndex, NotJoinedError, check_same_texts
from goldpan.imports.annotations.mapping import AnnotationMap
from goldpan.imports.annotations.offsets import RecordText, record_texts
from goldpan.imports.annotations.outcome import ImportOutcome
from goldpan.imports.annotations.times import TimeReader
from goldpan.imports.annotations.values import ReadValues, ValueReader

RowT = TypeVar("RowT")
NO_ANSWER = "without an answer to any feature"


@dataclass(frozen=True)
class TakenAnnotation(Generic[RowT]):
    """An annotation that fits.

    Attributes:
        row: of ours that it is about.
        annotator: as they are called here.
        read: the answers.
        seconds, answered_at: as far as they are times.
        annotation: as exported.
    """

    row: RowT
    annotator: str
    read: ReadValues
    seconds: float | None
    answered_at: str | None
    annotation: ExportedAnnotation


class AnnotationReader(Generic[RowT]):
    """Reads annotations, and accounts for each of them.

    Args:
        index: finds rows of ours.
        fields_of: the fields of a row of ours that people see.
        annotator_of: who an annotation is by; None to leave it out. May raise AnswerError.
        values: reads the answers.
        settings: the map.
        outcome: what is counted.

    Attributes:
        times: reads times.
        compared: how many texts were compared with ours.
    """

    def __init__(
        self,
        index: JoinIndex[RowT],
        fields_of: Callable[[RowT], Mapping[str, object]],
        annotator_of: Callable[[ExportedAnnotation], str | None],
        values: ValueReader,
        settings: AnnotationMap,
        outcome: ImportOutcome,
    ):
        self._index, self._fields_of, self._annotator_of = index, fields_of, annotator_of
        self._values, self._settings, self._outcome = values, settings, outcome
        self.times = TimeReader()
        self.compared = 0

    def read(self, annotations: Sequence[ExportedAnnotation]) -> Iterator[TakenAnnotation[RowT]]:
        """Those annotations that fit, in their order."""
        outcome = self._outcome
        said: dict[tuple[int, str, str], tuple[Any, str]] = {}
        for annotation in annotations:
            outcome.read += 1
            if annotation.left_out:
                outcome.left_out[annotation.left_out] += 1
                continue
            try:
                taken = self._taken(annotation)
            except NotJoinedError as error:
                outcome.add_not_joined(annotation.place, error.why, str(error))
                continue
            except AnswerError as error:
                outcome.add_unfit(annotation.place, [error.what])
                continue
            if isinstance(taken, str):
                outcome.left_out[taken] += 1
            elif faults := taken.read.faults or _contradictions(taken, said):
                outcome.add_unfit(annotation.place, faults)
            else:
                outcome.taken += 1
                yield taken

    def _taken(self, annotation: ExportedAnnotation) -> TakenAnnotation[RowT] | str:
        """The annotation in our words, or why it is left out."""
        row = self._index.of(annotation)
        fields = dict(self._fields_of(row))
        if sheet_of_ours(annotation) is None:
            self.compared += check_same_texts(annotation, fields, self._settings, self._values.questions)
        else:
            # Tools that have one text only were given all fields of the item in it.
            self.compared += 1
        annotator = self._annotator_of(annotation)
        if annotator is None:
            return LEFT_OUT_BY_MAP
        texts = self._texts(fields)
        markable = annotation.markable or tuple(annotation.data)
        shown = [text for name in markable if isinstance(text := annotation.data.get(name), str)]
        read = self._values.read(annotation, annotator, texts, shown)
        if not (read.values or read.faults or annotation.flag or annotation.note):
            return NO_ANSWER
        times = (self.times.seconds(annotation.seconds), self.times.answered_at(annotation.answered_at))
        return TakenAnnotation(row, annotator, read, *times, annotation)

    def _texts(self, fields: dict[str, object]) -> list[RecordText]:
        texts = record_texts(fields)
        named = set(self._settings.texts)
        return [text for text in texts if text.name in named] or texts if named else texts


def _contradictions(
    taken: TakenAnnotation[Any], said: dict[tuple[int, str, str], tuple[Any, str]]
) -> list[str]:
    """Where an annotator has said something else about a row before; what is said is added to `said`."""
    found = []
    if taken.annotator:
        for feature, value in taken.read.values.items():
            key = (id(taken.row), taken.annotator, feature)
            before, place = said.setdefault(key, (value, taken.annotation.place))
            if before != value:
                now = canonical_json(value).decode()
                found.append(
                    f"`{taken.annotator}` answers `{feature}` with {now} here, but with"
                    f" {canonical_json(before).decode()} in {place}"
                )
    return found
