"""From a prompt to the bytes of a request and its key.

The canonical request is the JSON object `{"body": ..., "endpoint": ..., "sample": ...}` without spaces, in
UTF-8; its SHA-256 is the request key. The body is hashed as it is sent: its keys are in the order that
`chat_body` or `responses_body` gives them, for a model answers in the order of the schema, and another order
is another request. All of a request but its messages is the same for a whole stage, so it is serialised once,
and hashed once: the messages come last.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import orjson

from goldpan.providers.model_facts import URLS
from goldpan.providers.request_shape import Shape
from goldpan.tasks.chat import chat_body
from goldpan.tasks.responses import responses_body
from goldpan.tasks.task import Task

_MARK = "\x00messages\x00"
_BODIES = {"chat": chat_body, "responses": responses_body}


class RequestForm:
    """The unchanging parts of a task's requests in a stage, ready to take messages.

    Args:
        task: what is asked.
        model, params: of the stage, as `asked_stage` gives it.
        shape: how it is asked.
    """

    def __init__(self, task: Task, model: str, params: dict[str, Any], shape: Shape):
        if shape.one_call:
            params = {**params, "parallel_tool_calls": False}
        asked = _BODIES[shape.endpoint](
            task, shape.output, model=model, params=params, messages=_MARK, bounds=shape.bounds
        )
        body = orjson.dumps(asked)
        self._head, tail = body.split(orjson.dumps(_MARK))
        self._hash_start = hashlib.sha256(b'{"body":' + self._head)
        endpoint = orjson.dumps(URLS[shape.endpoint])
        self._hash_end = b'%b,"endpoint":%b,"sample":%%d}' % (tail, endpoint)
        self._line_start = b'{"custom_id":"%%b","method":"POST","url":%b,"body":' % endpoint
        self._line_end = tail + b"}\n"
        self.fixed_bytes = len(body)
        self._empty_line = sum(map(len, self.line_parts("", ())))

    def key(self, messages: bytes, sample: int) -> bytes:
        """The request key (32 bytes) of messages given as canonical JSON."""
        digest = self._hash_start.copy()
        digest.update(messages)
        digest.update(self._hash_end % sample)
        return digest.digest()

    def size(self, custom_id: str, messages_bytes: int) -> int:
        """Length of its line in bytes."""
        return self._empty_line + len(custom_id) + messages_bytes

    def line_parts(self, custom_id: str, messages: Iterable[bytes]) -> tuple[bytes, ...]:
        """One line of a request file, with its newline, in parts to be written one after the other."""
        return self._line_start % custom_id.encode(), self._head, *messages, self._line_end


class MessagesWriter:
    """Chat messages of many requests as they are hashed and sent: canonical JSON.

    Their texts come in pieces. A piece that is the same as that in its place in the request before (the
    template's own text, the tools and the system prompt of one agent) is not serialised again, and stays the
    same object.
    """

    def __init__(self) -> None:
        self._before: list[tuple[str, bytes]] = []

    def json_parts(self, messages: Iterable[tuple[str, list[str]]]) -> tuple[bytes, ...]:
        """The JSON of messages given as role and pieces of content, in parts."""
        before, place = self._before, 0
        parts: list[bytes] = []
        for role, pieces in messages:
            parts.append(b'%b{"role":%b,"content":"' % (b"," if parts else b"[", orjson.dumps(role)))
            for piece in pieces:
                if place == len(before):
                    before.append((piece, _inner_json(piece)))
                elif before[place][0] != piece:
                    before[place] = (piece, _inner_json(piece))
                parts.append(before[place][1])
                place += 1
            parts.append(b'"}')
        parts.append(b"]" if parts else b"[]")
        return tuple(parts)


def _inner_json(text: str) -> bytes:
    """A text's JSON without the quotes: that of two texts one after the other is that of both together."""
    return orjson.dumps(text)[1:-1]
