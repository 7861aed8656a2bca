"""An agent's messages, tools and system prompt as text that an annotator can follow and cannot be misled by.

Everything this project writes into the text stands in the brackets of `MARKS`; the same brackets (and those
that look like them) are replaced inside the material, so no message can forge a step, a result or the end of
a block. Steps are numbered from 1, tool calls within them (`call 4.2`); results name the call they answer.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson

from goldpan.errors import SourceError

MARKS = ("⟦", "⟧")
OpenCalls = dict[str, list[tuple[int, str]]]
"""tool call id -> calls that wait for a result: (index of their step, label)."""

_LOOK_ALIKES = (("⟦", "[["), ("⟧", "]]"), ("〚", "[["), ("〛", "]]"), ("⟬", "[["), ("⟭", "]]"))
_NAME_LIMIT = 100
_TEXT_PARTS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}


class UnusableTrace(SourceError):
    """A row that cannot be asked about; it becomes a recorded skip with `code` and the message as reason.

    Attributes:
        code: `no_trace_segment`, `no_trace`, `empty_trace`, `bad_message`, `unknown_role`, `bad_content`,
            `bad_tool_call`, `bad_tools`, `no_user_message`, `no_assistant_message` or `bad_follow_up`.
    """

    def __init__(self, code: str, explanation: str):
        super().__init__(explanation)
        self.code = code


def mark(text: str) -> str:
    """A note of ours to stand within material."""
    return f"⟦{text}⟧"


def as_material(text: str) -> str:
    """`text` without the brackets that only our own marks may have."""
    if text.isascii():
        return text
    for bracket, plain in _LOOK_ALIKES:
        text = text.replace(bracket, plain)
    return text


def content_text(content: Any, place: int | str) -> str:
    """The text of a message's content: a string, a list of parts, or nothing.

    Args:
        content: as it stands in the message.
        place: number of the step, or what else to call it in an error.

    Raises:
        UnusableTrace: `bad_content`, the content has another type.
    """
    if type(content) is str:
        return content if content.isascii() else as_material(content)
    if content is None:
        return ""
    if isinstance(content, list):
        return "\n".join(_part_text(part, place) for part in content)
    raise UnusableTrace(
        "bad_content", f"message content at {_named(place)} is of type {type(content).__name__}"
    )


def _named(place: int | str) -> str:
    return f"step {place}" if isinstance(place, int) else place


def _part_text(part: Any, place: int | str) -> str:
    if isinstance(part, str):
        return as_material(part)
    if not isinstance(part, dict):
        raise UnusableTrace(
            "bad_content", f"a content part at {_named(place)} is of type {type(part).__name__}"
        )
    kind = str(part.get("type"))
    if kind in _TEXT_PARTS:
        return content_text(part.get(_TEXT_PARTS[kind]), place)
    return mark("image" if "image" in kind else _one_line(kind) + " part")


def render_steps(messages: list[Any], first: int = 0) -> list[str]:
    """Render `messages[first:]`, one text for each message, in order.

    A result answers the oldest open call with its id, because agents in the wild reuse ids. Calls without a
    result and results without a call are marked as such.

    Raises:
        UnusableTrace: a message that is no object, or has an unknown role, content or tool call.
    """
    steps: list[str] = []
    open_calls: OpenCalls = {}
    for number, message in enumerate(messages[first:] if first else messages, 1):
        try:
            role, content = message["role"], message.get("content")
        except (TypeError, KeyError, AttributeError):
            raise UnusableTrace("bad_message", f"message {first + number} is no object with a role") from None
        text = content_text(content, number)
        if role == "assistant":
            steps.append(_assistant(message, text, number, open_calls))
        elif role == "tool" or role == "function":
            key = message.get("tool_call_id" if role == "tool" else "name")
            waiting = open_calls.get(key) if type(key) is str else None
            answered = f"result of {waiting.pop(0)[1]}" if waiting else "result that answers no call shown"
            steps.append(f"⟦step {number}: {answered}⟧\n{text or '⟦empty⟧'}")
        elif role == "user" or role == "system" or role == "developer":
            steps.append(f"⟦step {number}: {role}⟧\n{text or '⟦empty⟧'}")
        else:
            raise UnusableTrace("unknown_role", f"message {first + number} has the role {role!r}")
    for waiting in open_calls.values():
        for index, call in waiting:
            steps[index] = steps[index].replace(f"⟦{call}⟧", f"⟦{call}, no result in this segment⟧")
    return steps


def _assistant(message: dict[str, Any], text: str, number: int, open_calls: OpenCalls) -> str:
    lines = [f"⟦step {number}: assistant⟧"]
    reasoning = message.get("reasoning_content")
    if reasoning:
        lines.append(f"⟦reasoning⟧ {content_text(reasoning, number)}")
    if text:
        lines.append(text)
    if message.get("refusal"):
        lines.append(f"⟦refusal⟧ {content_text(message['refusal'], number)}")
    calls = message.get("tool_calls")
    if not calls:
        legacy = message.get("function_call")
        calls = [{"id": legacy.get("name"), "function": legacy}] if isinstance(legacy, dict) else []
    if not isinstance(calls, list):
        raise UnusableTrace("bad_tool_call", f"step {number} has tool calls of type {type(calls).__name__}")
    for position, call in enumerate(calls, 1):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            raise UnusableTrace("bad_tool_call", f"step {number} has a tool call without a function")
        label = f"call {number}.{position}: {_one_line(function.get('name'))}"
        lines.append(f"⟦{label}⟧{_arguments(function.get('arguments'))}")
        key = call.get("id")
        open_calls.setdefault(key if type(key) is str else "", []).append((number - 1, label))
    if len(lines) == 1:
        lines.append("⟦empty⟧")
    return "\n".join(lines)


def _one_line(name: Any) -> str:
    """A name fit to stand inside a mark."""
    if type(name) is str and name.isascii() and name.isprintable() and 0 < len(name) <= _NAME_LIMIT:
        return name
    return as_material(ascii(name).strip("'\"")[:_NAME_LIMIT]) or "unnamed"


def _arguments(arguments: Any) -> str:
    """What follows a call's name: JSON on its line, or a line for each key if a value has several lines."""
    value = arguments
    if type(arguments) is str:
        if not arguments:
            return ""
        try:
            value = orjson.loads(arguments)
        except orjson.JSONDecodeError:
            return f" ⟦arguments are not valid JSON⟧ {as_material(arguments)}"
        if "\n" not in arguments and "\\n" not in arguments:
            return " " + (arguments if arguments.isascii() else as_material(arguments))
    if isinstance(value, dict) and any(type(item) is str and "\n" in item for item in value.values()):
        return "".join(f"\n  {_one_line(key)}:{_argument(item)}" for key, item in value.items())
    return "" if value is None else f" {_compact_json(value)}"


def _argument(value: Any) -> str:
    if type(value) is str and "\n" in value:
        return "\n    " + as_material(value).rstrip("\n").replace("\n", "\n    ")
    return f" {_compact_json(value)}"


def _compact_json(value: Any) -> str:
    return as_material(orjson.dumps(value).decode())


def render_tools(tools: list[Any]) -> str:
    """The tool list: one line for each tool, one indented line for each parameter."""
    return _tools_text(orjson.dumps(tools))


@lru_cache(maxsize=64)
def _tools_text(tools: bytes) -> str:
    """Cached by content, because thousands of traces of one agent carry the same list."""
    return "\n".join(_tool(tool) for tool in orjson.loads(tools))


def _tool(tool: Any) -> str:
    function = tool.get("function", tool) if isinstance(tool, dict) else None
    if not isinstance(function, dict) or "name" not in function:
        return f"- {_compact_json(tool)}"
    parameters = function.get("parameters")
    lines = [_described(f"- {_one_line(function['name'])}", function)]
    if isinstance(parameters, dict) and isinstance(parameters.get("properties"), dict):
        lines += _parameters(parameters, "    ")
    elif parameters:
        lines.append(f"    {_compact_json(parameters)}")
    return "\n".join(lines)


def _parameters(schema: dict[str, Any], indent: str) -> list[str]:
    required = schema.get("required")
    lines = []
    for name, parameter in schema["properties"].items():
        if not isinstance(parameter, dict):
            lines.append(f"{indent}{_one_line(name)}: {_compact_json(parameter)}")
            continue
        optional = "" if isinstance(required, list) and name in required else ", optional"
        lines.append(_described(f"{indent}{_one_line(name)} ({_type(parameter)}{optional})", parameter))
        items = parameter.get("items")
        for inner in (parameter, items):
            if isinstance(inner, dict) and isinstance(inner.get("properties"), dict):
                lines += _parameters(inner, indent + "  ")
    return lines


def _type(parameter: dict[str, Any]) -> str:
    if "enum" in parameter:
        return f"one of {_compact_json(parameter['enum'])}"
    kind = parameter.get("type")
    items = parameter.get("items")
    if kind == "array" and isinstance(items, dict):
        return f"array of {_type(items)}"
    if isinstance(kind, str):
        return _one_line(kind)
    return "any" if kind is None else _compact_json(kind)


def _described(head: str, entry: dict[str, Any]) -> str:
    description = entry.get("description")
    if not isinstance(description, str) or not description.strip():
        return head
    return f"{head}: {' '.join(as_material(description).split())}"
