"""The steps of a stage that are measured: functions of a project's folder, each for a process of its own."""

from __future__ import annotations

from pathlib import Path

from goldpan.batches.stage import StageRun
from goldpan.records.read import build_records
from goldpan.stages.plan import read_plan
from goldpan.study import load_project
from goldpan.study.load import Project


def project_at(root: str | Path) -> Project:
    """The project of a folder with one study."""
    (study,) = (Path(root) / "config" / "studies").glob("*.yaml")
    return load_project(study.stem, root=root)


def stage_at(root: str | Path) -> StageRun:
    """The one stage of the project in a folder."""
    project = project_at(root)
    (name,) = project.study.stages
    return StageRun(project, name)


def shards_at(root: str | Path) -> list[str]:
    """The shards of the first round, once it is planned."""
    stage = stage_at(root)
    plan = read_plan(stage.project.root / stage.paths.plan(stage.name, 1), stage.name, 1)
    return [shard.name for shard in plan.shards]


def records(root: str) -> int:
    """Read the source files, and gather the stage's records; returns their number."""
    source_records(root)
    return stage_records(root)


def source_records(root: str) -> None:
    """Read the source files into records."""
    stage = stage_at(root)
    for (source, file), path in stage.input_files().items():
        output = stage.project.root / stage.paths.records(source, file)
        build_records(stage.project.study.sources[source], source, file, path, output)


def stage_records(root: str) -> int:
    """Gather the stage's records; returns their number."""
    return stage_at(root).make_records().rows


def plan(root: str) -> int:
    """Plan the first round; returns the number of requests it asks."""
    return stage_at(root).plan(1).requests["asked"]


def place(root: str) -> int:
    """Place the request file of every shard; returns their number."""
    stage, shards = stage_at(root), shards_at(root)
    for shard in shards:
        stage.place(1, shard)
    return len(shards)


def submit(root: str) -> int:
    """Place and submit every shard; returns their number."""
    stage, shards = stage_at(root), shards_at(root)
    for shard in shards:
        stage.place(1, shard)
        stage.submit(1, shard)
    return len(shards)


def fetch(root: str) -> int:
    """Fetch the answers of every shard; returns their number."""
    stage, shards = stage_at(root), shards_at(root)
    for shard in shards:
        stage.fetch(1, shard)
    return len(shards)


def settle(root: str) -> dict[str, int]:
    """Settle the first round; returns outcomes by state."""
    return stage_at(root).settle(1).outcomes


def consolidate(root: str) -> dict[str, int]:
    """Write features and summary; returns records by state."""
    return dict(stage_at(root).consolidate().states)
