"""OpenAI's rules for fine-tuning files, as far as they are written down.

The shape of a row is `FineTuneChatRequestInput` of https://github.com/openai/openai-openapi; what counts and
sizes may be says https://platform.openai.com/docs/guides/supervised-fine-tuning.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping
from typing import Any

import orjson

LEAST_EXAMPLES = 10
LARGEST_FILE = 512_000_000
_MOST_TOOLS = 128
_FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ROW_KEYS = frozenset({"messages", "tools", "parallel_tool_calls"})
_MESSAGE_KEYS = {
    "system": {"role", "content", "name"},
    "developer": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {"role", "content", "name", "refusal", "tool_calls", "weight"},
    "tool": {"role", "content", "tool_call_id"},
}


def row_faults(row: Mapping[str, Any]) -> list[str]:
    """What is against the rules in one row of a training or validation file; nothing where all is well."""
    return list(_row_faults(row))


def file_faults(name: str, rows: int, size: int, *, is_train: bool) -> list[str]:
    """What is against the rules in a file as a whole.

    Args:
        rows, size: number of its rows, and of its bytes.
        is_train: whether it is to be learned from, for which there is a least number of rows.
    """
    faults = []
    if is_train and rows < LEAST_EXAMPLES:
        faults.append(f"{name} has {rows:,} examples; OpenAI takes {LEAST_EXAMPLES} at least")
    if size > LARGEST_FILE:
        faults.append(f"{name} has {size:,} bytes; OpenAI takes {LARGEST_FILE:,} at most")
    return faults


def _row_faults(row: Mapping[str, Any]) -> Iterator[str]:
    if unknown := sorted(row.keys() - _ROW_KEYS):
        yield f"unknown keys: {', '.join(unknown)}"
    messages, tools = row.get("messages"), row.get("tools")
    if not isinstance(messages, list) or not messages:
        yield "`messages` is no list with messages"
        return
    functions = yield from _tool_faults(tools) if tools is not None else ()
    if tools is None and "parallel_tool_calls" in row:
        yield "`parallel_tool_calls` goes with `tools`"
    for place, message in enumerate(messages):
        for fault in _message_faults(message, functions or ()):
            yield f"message {place}: {fault}"
    roles = [message.get("role") for message in messages if isinstance(message, dict)]
    if "user" not in roles:
        yield "there is no message of the user"
    if roles[-1:] != ["assistant"]:
        yield "the last message is not the assistant's"
    weights = [
        message.get("weight", 1)
        for message in messages
        if isinstance(message, dict) and message.get("role") == "assistant"
    ]
    if weights and not any(weights):
        yield "all messages of the assistant have the weight 0"


def _tool_faults(tools: Any) -> Generator[str, None, tuple[str, ...]]:
    """Faults of the tools; returns the names of their functions."""
    if not isinstance(tools, list) or not 1 <= len(tools) <= _MOST_TOOLS:
        yield f"`tools` is no list of 1 to {_MOST_TOOLS} tools"
        return ()
    names = []
    for tool in tools:
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or tool.get("type") != "function":
            yield "a tool is not `{type: function, function: {…}}`"
            continue
        name = function.get("name")
        if not isinstance(name, str) or not _FUNCTION_NAME.fullmatch(name):
            yield f"{name!r} is no name of a function: letters, digits, `_` and `-`, 64 at most"
            continue
        if name in names:
            yield f"two functions are called `{name}`"
        names.append(name)
        if not isinstance(function.get("parameters", {}), dict):
            yield f"the parameters of `{name}` are no JSON schema"
    return tuple(names)


def _message_faults(message: Any, functions: tuple[str, ...]) -> Iterator[str]:
    role = message.get("role") if isinstance(message, dict) else None
    if role not in _MESSAGE_KEYS:
        yield f"{role!r} is no role"
        return
    if unknown := sorted(message.keys() - _MESSAGE_KEYS[role]):
        yield f"unknown keys: {', '.join(unknown)}"
    calls, content = message.get("tool_calls"), message.get("content")
    if calls is None and not (isinstance(content, str) and content):
        yield "it has no text"
    if content is not None and not isinstance(content, str):
        yield "`content` is no text"
    if message.get("weight", 1) not in (0, 1) or isinstance(message.get("weight", 1), bool):
        yield "`weight` is neither 0 nor 1"
    if calls is not None:
        yield from _call_faults(calls, functions)


def _call_faults(calls: Any, functions: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(calls, list) or not calls:
        yield "`tool_calls` is no list with calls"
        return
    for call in calls:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or call.get("type") != "function" or not call.get("id"):
            yield "a call is not `{id: …, type: function, function: {…}}`"
            continue
        if function.get("name") not in functions:
            yield f"calls `{function.get('name')}`, which is not among the tools"
        if not _is_json_object(function.get("arguments")):
            yield "the arguments of a call are no JSON object as text"


def _is_json_object(text: Any) -> bool:
    try:
        return isinstance(text, str) and isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False
