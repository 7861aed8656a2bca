"""A project whose chain of stages is written by hand: records and features as the steps would leave them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orjson import OPT_APPEND_NEWLINE, dumps

from goldpan.files import write_bytes, write_json
from goldpan.study import load_project
from goldpan.study.load import Project
from goldpan.tasks.features import PREDICTION_TYPES
from tests.projects import WorkflowProject, notes_study

Row = tuple[dict[str, Any], dict[str, Any]]
"""(record, row of features)"""


def chain_project(
    root: Path,
    stages: dict[str, dict[str, Any]],
    tables: dict[str, Any],
    tasks: Sequence[dict[str, Any]] = (),
) -> WorkflowProject:
    """A project with the stages of a chain, each with the baseline, and its tables; the tasks are written."""
    project = WorkflowProject.create(root)
    for task in tasks:
        project.write_task({"description": "A task.", "prompt": {"user": "topic.user.j2"}, **task})
    project.write("notes/a.jsonl", '{"id": "n", "text": "t"}\n')
    study = notes_study()
    study["stages"] = {
        name: {"provider": "main", "model": "goldpan-baseline-1", **stage} for name, stage in stages.items()
    }
    study["tables"] = tables
    project.write_study(study)
    return project


def loaded(project: WorkflowProject) -> Project:
    """The project as the library has it."""
    return load_project("notes", root=project.root)


def record(id: str, file: str = "a.jsonl", line: int = 1, **more: Any) -> dict[str, Any]:
    """A record; `data` is the text unless given."""
    return {"id": id, "source": "notes", "file": file, "line": line, "data": {"text": f"of {id}"}, **more}


def answered(**values: tuple[str, Any]) -> dict[str, Any]:
    """A row of features that is ok, from `feature=(type, value)`; `(type, value, rationale)` has a reason."""
    features = {}
    for name, (kind, value, *rationale) in values.items():
        type_name, key = PREDICTION_TYPES[kind]
        features[name] = {"type": type_name, key: value}
        if rationale:
            features[name]["rationale"] = rationale[0]
    return {"state": "ok", "reason": None, "model": "m", "features": features}


def skipped(reason: str) -> dict[str, Any]:
    """A row of features of a record that was left out."""
    return {"state": "skipped", "reason": reason, "features": {}}


def failed(reason: str = "invalid: no") -> dict[str, Any]:
    """A row of features of a record that came to nothing."""
    return {"state": "failed", "reason": reason, "model": "m", "features": {}}


def write_stage(project: WorkflowProject, stage: str, rows: Sequence[Row], cost_usd: float = 0.0) -> None:
    """Leave the files of a stage that nobody was paid for."""
    folder = project.artifact(f"stages/{stage}")
    (folder / "round1/requests").mkdir(parents=True, exist_ok=True)
    records, features = [], []
    for given, row in rows:
        head = {key: given[key] for key in ("id", "source", "file")}
        records.append(dumps(given, option=OPT_APPEND_NEWLINE))
        features.append(dumps({**head, **row}, option=OPT_APPEND_NEWLINE))
    write_bytes(folder / "records.jsonl", b"".join(records))
    write_bytes(folder / "features.jsonl", b"".join(features))
    asked = [dumps({"id": given["id"], "skip": "nobody"}, option=OPT_APPEND_NEWLINE) for given, _ in rows]
    write_bytes(folder / "round1/requests/asked.jsonl", b"".join(asked))
    write_json(folder / "summary.json", {"cost_usd": cost_usd, "baseline": False})
