"""Output and request files as batch services leave them, for answers that were made outside of goldpan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from goldpan.batches.stage import StageRun
from goldpan.imports.answers.fates import Allowed
from goldpan.imports.answers.report import ImportReport
from goldpan.imports.answers.run import AnswerImport, import_answers
from tests.foreign_services import AzureResponses, GeminiService, message
from tests.projects import note_rows
from tests.stage_builders import STAGE, make_stage

MODELS = {
    "openai": "gpt-4o-mini",
    "azure": "gpt-4o-mini",
    "responses": "gpt-4o-mini",
    "bare": "gpt-4o-mini",
    "anthropic": "claude-3-5-haiku-latest",
    "gemini": "gemini-2.0-flash",
    "vertex": "gemini-2.0-flash",
}
"""Service -> the model that a stage asks which its answers are for."""
KEYS = {
    **dict.fromkeys(MODELS, "custom_id"),
    "bare": "metadata.row",
    "vertex": "request.labels.row",
}
"""Service -> where its lines have their key."""
SYSTEM = "You label notes."
LABELS = ("animals", "machines", "weather")


def stage_asked_elsewhere(root: Path, service: str = "openai", rows: int = 6, **stage: Any) -> StageRun:
    """A stage over so many notes that asks the model which `service` has answered; nobody can be asked."""
    return make_stage(root, note_rows(rows), {"kind": "openai"}, **{"model": MODELS[service], **stage})


def label_of(number: int, **changes: Any) -> dict[str, Any]:
    """What a model answers to the task `topic` about a note."""
    topic = LABELS[number % 3]
    return {
        "topic": topic,
        "topic_rationale": f"It tells of {topic}.",
        "urgent_detected": number % 2 == 0,
        "length": number % 6,
        **changes,
    }


def note_text(number: int) -> str:
    """The user message of a note."""
    return f"Note:\n{note_rows(1, start=number)[0]['text']}"


def completion(answer: dict[str, Any], model: str = "gpt-4o-mini-2024-07-18") -> dict[str, Any]:
    """A chat completion that calls the task's function."""
    call = {"name": "topic", "arguments": orjson.dumps(answer).decode()}
    said = {"role": "assistant", "content": None, "refusal": None}
    return {
        "id": "chatcmpl-A1",
        "object": "chat.completion",
        "created": 1_750_000_000,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {**said, "tool_calls": [{"id": "call_1", "type": "function", "function": call}]},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 110, "completion_tokens": 30, "total_tokens": 140},
        "system_fingerprint": "fp_1",
    }


def openai_line(custom_id: str, body: dict[str, Any], status: int = 200) -> dict[str, Any]:
    """A line of an output file of OpenAI's batches: https://platform.openai.com/docs/guides/batch"""
    response = {"status_code": status, "request_id": "req_1", "body": body}
    return {"id": "batch_req_1", "custom_id": custom_id, "response": response, "error": None}


def answer_line(service: str, key: str, answer: dict[str, Any], number: int = 0) -> dict[str, Any]:
    """A line of a service's output file; of Vertex AI with what note `number` was asked."""
    if service == "openai":
        return openai_line(key, completion(answer))
    if service == "azure":
        body = completion(answer)
        body["prompt_filter_results"] = [{"prompt_index": 0, "content_filter_results": {}}]
        body["choices"][0]["content_filter_results"] = {}
        return {**openai_line(key, body), "id": ""}
    if service == "responses":
        asked = {"model": "gpt-4o-mini-2024-07-18", "tools": [{"name": "topic"}]}
        return openai_line(key, AzureResponses.success(None, asked, answer, ""))
    if service == "bare":
        return {**completion(answer), "metadata": {"row": key}}
    if service == "anthropic":
        called = [{"type": "tool_use", "id": "toolu_1", "name": "topic", "input": answer}]
        succeeded = message(called, "tool_use", "claude-3-5-haiku-20241022")
        return {"custom_id": key, "result": {"type": "succeeded", "message": succeeded}}
    asked = {"tools": [{"functionDeclarations": [{"name": "topic"}]}]}
    response = {**GeminiService.success(None, asked, answer, ""), "modelVersion": "gemini-2.0-flash-001"}
    if service == "gemini":
        return {"key": key, "response": response}
    return {
        "status": "",
        "processed_time": "2025-07-09T19:57:43.558+00:00",
        "request": {**gemini_request(number), "labels": {"row": key}},
        "response": response,
    }


def gemini_request(number: int) -> dict[str, Any]:
    """What Google is asked about a note."""
    return {
        "systemInstruction": {"parts": [{"text": SYSTEM}]},
        "contents": [{"role": "user", "parts": [{"text": note_text(number)}]}],
    }


def request_line(service: str, key: str, number: int, system: str = SYSTEM) -> dict[str, Any]:
    """The line of a service's request file that asks about a note."""
    text = note_text(number)
    if service in ("openai", "azure", "bare"):
        messages = [{"role": "system", "content": system}, {"role": "user", "content": text}]
        body = {"model": "gpt-4o-mini", "messages": messages, "metadata": {"row": key}}
        return {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": body}
    if service == "responses":
        asked = [{"role": "user", "content": [{"type": "input_text", "text": text}]}]
        body = {"model": "gpt-4o-mini", "instructions": system, "input": asked}
        return {"custom_id": key, "method": "POST", "url": "/v1/responses", "body": body}
    if service == "anthropic":
        asked = [{"role": "user", "content": [{"type": "text", "text": text}]}]
        params = {"model": "claude-3-5-haiku-latest", "max_tokens": 99, "system": system, "messages": asked}
        return {"custom_id": key, "params": params}
    request = gemini_request(number)
    request["systemInstruction"]["parts"][0]["text"] = system
    return {"key": key, "request": request}


def write_lines(path: Path, lines: list[dict[str, Any] | bytes]) -> Path:
    """Write a JSONL file; bytes are lines as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"".join((line if isinstance(line, bytes) else orjson.dumps(line)) + b"\n" for line in lines)
    )
    return path


def take_answers(
    run: StageRun,
    files: list[Path],
    *,
    key: str = "custom_id",
    pattern: str | None = "row-{data.id}",
    requests: list[Path] | None = None,
    unknown_prompt: bool = True,
    other_model: bool = False,
    **options: Any,
) -> ImportReport:
    """Import the answers of some files for the stage."""
    allowed = Allowed(unknown_prompt, other_model)
    report_file = options.pop("report_file", None)
    wanted = AnswerImport(files, key, pattern, requests or [], allowed, report_file)
    return import_answers(run.project, STAGE, wanted, **options)


def fates_of(report: ImportReport) -> dict[str, int]:
    """Fate -> number of lines."""
    return {fate: count for fate, count in report.fates.items() if count}
