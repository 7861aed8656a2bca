"""The responses endpoint over answerers that know chat completions: requests and answers are translated.

Shapes are those of `openai.types.responses`. What chat completions do not have is refused or passed over:
stored and earlier responses, tools that are no functions, items of the input that are no messages.
"""

from __future__ import annotations

from typing import Any

from goldpan.providers.engine.refusal import ServiceError

_SAME_NAMES = ("model", "temperature", "top_p", "stream", "metadata", "parallel_tool_calls", "user")


def chat_of_responses(body: dict[str, Any]) -> dict[str, Any]:
    """The chat request that asks the same as a responses request.

    Raises:
        ServiceError: 400, the request has another form.
    """
    if "messages" in body:
        raise _invalid("messages", "does not belong to this endpoint; send 'input'", "unknown_parameter")
    chat = {name: body[name] for name in _SAME_NAMES if name in body}
    chat["messages"] = _messages(body)
    if body.get("max_output_tokens") is not None:
        chat["max_completion_tokens"] = body["max_output_tokens"]
    reasoning, text = _object(body, "reasoning"), _object(body, "text")
    if reasoning.get("effort") is not None:
        chat["reasoning_effort"] = reasoning["effort"]
    if text.get("verbosity") is not None:
        chat["verbosity"] = text["verbosity"]
    if text.get("format"):
        chat["response_format"] = _response_format(text["format"])
    if body.get("tools"):
        chat["tools"] = [_tool(tool) for tool in body["tools"]]
    choice = body.get("tool_choice")
    if choice is not None:
        chat["tool_choice"] = _tool(choice) if isinstance(choice, dict) else choice
    return chat


def response(request: dict[str, Any], completion: dict[str, Any]) -> dict[str, Any]:
    """The body of a response that says what a chat completion says; a response stays as it is.

    Args:
        request: the responses request that is answered.
        completion: the body of the chat completion.
    """
    if completion.get("object") == "response":
        return completion
    choice = completion["choices"][0]
    identity = completion["id"].removeprefix("chatcmpl-")
    why = _INCOMPLETE.get(choice["finish_reason"])
    usage = completion["usage"]
    return {
        "id": f"resp_{identity}",
        "object": "response",
        "created_at": completion["created"],
        "status": "incomplete" if why else "completed",
        "error": None,
        "incomplete_details": {"reason": why} if why else None,
        "model": completion["model"],
        "output": _output(choice["message"], identity, "incomplete" if why else "completed"),
        "parallel_tool_calls": request.get("parallel_tool_calls", True),
        "reasoning": request.get("reasoning"),
        "store": bool(request.get("store", True)),
        "text": request.get("text") or {"format": {"type": "text"}},
        "tool_choice": request.get("tool_choice", "auto"),
        "tools": request.get("tools") or [],
        "metadata": {"system_fingerprint": completion.get("system_fingerprint") or ""},
        "usage": {
            "input_tokens": usage["prompt_tokens"],
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": usage["completion_tokens"],
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": usage["total_tokens"],
        },
    }


_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


def _output(message: dict[str, Any], identity: str, status: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = [
        {
            "type": "function_call",
            "id": f"fc_{identity}",
            "status": status,
            "call_id": call["id"],
            "name": call["function"]["name"],
            "arguments": call["function"]["arguments"],
        }
        for call in message.get("tool_calls") or ()
    ]
    part = None
    if message.get("refusal"):
        part = {"type": "refusal", "refusal": message["refusal"]}
    elif message.get("content"):
        part = {"type": "output_text", "text": message["content"], "annotations": [], "logprobs": []}
    if part is not None:
        items.append(
            {
                "type": "message",
                "id": f"msg_{identity}",
                "status": status,
                "role": "assistant",
                "content": [part],
            }
        )
    return items


def _messages(body: dict[str, Any]) -> list[Any]:
    asked = body.get("input")
    if asked is None:
        raise ServiceError(
            400, "Missing required parameter: 'input'.", code="missing_required_parameter", param="input"
        )
    if not isinstance(asked, str | list) or not asked:
        raise _invalid("input", "must be a text or an array with at least one message")
    messages = [{"role": "user", "content": asked}] if isinstance(asked, str) else asked
    for position, item in enumerate(messages):
        if not isinstance(item, dict) or item.get("type", "message") != "message":
            raise _invalid(f"input[{position}]", "must be a message: this engine keeps no conversations")
    if isinstance(body.get("instructions"), str):
        return [{"role": "system", "content": body["instructions"]}, *messages]
    return messages


def _tool(tool: Any) -> Any:
    """A flat function tool, or the choice of one, as chat completions nest it."""
    if not isinstance(tool, dict) or tool.get("type") != "function" or "function" in tool:
        raise _invalid("tools", 'must be functions: {"type": "function", "name": ..., "parameters": ...}')
    return {"type": "function", "function": {key: value for key, value in tool.items() if key != "type"}}


def _response_format(wanted: Any) -> Any:
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        return wanted
    if "json_schema" in wanted or not isinstance(wanted.get("name"), str):
        raise _invalid("text.format", "needs `name` and `schema` beside its type")
    return {"type": "json_schema", "json_schema": {key: wanted[key] for key in wanted if key != "type"}}


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name) or {}
    if not isinstance(value, dict):
        raise _invalid(name, "must be an object")
    return value


def _invalid(param: str, problem: str, code: str = "invalid_value") -> ServiceError:
    return ServiceError(400, f"'{param}' {problem}.", code=code, param=param)
