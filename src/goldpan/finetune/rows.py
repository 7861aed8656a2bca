"""The rows of an export that a model learns from: what it is asked, and what it should answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from goldpan.errors import FineTuneError
from goldpan.files import iter_rows

_FORMATS = "`messages` (OpenAI chat), or `prompt` and `completion` (TRL; both messages, or both text)"
_REMEDY = "export as trl_conversational, trl_prompt_completion or openai_chat"

Messages = list[dict[str, Any]]


@dataclass(frozen=True)
class TrainingRow:
    """One row of an export.

    Attributes:
        where: file and line, for errors.
        prompt, completion: messages, or text; only the completion is learned.
        tools: that the model may call, in OpenAI's form; only with messages.
    """

    where: str
    prompt: Messages | str
    completion: Messages | str
    tools: list[dict[str, Any]] | None = None


def read_training_rows(path: Path, name: str) -> Iterator[TrainingRow]:
    """Yield the rows of a file of fine-tuning data.

    Of a conversation without a completion of its own, that is its last message, of the assistant; answers
    before it, as of examples, are part of the prompt.

    Args:
        name: of the file in errors.

    Raises:
        FineTuneError: a row is in none of the formats, or has no answer.
    """
    for number, raw in iter_rows(path, FineTuneError, "make the export again"):
        yield _training_row(raw, f"{name}, line {number}")


def _training_row(raw: dict[str, Any], where: str) -> TrainingRow:
    tools = raw.get("tools")
    if isinstance(tools, str):
        # `datasets` needs one type in a column; so tools whose schemas differ are often stored as text.
        tools = _json_of(tools, where, "tools")
    if "messages" in raw:
        messages = _messages(raw["messages"], where)
        return TrainingRow(where, messages[:-1], _answer(messages[-1:], where), tools or None)
    prompt, completion = raw.get("prompt"), raw.get("completion")
    if isinstance(prompt, str) and isinstance(completion, str):
        if not completion:
            raise FineTuneError("the completion is empty, so there is nothing to learn", where=where)
        return TrainingRow(where, prompt, completion)
    if isinstance(prompt, list) and isinstance(completion, list):
        asked = _messages(prompt, where)
        return TrainingRow(where, asked, _answer(_messages(completion, where), where), tools or None)
    keys = ", ".join(f"`{key}`" for key in raw)
    raise FineTuneError(
        f"this row has {keys or 'nothing'}; wanted are {_FORMATS}", where=where, remedy=_REMEDY
    )


def _messages(value: Any, where: str) -> Messages:
    """Messages as chat templates take them: contents are text, arguments of calls are objects."""
    if not isinstance(value, list) or not value or not all(isinstance(message, dict) for message in value):
        raise FineTuneError("messages must be a list of objects, and not empty", where=where, remedy=_REMEDY)
    return [_message(message, where) for message in value]


def _message(message: dict[str, Any], where: str) -> dict[str, Any]:
    if not isinstance(message.get("role"), str):
        raise FineTuneError("a message has no `role`", where=where, remedy=_REMEDY)
    # Templates add contents to texts, so that none at all is an empty text.
    made = {**message, "content": "" if message.get("content") is None else message["content"]}
    calls = message.get("tool_calls")
    if not calls:
        made.pop("tool_calls", None)
        return made
    return {**made, "tool_calls": [_call(call, where) for call in calls]}


def _call(call: Any, where: str) -> dict[str, Any]:
    """A call with its arguments as an object; OpenAI has them as text, which templates would encode again."""
    function = call.get("function", call) if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise FineTuneError("a tool call has no function with a name", where=where, remedy=_REMEDY)
    arguments = function.get("arguments", {})
    if isinstance(arguments, str):
        arguments = _json_of(arguments, where, "arguments of a tool call")
    return {**call, "type": "function", "function": {"name": function["name"], "arguments": arguments}}


def _answer(messages: Messages, where: str) -> Messages:
    last = messages[-1]
    if any(message["role"] != "assistant" for message in messages):
        raise FineTuneError(
            f"the last message is of `{last['role']}`, so there is no answer to learn",
            where=where,
            remedy="let each row end with the message of the assistant",
        )
    if not any(message["content"] or message.get("tool_calls") for message in messages):
        raise FineTuneError("the answer is empty, so there is nothing to learn", where=where)
    return messages


def _json_of(text: str, where: str, what: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise FineTuneError(f"the {what} are no JSON: {error}", where=where) from None
