"""Chat completions and batch result lines, in the shapes OpenAI's service gives them."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import orjson

BYTES_PER_TOKEN = 4


def completion(
    request: dict[str, Any],
    answer: dict[str, Any] | str,
    custom_id: str = "",
    *,
    model: str | None = None,
    fingerprint: str | None = None,
) -> dict[str, Any]:
    """The body of a chat completion that gives `answer` the way `request` asks for it.

    An object goes into the arguments of the tool the request forces or offers first, or, where there is none,
    into the content as JSON; a string is the content. Usage is an estimate: one token for each four bytes of
    JSON.

    Args:
        model: who says that it answered; by default the model that was asked.
        fingerprint: the `system_fingerprint`.
    """
    tool = tool_asked_for(request)
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    text = answer if isinstance(answer, str) else orjson.dumps(answer).decode()
    identity = _digest(custom_id, text)
    if tool is not None and not isinstance(answer, str):
        call = {"name": tool["name"], "arguments": text}
        message["tool_calls"] = [{"id": f"call_{identity}", "type": "function", "function": call}]
        # A forced function ends with `stop`; one the model chose ends with `tool_calls`.
        finish_reason = "stop" if isinstance(request.get("tool_choice"), dict) else "tool_calls"
    else:
        message["content"] = text
        finish_reason = "stop"
    shown = [request["messages"], request.get("tools"), request.get("response_format")]
    prompt = sum(_tokens(part) for part in shown if part)
    answered = max(1, -(-len(text.encode()) // BYTES_PER_TOKEN))
    return {
        "id": f"chatcmpl-{identity}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request["model"] if model is None else model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": answered, "total_tokens": prompt + answered},
        "system_fingerprint": fingerprint,
    }


def tool_asked_for(request: dict[str, Any]) -> dict[str, Any] | None:
    """The function (name, description, parameters) a request forces, or the first it offers; None without."""
    choice = request.get("tool_choice")
    functions = [tool["function"] for tool in request.get("tools") or []]
    if not functions or choice == "none":
        return None
    if isinstance(choice, dict):
        forced = choice["function"]["name"]
        return next(function for function in functions if function["name"] == forced)
    return functions[0]


def schema_asked_for(request: dict[str, Any]) -> dict[str, Any] | None:
    """The JSON schema an answer must fit: the tool's parameters or the response format's; None without."""
    tool = tool_asked_for(request)
    if tool is not None:
        return tool.get("parameters") or {"type": "object", "properties": {}}
    wanted = request.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        return wanted["json_schema"]["schema"]
    return None


def result_line(batch_id: str, custom_id: str, status: int, body: dict[str, Any]) -> bytes:
    """A line of an output or error file: a response of HTTP `status`.

    As in the real service, a rejected request has a null `error` here: the reason stands in `body["error"]`.
    """
    identity = _digest(batch_id, custom_id)
    response = {"status_code": status, "request_id": identity, "body": body}
    row = {"id": f"batch_req_{identity}", "custom_id": custom_id, "response": response, "error": None}
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def unanswered_line(batch_id: str, custom_id: str, code: str, message: str) -> bytes:
    """A line of an error file for a request that was never run."""
    row = {
        "id": f"batch_req_{_digest(batch_id, custom_id)}",
        "custom_id": custom_id,
        "response": None,
        "error": {"code": code, "message": message},
    }
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def _tokens(value: Any) -> int:
    return -(-len(orjson.dumps(value)) // BYTES_PER_TOKEN)
