"""Requests of the trace critic's rubric for tiny models, and the models that answer them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import orjson

from goldpan.providers.engine.answerers import Request
from goldpan.providers.own_model.answerer import TransformersAnswerer
from goldpan.tasks.critic import build_request
from tests.bench.traces import cut, segments, varied
from tests.projects import CHECKOUT
from tests.tiny_llm import CHAT_TEMPLATE, TEXTS, make_tiny_llm

TASKS = CHECKOUT / "config" / "tasks"
TRACES = CHECKOUT / "examples" / "traces"


def rubric_requests(count: int, limit: int = 700) -> list[Request]:
    """Requests that ask the 28 features, of texts that differ in length; every other answer is drawn."""
    given = [row for path in sorted(TRACES.glob("*.jsonl")) for row in segments(path)]
    rows = itertools.islice(cut(varied(given, count)), count)
    return [
        Request(
            build_request(
                row, "own", folder=TASKS, max_chars=2000, temperature=number % 2, max_completion_tokens=limit
            ),
            f"row-{number}",
        )
        for number, row in enumerate(rows)
    ]


def rubric_llm(folder: Path) -> Path:
    """A tiny model for the rubric, quick enough for a test.

    Its tokenizer knows the rubric's words, and its template does not show the functions: random weights do
    not read them, and they are most of the prompt.
    """
    texts = [orjson.dumps(request.body).decode() for request in rubric_requests(2)]
    template = CHAT_TEMPLATE.replace("tools %}", "tools and false %}")
    return make_tiny_llm(
        folder,
        hidden=32,
        layers=1,
        merges=1500,
        texts=[*TEXTS, *texts],
        context=16_384,
        chat_template=template,
    )


def answerer(model: Path, **settings: Any) -> TransformersAnswerer:
    """An answerer on one thread, as the tests of others run beside it."""
    return TransformersAnswerer(model, threads=1, show_schema=False, **settings)


def answered(model: Path, requests: list[Request], **settings: Any) -> dict[str, Any]:
    """Answers by the ids of their requests."""
    replies = answerer(model, **settings).answers(iter(requests))
    return {requests[place].custom_id: reply for place, reply in replies}


def said(reply: Any) -> str:
    """The text of an answer, or the arguments of its call."""
    message = reply["choices"][0]["message"]
    calls = message.get("tool_calls")
    return calls[0]["function"]["arguments"] if calls else message["content"]
