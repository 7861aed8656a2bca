"""The body of a request to OpenAI's responses endpoint that asks a task.

The shape is that of `openai.types.responses.ResponseCreateParams`: messages are `input`, a tool and the JSON
schema of `text.format` are flat, and some parameters have other names. A study names them as chat completions
do, whatever the endpoint.
"""

from __future__ import annotations

from typing import Any

from goldpan.study.stage import Output
from goldpan.tasks import schema
from goldpan.tasks.task import Task

# Name at chat completions -> where it stands in a responses body.
_PLACES = {
    "max_completion_tokens": ("max_output_tokens",),
    "max_tokens": ("max_output_tokens",),
    "reasoning_effort": ("reasoning", "effort"),
    "verbosity": ("text", "verbosity"),
}
_SAME = (
    "metadata",
    "moderation",
    "parallel_tool_calls",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "temperature",
    "top_logprobs",
    "top_p",
    "user",
)
RESPONSES_PARAMS = frozenset({*_PLACES, *_SAME})
"""The parameters, named as at chat completions, that have a place in a responses body."""
RESPONSES_RESERVED = frozenset({"input", "instructions", "text", "reasoning", "store"})
"""What goldpan sets itself in a responses body; it cannot stand among the parameters."""


def responses_body(
    task: Task,
    output: Output,
    *,
    model: str,
    params: dict[str, Any],
    messages: Any,
    bounds: bool = True,
) -> dict[str, Any]:
    """The body that asks `task` for an answer in the form of `output`; nothing of it is stored there.

    Args:
        params: further parameters, named as at chat completions; one that is not known goes in as it is.
        messages: messages, or what stands for them; they come last, as in `chat_body`.
        bounds: whether the schema has `minimum`, `maxItems` and the like.
    """
    body: dict[str, Any] = {"model": model, "store": False}
    for name, value in sorted(params.items()):
        *outer, inner = _PLACES.get(name, (name,))
        place = body
        for part in outer:
            place = place.setdefault(part, {})
        place[inner] = value
    if output == "tool":
        body["tools"] = [{"type": "function", **schema.tool(task, bounds)["function"]}]
        body["tool_choice"] = {"type": "function", "name": task.function_name}
    elif output == "json_schema":
        wanted = schema.response_format(task, bounds)["json_schema"]
        body.setdefault("text", {})["format"] = {"type": "json_schema", **wanted}
    body["input"] = messages
    return body
