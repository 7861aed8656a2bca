"""Keeping a trace within a length: the middle goes first, and a mark says what is gone.

Lengths are characters (Python's), because a tokenizer for each model would cost more than it saves.
"""

from __future__ import annotations

from dataclasses import dataclass

from goldpan.tasks.traces_text import mark

LONGEST_KEPT_WHOLE = 4_000
"""A message up to this length is left out as a whole rather than cut, where the budget allows."""

_ROOM_FOR_MARK = 80
_TAIL_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Shortened:
    """A text within its limit, and how much of it is gone."""

    text: str
    elided_messages: int = 0
    elided_chars: int = 0


def shorten(text: str, limit: int) -> Shortened:
    """Cut the middle out of `text` so that it has at most `limit` characters, our mark included.

    Two thirds of what is kept come from the start.
    """
    if len(text) <= limit:
        return Shortened(text)
    kept = max(limit - _ROOM_FOR_MARK, 0)
    head = kept * 2 // 3
    tail = kept - head
    gone = len(text) - kept
    note = f"\n{mark(f'… {gone:,} characters left out …')}\n"
    return Shortened(text[:head] + note + text[len(text) - tail :], 0, gone)


def shorten_steps(steps: list[str], limit: int, first_request: int) -> Shortened:
    """Join rendered steps within `limit` characters.

    Long messages lose their middles first, evenly and down to LONGEST_KEPT_WHOLE characters. Where that is
    not enough, whole messages go from the middle of the trace; the first request and the last message stay.

    Args:
        steps: one text for each message.
        limit: characters of the result, marks and line ends included; at least some 1,000.
        first_request: index of the first user message.
    """
    joined = "\n".join(steps)
    if len(joined) <= limit:
        return Shortened(joined)
    room = limit - len(steps)
    level = common_level([len(step) for step in steps], room)
    if level >= LONGEST_KEPT_WHOLE:
        return _join(steps, range(len(steps)), level)
    longest = min(LONGEST_KEPT_WHOLE, limit // 4)
    sizes = [min(len(step), longest) + 1 for step in steps]
    return _join(steps, _kept(sizes, limit, first_request), longest)


def common_level(sizes: list[int], room: int) -> int:
    """The greatest length L with sum(min(size, L)) <= room: cutting to it spares all shorter texts.

    The longest size when all fit; 0 when there is no room.
    """
    left = room
    ordered = sorted(sizes)
    for index, size in enumerate(ordered):
        share = left // (len(ordered) - index)
        if size > share:
            return max(share, 0)
        left -= size
    return ordered[-1]


def _kept(sizes: list[int], limit: int, first_request: int) -> list[int]:
    """Indexes of the messages to keep: the first request, then mostly the end, then the start."""
    last = len(sizes) - 1
    kept = {first_request, last}
    marks = 2 * _ROOM_FOR_MARK
    left = limit - marks - sum(sizes[index] for index in kept)
    for order, share in ((range(last - 1, -1, -1), _TAIL_SHARE), (range(last), 1.0)):
        left = _take(order, sizes, kept, left, int(left * (1 - share)))
    return sorted(kept)


def _take(order: range, sizes: list[int], kept: set[int], left: int, spare: int) -> int:
    """Add messages in `order` while more than `spare` characters are left; return what is left."""
    for index in order:
        if index in kept:
            continue
        if left - sizes[index] < spare:
            break
        kept.add(index)
        left -= sizes[index]
    return left


def _join(steps: list[str], kept: range | list[int], longest: int) -> Shortened:
    parts: list[str] = []
    messages = characters = 0
    following = 0
    for index in kept:
        if index > following:
            gone = sum(len(step) for step in steps[following:index])
            parts.append(mark(_gap(following + 1, index, gone)))
            messages += index - following
            characters += gone
        short = shorten(steps[index], longest)
        parts.append(short.text)
        characters += short.elided_chars
        following = index + 1
    return Shortened("\n".join(parts), messages, characters)


def _gap(first: int, last: int, characters: int) -> str:
    which = f"step {first}" if first == last else f"steps {first}-{last}"
    return f"… {which} left out: {last - first + 1:,} messages, {characters:,} characters …"
