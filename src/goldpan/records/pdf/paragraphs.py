"""Lines put together to paragraphs, over the ends of columns and pages."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from statistics import median

from goldpan.records.pdf.lines import Line

_SENTENCE_END = re.compile(r"[.!?:;…。！？][\"'”’»)\]]*$")
_LONGEST_END = 20
_BULLET = re.compile(r"(?:[•‣▪●◦○■–—*]|[-]\s|\(?(?:\d{1,2}|[a-zA-Z])[.)]\s)")
_WIDER = 1.3
"""Times the usual distance of lines, above which there is space between paragraphs."""
_USUAL_STEP = 1.1
_INDENT = 0.7
"""Heights of the font by which a line stands further right that begins a paragraph."""
_SAME_SIZE = 0.15
_SHORT = 0.8
"""Of the width of a column, below which a line may be the last one of its paragraph."""


class ParagraphBuilder:
    """Takes the lines of page after page, and gives the paragraphs that are whole."""

    def __init__(self) -> None:
        self._open: list[Line] = []

    @property
    def first(self) -> Line | None:
        """The first line of the paragraph that may go on."""
        return self._open[0] if self._open else None

    def add(self, lines: Sequence[Line]) -> Iterator[list[Line]]:
        """Take the lines of a page, or of a part of it."""
        layout = _Layout(lines)
        for line in lines:
            if self._open and layout.begins_paragraph(self._open, line):
                yield from self.end()
            self._open.append(line)

    def end(self) -> Iterator[list[Line]]:
        """Say that the last paragraph does not go on."""
        if self._open:
            yield self._open
            self._open = []


def paragraphs_of(lines: Iterable[Sequence[Line]]) -> list[list[Line]]:
    """The paragraphs of some pages, each given by its lines."""
    builder = ParagraphBuilder()
    found = [paragraph for page in lines for paragraph in builder.add(page)]
    return [*found, *builder.end()]


class _Layout:
    """How the lines of a page are set."""

    def __init__(self, lines: Sequence[Line]) -> None:
        # In heights of the font, as lines of a title are further apart than those of the text.
        steps = [
            (below.top - line.top) / max(line.height, 1.0)
            for line, below in pairwise(lines)
            if _is_below(line, below) and _is_same_size(line, below)
        ]
        self._step = median(steps) if steps else _USUAL_STEP
        rights: dict[int, list[float]] = defaultdict(list)
        for line in lines:
            rights[round(line.left / 4)].append(line.right)
        self._rights = {left: median(values) for left, values in rights.items()}

    def begins_paragraph(self, open_lines: Sequence[Line], line: Line) -> bool:
        """Whether a line begins a paragraph, and does not go on with the open one."""
        last = open_lines[-1]
        if not _is_same_size(last, line) or _BULLET.match(line.text):
            return True
        if last.page != line.page or not _is_below(last, line):
            return not self._goes_on_elsewhere(last, line)
        if line.top - last.top > _WIDER * self._step * line.height:
            return True
        ended = _ends_sentence(last) or self._is_short(last)
        shift = (line.left - last.left) / max(line.height, 1.0)
        if shift > _INDENT:
            return ended
        if shift < -_INDENT:
            # Behind the first line of an indented paragraph the text goes back to the margin.
            return self._is_short(last) or (ended and len(open_lines) > 1)
        return self._is_short(last) and _ends_sentence(last) and _begins_sentence(line)

    def _goes_on_elsewhere(self, last: Line, line: Line) -> bool:
        """Whether a paragraph goes on in the next column or on the next page."""
        if _ends_sentence(last):
            return False
        if last.text.endswith("-") or line.text[:1].islower():
            return True
        return last.page == line.page or not self._is_short(last)

    def _is_short(self, line: Line) -> bool:
        right = self._rights.get(round(line.left / 4), line.right)
        return line.right - line.left < _SHORT * (right - line.left)


def _is_below(last: Line, line: Line) -> bool:
    """Whether a line stands below another in one column."""
    return line.top > last.top and line.left < last.right and line.right > last.left


def _is_same_size(last: Line, line: Line) -> bool:
    return abs(last.height - line.height) <= _SAME_SIZE * max(last.height, line.height)


def _ends_sentence(line: Line) -> bool:
    return _SENTENCE_END.search(line.text[-_LONGEST_END:]) is not None


def _begins_sentence(line: Line) -> bool:
    return not line.text[:1].islower()
