"""An endpoint that answers by the text of a note, and a project that asks it."""

import hashlib
from pathlib import Path

import orjson
import pytest

from goldpan.serve import running_server
from tests.projects import WorkflowProject, note_rows, notes_study
from tests.stage_builders import answer_all, with_records

ROWS = 60
SHARD_ROWS = 25
SHARDS = 3


def scripted_answer(body: dict, custom_id: str) -> dict:
    """A completion whose labels depend on nothing but the messages."""
    text = orjson.dumps(body["messages"])
    digest = hashlib.sha256(text).digest()
    label = next((name for name in ("cat", "engine", "rain") if name.encode() in text), "cat")
    topic = {"cat": "animals", "engine": "machines", "rain": "weather"}[label]
    arguments = {
        "topic": topic,
        "topic_rationale": f"because of {digest.hex()[:8]}",
        "urgent_detected": digest[0] % 2 == 0,
        "length": digest[1] % 6,
    }
    call = {"name": "topic", "arguments": orjson.dumps(arguments).decode()}
    return {
        "id": f"chatcmpl-{digest.hex()[:12]}",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": body["model"],
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [{"id": "call_1", "type": "function", "function": call}],
                },
            }
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }


def make_project(root: Path, base_url: str, **stage) -> WorkflowProject:
    """A project of ROWS notes in SHARDS shards, asked at `base_url`."""
    project = WorkflowProject.create(root)
    provider = {"kind": "openai", "base_url": base_url, "grace_seconds": 0.5}
    settings = {
        "model": "scripted-1",
        "limits": {"requests": SHARD_ROWS},
        "poll": {"first": 0.1, "longest": 0.5, "patience": 1},
        **stage,
    }
    project.write_study(notes_study(provider, **settings))
    project.write_rows("notes/a.jsonl", note_rows(ROWS))
    return project


def comparable(project: WorkflowProject) -> list[dict]:
    """The rows of features without ids and times, which differ from run to run."""
    rows = project.rows("stages/topics/features.jsonl")
    for row in rows:
        row.pop("batch_id")
        row.pop("answered_at", None)
    return rows


@pytest.fixture
def server(tmp_path):
    """An endpoint without faults."""
    with running_server(tmp_path / "server", answerer=scripted_answer) as running:
        yield running


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """What a run gives that nothing disturbs."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with running_server(folder / "server", answerer=scripted_answer) as running:
        project = make_project(folder / "project", running.base_url)
        answer_all(with_records(project.root))
        assert len(running.engine.list_batches()) == SHARDS
        return comparable(project)
