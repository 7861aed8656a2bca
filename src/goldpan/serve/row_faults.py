"""How each fault of an answer spoils the body of a chat completion, in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from goldpan.providers.engine.completions import schema_asked_for

LINE_SEPARATOR = "\u2028"
UNKNOWN_LABEL = "a label nobody asked for"
REFUSAL = "I'm sorry, but I can't help with this request."

Body = dict[str, Any]


def spoil(fault: str, request: Body, body: Body) -> None:
    """Apply the answer fault named `fault` to completion `body`, which answers `request`."""
    _SPOILERS[fault](request, body)


def _line_separator(request: Body, body: Body) -> None:
    """U+2028, raw, in each free string of the answer (and in the fingerprint, where there is always one)."""
    free = {name for name, schema in _properties(request).items() if _is_free_string(schema)}

    def with_separator(answer: Body) -> Body:
        return {key: _mark(value) if key in free and value else value for key, value in answer.items()}

    body["system_fingerprint"] = _mark(body.get("system_fingerprint") or "fp")
    if not _change_answer(body, with_separator):
        body["choices"][0]["message"]["content"] = _mark(body["choices"][0]["message"]["content"] or "")


def _mark(text: str) -> str:
    return text[:1] + LINE_SEPARATOR + text[1:]


def _truncated(request: Body, body: Body) -> None:
    _not_json(request, body)
    body["choices"][0]["finish_reason"] = "length"


def _refused(request: Body, body: Body) -> None:
    message = body["choices"][0]["message"]
    message.pop("tool_calls", None)
    message.update(content=None, refusal=REFUSAL)
    body["choices"][0]["finish_reason"] = "stop"


def _content_filter(request: Body, body: Body) -> None:
    message = body["choices"][0]["message"]
    message.pop("tool_calls", None)
    message.update(content="")
    body["choices"][0]["finish_reason"] = "content_filter"


def _not_json(request: Body, body: Body) -> None:
    """The answer breaks off in the middle."""
    message = body["choices"][0]["message"]
    for call in message.get("tool_calls") or []:
        arguments = call["function"]["arguments"]
        call["function"]["arguments"] = arguments[: len(arguments) // 2]
    if message.get("content"):
        message["content"] = message["content"][: len(message["content"]) // 2]


def _wrong_function(request: Body, body: Body) -> None:
    for call in body["choices"][0]["message"].get("tool_calls") or []:
        call["function"]["name"] += "_other"


def _missing_field(request: Body, body: Body) -> None:
    """The first required field is left out."""
    required = (schema_asked_for(request) or {}).get("required") or []
    _change_answer(
        body, lambda answer: {key: value for key, value in answer.items() if key not in required[:1]}
    )


def _unknown_label(request: Body, body: Body) -> None:
    """The first field with a closed set of labels holds another one."""
    properties = _properties(request)
    of_one = [name for name, schema in properties.items() if _labels(schema)]
    of_many = [name for name, schema in properties.items() if _labels(schema.get("items") or {})]

    def with_unknown_label(answer: Body) -> Body:
        if of_one:
            return answer | {of_one[0]: UNKNOWN_LABEL}
        if of_many:
            return answer | {of_many[0]: [UNKNOWN_LABEL]}
        return answer

    _change_answer(body, with_unknown_label)


def _change_answer(body: Body, change: Callable[[Body], Body]) -> bool:
    """Replace the JSON object in the tool call or the content; False when the answer holds none."""
    message = body["choices"][0]["message"]
    calls = message.get("tool_calls")
    place, key = (calls[0]["function"], "arguments") if calls else (message, "content")
    try:
        answer = orjson.loads(place[key])
    except (orjson.JSONDecodeError, TypeError):
        return False
    if not isinstance(answer, dict):
        return False
    place[key] = orjson.dumps(change(answer)).decode()
    return True


def _properties(request: Body) -> dict[str, Body]:
    return (schema_asked_for(request) or {}).get("properties") or {}


def _is_free_string(schema: Body) -> bool:
    kinds = [schema, *schema.get("anyOf", [])]
    is_string = any("string" in (kind.get("type") or []) for kind in kinds)
    return is_string and not _labels(schema)


def _labels(schema: Body) -> list[Any]:
    return next((kind["enum"] for kind in [schema, *schema.get("anyOf", [])] if kind.get("enum")), [])


_SPOILERS: dict[str, Callable[[Body, Body], None]] = {
    "line_separator": _line_separator,
    "truncated": _truncated,
    "refused": _refused,
    "content_filter": _content_filter,
    "not_json": _not_json,
    "wrong_function": _wrong_function,
    "missing_field": _missing_field,
    "unknown_label": _unknown_label,
}
