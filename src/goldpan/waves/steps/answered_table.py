"""An LLM's answers that already stand in a table: what a wave without a stage is drawn from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goldpan.errors import SourceError, StudyError
from goldpan.records.model import Record
from goldpan.records.read import iter_records
from goldpan.records.seen import SeenIds
from goldpan.stages.rows import FeatureRow
from goldpan.study.wave import AnsweredTable
from goldpan.tasks.features import PREDICTION_TYPES, Feature, Score, Text
from goldpan.tasks.nearest import suggestion
from goldpan.waves.collect.record_fields import RecordFields, field_path

_ANSWERS_OF_SOMEBODY = re.compile(r"(llm|annotator_[^\W_]+)(_.+)?", re.IGNORECASE)
_CONFIDENCE = Score(
    name="confidence", type="score", description="The LLM's confidence.", min=0, max=1, integer=False
)
_RATIONALE = Text(name="rationale", type="text", description="The LLM's reasons.")
_REMEDY = "correct the table, or leave the cell empty: a record without an answer is not drawn"


@dataclass(frozen=True)
class AnsweredRows:
    """The records of tables with the LLM's answers.

    What the LLM, or an annotator, said about a record is no part of its data: a blind sheet must not show it.

    Attributes:
        table: what the study says.
        features: those that annotators answer, by name.
        records: the records files of the sources.
        place: where a record stands in the user's files, for errors.
        where: place of the table in the study, for errors.
        is_strict: whether cells that are no answers, fields that no record has, and ids that occur twice are
            errors; else such records are not drawn, and of rows with one id the first counts.
        repeated: name of a file -> how many of its rows were passed over for their id, when `rows` was last
            called.
    """

    table: AnsweredTable
    features: Mapping[str, Feature]
    records: Sequence[Path]
    place: Callable[[Record], str]
    where: str
    is_strict: bool = True
    repeated: Counter[str] = field(default_factory=Counter)

    def rows(self, *, with_data: bool) -> Iterator[tuple[FeatureRow, dict[str, Any]]]:
        """Each record's answers with its data, which is empty unless `with_data`.

        Raises:
            StudyError: no record has one of the fields.
            SourceError: two records have one id, or cells are no answers; the first ones are named.
            The last three only if `is_strict`.
        """
        self.repeated.clear()
        fields = self._fields()
        hidden = hidden_fields(self.table, self.features)
        with SeenIds() as seen:
            for path in self.records:
                for record in iter_records(path):
                    earlier = seen.add(record["id"], self.place(record))
                    if earlier is not None and not self.is_strict:
                        self.repeated[record["file"]] += 1
                        continue
                    if earlier is not None:
                        raise SourceError(
                            f"the id {record['id']!r} occurs twice: here and at {earlier}",
                            where=self.place(record),
                            remedy="name more fields under `id` of the source, so that ids tell rows apart",
                        )
                    yield self._row(record, fields), _without(record["data"], hidden) if with_data else {}
        if self.is_strict:
            fields.finish(_REMEDY)

    def _fields(self) -> RecordFields:
        features = dict(self.features)
        features |= {_key("confidence", name): _CONFIDENCE for name in self.features}
        features |= {_key("rationale", name): _RATIONALE for name in self.features}
        return RecordFields(features, table_fields(self.table, self.features), self.place, self.where)

    def _row(self, record: Record, fields: RecordFields) -> FeatureRow:
        faults = fields.faults
        values = {} if "skip" in record else fields.values(record)
        answers = {
            name: self._prediction(name, feature, values)
            for name, feature in self.features.items()
            if name in values
        }
        state, reason = "ok", None
        if "skip" in record:
            state, reason = "skipped", record["skip"]
        elif fields.faults > faults:
            state, reason = "invalid", "a cell is no answer"
        elif len(answers) < len(self.features):
            state, reason = "missing", "the table has no answer"
        return {
            "id": record["id"],
            "source": record["source"],
            "file": record["file"],
            "state": state,
            "reason": reason,
            "features": answers if state == "ok" else {},
        }

    @staticmethod
    def _prediction(name: str, feature: Feature, values: Mapping[str, Any]) -> dict[str, Any]:
        kind, key = PREDICTION_TYPES[feature.type]
        prediction = {"type": kind, key: values[name]}
        if values[name] is None:
            prediction["abstained"] = True
        for beside in ("confidence", "rationale"):
            if values.get(_key(beside, name)) is not None:
                prediction[beside] = values[_key(beside, name)]
        return prediction


def table_fields(table: AnsweredTable, features: Iterable[str]) -> dict[str, str]:
    """What is read of these features -> its field: answers by the feature's name, `confidence.FEATURE`,
    `rationale.FEATURE`."""
    fields = {}
    for name in features:
        fields[name] = table.answer_field(name)
        for beside, of_feature in (("confidence", table.confidence), ("rationale", table.rationale)):
            if name in of_feature:
                fields[_key(beside, name)] = of_feature[name]
    return fields


def hidden_fields(table: AnsweredTable, features: Iterable[str]) -> list[str]:
    """Fields that hold what the LLM said, also of features that nobody is asked for."""
    named = (*table.answers.values(), *table.confidence.values(), *table.rationale.values())
    return [field_path(field) for field in (*table_fields(table, features).values(), *named)]


def check_table_names(table: AnsweredTable, known: Mapping[str, Feature], where: str) -> None:
    """Check that a table names features of its task only.

    Raises:
        StudyError: it names another one.
    """
    for key in ("answers", "confidence", "rationale"):
        for name in getattr(table, key):
            if name not in known:
                raise StudyError(
                    f"there is no feature `{name}`; {suggestion(name, known)}", where=f"{where}.{key}"
                )


def _key(beside: str, feature: str) -> str:
    return f"{beside}.{feature}"


def _without(data: dict[str, Any], hidden: Sequence[str]) -> dict[str, Any]:
    left = {name: value for name, value in data.items() if not _ANSWERS_OF_SOMEBODY.fullmatch(name)}
    for path in hidden:
        head, _, rest = path.partition(".")
        if path in left:
            del left[path]
        elif rest and isinstance(left.get(head), dict):
            left[head] = _without_path(left[head], rest)
    return left


def _without_path(data: dict[str, Any], path: str) -> dict[str, Any]:
    head, _, rest = path.partition(".")
    if path in data:
        return {name: value for name, value in data.items() if name != path}
    if rest and isinstance(data.get(head), dict):
        return {**data, head: _without_path(data[head], rest)}
    return data
