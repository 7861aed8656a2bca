"""What the columns of a row of a chain are called, and what stands in them.

A column is named as prompts and conditions name it: `id`, `data.company`, `item.raw_name`, `judge.valid` (or
`answers.judge.valid`), `judge.valid_rationale`, and of each stage `state`, `reason`, `model` and `cost_usd`.
A name without a point is one of the record's own, or else a field of `data`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from goldpan.chains.tables.joined import ChainRow, ChainShape
from goldpan.errors import StudyError
from goldpan.records.look_up import look_up
from goldpan.stages.columns import apart_from
from goldpan.tasks.features import Feature
from goldpan.tasks.nearest import suggestion

Getter = Callable[[ChainRow], Any]

OWN = ("id", "parent", "count", "proposed_by", "source", "file", "line", "item", "children")
"""What a record has besides its data."""
COST = "cost_usd"
_OF_STAGE = ("state", "reason", "model", COST)


@dataclass(frozen=True)
class TableColumn:
    """One column of a table.

    Attributes:
        name: what it is called in the table.
        path: what it holds.
        get: its cell of a row.
    """

    name: str
    path: str
    get: Getter


class ColumnNames:
    """The columns that the rows of a chain may have.

    Args:
        features: stage -> its features, for the stages of the chain, the first first.
        where: place of the table in the study, for errors.
    """

    def __init__(self, features: Mapping[str, Sequence[Feature]], where: str):
        self._where = where
        self._of_stage = {stage: _stage_columns(of_stage) for stage, of_stage in features.items()}

    def column(self, path: str, name: str | None = None) -> TableColumn:
        """The column that a path means.

        Args:
            name: what the table calls it; default the path.

        Raises:
            StudyError: it names a stage or an answer that there is not; with the nearest name.
        """
        return TableColumn(name or path, path, self._getter(path))

    def _getter(self, path: str) -> Getter:
        head, _, rest = path.partition(".")
        if path == COST:
            return lambda row: row.cost_usd
        if path in OWN:
            return lambda row: row.record.get(path)
        if not rest:
            return lambda row: look_up(row.record["data"], path)[1]
        if head in ("data", "item") and head not in self._of_stage:
            return lambda row: look_up(row.record.get(head), rest)[1]
        if head == "answers":
            head, _, rest = rest.partition(".")
        if head not in self._of_stage:
            known = ["data", "item", *self._of_stage]
            raise self._error(f"`{path}`: there is no stage `{head}`; {suggestion(head, known)}")
        if rest not in self._of_stage[head]:
            known = list(self._of_stage[head])
            raise self._error(f"`{path}`: stage {head} has no `{rest}`; {suggestion(rest, known)}")
        return self._of_stage[head][rest](head)

    def _error(self, what: str) -> StudyError:
        return StudyError(what, where=self._where, remedy="docs/chains.md says what columns are called")

    def check_fields(self, columns: Iterable[TableColumn], shape: ChainShape) -> None:
        """Check that the fields of `data` and of items are there. Raises StudyError."""
        for column in columns:
            head, _, rest = column.path.partition(".")
            known = shape.data
            if head == "item" and rest and head not in self._of_stage:
                known = shape.item
            elif not rest:
                head, rest = "data", column.path
            if head not in ("data", "item") or head in self._of_stage or rest in (*OWN, COST):
                continue
            first = rest.partition(".")[0]
            if known and rest not in known and first not in known:
                raise self._error(f"no record has `{head}.{first}`; {suggestion(first, known)}")

    def all_columns(self, shape: ChainShape, left_out: Sequence[TableColumn] = ()) -> list[TableColumn]:
        """The columns of a table that chooses none, but for those that it leaves out.

        Of `data` and of items those with plain values, of each stage its answers (without the lists that
        items were made from), reasons, state, model and cost. Fields of `data` go by their own names, unless
        another column has that name; what is left out renames none.
        """
        own = ["id", *(["parent", "count"] if shape.has_items else [])]
        own += ["proposed_by"] if shape.has_proposers else []
        own += ["source", "file", "line"]
        paths = list(own)
        fields = [name for name, is_plain in shape.data.items() if is_plain]
        items = ["item"] if shape.has_labels else []
        items += [f"item.{name}" for name, is_plain in shape.item.items() if is_plain]
        items += ["children"] if shape.has_children else []
        stages = [
            f"{stage}.{name}"
            for stage, columns in self._of_stage.items()
            for name, column in columns.items()
            if not (shape.has_items and column.is_list_of_objects)
        ]
        taken = {*OWN, COST, *items, *stages}
        columns = [self.column(path) for path in paths]
        for name in fields:
            shown = f"data.{name}" if name in taken else name
            columns.append(TableColumn(shown, f"data.{name}", _field_of_data(name)))
        columns += [self.column(path) for path in (*items, *stages, COST)]
        names = apart_from((), [column.name for column in columns])
        without = {_whole_path(column.path) for column in left_out}
        return [
            TableColumn(name, column.path, column.get)
            for name, column in zip(names, columns, strict=True)
            if column.path not in without
        ]


def _whole_path(path: str) -> str:
    """The path of a column as a table without chosen columns has it."""
    is_of_data = "." not in path and path not in (*OWN, COST)
    return f"data.{path}" if is_of_data else path.removeprefix("answers.")


@dataclass(frozen=True)
class _StageColumn:
    """A column that a stage brings; called with the stage's name it gives what gets its cells."""

    of_stage: Callable[[str], Getter]
    is_list_of_objects: bool = False

    def __call__(self, stage: str) -> Getter:
        return self.of_stage(stage)


def _stage_columns(features: Sequence[Feature]) -> dict[str, _StageColumn]:
    """The columns that a stage brings; where a feature is called as one of the others, it gets `_answer`."""
    answers: list[tuple[str, bool]] = []
    for feature in features:
        answers.append((feature.name, feature.type == "extraction"))
        if feature.rationale_key:
            answers.append((feature.rationale_key, False))
    shown = apart_from(_OF_STAGE, [name for name, _ in answers])
    columns = {
        name: _StageColumn(_answer_of(answer), is_list)
        for name, (answer, is_list) in zip(shown, answers, strict=True)
    }
    columns |= {name: _StageColumn(_result_of(name)) for name in ("state", "reason", "model")}
    return columns | {COST: _StageColumn(lambda stage: lambda row: row.costs.get(stage))}


def _answer_of(name: str) -> Callable[[str], Getter]:
    def of_stage(stage: str) -> Getter:
        def get(row: ChainRow) -> Any:
            result = row.results.get(stage)
            return None if result is None else result.answers.get(name)

        return get

    return of_stage


def _result_of(name: str) -> Callable[[str], Getter]:
    return lambda stage: lambda row: getattr(row.results.get(stage), name, None)


def _field_of_data(name: str) -> Getter:
    return lambda row: row.record["data"].get(name)
