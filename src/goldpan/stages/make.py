"""Making records.jsonl of a stage, from what stands before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import starmap
from pathlib import Path

from goldpan.files import part_of
from goldpan.records.inputs import files_of_sources
from goldpan.stages.duplicates import share_duplicates
from goldpan.stages.earlier import EarlierStage
from goldpan.stages.explode import explode_stages
from goldpan.stages.features import features_of_stage
from goldpan.stages.group import group_by_field, group_by_parent
from goldpan.stages.neighbours import add_neighbours
from goldpan.stages.record_kinds import where_of
from goldpan.stages.records import follow_stage, gather_records, rationales_carried
from goldpan.stages.upstream import count_failures, failures_text, upstream_failed
from goldpan.study.load import Project
from goldpan.study.local_stage import FilterStage
from goldpan.study.stage import Stage
from goldpan.study.stage_input import PARENT

SourceFiles = Mapping[tuple[str, str], Path]
"""(source, file) -> its records file."""


@dataclass(frozen=True)
class StageRecords:
    """What a stage is about, in numbers.

    Attributes:
        rows: of its records file.
        failed: stages before it -> state -> records that have no answer there, and are skipped here.
        groups, shared: of `duplicates: share`, the groups of records with one text, and how many of these
            records share what another is asked.
    """

    rows: int
    failed: dict[str, dict[str, int]] = field(default_factory=dict)
    groups: int = 0
    shared: int = 0

    def __str__(self) -> str:
        lines = [f"{self.rows:,} rows", *starmap(failures_text, self.failed.items())]
        if self.groups:
            lines.append(
                f"{self.shared:,} records share the answers of {self.groups:,} others with their text"
            )
        return "\n".join(lines)


def make_records(project: Project, stage: str) -> StageRecords:
    """Write records.jsonl of a stage: what it is about, with skips.

    Raises:
        StudyError: what it is made from is not there; or records failed before, and `upstream` says to stop.
        SourceError, WhereError, ReconciliationError: as of `gather_records`, `follow_stage`,
            `explode_stages`, `group_by_parent` and `group_by_field`.
    """
    settings, paths = project.study.stages[stage].input, project.paths
    sources: dict[tuple[str, str], Path] = {}
    if not settings.stages or settings.neighbours:
        places = files_of_sources(project, project.study.sources_of(stage))
        sources = {place: project.left(paths.records(*place), f"stage `{stage}`") for place in places}
    return make_records_of(project, stage, project.root / paths.stage_records(stage), sources)


def make_records_of(project: Project, stage: str, output: Path, sources: SourceFiles) -> StageRecords:
    """As `make_records`, from records files of the sources that may lie anywhere, to any place."""
    failed = _failed_before(project, stage)
    rows = _make_with_neighbours(project, stage, output, sources)
    groups, shared = _share(project, stage, output)
    return StageRecords(rows, failed, groups, shared)


def _failed_before(project: Project, stage: str) -> dict[str, dict[str, int]]:
    """Records that failed before, as in `StageRecords`. Raises StudyError where that stops the stage."""
    settings, failed = project.study.stages[stage], {}
    for earlier in settings.input.stages:
        if failures := count_failures(project.root / project.paths.features(earlier)):
            failed[earlier] = failures
            if settings.upstream == "stop":
                raise upstream_failed(project.study.study, stage, earlier, failures)
    return failed


def _share(project: Project, stage: str, records: Path) -> tuple[int, int]:
    settings = project.study.stages[stage]
    if not isinstance(settings, Stage) or settings.duplicates is None:
        return 0, 0
    counts = share_duplicates(records, stage, settings)
    return counts["groups"], counts["records"]


def _make_with_neighbours(project: Project, stage: str, output: Path, sources: SourceFiles) -> int:
    neighbours = project.study.stages[stage].input.neighbours
    if not neighbours:
        return _make(project, stage, output, sources)
    without = part_of(output)
    try:
        _make(project, stage, without, sources)
        return add_neighbours(without, sources, neighbours, output)
    finally:
        without.unlink(missing_ok=True)


def _make(project: Project, stage: str, output: Path, sources: SourceFiles) -> int:
    settings = project.study.stages[stage].input
    if not settings.stages:
        return gather_records(sources.values(), output)
    earlier = [_earlier(project, stage, name) for name in settings.stages]
    where = where_of(project, stage)
    if settings.explode:
        return explode_stages(earlier, settings.explode, output, by=settings.by, where=where)
    if settings.group is None:
        return follow_stage(earlier[0], output, where=where)
    if settings.group.by == PARENT:
        about_items = project.study.stages_about_items(earlier[0].name)
        return group_by_parent(earlier[0], output, of_children=about_items, where=where)
    return group_by_field(earlier[0], settings.group.by, output, where=where)


def _earlier(project: Project, stage: str, name: str) -> EarlierStage:
    settings = project.study.stages[name]
    return EarlierStage(
        name,
        records=project.root / project.paths.stage_records(name),
        features=project.root / project.paths.features(name),
        schema=features_of_stage(project, name),
        rationales=rationales_carried(project, stage),
        not_kept=settings.reason if isinstance(settings, FilterStage) else None,
    )
