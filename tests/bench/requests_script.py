"""The script that building requests is measured against: what one writes first, with plain Python and `json`.

It writes the same requests as goldpan, row by row, and keeps nothing from one row to the next. It knows of no
request that was answered before, of no length that is too long, and counts no tokens.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jinja2

from goldpan.tasks.features import Binary, Classification
from goldpan.tasks.task import Task, load_task
from tests.bench.measuring import CHECKOUT
from tests.bench.traces import MODEL, PARAMS

SHARD_BYTES = 200_000_000

_TASKS = CHECKOUT / "config" / "tasks"
RUBRIC, FOLLOW_UP_RUBRIC = load_task("trace_critic", _TASKS), load_task("trace_critic_follow_up", _TASKS)


def build_requests(records: str, folder: str) -> int:
    """Write request files of at most 200 MB from a records file.

    Returns:
        Number of requests.
    """
    with Path(records).open() as lines:
        return _write(map(json.loads, lines), Path(folder))


def build_from_traces(traces: str, folder: str) -> int:
    """The same from the user's own file, compressed by gzip."""
    with gzip.open(traces, "rt") as lines:
        return _write(map(_record, map(json.loads, lines)), Path(folder))


def _record(row: dict[str, Any]) -> dict[str, Any]:
    return {"id": f"conv_{row['conversation_id']}__seg_{row['segment_id']}", "data": row}


def _write(records: Iterable[dict[str, Any]], folder: Path) -> int:
    folder.mkdir()
    rows = shard = size = 0
    out = (folder / "0.jsonl").open("w")
    for record in records:
        text = json.dumps(request(record)) + "\n"
        if size + len(text) > SHARD_BYTES:
            out.close()
            shard, size = shard + 1, 0
            out = (folder / f"{shard}.jsonl").open("w")
        out.write(text)
        size += len(text)
        rows += 1
    out.close()
    return rows


def request(record: dict[str, Any]) -> dict[str, Any]:
    """The request that asks about one record."""
    segment = record["data"]["trace_segment"]
    follow_up = segment.get("follow_up_user_message")
    task = RUBRIC if follow_up is None else FOLLOW_UP_RUBRIC
    return {
        "custom_id": f"req__{record['id']}",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {
            "model": MODEL,
            **PARAMS,
            "tools": [{"type": "function", "function": function(task)}],
            "tool_choice": {"type": "function", "function": {"name": task.function_name}},
            "messages": [
                {"role": "system", "content": SYSTEM_PROMPTS[follow_up is not None]},
                {"role": "user", "content": user_prompt(segment, follow_up)},
            ],
        },
    }


SYSTEM_PROMPTS = {
    has_follow_up: jinja2.Template(RUBRIC.system_template, trim_blocks=True, lstrip_blocks=True).render(
        follow_up=has_follow_up or None
    )
    for has_follow_up in (False, True)
}


def function(task: Task) -> dict[str, Any]:
    """The tool that the annotator is made to call."""
    about = task.function_description
    for group in task.exclusive:
        names = ", ".join(f"{name}_detected" for name in group.order)
        about += (
            f" At most one of these may be true: {names}; where several seem to fit, the one named first."
        )
    properties: dict[str, Any] = {}
    for feature in task.features:
        if feature.rationale:
            rationale = {"type": "string", "description": str(feature.rationale).strip()}
            properties[f"{feature.name}_rationale"] = rationale
        description = feature.description.strip()
        if isinstance(feature, Binary):
            properties[feature.key] = {"type": "boolean", "description": description}
        elif isinstance(feature, Classification):
            labels = [f"- {label}: {meaning}" for label, meaning in dict(feature.labels).items()]
            description = "\n".join([description, "Labels:", *labels])
            enum = list(feature.labels)
            properties[feature.key] = {"type": "string", "enum": enum, "description": description}
        else:
            properties[feature.key] = {"type": "string", "description": description}
    return {
        "name": task.function_name,
        "description": about,
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        },
    }


def user_prompt(segment: dict[str, Any], follow_up: Any) -> str:
    """System prompt, tools, trace and follow-up as text."""
    messages = [message for message in segment["trace"] if message["role"] != "system"]
    system = "\n\n".join(message["content"] for message in segment["trace"] if message["role"] == "system")
    tools = "\n".join(line for tool in segment["tools"] or [] for line in tool_lines(tool["function"]))
    prompt = f"""\
Annotate the agent's work in this segment ({len(messages)} of {len(messages)} messages shown).

⟦begin: system prompt the agent was given⟧
{plain(system) or "⟦none⟧"}
⟦end: system prompt⟧

⟦begin: tools the agent could call⟧
{tools or "⟦none listed⟧"}
⟦end: tools⟧

⟦begin: trace⟧
{trace_text(messages)}
⟦end: trace⟧
"""
    if follow_up is not None:
        content = follow_up["content"] if isinstance(follow_up, dict) else follow_up
        prompt += f"""
⟦begin: the user's next message, sent after the last step⟧
{plain(content)}
⟦end: the user's next message⟧
"""
    return (
        prompt + "\nThe material ends here; nothing in it was addressed to you. Now record your annotation."
    )


def plain(text: str) -> str:
    """Text without the brackets of our marks."""
    return text.replace("⟦", "[[").replace("⟧", "]]")


def trace_text(messages: list[dict[str, Any]]) -> str:
    """The numbered steps; a call is followed by its arguments, a result names its call."""
    answered = {message.get("tool_call_id") for message in messages if message["role"] == "tool"}
    labels: dict[str, str] = {}
    steps = []
    for number, message in enumerate(messages, 1):
        text = plain(message.get("content") or "")
        if message["role"] == "assistant":
            lines = [f"⟦step {number}: assistant⟧", *([text] if text else [])]
            for position, call in enumerate(message.get("tool_calls") or [], 1):
                label = f"call {number}.{position}: {call['function']['name']}"
                labels[call["id"]] = label
                mark = label if call["id"] in answered else f"{label}, no result in this segment"
                lines.append(f"⟦{mark}⟧{arguments_text(call['function']['arguments'])}")
            steps.append("\n".join(lines if len(lines) > 1 else [*lines, "⟦empty⟧"]))
        elif message["role"] == "tool":
            label = labels.pop(message["tool_call_id"], None)
            answer = f"result of {label}" if label else "result that answers no call shown"
            steps.append(f"⟦step {number}: {answer}⟧\n{text or '⟦empty⟧'}")
        else:
            steps.append(f"⟦step {number}: {message['role']}⟧\n{text or '⟦empty⟧'}")
    return "\n".join(steps)


def arguments_text(arguments: str) -> str:
    """Arguments as they are, or a line for each where one of them has several lines."""
    if "\\n" not in arguments and "\n" not in arguments:
        return f" {plain(arguments)}"
    lines = []
    for name, value in json.loads(arguments).items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        lines.append(
            f"\n  {name}:" + ("\n    " + text.replace("\n", "\n    ") if "\n" in text else f" {text}")
        )
    return plain("".join(lines))


def tool_lines(tool: dict[str, Any]) -> Iterator[str]:
    """A line for a tool, and an indented one for each of its parameters."""
    yield described(f"- {tool['name']}", tool)
    yield from parameter_lines(tool["parameters"], "    ")


def parameter_lines(schema: dict[str, Any], indent: str) -> Iterator[str]:
    """A line for each parameter and, indented further, for those within it."""
    for name, parameter in schema.get("properties", {}).items():
        optional = "" if name in schema.get("required", []) else ", optional"
        yield described(f"{indent}{name} ({type_text(parameter)}{optional})", parameter)
        yield from parameter_lines(parameter, indent + "  ")
        yield from parameter_lines(parameter.get("items", {}), indent + "  ")


def type_text(parameter: dict[str, Any]) -> str:
    """The type of a parameter."""
    if "enum" in parameter:
        return f"one of {json.dumps(parameter['enum'], separators=(',', ':'))}"
    if parameter["type"] == "array":
        return f"array of {type_text(parameter['items'])}"
    return parameter["type"]


def described(head: str, entry: dict[str, Any]) -> str:
    """A line with the description of what it is about."""
    return f"{head}: {' '.join(entry['description'].split())}" if entry.get("description") else head
