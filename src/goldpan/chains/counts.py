"""chain.json: what became of each row of the sources through all the stages up to one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from goldpan.chains.reconciliation import check_source_rows, check_stage
from goldpan.records.inputs import files_of_sources
from goldpan.records.limit import trial_of
from goldpan.records.model import Record
from goldpan.records.read import iter_records
from goldpan.records.skips import skip_code
from goldpan.stages.documents import as_type, read_document, write_document
from goldpan.stages.rows import FeatureRow, with_features
from goldpan.stages.upstream import failures_of
from goldpan.study.load import Project
from goldpan.tasks.features import value_of

_WHAT, _REMEDY = "a chain.json", "delete it and run again: it is counted anew"
_MOST_CODES = 1_000


@dataclass
class SourceCounts:
    """What became of the rows of a source: `rows` = `records` + all of `skipped`.

    Attributes:
        skipped: rows that cannot be asked, by the code of the reason.
    """

    source: str
    files: int = 0
    rows: int = 0
    records: int = 0
    skipped: dict[str, int] = field(default_factory=dict)


@dataclass
class ExplodeCounts:
    """How records became their items: `items` = `rows` + `repeated`; `parents` = `with_items` + all of
    `without_items`.

    Attributes:
        parents: records that were exploded.
        items_before: items that the stage before has answered.
        items: of these, those that records were made of.
        repeated: of these, those that stand in the same answer once more.
        rows: records that were made of items.
        without_items: parents of which one row was made that says why there are no items, by the code of
            the reason.
    """

    parents: int = 0
    items_before: int = 0
    with_items: int = 0
    items: int = 0
    repeated: int = 0
    rows: int = 0
    without_items: dict[str, int] = field(default_factory=dict)


@dataclass
class GroupCounts:
    """How records were gathered.

    Attributes:
        rows_before: records that were gathered, also those that stand for a record without items.
        children: those of them that are items.
        without_children: groups that have none.
    """

    groups: int = 0
    rows_before: int = 0
    children: int = 0
    without_children: int = 0


@dataclass
class StageCounts:
    """What became of the records of a stage: `rows` = the sum of `states`.

    Attributes:
        reads: the sources or stages before it.
        rows_before: the rows these have.
        reasons: state -> code of the reason -> rows.
        upstream: the stages before it of which records failed: stage -> state -> rows.
        shared: rows that share the answer of another record.
        explode, group: where the stage takes records apart, or gathers them.
    """

    stage: str
    reads: list[str] = field(default_factory=list)
    rows_before: int = 0
    rows: int = 0
    states: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, dict[str, int]] = field(default_factory=dict)
    upstream: dict[str, dict[str, int]] = field(default_factory=dict)
    shared: int = 0
    explode: ExplodeCounts | None = None
    group: GroupCounts | None = None


@dataclass
class Chain:
    """What chain.json says.

    Attributes:
        sources, stages: the steps, in the order of the study.
        trial: source -> limit, where only the first rows of sources were read.
    """

    study: str
    stage: str
    sources: list[SourceCounts]
    stages: list[StageCounts]
    trial: dict[str, int] = field(default_factory=dict)


def final_stages(project: Project) -> list[str]:
    """The stages that no other stage reads."""
    read = {before for stage in project.study.stages for before in project.study.stages[stage].input.stages}
    return [stage for stage in project.study.stages if stage not in read]


def sources_of_chain(project: Project, stage: str) -> list[str]:
    """The sources that a chain begins with, in the order of the study."""
    inputs = [project.study.stages[name].input for name in project.study.chain_to(stage)]
    read = {source for settings in inputs for source in settings.source or []}
    return [source for source in project.study.sources if source in read]


def chain_files(project: Project, stage: str) -> list[str]:
    """What a chain is counted from: records of its sources, records and features of its stages."""
    places = files_of_sources(project, sources_of_chain(project, stage))
    return [*(project.paths.records(*place) for place in places), *stage_files_of_chain(project, stage)]


def stage_files_of_chain(project: Project, stage: str) -> list[str]:
    """Records and features of the stages of a chain: how far records went on the way to its last one."""
    paths, stages = project.paths, project.study.chain_to(stage)
    return [path for name in stages for path in (paths.stage_records(name), paths.features(name))]


def write_chain(project: Project, stage: str) -> Chain:
    """Count the chain up to a stage, and write its chain.json.

    Raises:
        ReconciliationError: the counts of two steps do not fit together; both are named.
        StudyError, SourceError: an artifact of the chain is not there or damaged.
    """
    chain = count_chain(project, stage)
    write_document(project.root / project.paths.chain(stage), asdict(chain))
    return chain


def read_chain(path: Path) -> Chain:
    """Read a chain.json. Raises SourceError when it is damaged or of a newer format."""
    return as_type(Chain, read_document(path, _WHAT, _REMEDY), path, _WHAT, _REMEDY)


def count_chain(project: Project, stage: str) -> Chain:
    """The counts of the chain up to a stage; files are read row by row. Raises as `write_chain`."""
    sources = {name: _count_source(project, name) for name in sources_of_chain(project, stage)}
    rows = {name: counts.rows for name, counts in sources.items()}
    stages: dict[str, StageCounts] = {}
    items: Counter[tuple[str, str]] = Counter()
    exploded = {settings.input.explode for settings in project.study.stages.values()} - {None}
    for name in project.study.chain_to(stage):
        settings = project.study.stages[name].input
        before = settings.stages
        counts = StageCounts(name, before or list(settings.source or []))
        if before:
            # Several stages that are exploded together were asked about the same records.
            counts.rows_before = stages[before[0]].rows
        else:
            counts.rows_before = sum(rows[source] for source in counts.reads)
        _count_stage(project, name, counts, [str(feature) for feature in exploded], items)
        if counts.explode:
            counts.explode.items_before = sum(items[other, str(settings.explode)] for other in before)
        failed = {other: failures_of(stages[other].states) for other in before}
        counts.upstream = {other: failures for other, failures in failed.items() if failures}
        check_stage(counts, {other: stages[other].rows for other in before})
        stages[name] = counts
    trial = trial_of(project, sources)
    return Chain(project.study.study, stage, list(sources.values()), list(stages.values()), trial)


def _count_source(project: Project, source: str) -> SourceCounts:
    counts, skipped = SourceCounts(source), Counter[str]()
    for place in files_of_sources(project, [source]):
        counts.files += 1
        for record in iter_records(project.left(project.paths.records(*place), f"source `{source}`")):
            counts.rows += 1
            if "skip" in record:
                skipped[skip_code(record["skip"])] += 1
            else:
                counts.records += 1
    counts.skipped = _by_number(skipped)
    check_source_rows(counts)
    return counts


def _count_stage(
    project: Project,
    stage: str,
    counts: StageCounts,
    exploded: Sequence[str],
    items: Counter[tuple[str, str]],
) -> None:
    """Count the rows of a stage; in `items` also the items of those features that some stage explodes."""
    settings = project.study.stages[stage].input
    explode = _Explosion() if settings.explode else None
    group = GroupCounts() if settings.group else None
    states: Counter[str] = Counter()
    reasons: dict[str, Counter[str]] = {}
    for record, row in _rows(project, stage):
        counts.rows += 1
        states[row["state"]] += 1
        counts.shared += "shared_with" in row
        if row["state"] != "ok":
            _add(reasons.setdefault(row["state"], Counter()), skip_code(row.get("reason")))
        for feature in exploded:
            items[stage, feature] += _number_of_items(row["features"].get(feature))
        if explode:
            explode.add(record)
        if group:
            gathered: Mapping[str, Any] = record
            children = gathered.get("children") or []
            group.groups += 1
            group.rows_before += gathered.get("rows", 0)
            group.children += len(children)
            group.without_children += not children
    counts.states = _by_number(states)
    counts.reasons = {state: _by_number(codes) for state, codes in sorted(reasons.items())}
    counts.explode, counts.group = explode.counts() if explode else None, group


def _rows(project: Project, stage: str) -> Iterator[tuple[Record, FeatureRow]]:
    records, features = (
        project.left(path, f"stage `{stage}`")
        for path in (project.paths.stage_records(stage), project.paths.features(stage))
    )
    return with_features(iter_records(records), features)


class _Explosion:
    """Counts the rows that were made of items; those of one parent stand together."""

    def __init__(self) -> None:
        self._counts, self._without = ExplodeCounts(), Counter[str]()
        self._parent: str | None = None

    def add(self, record: Mapping[str, Any]) -> None:
        counts, parent = self._counts, str(record.get("parent"))
        is_new, self._parent = parent != self._parent, parent
        counts.parents += is_new
        if "item" not in record:
            self._without[skip_code(record.get("skip"))] += 1
            return
        counts.with_items += is_new
        number = record.get("count", 1)
        counts.rows += 1
        counts.items += number
        counts.repeated += number - 1

    def counts(self) -> ExplodeCounts:
        self._counts.without_items = _by_number(self._without)
        return self._counts


def _number_of_items(prediction: dict[str, Any] | None) -> int:
    found = None if prediction is None else value_of(prediction)
    return len(found) if isinstance(found, list) else 0


def _add(counts: Counter[str], code: str) -> None:
    # What models write instead of a label has no end; memory must have one.
    counts[code if code in counts or len(counts) < _MOST_CODES else "others"] += 1


def _by_number(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
