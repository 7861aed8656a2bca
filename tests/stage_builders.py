"""One stage of a small project, taken step by step in this process by the library alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from goldpan.batches.settle import Settled
from goldpan.batches.stage import StageRun
from goldpan.files import read_json
from goldpan.ledger import Ledger
from goldpan.records.read import build_records
from goldpan.stages.plan import Plan, read_plan
from goldpan.stages.rows import read_asked
from goldpan.study import load_project
from tests.projects import WorkflowProject, note_rows, notes_study

STAGE = "topics"


def make_stage(
    root: Path, rows: list[dict[str, Any]], provider: dict[str, Any] | None = None, **stage: Any
) -> StageRun:
    """A stage over notes, with its records made; by default the local baseline answers it."""
    project = WorkflowProject.create(root)
    project.write_study(notes_study(provider, **stage))
    project.write_rows("notes/a.jsonl", rows)
    return with_records(root)


def with_records(root: Path) -> StageRun:
    """The stage as its files say now, with its records made anew."""
    return records_made(StageRun(load_project("notes", root=root), STAGE))


def records_made(run: StageRun) -> StageRun:
    """The stage, with its records made anew."""
    for (source, file), path in run.input_files().items():
        output = at(run, run.paths.records(source, file))
        output.parent.mkdir(parents=True, exist_ok=True)
        build_records(run.project.study.sources[source], source, file, path, output)
    run.make_records()
    return run


def at(run: StageRun, path: str) -> Path:
    """A file of the project."""
    return run.project.root / path


def asked_of(run: StageRun, number: int = 1) -> list[dict[str, Any]]:
    """The rows of a round's asked.jsonl."""
    return [row for _, row in read_asked(at(run, run.paths.asked(STAGE, number)))]


def send(run: StageRun, plan: Plan) -> None:
    """Bring all shards of a round to the provider."""
    for shard in plan.shards:
        run.place(plan.round, shard.name)
        run.submit(plan.round, shard.name)


def finish(run: StageRun, plan: Plan) -> Settled:
    """Wait for what was sent, fetch it and settle the round."""
    run.wait(plan.round, lambda progress: None)
    for shard in plan.shards:
        run.fetch(plan.round, shard.name)
    return run.settle(plan.round)


def answer(run: StageRun, number: int = 1) -> Settled:
    """Take a round from its plan to its end."""
    plan = run.plan(number)
    send(run, plan)
    return finish(run, plan)


def answer_all(run: StageRun) -> None:
    """Take the stage to its features from where its files say that it is, as the workflow does."""
    number, left = 1, True
    while left:
        planned = at(run, run.paths.plan(STAGE, number))
        settled = at(run, run.paths.settled(STAGE, number))
        if not settled.exists():
            plan = read_plan(planned, stage=STAGE, round=number) if planned.exists() else run.plan(number)
            send(run, plan)
            finish(run, plan)
        left = read_json(settled)["left"] > 0
        number += 1
    run.consolidate()


def make_online(root: Path, service: Any, rows: int, *, stage: Any = None, **provider: Any) -> StageRun:
    """A stage in mode online that asks an `online_service` about so many notes."""
    settings = {"kind": "openai", "base_url": service.base_url, "grace_seconds": 0.2, **provider}
    return make_stage(root, note_rows(rows), settings, model="m", mode="online", **(stage or {}))


def states(run: StageRun) -> dict[str, int]:
    """How many requests the ledger has in which state."""
    with Ledger(run.project.ledger) as ledger:
        return ledger.counts()
