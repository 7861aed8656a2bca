"""How far records went in a chain of stages: whose answer, filter or failure ended the way of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from goldpan.chains.gather import Children, conditions_of
from goldpan.errors import WhereError
from goldpan.evaluation.lost import Step, Trace
from goldpan.records import skips
from goldpan.records.model import Record
from goldpan.records.read import iter_records
from goldpan.stages.features import all_features_of_stage
from goldpan.stages.record_kinds import kinds_of_children
from goldpan.stages.rows import FeatureRow, with_features
from goldpan.study.load import Project
from goldpan.study.local_stage import GatherStage
from goldpan.tasks.where import Where

LEFT_OUT, NO_ITEMS, SAID_NO = "left out", "no items", "said no"
_BY_CODE = {skips.FILTERED: LEFT_OUT, skips.NO_ITEMS: NO_ITEMS}


@dataclass
class _Way:
    """What became of some records at one stage.

    Attributes:
        answered: those of which the stage answered a row.
        ended: record id -> state and reason of a row that it did not answer; the first of each.
        children: record id -> its items, of a stage that gathers them.
    """

    answered: set[str] = field(default_factory=set)
    ended: dict[str, tuple[str, str]] = field(default_factory=dict)
    children: dict[str, list[Any]] = field(default_factory=dict)

    def knows(self, record: str) -> bool:
        """Whether the stage has a row of the record."""
        return record in self.answered or record in self.ended


def trace_of(project: Project, stage: str) -> Trace:
    """How far records went on the way to a stage; the files are read once it is asked."""

    def trace(feature: str, records: Sequence[str]) -> Mapping[str, Step]:
        chain = _Chain(project, stage, feature, set(records))
        return {record: step for record in records if (step := chain.step_of(record))}

    return trace


class _Chain:
    """The stages up to one, with the way of some records through each."""

    def __init__(self, project: Project, stage: str, feature: str, records: Collection[str]):
        self._project, self._stage, self._feature = project, stage, feature
        self._order = list(reversed(project.study.stages_to(stage)))
        self._ways = {name: _way(project, name, records) for name in self._order}
        self._conditions = self._conditions_by_stage()

    def step_of(self, record: str) -> Step | None:
        """Where a record went no further, if the chain does not say yes to it; None without a row of it."""
        way = self._ways[self._stage]
        if not way.knows(record):
            return None
        if record in way.answered:
            before = self._before(self._stage)
            # A record without items is answered all the same, by the stage that gathers them.
            if not self._is_gather or any(record in self._ways[name].answered for name in before):
                return self._step(self._said_no(record), SAID_NO)
            return self._ended(before[0], record)
        return self._ended(self._stage, record)

    @property
    def _is_gather(self) -> bool:
        return isinstance(self._project.study.stages[self._stage], GatherStage)

    def _before(self, stage: str) -> list[str]:
        return self._project.study.stages[stage].input.stages

    def _step(self, stage: str, how: str) -> Step:
        return Step(self._order.index(stage), stage, how)

    def _ended(self, stage: str, record: str) -> Step:
        """The step at which a record that a stage did not answer went no further: there, or before it."""
        before = self._before(stage)
        ways = [self._ways[name] for name in before]
        if ways and all(way.knows(record) and record not in way.answered for way in ways):
            return self._ended(before[0], record)
        state, reason = self._ways[stage].ended.get(record, ("missing", ""))
        code = skips.skip_code(reason)
        if state != "skipped":
            return self._step(stage, state)
        # What a stage is not asked about was left out by the answer of the one before.
        return self._step(before[0] if before else stage, _BY_CODE.get(code, code))

    def _said_no(self, record: str) -> str:
        """The stage after which the chain said no to a record that all stages answered.

        Of a stage that gathers: the first after the last one that a condition holds for, of the stages
        which the condition can be asked of. So what a judge refuses is not put down to whoever agrees.
        """
        children = self._ways[self._stage].children.get(record)
        if children is None or not self._conditions:
            return self._stage
        held = [
            Children(name, children).holding(condition) > 0 for name, condition in self._conditions.items()
        ]
        names = list(self._conditions)
        last = max((place for place, holds in enumerate(held) if holds), default=-1)
        return names[last + 1] if last + 1 < len(names) else self._stage

    def _conditions_by_stage(self) -> dict[str, Where]:
        """The stages about items, in their order, of whose answers the gathering condition can be asked."""
        study, settings = self._project.study, self._project.study.stages[self._stage]
        if not isinstance(settings, GatherStage) or self._feature not in settings.features:
            return {}
        last = settings.input.stages[0]
        text, kinds = (
            settings.features[self._feature].condition,
            kinds_of_children(self._project, self._stage),
        )
        conditions = {}
        for name in reversed(study.stages_about_items(last)):
            if name == last:
                conditions[name] = conditions_of(self._project, self._stage, settings)[self._feature]
                continue
            try:
                features = all_features_of_stage(self._project, name)
                conditions[name] = Where.parse(text, features, record=kinds)
            except WhereError:
                continue
        return conditions


def _way(project: Project, stage: str, records: Collection[str]) -> _Way:
    paths, way = project.paths, _Way()
    rows = with_features(
        iter_records(project.root / paths.stage_records(stage)), project.root / paths.features(stage)
    )
    for record, row in rows:
        name = next((name for name in _names(record) if name in records), None)
        if name is not None:
            _add(way, name, record, row)
    return way


def _names(record: Record) -> list[str]:
    """A record's own id, and the ids of the records that it is an item of."""
    parents = [record.get("parent"), (record.get("outer") or {}).get("parent")]
    return [str(name) for name in (record["id"], *parents) if name]


def _add(way: _Way, name: str, record: Record, row: FeatureRow) -> None:
    if row["state"] == "ok":
        way.answered.add(name)
    else:
        way.ended.setdefault(name, (row["state"], row.get("reason") or ""))
    if "children" in record:
        way.children[name] = list(record["children"])
