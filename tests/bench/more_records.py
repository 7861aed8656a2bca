"""A stage of many short records that are all answered, made without asking anybody."""

from __future__ import annotations

from pathlib import Path

import orjson

from goldpan.batches.shard import asked_rows
from goldpan.ledger import Ledger, Outcome
from tests.bench import steps
from tests.projects import WorkflowProject, notes_study

ARGUMENTS = '{"topic_rationale":"It says so.","topic":"animals","urgent_detected":true,"length":5}'
WORDS = ("the", "of", "heron", "engine", "rain", "sea", "stone", "wind", "field", "night", "letter", "road")
LENGTH = 100


def write_project(root: Path, rows: int) -> None:
    """A study of `rows` notes of 100 characters each."""
    project = WorkflowProject.create(root)
    project.write_study(notes_study({"kind": "local"}))
    (root / "notes").mkdir()
    with (root / "notes" / "a.jsonl").open("wb") as out:
        for number in range(rows):
            out.write(_row(number))


def add_a_record(root: str | Path) -> None:
    """Put one more note at the end."""
    with (Path(root) / "notes" / "a.jsonl").open("ab") as out:
        out.write(_row(10**9))


def _row(number: int) -> bytes:
    picked = (WORDS[(number * factor + shift) % len(WORDS)] for shift, factor in enumerate([1, 3, 5, 7] * 8))
    text = f"{number} {' '.join(picked)}"[:LENGTH]
    return orjson.dumps({"id": f"n{number:07d}", "text": text}, option=orjson.OPT_APPEND_NEWLINE)


def answer_all(root: str) -> int:
    """Let the ledger know an answer to each request that is planned; returns their number."""
    stage = steps.stage_at(root)
    asked = stage.project.root / stage.paths.asked(stage.name, 1)
    plan = stage._plan(1)
    with Ledger(stage.project.ledger) as ledger:
        for shard in plan.shards:
            submission = ledger.record_intent(
                asked_rows(asked, shard.name),
                shard=shard.hash, provider="main", study=plan.study, stage=plan.stage, round=1,
                task=" ".join(plan.tasks), task_hash=" ".join(plan.tasks.values()), model=plan.model,
                requests=shard.requests, bytes=shard.bytes, free=True,
            )  # fmt: skip
            ledger.record_batch(submission.id, f"batch_{submission.id}", 1_700_000_000, "completed")
            rows = asked_rows(asked, shard.name)
            ledger.settle(
                submission.id, (_outcome(row.custom_id, row.key) for row in rows), status="completed",
                note=lambda: "{}",
            )  # fmt: skip
    return plan.requests["asked"]


def _outcome(custom_id: str, key: bytes) -> Outcome:
    call = {"id": f"call_{key.hex()[:24]}", "type": "function",
            "function": {"name": "topic", "arguments": ARGUMENTS}}  # fmt: skip
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    body = {
        "id": f"chatcmpl-{key.hex()[:32]}", "object": "chat.completion", "created": 1_700_000_000,
        "model": "gpt-4.1-mini", "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 215, "completion_tokens": 20, "total_tokens": 235},
    }  # fmt: skip
    response = {"status_code": 200, "request_id": key.hex()[32:], "body": body}
    line = orjson.dumps({"id": "batch_req", "custom_id": custom_id, "response": response, "error": None})
    return Outcome(key, "ok", None, False, line, 215, 20)
