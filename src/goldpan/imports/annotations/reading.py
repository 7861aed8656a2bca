"""From exports to answers here: joined, named and checked one by one. Where they go comes later."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from goldpan.errors import AnswerError
from goldpan.files import canonical_json
from goldpan.imports.annotations.annotators import LEFT_OUT_BY_MAP, sheet_of_ours
from goldpan.imports.annotations.comparing import TextComparison
from goldpan.imports.annotations.exported import ExportedAnnotation
from goldpan.imports.annotations.joining import JoinIndex, NotJoinedError
from goldpan.imports.annotations.mapping import AnnotationMap
from goldpan.imports.annotations.offsets import RecordText, record_texts
from goldpan.imports.annotations.outcome import ImportOutcome
from goldpan.imports.annotations.plain_rows import BESIDE_ANSWERS
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


@dataclass(frozen=True)
class OurRows(Generic[RowT]):
    """What stands in the rows that annotations are joined to.

    Attributes:
        records: the data of all of them.
        data_of, shown_in: the data of a row, and the fields that people see.
        shows_same: whether an annotation is about the text that its row has now.
    """

    records: Iterable[Mapping[str, Any]]
    data_of: Callable[[RowT], Mapping[str, Any]]
    shown_in: Callable[[RowT], Mapping[str, Any]]
    shows_same: Callable[[RowT, ExportedAnnotation], bool] = lambda row, annotation: True


class AnnotationReader(Generic[RowT]):
    """Reads annotations, and accounts for each of them.

    Args:
        index: finds rows of ours.
        rows: what stands in them.
        annotator_of: who an annotation is by; None to leave it out. May raise AnswerError.
        values: reads the answers.
        settings: the map.
        outcome: what is counted.
        said_before: an annotation and a feature -> the answer that is there already, and where.

    Attributes:
        times: reads times.
        compared: how many of the annotations that fit have a text that was compared with ours.
    """

    def __init__(
        self,
        index: JoinIndex[RowT],
        rows: OurRows[RowT],
        annotator_of: Callable[[ExportedAnnotation], str | None],
        values: ValueReader,
        settings: AnnotationMap,
        outcome: ImportOutcome,
        said_before: Callable[[TakenAnnotation[RowT], str], tuple[Any, str] | None] = lambda taken, name: (
            None
        ),
    ):
        self._index, self._rows, self._annotator_of = index, rows, annotator_of
        self._values, self._settings, self._outcome = values, settings, outcome
        self._said_before = said_before
        self._comparison = TextComparison(rows.records, settings, values.questions, index.key)
        self.times = TimeReader()
        self.compared = 0

    def read(self, annotations: Sequence[ExportedAnnotation]) -> list[TakenAnnotation[RowT]]:
        """Those annotations that fit, in their order."""
        outcome = self._outcome
        joined = self._joined(annotations)
        comparable = [
            (annotation, self._rows.data_of(row))
            for annotation, row in joined
            if self._is_comparable(row, annotation)
        ]
        self._comparison.learn(comparable)
        fitting: list[tuple[TakenAnnotation[RowT], bool]] = []
        for annotation, row in joined:
            try:
                taken, has_told = self._taken(annotation, row)
            except NotJoinedError as error:
                outcome.add_not_joined(annotation.place, error.why, str(error))
                continue
            except AnswerError as error:
                outcome.add_unfit(annotation.place, [error.what])
                continue
            if isinstance(taken, str):
                outcome.left_out[taken] += 1
            elif taken.read.faults:
                outcome.add_unfit(annotation.place, taken.read.faults)
            else:
                fitting.append((taken, has_told))
        self._forget_what_is_no_question()
        return self._without_contradictions(fitting)

    def _joined(self, annotations: Sequence[ExportedAnnotation]) -> list[tuple[ExportedAnnotation, RowT]]:
        """All that are answers, with the rows that they are about; the others are counted."""
        joined = []
        for annotation in annotations:
            self._outcome.read += 1
            if annotation.left_out:
                self._outcome.left_out[annotation.left_out] += 1
                continue
            try:
                joined.append((annotation, self._index.of(annotation)))
            except NotJoinedError as error:
                self._outcome.add_not_joined(annotation.place, error.why, str(error))
        return joined

    def _is_comparable(self, row: RowT, annotation: ExportedAnnotation) -> bool:
        return not self._index.is_new(row) and self._rows.shows_same(row, annotation)

    def _taken(self, annotation: ExportedAnnotation, row: RowT) -> tuple[TakenAnnotation[RowT] | str, bool]:
        """The annotation in our words, or why it is left out; and whether a text of it was compared."""
        fields = dict(self._rows.shown_in(row))
        has_told = True
        if self._is_comparable(row, annotation):
            # Tools that have one text only were given all fields of the item in it.
            of_ours = sheet_of_ours(annotation) is not None
            has_told = self._comparison.check(annotation, fields, self._rows.data_of(row), of_ours) or of_ours
        annotator = self._annotator_of(annotation)
        if annotator is None:
            return LEFT_OUT_BY_MAP, has_told
        texts = self._texts(fields)
        markable = annotation.markable or tuple(annotation.data)
        shown = [text for name in markable if isinstance(text := annotation.data.get(name), str)]
        read = self._values.read(annotation, annotator, texts, shown)
        if not (read.values or read.faults or annotation.flag or annotation.note):
            return NO_ANSWER, has_told
        return TakenAnnotation(row, annotator, read, None, None, annotation), has_told

    def _texts(self, fields: dict[str, object]) -> list[RecordText]:
        texts = record_texts(fields)
        named = set(self._settings.texts)
        return [text for text in texts if text.name in named] or texts if named else texts

    def _forget_what_is_no_question(self) -> None:
        """Leave out of the questions without a feature what was read as something else."""
        settings = self._settings
        told = {settings.annotator, settings.seconds, settings.answered_at, settings.note}
        for name in {*self._comparison.fields, *BESIDE_ANSWERS, *settings.rows.values(), *filter(None, told)}:
            if name not in self._values.asked_apart:
                del self._values.unused[name]

    def _without_contradictions(
        self, fitting: Sequence[tuple[TakenAnnotation[RowT], bool]]
    ) -> list[TakenAnnotation[RowT]]:
        """Those that no other of the same annotator contradicts: which of them holds, nobody can say."""
        said: dict[tuple[int, str, str], list[tuple[Any, str]]] = {}
        for one, _ in fitting:
            for feature, value in one.read.values.items():
                key = (id(one.row), one.annotator, feature)
                said.setdefault(key, []).append((value, one.annotation.place))
        taken: list[TakenAnnotation[RowT]] = []
        kept: set[bytes] = set()
        repeated = 0
        for one, has_told in fitting:
            faults = self._contradictions(one, said)
            if faults:
                self._outcome.add_unfit(one.annotation.place, faults)
                continue
            self._outcome.taken += 1
            self.compared += has_told
            annotation = one.annotation
            told = canonical_json(
                [id(one.row), one.annotator, one.read.values, annotation.flag, annotation.note]
            )
            repeated += told in kept and bool(one.annotator)
            kept.add(told)
            seconds = self.times.seconds(annotation.seconds)
            answered_at = self.times.answered_at(annotation.answered_at)
            taken.append(replace(one, seconds=seconds, answered_at=answered_at))
        if repeated:
            self._outcome.notes.append(
                f"{repeated:,} of them say again what the same annotator says of the item"
            )
        return taken

    def _contradictions(
        self, one: TakenAnnotation[RowT], said: Mapping[tuple[int, str, str], Sequence[tuple[Any, str]]]
    ) -> list[str]:
        """Where its annotator says something else about the row in another place."""
        found = []
        for feature, value in one.read.values.items() if one.annotator else ():
            there = self._said_before(one, feature)
            others = [*said[id(one.row), one.annotator, feature], *([there] if there else [])]
            other = next(((answer, place) for answer, place in others if answer != value), None)
            if other is not None:
                now, before = (canonical_json(answer).decode() for answer in (value, other[0]))
                found.append(
                    f"`{one.annotator}` answers `{feature}` with {now} here, but with {before} in {other[1]}"
                )
        return found
