"""The commonest messages of rows that came to nothing: what the end of a run shows of them.

Messages that differ in numbers and ids only count as one, and are shown as the first of them was. Memory is
constant: of more kinds than a thousand, the rarer half is forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypedDict

SHOWN = 3
_MOST_KINDS = 1_000
# Rows that nobody meant to have answered, and those that still may be.
_NOT_ASKED = frozenset({"ok", "skipped", "pending"})
# Ids of requests, answers and rows, hexadecimal numbers, and numbers of any kind.
_PARTICULAR = re.compile(
    r"\b(?:req|chatcmpl|resp|batch|call|msg|gen|file)[_-]\w+|\b[0-9a-f]{8,}[0-9a-f-]*\b|\d+"
)


class MessageCount(TypedDict):
    """A message that rows of one state have in common, whole, and how many have it."""

    state: str
    reason: str
    count: int


class Messages:
    """Counts the messages of rows, in constant memory."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], MessageCount] = {}

    def add(self, state: str, reason: str | None) -> None:
        """Count a row; one that is ok or was not to be asked is passed over."""
        if state in _NOT_ASKED:
            return
        reason = reason or "unknown"
        # What comes first is the HTTP status, which says most.
        status, space, rest = reason.partition(" ") if reason[:3].isdigit() else ("", "", reason)
        kind = (state, f"{status}{space}{_PARTICULAR.sub('#', rest)}")
        known = self._counts.get(kind)
        if known is not None:
            known["count"] += 1
            return
        if len(self._counts) >= _MOST_KINDS:
            kept = sorted(self._counts.items(), key=lambda item: -item[1]["count"])[: _MOST_KINDS // 2]
            self._counts = dict(kept)
        self._counts[kind] = MessageCount(state=state, reason=reason, count=1)

    def commonest(self) -> list[MessageCount]:
        """The three commonest messages, the commonest first."""
        return sorted(self._counts.values(), key=lambda message: -message["count"])[:SHOWN]


def message_lines(messages: Iterable[MessageCount]) -> list[str]:
    """A line for each message, with its count."""
    return [f"{message['count']} {message['state']}: {message['reason']}" for message in messages]
