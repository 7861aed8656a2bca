"""For exports: a study of notes in many files, an annotator that fails at some, and gold for a part."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import orjson

from tests.filled_sheets import fill_csv
from tests.projects import FINDS_TESTS, WorkflowProject, notes_study

FILES, NOTES = 24, 5
TOPICS = ("animals", "machines", "weather")
FAILURES = ("refused", "truncated", "not_json", "unknown_label")
_WORDS = [
    *("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath"),
    *("inlet", "juniper", "kelp", "larch", "maple", "north", "opal", "pine"),
]
ANSWERS = """
from goldpan.providers.engine import completion
from goldpan.serve.row_faults import spoil
from tests.export_projects import answer_to, fate_of


def answer(body, custom_id):
    text = body["messages"][-1]["content"]
    made = completion(body, answer_to(text), custom_id)
    if fate_of(text) != "ok":
        spoil(fate_of(text), body, made)
    return made
"""
"""The annotator, for `answers: FILE.py:function`."""


def note_text(name: str) -> str:
    """A note that is like no other."""
    digest = hashlib.sha256(name.encode()).digest()
    words = [_WORDS[byte % len(_WORDS)] for byte in digest[:24]]
    return f"Note {name} on {TOPICS[digest[0] % 3]}: {' '.join(words)}."


def topic_of(text: str) -> str:
    """The right topic of a note."""
    return next(topic for topic in TOPICS if f" on {topic}:" in text.lower())


def fate_of(text: str) -> str:
    """What the annotator makes of a note: `ok`, or a failure."""
    (name,) = re.findall(r"Note (\S+) on", text)
    place = hashlib.sha256(name.encode()).digest()[1] % 16
    return FAILURES[place] if place < len(FAILURES) else "ok"


def answer_to(text: str) -> dict[str, Any]:
    """What the annotator says of a note, unless it fails."""
    topic = topic_of(text)
    return {
        "topic_rationale": f"It speaks of {topic}.",
        "topic": topic,
        "urgent_detected": topic != "weather",
        "length": 2,
    }


def export_study(exports: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The study: one stage, one wave, and these exports."""
    study = notes_study({"kind": "local", "answers": "answers.py:answer"}, max_rounds=1)
    wave = {
        "stage": "topics",
        "features": ["topic", "urgent"],
        "sample": 30,
        "annotators": ["ann"],
        "formats": ["csv"],
        "show": ["text"],
        "gold": {"group": "file"},
    }
    return {**study, "waves": {"check": wave}, "exports": exports, **changes}


def export_project(root: Path, exports: dict[str, Any], **changes: Any) -> WorkflowProject:
    """The project: many files of some notes each."""
    project = WorkflowProject.create(root)
    project.environment |= FINDS_TESTS
    project.write("answers.py", ANSWERS)
    project.write_study(export_study(exports, **changes))
    for number in range(FILES):
        write_notes(project, f"f{number:02}", NOTES)
    return project


def write_notes(project: WorkflowProject, file: str, count: int) -> None:
    """A file of notes; a longer one begins as a shorter one."""
    rows = [{"id": f"{file}-{at}", "text": note_text(f"{file}-{at}")} for at in range(count)]
    project.write_rows(f"notes/{file}.jsonl", rows)


def fill_in_gold(project: WorkflowProject, **other: str) -> None:
    """The sheet of the one annotator, who is right but for the notes (by id) whose topic is given."""
    items = {row["item_id"]: row for row in project.rows("waves/check/sample.jsonl")}

    def answers(item_id: str) -> dict[str, Any]:
        row = items[item_id]
        topic = other.get(row["id"].replace("-", "_"), topic_of(row["data"]["text"]))
        return {"topic": topic, "urgent": "yes" if topic == "machines" else "no"}

    sheet = project.artifact("waves/check/sheets/ann.csv")
    fill_csv(sheet, project.root / "annotations" / "notes" / "check" / "ann.csv", answers)


def read_export(project: WorkflowProject, name: str) -> dict[str, list[dict[str, Any]]]:
    """split -> rows of an export."""
    return {split: project.rows(f"finetune/{name}/{split}.jsonl") for split in ("train", "valid", "test")}


def provenance(project: WorkflowProject, name: str) -> dict[str, dict[str, Any]]:
    """Record id -> where its row comes from."""
    rows = project.rows(f"finetune/{name}/provenance.jsonl")
    assert len({row["id"] for row in rows}) == len(rows)
    return {row["id"]: row for row in rows}


def answer_in(row: dict[str, Any]) -> dict[str, Any]:
    """The answer that a row of any format teaches."""
    if "messages" in row:
        last = row["messages"][-1]
        text = last["tool_calls"][0]["function"]["arguments"] if "tool_calls" in last else last["content"]
    elif "conversations" in row:
        text = row["conversations"][-1]["value"]
    else:
        last = row["completion"]
        text = last if isinstance(last, str) else last[0].get("content")
        if text is None:
            return dict(last[0]["tool_calls"][0]["function"]["arguments"])
    loaded: dict[str, Any] = orjson.loads(text)
    return loaded
