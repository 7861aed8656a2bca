"""A study of the trace critic over any number of trace segments, made from few real ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
import yaml

from goldpan.files import iter_lines
from tests.bench.measuring import CHECKOUT

MODEL = "gpt-4.1-mini"
PARAMS = {"temperature": 0, "max_completion_tokens": 6000}

Segment = dict[str, Any]


def segments(path: Path) -> list[Segment]:
    """The segments of a file."""
    return [orjson.loads(line) for _, line in iter_lines(path)]


def varied(given: list[Segment], count: int) -> Iterator[Segment]:
    """`count` segments that differ in their ids and in the text of their first user message."""
    for number, segment in zip(range(count), itertools.cycle(given), strict=False):
        trace = [dict(message) for message in segment["trace_segment"]["trace"]]
        request = next(message for message in trace if message["role"] == "user")
        request["content"] = f"{request['content']}\n(Case {number}.)"
        yield {
            "conversation_id": f"{segment['conversation_id']}-{number}",
            "segment_id": segment["segment_id"],
            "trace_segment": {**segment["trace_segment"], "trace": trace},
        }


def cut(given: Iterable[Segment]) -> Iterator[Segment]:
    """The same segments with two messages each and no tools, all with a follow-up message."""
    for segment in given:
        inner = segment["trace_segment"]
        trace = [message for message in inner["trace"] if message["role"] != "system"][:2]
        follow_up = inner.get("follow_up_user_message") or "Thank you. And now the next one, please."
        yield {
            **segment,
            "trace_segment": {"trace": trace, "tools": [], "follow_up_user_message": follow_up},
        }


def texts(given: Iterable[Segment]) -> list[str]:
    """What was said in the segments."""
    contents = (message.get("content") for one in given for message in one["trace_segment"]["trace"])
    return [content for content in contents if isinstance(content, str)]


def write_project(root: Path, rows: Iterable[Segment], base_url: str | None = None) -> None:
    """The trace critic as a study over `rows`; `base_url` is where its batches go."""
    (root / "config" / "studies").mkdir(parents=True)
    (root / "config" / "tasks").symlink_to(CHECKOUT / "config" / "tasks")
    provider = {"kind": "local"} if base_url is None else {"kind": "openai", "base_url": base_url}
    study = {
        "study": "bench",
        "sources": {"traces": {"files": ["traces.jsonl"], "format": "traces"}},
        "providers": {"main": provider},
        "stages": {
            "critic": {
                "input": {"source": "traces"},
                "task": [
                    {
                        "task": "trace_critic_follow_up",
                        "when": "data.trace_segment.follow_up_user_message is not None",
                    },
                    {"task": "trace_critic"},
                ],
                "provider": "main",
                "model": MODEL,
                "params": PARAMS,
            }
        },
    }
    (root / "config" / "studies" / "bench.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    with (root / "traces.jsonl").open("wb") as out:
        for row in rows:
            out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
