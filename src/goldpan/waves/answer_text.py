"""Answers and fields as text, where a sheet has cells or plain text only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import orjson

from goldpan.records.look_up import look_up
from goldpan.records.model import Record
from goldpan.tasks.features import Binary, Extraction, Feature, Multilabel, Ranking, Text
from goldpan.tasks.prompt_names import named_parts
from goldpan.tasks.task import Task
from goldpan.waves.codebook import CANNOT_TELL, NONE_OF_THEM

LIST_SEPARATOR = "; "
RANK_SEPARATOR = " > "


def answer_text(feature: Feature, value: Any) -> str:
    """An answer as it stands in a cell; `collect.cell_values` reads it back.

    Labels of a list are separated by `; `, ranked items by ` > `, extracted objects are JSON.
    """
    if value is None:
        return CANNOT_TELL
    match feature:
        case Binary():
            return "yes" if value else "no"
        case Multilabel():
            return LIST_SEPARATOR.join(value) or NONE_OF_THEM
        case Ranking():
            return RANK_SEPARATOR.join(value)
        case Extraction():
            return orjson.dumps(value).decode() if value else NONE_OF_THEM
        case Text():
            return str(value)
    return f"{value:.15g}" if isinstance(value, int | float) else str(value)


def is_conversation(value: Any) -> bool:
    """Whether a field holds chat messages."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(message, dict) and isinstance(message.get("role"), str) for message in value)
    )


def field_text(value: Any) -> str:
    """A field of a record as text to read; a conversation has its speakers' names, other JSON is indented."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if is_conversation(value):
        return "\n\n".join(_message_text(message) for message in value)
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def own_paths(task: Task) -> list[tuple[str, ...]]:
    """What the prompts of a task name of a record; nothing of a trace, which is shown whole."""
    if task.material == "trace":
        return []
    return sorted(
        {part.path for part in named_parts(task) if part.path[0] not in ("id", "source", "file", "line")}
    )


def own_text(record: Record, paths: Sequence[tuple[str, ...]]) -> str:
    """What a prompt shows of a record, without its own words."""
    texts = []
    for path in paths:
        is_there, value = look_up(cast(Mapping[str, Any], record), ".".join(path))
        if is_there and value is not None:
            texts.append(field_text(value))
    return "\n".join(texts)


def _message_text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        content = "\n".join(
            part.get("text") or field_text(part) for part in content if isinstance(part, dict)
        )
    calls = message.get("tool_calls") or []
    parts = [f"[{message['role']}]", field_text(content), *(_call_text(call) for call in calls)]
    return "\n".join(part for part in parts if part)


def _call_text(call: Any) -> str:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        return field_text(call)
    return f"-> {function.get('name')}({function.get('arguments')})"
