"""What has changed from one prompt to another, word by word, for people."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from goldpan.html import Markup, element
from goldpan.optimise.candidate import Components

STYLE = """
.part-name { margin: .5rem 0 0; }
.diff { white-space: pre-wrap; overflow-wrap: anywhere; max-width: 60rem; margin: .5rem 0 1rem;
  padding: .75rem; border: 1px solid var(--line); border-radius: .3rem; background: var(--tint); }
.diff ins, .diff-key ins { text-decoration: underline; text-decoration-thickness: 2px;
  background: #c9ecd0; color: #0c3d18; }
.diff del, .diff-key del { background: #f8d3cf; color: #6b1410; }
@media (prefers-color-scheme: dark) { .diff ins, .diff-key ins { background: #17452a; color: #c8f2d3; }
  .diff del, .diff-key del { background: #57201c; color: #ffd9d4; } }
@media print { .diff { border-color: #999999; } }
"""
"""What a diff needs besides the common style sheet; added words are underlined, removed ones struck out."""

_WORDS = re.compile(r"\A\s+|(?:\w+|[^\w\s])\s*")
_SHORTEST_SAME = 5
"""Characters that two changes must have between them to be shown as two."""
_MOST_WORDS = 6_000
"""Of both texts together; longer ones are compared line by line, for the time it takes."""


@dataclass(frozen=True)
class TextChange:
    """A stretch of text that both have, or only one of them."""

    kind: Literal["same", "added", "removed"]
    text: str


def text_changes(before: str, after: str) -> tuple[TextChange, ...]:
    """The stretches of two texts, in order: without the added ones they give `before` back, without the
    removed ones `after`."""
    old, new = _parts(before, after)
    matcher = difflib.SequenceMatcher(
        None, [part.rstrip() for part in old], [part.rstrip() for part in new], False
    )
    changes: list[TextChange] = []
    for kind, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        if kind == "equal":
            for old_part, new_part in zip(old[old_start:old_end], new[new_start:new_end], strict=True):
                changes += _of_same_word(old_part, new_part)
        else:
            changes.append(TextChange("removed", "".join(old[old_start:old_end])))
            changes.append(TextChange("added", "".join(new[new_start:new_end])))
    return _joined(_joined(changes), _SHORTEST_SAME)


def _of_same_word(old: str, new: str) -> list[TextChange]:
    """Of a word that both have, what follows it may differ: a space or a line end."""
    if old == new:
        return [TextChange("same", old)]
    word = old.rstrip()
    return [
        TextChange("same", word),
        TextChange("removed", old.removeprefix(word)),
        TextChange("added", new.removeprefix(word)),
    ]


def _joined(changes: Sequence[TextChange], shortest: int = 0) -> tuple[TextChange, ...]:
    """Neighbours of one kind as one, of what differs first what is removed.

    Args:
        changes: in order.
        shortest: what is the same between two changes, and has fewer characters than this, belongs to both.
    """
    joined: list[TextChange] = []
    removed = added = same = ""
    for place, change in enumerate(changes):
        is_between = 0 < place < len(changes) - 1
        if change.kind == "same" and not (is_between and len(change.text.strip()) < shortest):
            joined += _of_both(removed, added)
            removed = added = ""
            same += change.text
            continue
        if same:
            joined.append(TextChange("same", same))
            same = ""
        removed += change.text if change.kind != "added" else ""
        added += change.text if change.kind != "removed" else ""
    return (*joined, *_of_both(removed, added), *([TextChange("same", same)] if same else []))


def _of_both(removed: str, added: str) -> list[TextChange]:
    changes = [TextChange("removed", removed)] if removed else []
    return [*changes, TextChange("added", added)] if added else changes


def component_diffs(before: Components, after: Components) -> Iterator[tuple[str, Markup]]:
    """The name of each part that differs, and its diff."""
    for name in [*before, *(name for name in after if name not in before)]:
        old, new = before.get(name, ""), after.get(name, "")
        if old != new:
            yield name, diff_block(text_changes(old, new))


def diff_block(changes: tuple[TextChange, ...]) -> Markup:
    """Changes as a box of running text."""
    tags = {"added": "ins", "removed": "del"}
    parts = [
        change.text if change.kind == "same" else element(tags[change.kind], change.text)
        for change in changes
    ]
    return element("div", *parts, class_="diff")


def unchanged_block(text: str) -> Markup:
    """A whole text in a box like that of a diff."""
    return element("div", text, class_="diff")


def _parts(before: str, after: str) -> tuple[list[str], list[str]]:
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if len(old) + len(new) > _MOST_WORDS:
        return before.splitlines(keepends=True), after.splitlines(keepends=True)
    return old, new
