"""Making records.jsonl of a stage, from what stands before it."""

from __future__ import annotations

from pathlib import Path

from goldpan.records.inputs import files_of_sources
from goldpan.stages.features import features_of_stage
from goldpan.stages.records import follow_stage, gather_records, rationales_carried
from goldpan.study.load import Project
from goldpan.study.local_stage import FilterStage


def make_records(project: Project, stage: str) -> int:
    """Write records.jsonl of a stage: what it is about, with skips.

    Returns:
        Number of rows written.

    Raises:
        StudyError: what it is made from is not there.
        SourceError, WhereError, ReconciliationError: as of `gather_records` and `follow_stage`.
    """
    paths = project.paths
    output = project.root / paths.stage_records(stage)
    if project.study.stages[stage].input.stage is None:
        places = files_of_sources(project, project.study.sources_of(stage))
        files = [project.left(paths.records(*place), f"stage `{stage}`") for place in places]
        return gather_records(files, output)
    return make_following(project, stage, output)


def make_following(project: Project, stage: str, output: Path) -> int:
    """Write what a stage is about that follows another; as `make_records`, to any place."""
    settings = project.study.stages[stage].input
    earlier = settings.stage
    assert earlier is not None
    return follow_stage(
        earlier,
        project.root / project.paths.stage_records(earlier),
        project.root / project.paths.features(earlier),
        output,
        where=settings.where,
        schema=features_of_stage(project, earlier),
        rationales=rationales_carried(project, stage),
        is_filter=isinstance(project.study.stages[earlier], FilterStage),
    )
