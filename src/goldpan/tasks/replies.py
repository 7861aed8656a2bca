"""What an annotator model said, whichever endpoint it said it through."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from goldpan.tasks.failures import error_of, failure_of, http_status, says_something, words_of
from goldpan.tasks.finishes import how_it_stopped

_NoReply = Literal["invalid", "refused", "truncated", "failed", "expired"]
_FILTERED = "the service's content filter withheld the answer"
_REASONING = ("reasoning_content", "reasoning")
_ONLY_REASONING = (
    "the answer is empty: all that the model said stands in its reasoning; where the server tells reasoning"
    " apart (`--reasoning-parser`, `--reasoning-format`), turn that off for this model"
)
_USUAL_WORDS = ("length", "max_output_tokens", "content_filter")


class Reply(NamedTuple):
    """The usable part of an answer's body.

    Attributes:
        calls: (function name, arguments) of each tool call; arguments as they came.
        text: the text of the message, if there is one.
        state: why nothing can be read, or None when `calls` or `text` are to be read.
        reason: a sentence on `state`.
        retryable: whether asking again may help, where there is a state.
        stopped: a finish reason that is not known; None else.
        notes: what was passed over in the body, one sentence each.
    """

    calls: list[tuple[Any, Any]]
    text: str | None
    state: _NoReply | None = None
    reason: str | None = None
    retryable: bool = False
    stopped: str | None = None
    notes: tuple[str, ...] = ()


def reply_of(body: Any) -> Reply:
    """Read the body of a chat completion, of `/v1/responses`, of Anthropic's messages or of Google's
    generateContent, however broken."""
    try:
        error = body.get("error")
        if error and says_something(error):
            return _service_error(error)
        if "choices" in body and body.get("object") != "response":
            return _chat_reply(body)
        if body.get("type") == "message":
            return _anthropic_reply(body)
        if "output" not in body and ("candidates" in body or _block_reason(body)):
            return _gemini_reply(body)
        return _response_reply(body)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, RecursionError):
        return _none("invalid", "the body holds no message in the form of the endpoint", True)


def _chat_reply(body: dict[str, Any]) -> Reply:
    choices = body["choices"]
    if not choices and _block_reason(body):
        return _none("refused", f"{_FILTERED}: {_block_reason(body)}")
    choice = _first_choice(choices)
    if choice.get("error"):
        return _service_error(choice["error"])
    finish, unknown = choice.get("finish_reason"), None
    if finish not in ("stop", "tool_calls"):
        ended = _ended(finish, choice, body)
        if ended is not None:
            return ended
        unknown = _unknown(finish)
    message = choice["message"]
    refusal = message.get("refusal")
    if refusal:
        return _none("refused", f"the model refused: {words_of(refusal)}")
    calls = [_call(call["function"]) for call in message.get("tool_calls") or ()]
    content = message.get("content")
    if not calls and message.get("function_call"):
        calls = [_call(message["function_call"])]
    if not calls and not content:
        # Nothing was said. A gateway may know why from the service behind it.
        ended = _ended(choice.get("native_finish_reason"), choice, body)
        if ended is not None:
            return ended
        if any(isinstance(message.get(key), str) and message[key].strip() for key in _REASONING):
            return _none("invalid", _ONLY_REASONING, True)
    if isinstance(content, list):
        for part in content:
            if isinstance(part, dict) and part.get("type") == "refusal":
                return _none("refused", f"the model refused: {words_of(part.get('refusal'))}")
    notes = () if len(choices) == 1 else (f"took the first of {len(choices)} choices",)
    return Reply(calls, _text(content), None, None, False, unknown, notes)


def _first_choice(choices: list[Any]) -> Any:
    """The choice that calls itself the first: a service may list several as they were finished."""
    numbered = (choice for choice in choices if isinstance(choice, dict) and choice.get("index") == 0)
    return next(numbered, choices[0])


def _response_reply(body: dict[str, Any]) -> Reply:
    details = body.get("incomplete_details")
    why = details.get("reason") if isinstance(details, dict) else None
    ended = _ended(why, {}, body)
    if ended is not None:
        return ended
    if body.get("status") not in (None, "completed"):
        about = f" ({words_of(why)})" if why else ""
        return _none("failed", f"the response is {words_of(body['status'])}{about}", True)
    calls: list[tuple[Any, Any]] = []
    texts: list[str] = []
    for item in body["output"]:
        kind = item["type"]
        if kind == "function_call":
            calls.append(_call(item))
        elif kind == "message":
            for part in item["content"]:
                if part["type"] == "refusal":
                    return _none("refused", f"the model refused: {words_of(part.get('refusal'))}")
                if isinstance(part.get("text"), str):
                    texts.append(part["text"])
    return Reply(calls, "".join(texts) if texts else None)


def _anthropic_reply(body: dict[str, Any]) -> Reply:
    ended = _ended(body.get("stop_reason"), {}, body)
    if ended is not None:
        return ended
    parts = body["content"]
    calls = [(part["name"], part["input"]) for part in parts if part.get("type") == "tool_use"]
    return Reply(calls, _text(parts), stopped=_unknown(body.get("stop_reason")))


def _gemini_reply(body: dict[str, Any]) -> Reply:
    """https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse"""
    candidates = body.get("candidates")
    if not candidates:
        why = _block_reason(body)
        return _none("refused", f"{_FILTERED}: {why}") if why else _none("invalid", "no candidates", True)
    candidate = _first_choice(candidates)
    finish = candidate.get("finishReason") or candidate.get("finish_reason")
    ended = _ended(finish, candidate, body)
    if ended is not None:
        return ended
    parts = candidate["content"].get("parts") or []
    functions = [part.get("functionCall") or part.get("function_call") for part in parts]
    calls = [(function["name"], function.get("args") or {}) for function in functions if function]
    # Thoughts are parts as well, with a mark.
    texts = [part["text"] for part in parts if isinstance(part.get("text"), str) and not part.get("thought")]
    notes = () if len(candidates) == 1 else (f"took the first of {len(candidates)} candidates",)
    return Reply(calls, "".join(texts) or None, stopped=_unknown(finish), notes=notes)


def _service_error(error: Any) -> Reply:
    """An error where the answer should be."""
    code, message = error_of(error, None)
    status = http_status(code)
    failure = failure_of(code, message, status if status is not None and 400 <= status < 600 else None)
    said = message or code
    if failure.state == "refused":
        return _none("refused", f"{_FILTERED}: {said}")
    about = "" if not message or code == "error" or code.isdigit() else f" ({code})"
    return _none("failed", f"the service reports: {said}{about}", failure.retryable)


def _ended(word: Any, choice: dict[str, Any], body: dict[str, Any]) -> Reply | None:
    """The reply when a finish reason says that there is no answer to be read."""
    stopped = how_it_stopped(word)
    if stopped is None or stopped == "answered":
        return None
    about = "" if word in _USUAL_WORDS else f" ({words_of(word)})"
    told = [words_of(choice[key]) for key in ("finish_message", "finishMessage") if choice.get(key)]
    if stopped == "truncated":
        tokens = "output" if body.get("object") == "response" else "completion"
        return _none("truncated", f"the answer was cut off at the limit of {tokens} tokens{about}")
    if stopped == "refused":
        told += _filters(choice)
        message = choice.get("message")
        refusal = message.get("refusal") or message.get("content") if isinstance(message, dict) else None
        told += [words_of(refusal)] if isinstance(refusal, str) and refusal.strip() else []
        return _none("refused", ": ".join([f"{_FILTERED}{about}", *told]))
    if stopped == "failed":
        return _none(
            "failed", ": ".join([f"the service broke the answer off{about or f' ({word})'}", *told]), True
        )
    return _none("invalid", ": ".join([f"the service could not use the answer{about}", *told]), True)


def _filters(choice: dict[str, Any]) -> list[str]:
    """Names of Azure's filters that withheld the answer."""
    results = choice.get("content_filter_results") or choice.get("content_filter_result")
    if not isinstance(results, dict):
        return []
    names = [name for name, result in results.items() if isinstance(result, dict) and result.get("filtered")]
    return [", ".join(names)] if names else []


def _block_reason(body: dict[str, Any]) -> str | None:
    """Why Google's filter did not let the prompt pass."""
    feedback = body.get("promptFeedback") or body.get("prompt_feedback")
    why = isinstance(feedback, dict) and (feedback.get("blockReason") or feedback.get("block_reason"))
    return words_of(why) if why else None


def _unknown(word: Any) -> str | None:
    return None if not word or how_it_stopped(word) else words_of(word)


def _call(function: dict[str, Any]) -> tuple[Any, Any]:
    return function["name"], function["arguments"]


def _text(content: Any) -> str | None:
    """A message's text; some servers give it in parts."""
    if isinstance(content, list):
        texts = [part if isinstance(part, str) else _part_text(part) for part in content]
        return "".join(texts) or None
    return content if isinstance(content, str) else None


def _part_text(part: dict[str, Any]) -> str:
    return part["text"] if part.get("type") in ("text", "output_text") else ""


def _none(state: _NoReply, reason: str, retryable: bool = False) -> Reply:
    return Reply([], None, state, reason, retryable)
