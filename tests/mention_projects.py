"""A small project whose stages explode mentions, and gather them again."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

from goldpan.study.load import Project, load_project
from tests.projects import WorkflowProject

MENTIONS_TASK = {
    "task": "mentions",
    "description": "Data sets that a page names.",
    "prompt": {"user": "mentions.user.j2"},
    "features": [
        {
            "name": "mentions",
            "type": "extraction",
            "description": "Every data set that is named.",
            "fields": [
                {"name": "raw_name", "description": "As it stands in the text."},
                {"name": "context", "labels": ["primary", "background"]},
                {"name": "year", "type": "integer", "nullable": True},
            ],
        },
        {
            "name": "topics",
            "type": "multilabel",
            "description": "What the page is about.",
            "labels": ["health", "water"],
        },
        {"name": "length", "type": "score", "min": 0, "max": 3, "description": "How long the page is."},
    ],
}
JUDGE_TASK = {
    "task": "judge",
    "description": "Is it a data set?",
    "prompt": {"user": "judge.user.j2"},
    "features": [
        {
            "name": "valid",
            "type": "classification",
            "description": "Whether it is one.",
            "labels": ["yes", "no"],
            "rationale": True,
        }
    ],
}
PAPER_TASK = {
    "task": "paper",
    "description": "All of a page.",
    "prompt": {"user": "paper.user.j2"},
    "features": [{"name": "quality", "type": "score", "min": 0, "max": 3, "description": "How good."}],
}
_ASKED = {"provider": "local", "model": "baseline"}
STUDY: dict[str, Any] = {
    "study": "mentions",
    "sources": {"pages": {"files": "pages/*.jsonl", "id": ["page"], "fields": {"text": "string"}}},
    "providers": {"local": {"kind": "local"}},
    "stages": {
        "extraction": {"input": {"source": "pages"}, "task": "mentions", **_ASKED},
        "judge": {"input": {"stage": "extraction", "explode": "mentions"}, "task": "judge", **_ASKED},
        "paper": {"input": {"stage": "judge", "group": {"by": "parent"}}, "task": "paper", **_ASKED},
    },
}


def mentions_study(**inputs: dict[str, Any]) -> dict[str, Any]:
    """The study, with other keys in the `input` of some stages."""
    study = deepcopy(STUDY)
    for stage, keys in inputs.items():
        study["stages"][stage]["input"].update(keys)
    return study


def mentions_project(root: Path, study: dict[str, Any] | None = None) -> WorkflowProject:
    """The project, with one file of three pages."""
    project = WorkflowProject.create(root, study="mentions")
    for task in (MENTIONS_TASK, JUDGE_TASK, PAPER_TASK):
        project.write_task(task)
    project.write("config/tasks/mentions.user.j2", "{{ data.text }}")
    project.write("config/tasks/judge.user.j2", "{{ item.raw_name }} in: {{ data.text }}")
    project.write(
        "config/tasks/paper.user.j2", "{% for child in children %}{{ child.item.raw_name }};{% endfor %} end"
    )
    project.write_study(study or STUDY)
    project.write_rows(
        "pages/a.jsonl", [{"page": name, "text": f"Text of {name}."} for name in ("p1", "p2", "p3")]
    )
    return project


def loaded(project: WorkflowProject) -> Project:
    """The project as goldpan reads it."""
    return load_project("mentions", root=project.root)
