"""Requests that a batch answers more than once, and not alike: which were there, and how they are named."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from goldpan.batches.rounds import rounds_to_settle
from goldpan.errors import SourceError
from goldpan.stages.documents import read_document
from goldpan.study.load import Project
from goldpan.tasks.replies import reply_of


def differing_answers(bodies: Iterable[tuple[str, Any]], ids: Collection[str]) -> Iterator[str]:
    """The custom id of each answer that says something else than the first one to the same request.

    What differs around the answer (ids of calls, tokens, the spelling of JSON) does not count.

    Args:
        bodies: custom id and body of the answers of a batch, in their order.
        ids: of the requests that have more than one line; no others are looked at.
    """
    first: dict[str, Any] = {}
    for custom_id, body in bodies:
        if custom_id in ids:
            said = _said(body)
            if first.setdefault(custom_id, said) != said:
                yield custom_id


def _said(body: Any) -> Any:
    reply = reply_of(body)
    return [[name, _parsed(arguments)] for name, arguments in reply.calls], _parsed(reply.text), reply.state


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return text


def notes_on(noticed: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What to say of a settled round, by what was noticed in each shard; nothing by an earlier goldpan."""
    number = sum(shard.get("contradicting", 0) for shard in noticed.values())
    example = next(
        (shard["contradicting_example"] for shard in noticed.values() if shard.get("contradicting")), ""
    )
    if not number:
        return []
    lines, say = (
        ("line answers its request", "says") if number == 1 else ("lines answer their requests", "say")
    )
    return [
        f"{number:,} {lines} a second time and {say} something else, e.g. `{example}`: of each request the"
        " first good answer in the file was taken. That is a fault of the service; the raw file has all lines"
    ]


def settled_notes(project: Project, stage: str) -> list[str]:
    """The same of all settled rounds of a stage, for its summary; what cannot be read other commands say."""
    notes: list[str] = []
    with suppress(SourceError, FileNotFoundError, KeyError, TypeError, AttributeError):
        for number, path in enumerate(rounds_to_settle(project.paths, stage, project.root), 1):
            settled = read_document(project.root / path, "a settled round", "")
            notes += [f"round {number}: {note}" for note in notes_on(settled["noticed"])]
    return notes
