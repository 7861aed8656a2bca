"""A batch service in memory that says what a test has written down."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import orjson

from goldpan.errors import ProviderError
from goldpan.providers.base import Batch, BatchProvider

T = TypeVar("T")


class ScriptedProvider(BatchProvider):
    """Answers `retrieve` and `download` in the given order; the last answer is given again and again.

    Attributes:
        states: batch id -> states or errors.
        files: file id -> contents or errors.
        tells_lengths: whether the service tells how long a file is.
        calls: (method, id) of every call.
    """

    kind = "scripted"

    def __init__(
        self,
        states: dict[str, Sequence[Batch | ProviderError]] | None = None,
        files: dict[str, Sequence[bytes | ProviderError]] | None = None,
        tells_lengths: bool = False,
    ):
        self.states = {key: list(given) for key, given in (states or {}).items()}
        self.files = {key: list(given) for key, given in (files or {}).items()}
        self.tells_lengths = tells_lengths
        self.calls: list[tuple[str, str]] = []

    def retrieve(self, batch_id: str) -> Batch:
        """The next state of a batch."""
        self.calls.append(("retrieve", batch_id))
        return _next(self.states[batch_id])

    def download(self, file_id: str, destination: Path) -> bool:
        """Write the next content of a file."""
        self.calls.append(("download", file_id))
        destination.write_bytes(_next(self.files[file_id]))
        return self.tells_lengths


def _next(script: list[T | ProviderError]) -> T:
    following = script.pop(0) if len(script) > 1 else script[0]
    if isinstance(following, ProviderError):
        raise following
    return following


def answer_line(custom_id: str, arguments: dict[str, Any], function: str = "topic") -> bytes:
    """A line of an output file with a tool call, without its newline."""
    call = {"name": function, "arguments": orjson.dumps(arguments).decode()}
    message = {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": call}]}
    body = {
        "model": "scripted-1-2026",
        "created": 1_700_000_000,
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }
    return orjson.dumps(
        {"custom_id": custom_id, "response": {"status_code": 200, "body": body}, "error": None}
    )


def error_line(custom_id: str, status: int, code: str = "broken") -> bytes:
    """A line of an error file, without its newline."""
    return _line(custom_id, status, {"error": {"message": "it went wrong", "code": code}})


def _line(custom_id: str, status: int, body: dict[str, Any]) -> bytes:
    response = {"status_code": status, "body": body}
    return orjson.dumps({"custom_id": custom_id, "response": response, "error": None})
