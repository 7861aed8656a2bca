"""The body of a chat-completions request that asks a task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from goldpan.study.stage import Output
from goldpan.tasks import schema
from goldpan.tasks.task import Task

CHAT_PARAMS = frozenset(
    {
        "audio", "frequency_penalty", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens",
        "metadata", "modalities", "moderation", "parallel_tool_calls", "prediction", "presence_penalty",
        "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning_effort",
        "safety_identifier", "seed", "service_tier", "stop", "store", "temperature", "top_logprobs", "top_p",
        "user", "verbosity", "web_search_options",
    }
)  # fmt: skip
"""Parameters of a chat completion (`openai.types.chat.CompletionCreateParams`) that a study may give."""


def chat_body(
    task: Task,
    output: Output,
    *,
    model: str,
    params: dict[str, Any],
    messages: Any,
    bounds: bool = True,
) -> dict[str, Any]:
    """The body that asks `task` for an answer in the form of `output`.

    Args:
        params: further parameters of the request; they are put in the order of their names.
        messages: chat messages, or what stands for them; they come last, so that all before them is the same
            for every request of a stage.
        bounds: whether the schema has `minimum`, `maxItems` and the like.
    """
    body: dict[str, Any] = {"model": model, **dict(sorted(params.items()))}
    if output == "tool":
        body["tools"] = [schema.tool(task, bounds)]
        body["tool_choice"] = schema.tool_choice(task)
    elif output == "json_schema":
        body["response_format"] = schema.response_format(task, bounds)
    body["messages"] = messages
    return body


def plain_prompt(messages: Iterable[Mapping[str, Any]]) -> str:
    """The text of chat messages for a model without a chat template: their contents, a blank line after each.

    Such a model is fine-tuned on this text, and must be asked by it.
    """
    return "".join(f"{message['content']}\n\n" for message in messages)
