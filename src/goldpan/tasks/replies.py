"""What an annotator model said, whichever endpoint it said it through."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

_LONGEST_QUOTED = 200


class Reply(NamedTuple):
    """The usable part of an answer's body.

    Attributes:
        calls: (function name, arguments) of each tool call; arguments as they came.
        text: the text of the message, if there is one.
        state: why nothing can be read, or None when `calls` or `text` are to be read.
        reason: a sentence on `state`.
    """

    calls: list[tuple[Any, Any]]
    text: str | None
    state: Literal["invalid", "refused", "truncated", "failed"] | None = None
    reason: str | None = None


def reply_of(body: Any) -> Reply:
    """Read the body of a chat completion, or that of `/v1/responses`, however broken it is."""
    try:
        error = body.get("error")
        if error:
            message = error.get("message") if isinstance(error, dict) else error
            return _none("failed", f"the service reports: {_quoted(message)}")
        if body.get("object") == "response":
            return _response_reply(body)
        return _chat_reply(body)
    except (KeyError, IndexError, TypeError, AttributeError):
        return _none("invalid", "the body holds no message in the form of the endpoint")


def _chat_reply(body: dict[str, Any]) -> Reply:
    choice = body["choices"][0]
    message = choice["message"]
    finish = choice.get("finish_reason")
    if finish == "length":
        return _none("truncated", "the answer was cut off at the limit of completion tokens")
    if finish == "content_filter":
        return _none("refused", "the service's content filter withheld the answer")
    refusal = message.get("refusal")
    if refusal:
        return _none("refused", f"the model refused: {_quoted(refusal)}")
    calls = [_call(call["function"]) for call in message.get("tool_calls") or ()]
    return Reply(calls, _text(message.get("content")))


def _response_reply(body: dict[str, Any]) -> Reply:
    why = (body.get("incomplete_details") or {}).get("reason")
    if why == "max_output_tokens":
        return _none("truncated", "the answer was cut off at the limit of output tokens")
    if why == "content_filter":
        return _none("refused", "the service's content filter withheld the answer")
    if body.get("status") not in (None, "completed"):
        return _none("failed", f"the response is {_quoted(body['status'])}")
    calls: list[tuple[Any, Any]] = []
    texts: list[str] = []
    for item in body["output"]:
        if item["type"] == "function_call":
            calls.append(_call(item))
        elif item["type"] == "message":
            for part in item["content"]:
                if part["type"] == "refusal":
                    return _none("refused", f"the model refused: {_quoted(part.get('refusal'))}")
                texts.append(part["text"])
    return Reply(calls, "".join(texts) if texts else None)


def _call(function: dict[str, Any]) -> tuple[Any, Any]:
    return function["name"], function["arguments"]


def _text(content: Any) -> str | None:
    """A message's text; some servers give it in parts."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part.get("type") == "text")
    return content if isinstance(content, str) else None


def _none(state: Literal["invalid", "refused", "truncated", "failed"], reason: str) -> Reply:
    return Reply([], None, state, reason)


def _quoted(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST_QUOTED else f"{text[:_LONGEST_QUOTED]}…"
