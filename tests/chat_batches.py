"""Request files and answers for tests that run batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from goldpan.providers.engine import completion

LABELS = ["calm", "angry"]
TOOL = {
    "type": "function",
    "function": {
        "name": "record_mood",
        "parameters": {
            "type": "object",
            "properties": {
                "mood": {"type": "string", "enum": LABELS},
                "reason": {"type": "string", "description": "Why."},
            },
            "required": ["mood", "reason"],
            "additionalProperties": False,
        },
    },
}


def chat_body(text: str, **changes: Any) -> dict[str, Any]:
    """A chat request that forces a tool call; `changes` replace or add keys."""
    body = {
        "model": "some-model",
        "messages": [{"role": "user", "content": text}],
        "tools": [TOOL],
        "tool_choice": {"type": "function", "function": {"name": "record_mood"}},
    }
    return body | changes


def batch_row(custom_id: str, **changes: Any) -> dict[str, Any]:
    """One line of a batch's input; `changes` replace or add keys."""
    row = {
        "custom_id": custom_id,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": chat_body(custom_id),
    }
    return row | changes


def write_rows(path: Path, rows: list[Any]) -> Path:
    """Write a batch's input; bytes are taken as they are."""
    path.write_bytes(b"".join((row if isinstance(row, bytes) else orjson.dumps(row)) + b"\n" for row in rows))
    return path


def write_requests(path: Path, count: int) -> Path:
    """Write a batch's input with rows `row-1` to `row-<count>`."""
    return write_rows(path, [batch_row(f"row-{number}") for number in range(1, count + 1)])


def echo(body: dict[str, Any], custom_id: str) -> dict[str, Any]:
    """A scripted answerer: calm, and the reason is the text of the request."""
    return completion(body, {"mood": "calm", "reason": body["messages"][0]["content"]}, custom_id)


def lines_of(path_or_bytes: Path | bytes) -> list[dict[str, Any]]:
    """The JSON lines of a file or of its content, split on newlines only."""
    data = path_or_bytes if isinstance(path_or_bytes, bytes) else path_or_bytes.read_bytes()
    return [orjson.loads(line) for line in data.split(b"\n") if line]


def ids_of(lines: list[dict[str, Any]]) -> list[str]:
    """The custom ids of result lines."""
    return [line["custom_id"] for line in lines]


def arguments_of(line: dict[str, Any]) -> dict[str, Any]:
    """What the tool call of a result line says."""
    message = line["response"]["body"]["choices"][0]["message"]
    return orjson.loads(message["tool_calls"][0]["function"]["arguments"])
