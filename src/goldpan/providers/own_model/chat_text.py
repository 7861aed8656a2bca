"""A chat request as the text that a model goes on with, by its chat template or plainly."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from goldpan.errors import ProviderError
from goldpan.models.chat_templates import NO_TEMPLATE, WITHOUT_TEMPLATE
from goldpan.providers.engine.completions import schema_asked_for, tool_asked_for
from goldpan.providers.engine.refusal import ServiceError

ChatTemplate = Literal["model", "plain"]
Message = dict[str, Any]
Render = Callable[..., str]
"""(messages, tools, whether the assistant is to speak next) -> text; it raises what a template raises."""

SEPARATORS = (",", ":")
# Nine letters and digits: some templates refuse other ids.
_CALL_ID = "call00001"
_FIRST, _SECOND = "goldpanfirst", "goldpansecond"
_ARGUMENTS = re.compile(rf'\{{"{_FIRST}"(:\s*)1(,\s*)"{_SECOND}":\s*2\}}')
_ROLE_WORDS = {"user": "User", "assistant": "Assistant", "tool": "Tool", "function": "Tool"}
_SHOWN_SCHEMA = (
    "Answer with one JSON object and nothing else. It must fit this JSON schema, whose descriptions say what"
    " is wanted:\n"
)


@dataclass(frozen=True)
class ChatText:
    """What a model is given.

    Attributes:
        text: up to where the answer begins; of a call, the opening that the template writes is part of it.
        separators: between the items of the answer's JSON, and between its keys and values.
    """

    text: str
    separators: tuple[str, str]


_TOLD, _ASKED = "What the system says.", "What the user asks."
_PROBE: list[Message] = [{"role": "system", "content": _TOLD}, {"role": "user", "content": _ASKED}]


class ChatWriter:
    """Writes requests as texts.

    Args:
        tokenizer: whose `chat_template` is taken.
        chat_template: see `TransformersAnswerer`.
        show_schema: tell the model the schema of its answer where the template does not.
        where: the model, for errors.

    Raises:
        ProviderError: the model has no chat template, or one that leaves out what is asked, and is to be
            asked with it.
    """

    def __init__(self, tokenizer: Any, chat_template: ChatTemplate, *, show_schema: bool, where: str):
        self._tokenizer, self._show_schema = tokenizer, show_schema
        self._is_plain = chat_template == "plain"
        if not self._is_plain and not getattr(tokenizer, "chat_template", None):
            raise ProviderError(NO_TEMPLATE, where=where, remedy=WITHOUT_TEMPLATE)
        self._drops_system = False
        try:
            shown = self._rendered(_PROBE, None, True)
        except ServiceError:
            # What it refuses in requests they tell one by one.
            return
        if _ASKED not in shown:
            raise ProviderError(
                "the model's chat template leaves out what it is asked: every record would look alike",
                where=where,
                remedy="correct the template (chat_template.jinja), or set `chat_template: plain`",
            )
        # Templates that know no system raise, and are given its text before the user's; some pass it over.
        self._drops_system = _TOLD not in shown

    def write(self, body: dict[str, Any], messages: list[Message]) -> ChatText:
        """The text for a request.

        Args:
            body: of the request.
            messages: of the body, with texts as contents (see `text_messages`).

        Raises:
            ServiceError: 400, the template refuses these messages.
        """
        tool, schema = tool_asked_for(body), schema_asked_for(body)
        tools = body.get("tools") if tool is not None else None
        if schema is not None and self._show_schema and not (tools and self._shows_tools(messages, tools)):
            about = (tool or body.get("response_format", {}).get("json_schema") or {}).get("description")
            shown = _SHOWN_SCHEMA + orjson.dumps(schema).decode()
            messages = _with_system_text(messages, f"{about}\n\n{shown}" if about else shown)
        text = self._rendered(messages, tools, True)
        opened = self._opened_call(messages, tools, tool, text) if tool is not None else None
        return opened or ChatText(text, SEPARATORS)

    def _render(self, messages: list[Message], tools: Any, is_open: bool) -> str:
        if self._is_plain:
            return _plainly(messages)
        return self._tokenizer.apply_chat_template(
            messages,
            tools=tools,
            tokenize=False,
            add_generation_prompt=is_open,
            # Templates of models that think first; constrained answers leave no room for that.
            enable_thinking=False,
        )

    def _rendered(self, messages: list[Message], tools: Any, is_open: bool) -> str:
        if self._drops_system:
            messages = _without_system(messages)
        try:
            return self._render(messages, tools, is_open)
        except Exception as error:  # whatever a template raises
            folded = _without_system(messages)
            if folded == messages:
                raise _refused(error) from None
        try:
            return self._render(folded, tools, is_open)
        except Exception as error:
            raise _refused(error) from None

    def _shows_tools(self, messages: list[Message], tools: Any) -> bool:
        return not self._is_plain and self._rendered(messages, tools, True) != self._rendered(
            messages, None, True
        )

    def _opened_call(
        self, messages: list[Message], tools: Any, tool: dict[str, Any], text: str
    ) -> ChatText | None:
        """The text with the beginning of a call of the tool, as the template would write it; None where it
        writes none."""
        if self._is_plain:
            return None
        function = {"name": tool["name"], "arguments": {_FIRST: 1, _SECOND: 2}}
        call = {"id": _CALL_ID, "type": "function", "function": function}
        said = {"role": "assistant", "content": "", "tool_calls": [call]}
        try:
            whole = self._rendered([*messages, said], tools, False)
        except ServiceError:
            return None
        found = _ARGUMENTS.search(whole, 0)
        if found is None or not whole.startswith(text):
            return None
        return ChatText(whole[: found.start()], (found[2], found[1]))


def text_messages(messages: list[Any]) -> list[Message]:
    """Messages whose contents are texts of whole characters; those in parts are put together.

    Raises:
        ServiceError: 400, a content is neither text nor made of text parts.
    """
    return [_text_message(message, place) for place, message in enumerate(messages)]


def _text_message(message: Message, place: int) -> Message:
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else None for part in content]
        content = None if None in parts else "".join(map(str, parts))
        if content is None:
            raise _no_text(place)
    if content is not None and not isinstance(content, str):
        raise _no_text(place)
    role = "system" if message["role"] == "developer" else message["role"]
    return {**message, "role": role, "content": whole_characters(content or "")}


def whole_characters(text: str) -> str:
    """The text with U+FFFD for halves of surrogate pairs, which no tokenizer takes."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _no_text(place: int) -> ServiceError:
    return ServiceError(
        400,
        f"'messages[{place}].content' must be text: this engine sees no pictures and hears nothing.",
        code="invalid_value",
        param=f"messages[{place}].content",
    )


def _refused(error: Exception) -> ServiceError:
    return ServiceError(
        400,
        f"The model's chat template refuses these messages: {error}",
        code="invalid_prompt",
        param="messages",
    )


def _with_system_text(messages: list[Message], text: str) -> list[Message]:
    first, *rest = messages
    if first["role"] == "system":
        return [{**first, "content": f"{first['content']}\n\n{text}"}, *rest]
    return [{"role": "system", "content": text}, *messages]


def _without_system(messages: list[Message]) -> list[Message]:
    """Messages for templates that know no system: its text goes before that of the first user's message."""
    system = "\n\n".join(message["content"] for message in messages if message["role"] == "system")
    others = [message for message in messages if message["role"] != "system"]
    if not system or not others or others[0]["role"] != "user":
        return messages
    return [{**others[0], "content": f"{system}\n\n{others[0]['content']}"}, *others[1:]]


def _plainly(messages: list[Message]) -> str:
    parts = [
        f"{_ROLE_WORDS[message['role']]}: {message['content']}"
        if message["role"] in _ROLE_WORDS
        else message["content"]
        for message in messages
    ]
    return "\n\n".join([*parts, "Assistant:"])
