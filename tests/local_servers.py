"""Servers on loopback that speak OpenAI's chat completions as vLLM, llama.cpp and Ollama do.

None has `/v1/files` or `/v1/batches`. What else differs is taken from their sources: vllm/entrypoints/openai,
llama.cpp tools/server (README, `server.cpp`) and ollama openai/openai.go.
"""

from __future__ import annotations

import json
from typing import Any

from goldpan.providers.engine import completion
from tests.online_service import OnlineService


class VllmServer(OnlineService):
    """Calls functions that are forced, with `content` beside it; its errors have no `error` around them."""

    def success(self, asked: dict[str, Any], answer: dict[str, Any], text: str) -> dict[str, Any]:
        """The body of an answer."""
        body = completion(asked, answer, text)
        message = body["choices"][0]["message"]
        message |= {"content": message.get("content") or "", "reasoning_content": None, "annotations": None}
        body["choices"][0]["stop_reason"] = None
        body |= {"service_tier": None, "system_fingerprint": None, "prompt_logprobs": None}
        body["usage"]["prompt_tokens_details"] = None
        return body

    def refusal(self, status: int) -> dict[str, Any]:
        """The body of a refusal."""
        return {"object": "error", "message": "no", "type": "BadRequestError", "param": None, "code": status}


class LlamaCppServer(OnlineService):
    """Echoes the file of the model, whatever was asked; tells times beside the usage."""

    def success(self, asked: dict[str, Any], answer: dict[str, Any], text: str) -> dict[str, Any]:
        """The body of an answer."""
        body = completion(asked, answer, text, model="/models/qwen2.5-0.5b-instruct-q4_k_m.gguf")
        body["timings"] = {"prompt_n": 12, "prompt_ms": 30.5, "predicted_n": 20, "predicted_ms": 210.0}
        body["system_fingerprint"] = "b6000-abcdef0"
        return body


class OllamaServer(OnlineService):
    """Forces no function: a model may answer in its words. With a response format it keeps to the schema. The
    same id each time, the tag of the model behind its name, and no usage with `tools` of older versions."""

    def success(self, asked: dict[str, Any], answer: dict[str, Any], text: str) -> dict[str, Any]:
        """The body of an answer."""
        body = completion({**asked, "tools": None, "tool_choice": None}, json.dumps(answer), text)
        body |= {"id": "chatcmpl-123", "model": f"{asked['model']}:latest", "system_fingerprint": "fp_ollama"}
        message = body["choices"][0]["message"]
        body["choices"][0]["message"] = {"role": "assistant", "content": message["content"]}
        del body["choices"][0]["logprobs"], body["usage"]
        return body
