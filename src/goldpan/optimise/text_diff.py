"""What has changed from one prompt to another, word by word, for people."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from goldpan.html import Markup, element
from goldpan.optimise.candidate import Components

STYLE = """
.diff { white-space: pre-wrap; overflow-wrap: anywhere; max-width: 60rem; margin: .5rem 0 1rem; padding: .75rem;
  border: 1px solid var(--line); border-radius: .3rem; background: var(--tint); }
.diff ins { text-decoration: underline; text-decoration-thickness: 2px; background: #c9ecd0; color: #0c3d18; }
.diff del { background: #f8d3cf; color: #6b1410; }
@media (prefers-color-scheme: dark) { .diff ins { background: #17452a; color: #c8f2d3; }
  .diff del { background: #57201c; color: #ffd9d4; } }
@media print { .diff { border-color: #999999; } }
"""
"""What a diff needs besides the common style sheet; added words are underlined, removed ones struck out."""

_WORDS = re.compile(r"\A\s+|(?:\w+|[^\w\s])\s*")
_SHORTEST_SAME = 5
"""Characters that two changes must have between them to be shown as two."""
_MOST_WORDS = 6_000
"""Of both texts together; longer ones are compared line by line, for the time it takes."""


@dataclass(frozen=True)
class Change:
    """A stretch of text that both have, or only one of them."""

    kind: Literal["same", "added", "removed"]
    text: str


def text_changes(before: str, after: str) -> tuple[Change, ...]:
    """The stretches of two texts, in order: those without the added ones give `before` back, those without the
    removed ones `after`."""
    old, new = _parts(before, after)
    changes = []
    for is_same, old_span, new_span in _spans(old, new):
        removed, added = "".join(old[old_span]), "".join(new[new_span])
        if is_same:
            changes.append(Change("same", removed))
            continue
        changes += [Change("removed", removed)] if removed else []
        changes += [Change("added", added)] if added else []
    return tuple(changes)


def _spans(old: list[str], new: list[str]) -> list[tuple[bool, slice, slice]]:
    """Spans of both that are the same or not; a lone short word between two changes belongs to them."""
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    spans: list[tuple[bool, slice, slice]] = []
    codes = matcher.get_opcodes()
    for place, (kind, old_start, old_end, new_start, new_end) in enumerate(codes):
        is_between = 0 < place < len(codes) - 1
        is_short = len("".join(old[old_start:old_end]).strip()) < _SHORTEST_SAME
        is_same = kind == "equal" and not (is_between and is_short)
        if spans and not is_same and not spans[-1][0]:
            _, old_before, new_before = spans.pop()
            old_start, new_start = old_before.start, new_before.start
        spans.append((is_same, slice(old_start, old_end), slice(new_start, new_end)))
    return spans


def component_diffs(before: Components, after: Components) -> Iterator[tuple[str, Markup]]:
    """The name of each part that differs, and its diff."""
    for name in [*before, *(name for name in after if name not in before)]:
        old, new = before.get(name, ""), after.get(name, "")
        if old != new:
            yield name, diff_block(text_changes(old, new))


def diff_block(changes: tuple[Change, ...]) -> Markup:
    """Changes as a box of running text."""
    tags = {"added": "ins", "removed": "del"}
    parts = [
        change.text if change.kind == "same" else element(tags[change.kind], change.text)
        for change in changes
    ]
    return element("div", *parts, class_="diff")


def _parts(before: str, after: str) -> tuple[list[str], list[str]]:
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if len(old) + len(new) > _MOST_WORDS:
        return before.splitlines(keepends=True), after.splitlines(keepends=True)
    return old, new
