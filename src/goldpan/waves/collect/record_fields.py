"""Values of features that stand in fields of records: labels that data already have, or an LLM's answers.

They are read as cells of sheets are. What is no value of its feature is gathered, so that one error names
the first of them and their number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from goldpan.errors import AnswerError, SourceError, StudyError
from goldpan.records.look_up import look_up
from goldpan.records.model import Record
from goldpan.records.source_rows import fields_unmet
from goldpan.study.load import Project
from goldpan.tasks.features import Feature
from goldpan.tasks.nearest import suggestion
from goldpan.visible_text import with_code_points
from goldpan.waves.answer_text import answer_text
from goldpan.waves.codebook import CANNOT_TELL
from goldpan.waves.collect.cell_values import is_empty, read_cell

_MOST_NAMED = 5


class RecordFields:
    """Reads the values of features from fields of records.

    Args:
        features: by name.
        fields: feature -> its field (`a.b` goes inside; `data.` may stand before it).
        place: where a record stands in the user's files, for errors.
        where: place of the fields in the study, for errors.
        required: whether a field without a value is a fault, too.

    Attributes:
        features: as given.
        repaired: feature -> how many values were not written exactly as their label, but mean one.
        faults: how many values were none of their feature.
    """

    def __init__(
        self,
        features: Mapping[str, Feature],
        fields: Mapping[str, str],
        place: Callable[[Record], str],
        where: str,
        required: bool = False,
    ):
        self.features, self._place, self._where = features, place, where
        self._required = required
        self._fields = {feature: field_path(field) for feature, field in fields.items()}
        self.repaired: Counter[str] = Counter()
        self._examples: dict[str, str] = {}
        self.faults = 0
        self._first_faults: list[tuple[str, str]] = []
        self._known: dict[str, None] = {}
        self._unmet = set(self._fields.values())

    def values(self, record: Record) -> dict[str, Any]:
        """The values of a record; None is "cannot tell". A feature whose field is empty or absent is left
        out, and so is one whose field holds no value of it (see `finish`)."""
        values, faults = self.read(record)
        for fault in faults:
            self.faults += 1
            if self.faults <= _MOST_NAMED:
                self._first_faults.append((self._place(record), fault))
        return values

    def read(self, record: Record) -> tuple[dict[str, Any], list[str]]:
        """The values of a record as by `values`, and what is wrong with its other fields, which is left to
        the caller."""
        values: dict[str, Any] = {}
        faults: list[str] = []
        data = record["data"]
        if self._unmet:
            self._known.update(dict.fromkeys(data))
        for feature, field in self._fields.items():
            is_there, cell = look_up(data, field)
            if is_there:
                self._unmet.discard(field)
            try:
                if is_empty(cell):
                    if self._required:
                        raise AnswerError(f"`{feature}`: there is no value, and every record must have one")
                    continue
                read = read_cell(self.features[feature], cell, cannot_tell=True)
            except AnswerError as error:
                faults.append(f"record `{record['id']}`, field `{field}`: {error.what}")
                continue
            if read.repaired and isinstance(cell, str | list):
                self.repaired[feature] += 1
                self._examples.setdefault(
                    feature, f"{with_code_points(str(cell))!r} for {self._written(feature, read.value)!r}"
                )
            values[feature] = read.value
        return values, faults

    def _written(self, feature: str, value: Any) -> str:
        return CANNOT_TELL if value is None else answer_text(self.features[feature], value)

    def notes(self) -> list[str]:
        """What was taken for what, a sentence for each feature."""
        return [
            f"{feature}: values that are not written as the label they mean: {count:,}, as"
            f" {self._examples[feature]}."
            for feature, count in self.repaired.items()
        ]

    def finish(self, remedy: str) -> None:
        """Say what was wrong, once all records are read.

        Raises:
            StudyError: no record has one of the fields.
            SourceError: values that are none of their features; the first ones are named.
        """
        for field in sorted(self._unmet):
            nearest = suggestion(field, self._known) or "there are no records"
            raise StudyError(f"no record has a field `{field}`; {nearest}", where=self._where)
        self.check(remedy)

    def check(self, remedy: str) -> None:
        """Say which values were wrong so far.

        Raises:
            SourceError: values that are none of their features; the first ones are named.
        """
        if not self.faults:
            return
        (where, what), *others = self._first_faults
        more = [f"{place}: {fault}" for place, fault in others]
        if self.faults > _MOST_NAMED:
            more.append(f"and {self.faults - _MOST_NAMED:,} more such values")
        raise SourceError("\n  ".join([what, *more]), where=where, remedy=remedy)


def field_path(field: str) -> str:
    """A field of the study as a path into the data of a record."""
    return field.removeprefix("data.")


def check_fields_exist(project: Project, sources: Iterable[str], fields: Iterable[str], where: str) -> None:
    """Check that some row of the sources, within their limits, has each field.

    Args:
        fields: paths into the data of a record (`a.b` goes inside).
        where: their place in the study, for the error.

    Raises:
        StudyError: no row has a field, or a pattern matches no file.
        SourceError: a file cannot be read.
    """
    unmet, known = fields_unmet(project, sources, fields)
    for field in unmet:
        raise StudyError(
            f"no row has a field `{field}`; {suggestion(field, known) or 'there are no rows'}", where=where
        )
