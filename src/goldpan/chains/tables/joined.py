"""The rows of a chain: each record of a stage with what all stages before it found out, and what it has cost.

Nothing goes by position. A record stands in the stage before it under its own id, where it was made from an
item under the id of its `parent`, and where it gathers others under those of its `children`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import orjson

from goldpan.batches.record_costs import costs_of_records
from goldpan.errors import ReconciliationError
from goldpan.files import read_json
from goldpan.providers.model_choice import asked_stage
from goldpan.records.model import Record
from goldpan.records.read import iter_records
from goldpan.records.skips import FILTERED, skip_code
from goldpan.records.temporary_database import TemporaryDatabase
from goldpan.stages.item_ids import no_item_id
from goldpan.stages.rows import FeatureRow, with_features
from goldpan.study.load import Project
from goldpan.study.stage import Stage
from goldpan.tasks.features import value_of

_AT_A_TIME = 4096
_CENTS = 2e-6
"""USD that sums may differ by, as summaries round them."""
_REMEDY = "delete the features.jsonl of that stage and run again: it is made anew, and nothing is paid again"


@dataclass(frozen=True, slots=True)
class StageResult:
    """What one record came to in one stage of the chain.

    Attributes:
        id: of the record, as it stands in that stage.
        state, reason, model: as in features.jsonl.
        answers: feature -> its value, and `FEATURE_rationale` -> the reason where there is one.
    """

    id: str
    state: str
    reason: str | None
    model: str | None
    answers: dict[str, Any]

    @property
    def is_filtered(self) -> bool:
        """Whether a filter left the record out, here or before."""
        return self.state == "skipped" and skip_code(self.reason) == FILTERED


@dataclass(slots=True)
class ChainRow:
    """One record of the last stage of a chain.

    Attributes:
        record: as it stands in that stage's records.
        results: stage -> what the record came to there; a stage of which it gathers several records is not
            among them.
        costs: stage -> USD of it that this row bears; None where nobody knows a price.
    """

    record: Record
    results: dict[str, StageResult] = field(default_factory=dict)
    costs: dict[str, float | None] = field(default_factory=dict)

    @property
    def cost_usd(self) -> float | None:
        """USD of all stages together."""
        known = [cost for cost in self.costs.values() if cost is not None]
        return sum(known) if len(known) == len(self.costs) else None


@dataclass(slots=True)
class ChainShape:
    """What the rows of a chain have, known once all have been looked at.

    Attributes:
        rows: how many there are.
        data: fields of `data` in the order they first occur -> whether they have plain values only.
        item: the same of the fields of items that are objects.
        has_items: whether there are records made from items.
        has_labels: whether items are plain values.
        has_proposers: whether records say who proposed them.
        has_children: whether records gather others.
    """

    rows: int = 0
    data: dict[str, bool] = field(default_factory=dict)
    item: dict[str, bool] = field(default_factory=dict)
    has_items: bool = False
    has_labels: bool = False
    has_proposers: bool = False
    has_children: bool = False

    def add(self, record: Record) -> None:
        """Take one record into account."""
        self.rows += 1
        _note_fields(self.data, record["data"])
        if (item := record.get("item")) is not None:
            if isinstance(item, dict):
                _note_fields(self.item, item)
            else:
                self.has_labels = True
        self.has_items = self.has_items or "parent" in record
        self.has_proposers = self.has_proposers or "proposed_by" in record
        self.has_children = self.has_children or "children" in record


def _note_fields(known: dict[str, bool], values: dict[str, Any]) -> None:
    for name, value in values.items():
        is_plain = not isinstance(value, dict | list)
        known[name] = known.get(name, True) and is_plain


class JoinedRows:
    """The rows of a chain, in the order of the last stage's records. A context manager.

    The features of all stages lie in a temporary database meanwhile, so that memory does not grow with them.

    Args:
        project: the project, whose stages of the chain have their features.
        stage: the last stage of the chain.

    Attributes:
        chain: the stages, the first first.
        shape: what the rows have.

    Raises:
        ReconciliationError: a record has no row in a stage before, or costs do not add up.
    """

    def __init__(self, project: Project, stage: str):
        self._project, self._stage = project, stage
        self.chain = project.study.chain_to(stage)
        self.shape = ChainShape()
        self._earlier = {name: project.study.stages[name].input.stages for name in self.chain}
        self._rest: dict[str, float | None] = {}
        self._tables = {name: f"stage{number}" for number, name in enumerate(self.chain)}
        self._database = TemporaryDatabase()
        self._db = self._database.connection

    def __enter__(self) -> Self:
        for name in self.chain:
            self._load(name)
        for record in self._records():
            self.shape.add(record)
            for name, ids in self._ids(record["id"]).items():
                self._count_use(name, ids)
        self._spread_the_rest()
        return self

    def _spread_the_rest(self) -> None:
        """Give each row an equal part of what records have cost that no row stands for: those without items,
        where a field gathered the others."""
        for name, table in self._tables.items():
            rest, unpriced = self._db.execute(
                f"SELECT total(cost), total(unpriced) FROM {table} WHERE uses = 0"
            ).fetchone()
            self._rest[name] = None if unpriced else rest / max(self.shape.rows, 1)

    def __exit__(self, *exc: object) -> None:
        self._database.close()

    def __iter__(self) -> Iterator[ChainRow]:
        """Each row; once all have been given, the costs have been seen to add up."""
        sums: dict[str, list[float]] = {name: [] for name in self.chain}
        for record in self._records():
            row = ChainRow(record)
            for name, ids in self._ids(record["id"]).items():
                found = [self._result(name, id_) for id_ in ids]
                if len(found) == 1:
                    row.results[name] = found[0][0]
                shares = [*(share for _, share in found), self._rest[name]]
                known = [share for share in shares if share is not None]
                row.costs[name] = math.fsum(known) if len(known) == len(shares) else None
                sums[name].append(row.costs[name] or 0.0)
                if len(sums[name]) == _AT_A_TIME:
                    sums[name] = [math.fsum(sums[name])]
            yield row
        for name in self.chain if self.shape.rows else ():
            self._check_cost(name, math.fsum(sums[name]))

    def _records(self) -> Iterator[Record]:
        return iter_records(self._at(self._project.paths.stage_records(self._stage)))

    def _at(self, path: str) -> Path:
        return self._project.left(path, "the table")

    def _load(self, name: str) -> None:
        """Put what a stage found out into the database, by the ids of its records."""
        table, paths = self._tables[name], self._project.paths
        self._db.execute(
            f"CREATE TABLE {table} (id TEXT PRIMARY KEY, parent TEXT, children BLOB, result BLOB,"
            " cost REAL NOT NULL DEFAULT 0, unpriced INTEGER NOT NULL DEFAULT 0,"
            " uses INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID"
        )
        records = iter_records(self._at(paths.stage_records(name)))
        joined = with_features(records, self._at(paths.features(name)))
        self._db.executemany(
            f"INSERT INTO {table} (id, parent, children, result) VALUES (?, ?, ?, ?)",
            (_stored(record, row) for record, row in joined),
        )
        settings = self._project.study.stages[name]
        if isinstance(settings, Stage):
            asked = self._at(paths.asked(name, 1))
            costs = costs_of_records(asked, self._project.ledger, asked_stage(settings))
            self._db.executemany(
                f"UPDATE {table} SET cost = cost + ?, unpriced = unpriced + ? WHERE id = ?",
                ((cost or 0.0, cost is None, id_) for id_, cost in costs if cost != 0.0),
            )

    def _ids(self, id_: str) -> dict[str, list[str]]:
        """Stage -> under which ids a record of the last stage stands in it."""
        ids = {self._stage: [id_]}
        for name in reversed(self.chain):
            for earlier in self._earlier[name]:
                if earlier not in ids:
                    above = [up for own in ids[name] for up in self._above(name, own, earlier)]
                    ids[earlier] = list(dict.fromkeys(above))
        return ids

    def _above(self, name: str, id_: str, earlier: str) -> list[str]:
        """Under which ids a record of a stage stands in one before it."""
        if self._has(earlier, id_):
            return [id_]
        parent, children = self._db.execute(
            f"SELECT parent, children FROM {self._tables[name]} WHERE id = ?", (id_,)
        ).fetchone()
        ids = orjson.loads(children) if children is not None else [parent]
        if children is not None and not ids:
            ids = [no_item_id(id_)] if self._has(earlier, no_item_id(id_)) else []
        for above in ids:
            if above is None or not self._has(earlier, above):
                raise ReconciliationError(
                    f"record {id_!r} of stage {name} has no row in stage {earlier}, which it follows",
                    where=self._project.paths.features(earlier),
                    remedy=_REMEDY,
                )
        return list(ids)

    def _has(self, name: str, id_: str) -> bool:
        found = self._db.execute(f"SELECT 1 FROM {self._tables[name]} WHERE id = ?", (id_,))
        return found.fetchone() is not None

    def _count_use(self, name: str, ids: list[str]) -> None:
        if isinstance(self._project.study.stages[name], Stage):
            self._db.executemany(
                f"UPDATE {self._tables[name]} SET uses = uses + 1 WHERE id = ?", ((id_,) for id_ in ids)
            )

    def _result(self, name: str, id_: str) -> tuple[StageResult, float | None]:
        """What a record came to in a stage, and an equal part of its cost for each row that it stands in."""
        result, cost, unpriced, uses = self._db.execute(
            f"SELECT result, cost, unpriced, uses FROM {self._tables[name]} WHERE id = ?", (id_,)
        ).fetchone()
        return StageResult(id_, *orjson.loads(result)), None if unpriced else cost / max(uses, 1)

    def _check_cost(self, name: str, in_rows: float) -> None:
        """Check that the rows together bear what the stage has cost."""
        summary = read_json(self._at(self._project.paths.summary(name)))
        cost = summary.get("cost_usd")
        if cost is not None and abs(cost - in_rows) > _CENTS:
            raise ReconciliationError(
                f"the rows of the table have cost {in_rows:.6f} USD in stage {name}, whose summary says"
                f" {cost:.6f} USD",
                where=self._project.paths.summary(name),
                remedy=_REMEDY,
            )


def _stored(record: Record, row: FeatureRow) -> tuple[str, str | None, bytes | None, bytes]:
    answers: dict[str, Any] = {}
    for name, prediction in row["features"].items():
        if prediction is not None:
            answers[name] = value_of(prediction)
            if prediction.get("rationale") is not None:
                answers[f"{name}_rationale"] = prediction["rationale"]
    children = record.get("children")
    ids = None if children is None else orjson.dumps([child["id"] for child in children])
    stored = orjson.dumps([row["state"], row.get("reason"), row.get("model"), answers])
    return record["id"], record.get("parent"), ids, stored
