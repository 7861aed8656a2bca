"""Filters of a small project in this process: by keywords, a head of one layer, or a tiny classifier."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from goldpan.chains.answer import answer_locally
from goldpan.records.inputs import files_of_sources
from goldpan.records.read import build_records
from goldpan.stages.make import make_records
from goldpan.study import Project, load_project
from tests.head_builders import read_rows
from tests.projects import WorkflowProject, notes_study

SIEVE = "sieve"


def filter_project(root: Path, rows: list[dict[str, Any]], settings: dict[str, Any], **parts: Any) -> Project:
    """A project whose stage `sieve` filters notes, with its records made; `topics` reads what it keeps.

    Args:
        settings: of the filter.
        parts: of the study besides sources, providers and stages.
    """
    project = WorkflowProject.create(root)
    project.write_rows("notes/a.jsonl", rows)
    project.write_study(filter_study(settings, **parts))
    loaded = load_project("notes", root=root)
    for (source, file), path in files_of_sources(loaded, ["notes"]).items():
        output = root / loaded.paths.records(source, file)
        output.parent.mkdir(parents=True, exist_ok=True)
        build_records(loaded.study.sources[source], source, file, path, output)
    make_records(loaded, SIEVE)
    return loaded


def filter_study(settings: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """The study of such a project, in which `first` asks about all notes."""
    study = notes_study(input={"stage": SIEVE})
    sieve = {"kind": "filter", "input": {"source": "notes"}, **settings}
    first = {**study["stages"]["topics"], "input": {"source": "notes"}}
    return study | {"stages": {"first": first, SIEVE: sieve, **study["stages"]}} | parts


def answered(project: Project) -> list[dict[str, Any]]:
    """The rows of the filter's features.jsonl, made anew."""
    answer_locally(project, SIEVE)
    return read_rows(project.root / project.paths.features(SIEVE))


def kept(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Ids of the rows that are kept."""
    return [row["id"] for row in rows if row["state"] == "ok" and row["features"]["kept"]["detected"]]


def notes(*texts: Any) -> list[dict[str, Any]]:
    """Rows n1, n2, ... of these texts."""
    return [{"id": f"n{number}", "text": text} for number, text in enumerate(texts, 1)]
