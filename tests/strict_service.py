"""What OpenAI's batch service refuses of a request, in its own words; knows nothing of goldpan's tables.

Written down from the service's own words in public reports: each line of `refusals` that a request meets is a
day of waiting for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
_KEYS = {
    CHAT: {
        "model", "messages", "tools", "tool_choice", "response_format", "temperature", "top_p", "stop",
        "seed", "max_tokens", "max_completion_tokens", "reasoning_effort", "verbosity", "store", "user",
        "parallel_tool_calls", "logprobs", "top_logprobs", "presence_penalty", "frequency_penalty",
        "logit_bias", "metadata", "service_tier",
    },
    RESPONSES: {
        "model", "input", "instructions", "tools", "tool_choice", "text", "temperature", "top_p",
        "max_output_tokens", "reasoning", "parallel_tool_calls", "top_logprobs", "metadata", "store", "user",
        "service_tier", "truncation",
    },
}  # fmt: skip
_RESPONSES_ONLY = ("gpt-5-pro", "gpt-5.2-pro", "gpt-5.4-pro", "gpt-5.5-pro", "o1-pro", "o3-pro")
_STRICT_KEYWORDS = {
    "type", "properties", "required", "additionalProperties", "description", "enum", "const", "items",
    "anyOf", "minimum", "maximum", "minItems", "maxItems", "multipleOf", "pattern", "format", "$ref", "$defs",
}  # fmt: skip
_BOUNDS = {"minimum", "maximum", "minItems", "maxItems", "multipleOf", "pattern", "format"}


def refusals(request: dict[str, Any]) -> list[str]:
    """Why the service would refuse a line of a request file; empty when it would not."""
    return list(_refusals(request["url"], request["body"]))


def _refusals(url: str, body: dict[str, Any]) -> Iterator[str]:
    model = body["model"]
    is_tuned = model.startswith("ft:")
    reasons = _reasons(model)
    for key in sorted(body.keys() - _KEYS[url]):
        yield f"Unknown parameter: '{key}'."
    if url == CHAT and model in _RESPONSES_ONLY:
        yield "This model is only supported in v1/responses and not in v1/chat/completions."
    effort = body.get("reasoning_effort") or (body.get("reasoning") or {}).get("effort")
    if effort and not reasons:
        yield "Unsupported parameter: 'reasoning_effort' is not supported with this model."
    if reasons:
        thinks = (effort or _default_effort(model)) != "none"
        yield from _of_reasoning(url, body, thinks, effort is not None)
    for place, wanted in _schemas(url, body):
        yield from _of_strict_schema(place, wanted, is_tuned)


def _of_reasoning(url: str, body: dict[str, Any], thinks: bool, has_effort: bool) -> Iterator[str]:
    if "max_tokens" in body:
        yield "Unsupported parameter: 'max_tokens' is not supported with this model."
    if thinks:
        if body.get("temperature", 1) != 1:
            yield "Unsupported value: 'temperature' does not support 0 with this model."
        for key in ("top_p", "stop", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs"):
            if key in body:
                yield f"Unsupported parameter: '{key}' is not supported with this model."
    version = _version(body["model"])
    refuses_tools = version >= (5, 5) or (version == (5, 4) and has_effort and thinks)
    if url == CHAT and body.get("tools") and refuses_tools:
        yield "Function tools with reasoning_effort are not supported in /v1/chat/completions."


def _schemas(url: str, body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The named schemas of a request, flat: name, description, strict, parameters or schema."""
    for number, tool in enumerate(body.get("tools") or []):
        is_nested = "function" in tool
        if is_nested != (url == CHAT):
            yield f"tools[{number}]", {"misplaced": True}
        else:
            yield f"tools[{number}]", tool["function"] if is_nested else tool
    if url == CHAT and "response_format" in body:
        yield "response_format", body["response_format"]["json_schema"]
    if url == RESPONSES and "format" in (body.get("text") or {}):
        yield "text.format", body["text"]["format"]


def _of_strict_schema(place: str, wanted: dict[str, Any], is_tuned: bool) -> Iterator[str]:
    if "misplaced" in wanted:
        yield f"Missing required parameter: '{place}.name'."
        return
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", wanted["name"]):
        yield f"Invalid '{place}.name'."
    if len(wanted.get("description", "")) > 1024 and place.startswith("tools"):
        yield f"Invalid '{place}.description': string too long. Expected a string with maximum length 1024."
    schema = wanted.get("parameters") or wanted.get("schema") or {}
    nodes = list(_nodes(schema, 1))
    if schema.get("type") != "object":
        yield "schema must be a JSON Schema of 'type: \"object\"'"
    names, values = 0, []
    for depth, node in nodes:
        refused = _BOUNDS if is_tuned else set()
        for keyword in sorted(node.keys() & refused | node.keys() - _STRICT_KEYWORDS):
            yield f"Invalid schema for {place}: '{keyword}' is not permitted."
        if "properties" in node:
            names += len(node["properties"])
            if node.get("additionalProperties") is not False:
                yield "'additionalProperties' is required to be supplied and to be false."
            if sorted(node.get("required", [])) != sorted(node["properties"]):
                yield "'required' is required to be supplied and to include every key in properties."
            if depth > 10:
                yield "Expected at most 10 levels of nesting."
        enum = [value for value in node.get("enum", []) if value is not None]
        values += enum
        if any("\n" in value or "\r" in value for value in enum):
            yield "\\n is not allowed in string literals for structured outputs (strict=true)."
        if len(enum) > 250 and sum(map(len, enum)) > 15_000:
            yield "Expected at most 15000 characters in an enum of more than 250 values."
    if names > 5_000:
        yield "Expected at most 5000 object properties."
    if len(values) > 1_000:
        yield "Expected at most 1000 enum values in total within a single schema."


def _nodes(schema: dict[str, Any], depth: int) -> Iterator[tuple[int, dict[str, Any]]]:
    yield depth, schema
    for child in schema.get("properties", {}).values():
        yield from _nodes(child, depth + 1)
    for child in [schema["items"]] if "items" in schema else schema.get("anyOf", []):
        yield from _nodes(child, depth)


def _version(model: str) -> tuple[int, int]:
    match = re.match(r"gpt-(\d+)(?:\.(\d+))?", model.removeprefix("ft:"))
    return (int(match[1]), int(match[2] or 0)) if match else (0, 0)


def _reasons(model: str) -> bool:
    return bool(re.match(r"(ft:)?o\d", model)) or (_version(model) >= (5, 0) and "gpt-5-chat" not in model)


def _default_effort(model: str) -> str:
    return "none" if _version(model) in ((5, 1), (5, 2), (5, 4)) else "medium"
