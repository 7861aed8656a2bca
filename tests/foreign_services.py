"""Services on loopback that do not speak plain OpenAI: Anthropic's API, Google's, and Azure's paths."""

from __future__ import annotations

from typing import Any

import orjson

from tests.online_service import OnlineService

USED = {"fresh": 100, "cached": 900, "written": 50, "completion": 20}
"""Tokens of each answer."""


def _last_line(content: Any) -> str:
    text = content if isinstance(content, str) else content[-1]["text"]
    return text.splitlines()[-1]


class AnthropicService(OnlineService):
    """The Messages API: https://docs.anthropic.com/en/api/messages"""

    path, version = "/v1/messages", ""

    def text_of(self, asked: dict[str, Any]) -> str:
        return _last_line(asked["messages"][-1]["content"])

    def success(self, asked: dict[str, Any], answer: dict[str, Any], text: str) -> dict[str, Any]:
        (tool,) = asked["tools"]
        called = {"type": "tool_use", "id": "toolu_1", "name": tool["name"], "input": answer}
        return message([called], "tool_use", asked["model"])

    def refusal(self, status: int) -> dict[str, Any]:
        return anthropic_error(status)


def message(content: list[dict[str, Any]], stop_reason: str, model: str) -> dict[str, Any]:
    """An answer of the Messages API."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {
            "input_tokens": USED["fresh"],
            "cache_read_input_tokens": USED["cached"],
            "cache_creation_input_tokens": USED["written"],
            "output_tokens": USED["completion"],
        },
    }


def anthropic_error(status: int, said: str = "no") -> dict[str, Any]:
    """Its refusal: https://docs.anthropic.com/en/api/errors"""
    kinds = {
        400: "invalid_request_error",
        401: "authentication_error",
        429: "rate_limit_error",
        529: "overloaded_error",
    }
    return {"type": "error", "error": {"type": kinds.get(status, "api_error"), "message": said}}


class GeminiService(OnlineService):
    """generateContent: https://ai.google.dev/api/generate-content"""

    path, version = "/models/{call}", ""

    def text_of(self, asked: dict[str, Any]) -> str:
        return asked["contents"][-1]["parts"][-1]["text"].splitlines()[-1]

    def success(self, asked: dict[str, Any], answer: dict[str, Any], text: str) -> dict[str, Any]:
        (tools,) = asked["tools"]
        declared = tools.get("functionDeclarations") or tools["function_declarations"]
        part = {"functionCall": {"name": declared[0]["name"], "args": answer}}
        return {
            "candidates": [
                {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
            ],
            "usageMetadata": {
                "promptTokenCount": USED["fresh"] + USED["cached"],
                "cachedContentTokenCount": USED["cached"],
                "candidatesTokenCount": USED["completion"],
                "totalTokenCount": USED["fresh"] + USED["cached"] + USED["completion"],
            },
        }

    def refusal(self, status: int) -> dict[str, Any]:
        names = {429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE", 400: "INVALID_ARGUMENT"}
        return {"error": {"code": status, "message": "no", "status": names.get(status, "INTERNAL")}}


class AzureService(OnlineService):
    """OpenAI's API at the paths of deployments."""

    path, version = "/openai/deployments/{deployment}/chat/completions", ""


class AzureResponses(OnlineService):
    """Azure's responses endpoint, wherever it stands."""

    path, version = "/{anywhere:.*}", ""

    def text_of(self, asked: dict[str, Any]) -> str:
        return _last_line(asked["input"][-1]["content"])

    def success(self, asked: dict[str, Any], answer: dict[str, Any], text: str) -> dict[str, Any]:
        call = {"type": "function_call", "id": "fc_1", "call_id": "c1", "status": "completed"}
        arguments = orjson.dumps(answer).decode()
        prompt = USED["fresh"] + USED["cached"]
        return {
            "id": "resp_1",
            "object": "response",
            "created_at": 1,
            "status": "completed",
            "model": asked["model"],
            "error": None,
            "incomplete_details": None,
            "parallel_tool_calls": False,
            "tool_choice": "auto",
            "tools": [],
            "output": [{**call, "name": asked["tools"][0]["name"], "arguments": arguments}],
            "usage": {
                "input_tokens": prompt,
                "input_tokens_details": {"cached_tokens": USED["cached"]},
                "output_tokens": USED["completion"],
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": prompt + USED["completion"],
            },
        }
