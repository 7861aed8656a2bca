"""The answers of stages to one feature, row by row, and those of several stages joined by item id."""

from __future__ import annotations

import sqlite3
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson

from goldpan.closing import ClosedAtEnd
from goldpan.error_analysis.items import AnswerFiles
from goldpan.errors import SourceError
from goldpan.evaluation.coding import FeatureValues
from goldpan.evaluation.predictions import OK, sample_keys
from goldpan.records.temporary_database import TemporaryDatabase
from goldpan.stages.rows import FeatureRow, read_features
from goldpan.tasks.features import value_of
from goldpan.waves.items import item_id


@dataclass(frozen=True)
class StageAnswer:
    """What a stage answered about one record.

    Attributes:
        id, item_id: of the record.
        key: of its answer, in the form in which equal ones are equal.
        samples: keys of several independent answers, where there are some.
    """

    id: str
    item_id: str
    key: Hashable
    samples: tuple[Hashable, ...]


def stage_answers(files: AnswerFiles, values: FeatureValues) -> Iterator[StageAnswer]:
    """The answers of a stage to one feature; rows without one are passed over.

    Raises:
        SourceError: a line is damaged or no such row, or its value does not fit the feature.
    """
    for _, _, answer in _values_of(files, values):
        yield answer


class AnswersByItem(ClosedAtEnd):
    """The answers of some stages, kept on disk so that they can be looked up by item id. A context manager.

    Args:
        stages: whose answers.
        values: how the values of the feature compare.

    Raises:
        SourceError: a file is damaged, or has two rows of one record.
    """

    def __init__(self, stages: Sequence[AnswerFiles], values: FeatureValues) -> None:
        self._values = values
        self._answered = [0] * len(stages)
        self._database = TemporaryDatabase(
            "answers (item TEXT, stage INTEGER, value BLOB, PRIMARY KEY (item, stage)) WITHOUT ROWID"
        )
        try:
            for place, files in enumerate(stages):
                self._read(place, files)
        except BaseException:
            self.close()
            raise

    def of(self, item: str) -> Mapping[int, Hashable]:
        """Number of the stage -> key of its answer, of the stages that have one."""
        if not self._answered:
            return {}
        rows = self._database.connection.execute("SELECT stage, value FROM answers WHERE item = ?", (item,))
        return {place: self._values.key(orjson.loads(value)) for place, value in rows}

    def answered(self, place: int) -> int:
        """How many rows of the stage of that number have an answer."""
        return self._answered[place]

    def close(self) -> None:
        """Delete them."""
        self._database.close()

    def _read(self, place: int, files: AnswerFiles) -> None:
        for number, value, answer in _values_of(files, self._values):
            row = (answer.item_id, place, value)
            try:
                self._database.connection.execute("INSERT INTO answers VALUES (?, ?, ?)", row)
            except sqlite3.IntegrityError:
                raise SourceError(
                    f"there are two rows of record `{answer.id}`", where=f"{files.features}, line {number}"
                ) from None
            self._answered[place] += 1


def _values_of(files: AnswerFiles, values: FeatureValues) -> Iterator[tuple[int, bytes, StageAnswer]]:
    """(line, value as JSON, answer) of all rows with an answer."""
    for number, row in read_features(files.features):
        answer = row["features"].get(files.feature) if row["state"] == OK else None
        if answer is None:
            continue
        value = value_of(answer)
        try:
            made = _answer(row, values, files.feature, values.key(value))
        except (KeyError, TypeError, ValueError) as error:
            raise SourceError(
                f"what stands here for `{files.feature}` does not fit it: {error}",
                where=f"{files.features}, line {number}",
            ) from None
        yield number, orjson.dumps(value), made


def _answer(row: FeatureRow, values: FeatureValues, feature: str, key: Hashable) -> StageAnswer:
    return StageAnswer(row["id"], item_id(row["id"]), key, sample_keys(row, values, feature))
