"""The formats of fine-tuning data: one example as a row of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from goldpan.study.export import ExportFormat
from goldpan.tasks.chat import plain_prompt

AnswerForm = Literal["tool", "json", "text"]
_SHAREGPT = {"system": "system", "user": "human"}


@dataclass(frozen=True)
class TaughtExample:
    """What a model learns from one record.

    Attributes:
        messages: of the prompt, role and content; no answer is among them.
        arguments: the fields of the answer.
        form: how it is written; `text` where it is the bare text of one feature.
        tool: of a tool call, the tool.
        call_id: names the tool call.
    """

    messages: list[dict[str, str]]
    arguments: Mapping[str, Any]
    form: AnswerForm
    tool: dict[str, Any] | None = None
    call_id: str = ""

    @property
    def answer_text(self) -> str:
        """The answer as text: JSON without spaces, or the bare text."""
        if self.form == "text":
            return str(next(iter(self.arguments.values())))
        return orjson.dumps(self.arguments).decode()

    @property
    def function(self) -> str:
        """The function that is called; empty where none is."""
        return "" if self.tool is None else str(self.tool["function"]["name"])

    def answer_message(self, arguments: Any) -> dict[str, Any]:
        """The message of the assistant.

        Args:
            arguments: of the tool call, if there is one: JSON text, or the object.
        """
        if self.form != "tool":
            return {"role": "assistant", "content": self.answer_text}
        call: dict[str, Any] = {"id": self.call_id, "type": "function"}
        return {
            "role": "assistant",
            "tool_calls": [{**call, "function": {"name": self.function, "arguments": arguments}}],
        }


def _openai_chat(example: TaughtExample) -> dict[str, Any]:
    messages = [*example.messages, example.answer_message(example.answer_text)]
    if example.tool is None:
        return {"messages": messages}
    return {"messages": messages, "tools": [example.tool], "parallel_tool_calls": False}


def _trl_conversational(example: TaughtExample) -> dict[str, Any]:
    # Chat templates write the arguments themselves, so they are an object here.
    row = {"prompt": example.messages, "completion": [example.answer_message(example.arguments)]}
    return row if example.tool is None else {**row, "tools": [example.tool]}


def _trl_prompt_completion(example: TaughtExample) -> dict[str, Any]:
    return {"prompt": plain_prompt(example.messages), "completion": example.answer_text}


def _sharegpt(example: TaughtExample) -> dict[str, Any]:
    turns = [
        {"from": _SHAREGPT[message["role"]], "value": message["content"]} for message in example.messages
    ]
    if example.tool is None:
        return {"conversations": [*turns, {"from": "gpt", "value": example.answer_text}]}
    call = orjson.dumps({"name": example.function, "arguments": example.arguments}).decode()
    return {
        "conversations": [*turns, {"from": "function_call", "value": call}],
        # A text, as trainers of this format read it.
        "tools": orjson.dumps([example.tool["function"]]).decode(),
    }


ROW_OF: dict[ExportFormat, Callable[[TaughtExample], dict[str, Any]]] = {
    "openai_chat": _openai_chat,
    "trl_conversational": _trl_conversational,
    "trl_prompt_completion": _trl_prompt_completion,
    "sharegpt": _sharegpt,
}
"""format -> an example as a row of it."""
