"""Requests as token ids, in which a record's text is only ever text.

A record may hold the very characters with which a chat template ends a turn. Read as the token, they would
let the record speak as the system. So they are taken out of the contents before the template is filled in,
and put back as the tokens of plain characters; all else is tokenised as one text, as it was in training.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from goldpan.providers.own_model.chat_text import ChatWriter, Message, text_messages

# Not characters, and never will be (Unicode, "noncharacters"); some text may hold one all the same.
_NONCHARACTERS = [chr(code) for code in range(0xFDD0, 0xFDF0)]


class TokenPrompt(NamedTuple):
    """What a model is given of a request.

    Attributes:
        ids: of its tokens.
        separators: see `ChatText`.
    """

    ids: list[int]
    separators: tuple[str, str]


class PromptTokeniser:
    """Turns requests into prompts, for one tokenizer.

    Args:
        tokenizer: a fast one of transformers.
        writer: writes them as texts.
        begins: put the token with which texts begin first, where the tokenizer has one.
    """

    def __init__(self, tokenizer: Any, writer: ChatWriter, *, begins: bool):
        self._tokenizer, self._writer = tokenizer, writer
        self._start = _start_of(tokenizer) if begins else []
        guarded = sorted(guarded_tokens(tokenizer), key=len, reverse=True)
        self._guarded = re.compile("|".join(map(re.escape, guarded))) if guarded else None

    def prompt(self, body: dict[str, Any]) -> TokenPrompt:
        """The prompt of a chat request.

        Raises:
            ServiceError: 400, its messages cannot be written with the model's template.
        """
        messages = text_messages(body["messages"])
        mark = self._unused(messages)
        taken_out: list[str] = []
        if self._guarded is not None:
            messages = [self._take_out(message, mark, taken_out) for message in messages]
        text, separators = (written := self._writer.write(body, messages)).text, written.separators
        ids = [*self._start]
        for place, piece in enumerate(re.split(f"{mark}(\\d+){mark}", text)):
            ids += self._as_characters(taken_out[int(piece)]) if place % 2 else self._ids(piece)
        return TokenPrompt(ids, separators)

    def _take_out(self, message: Message, mark: str, taken_out: list[str]) -> Message:
        def replaced(found: re.Match[str]) -> str:
            taken_out.append(found[0])
            return f"{mark}{len(taken_out) - 1}{mark}"

        assert self._guarded is not None
        return {**message, "content": self._guarded.sub(replaced, message["content"])}

    @staticmethod
    def _unused(messages: list[Message]) -> str:
        contents = "".join(message["content"] for message in messages)
        free = next((mark for mark in _NONCHARACTERS if mark not in contents), None)
        if free is None:  # all 32 of them: this text means harm
            free = _NONCHARACTERS[0]
            for message in messages:
                message["content"] = message["content"].replace(free, "\ufffd")
        return free

    def _ids(self, text: str) -> list[int]:
        return self._tokenizer(text, add_special_tokens=False).input_ids if text else []

    def _as_characters(self, text: str) -> list[int]:
        """Ids of a special token's characters, cut in two so that they are not read as the token."""
        return self._ids(text[:1]) + self._ids(text[1:])


def guarded_tokens(tokenizer: Any) -> set[str]:
    """Tokens that mean something to the model and that text must not be able to write.

    Those called special, and any other added one that the chat template writes (Gemma's turns, Qwen's tags).
    """
    template = str(getattr(tokenizer, "chat_template", None) or "")
    return {
        token.content
        for token in tokenizer.added_tokens_decoder.values()
        if len(token.content) > 1 and token.content.strip() and (token.special or token.content in template)
    }


def _start_of(tokenizer: Any) -> list[int]:
    start = tokenizer.bos_token_id
    return [start] if start is not None and tokenizer("a").input_ids[:1] == [start] else []
