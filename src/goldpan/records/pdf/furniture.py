"""Running heads, footers and page numbers: lines at the edges of pages that recur on most of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from goldpan.records.pdf.lines import Line
from goldpan.records.pdf.pages import PdfPage

_MARGIN = 0.13
"""Of the height of a page that may be margin, above and below."""
_MOST_LINES = 6
"""Lines of furniture that an edge may have."""
_DIGITS = re.compile(r"\d+")
_ROMAN = re.compile(r"[ivxlcdm]+")
_WHITE_SPACE = re.compile(r"\s+")


class Furniture:
    """What recurs at the edges of a document's pages. Pages are added first, then lines are asked about."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._sides: dict[tuple[str, str], Counter[int]] = {}
        self._pages: Counter[int] = Counter()

    def add(self, page: PdfPage, lines: Sequence[Line]) -> None:
        """Count the lines at the edges of a page that has text."""
        side = page.number % 2
        self._pages[side] += 1
        seen = {(edge, _form(line.text)) for edge, line in _at_edges(page, lines)}
        for key in seen:
            self._counts[key] += 1
            self._sides.setdefault(key, Counter())[side] += 1

    def of(self, page: PdfPage, lines: Sequence[Line]) -> set[int]:
        """Where the lines of a page begin (`Line.start`) that are furniture.

        From each edge of the page these are the first ones that recur; behind one that does not, there is
        text. What is all that a page has is text, too.
        """
        furniture: set[int] = set()
        stopped: set[str] = set()
        for edge, line in _at_edges(page, lines):
            if edge in stopped:
                continue
            if self._recurs((edge, _form(line.text))):
                furniture.add(line.start)
            else:
                stopped.add(edge)
        return furniture if len(furniture) < len(lines) else set()

    def _recurs(self, key: tuple[str, str]) -> bool:
        """On most pages, or on most of the left or the right ones, whose heads differ in books."""
        count = self._counts[key]
        if count >= 2 and count > self._pages.total() / 2:
            return True
        sides = self._sides.get(key, Counter())
        return any(sides[side] >= 3 and sides[side] > pages / 2 for side, pages in self._pages.items())


def _at_edges(page: PdfPage, lines: Sequence[Line]) -> Iterator[tuple[str, Line]]:
    """The lines in the margins with their edge, those at the edge of the page first."""
    height = page.size[1]
    above = [line for line in lines if line.bottom <= _MARGIN * height]
    below = [line for line in lines if line.top >= (1 - _MARGIN) * height]
    for line in sorted(above, key=lambda line: line.top)[:_MOST_LINES]:
        yield "above", line
    for line in sorted(below, key=lambda line: -line.bottom)[:_MOST_LINES]:
        yield "below", line


def _form(text: str) -> str:
    """A line without what differs from page to page: its numbers."""
    text = _WHITE_SPACE.sub(" ", text.casefold()).strip()
    return "#" if _ROMAN.fullmatch(text) else _DIGITS.sub("#", text)
