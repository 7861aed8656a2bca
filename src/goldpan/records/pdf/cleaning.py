"""The cleaned text of paragraphs, with the map from it to the raw text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise

from goldpan.records.pdf.hyphens import SOFT_HYPHEN, Hyphenation
from goldpan.records.pdf.lines import Line

BETWEEN_PARAGRAPHS = "\n\n"
_MARKS = "\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u064b-\u065f\u3099\u309a"
_CHANGED = re.compile(rf"{SOFT_HYPHEN}|[\ufb00-\ufb06]|\s{{2,}}|[^\S ]|[^\s{_MARKS}][{_MARKS}]+")
"""Soft hyphens, ligatures, wide or unusual white space, and letters whose marks stand apart."""

OffsetMap = list[tuple[int, int, int]]
"""(start in the cleaned text, start in the raw text, length) of what is the same in both, in order."""


class CleanedText:
    """Text that is put together piece by piece; `map` leads to the raw text of the document."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self.map: OffsetMap = []

    def __str__(self) -> str:
        return "".join(self._parts)

    def copy(self, text: str, raw_start: int) -> None:
        """Add what stands in the raw text as it is."""
        if not text:
            return
        if self.map:
            clean, raw, length = self.map[-1]
            if clean + length == self._length and raw + length == raw_start:
                self.map[-1] = (clean, raw, length + len(text))
                self._add(text)
                return
        self.map.append((self._length, raw_start, len(text)))
        self._add(text)

    def insert(self, text: str) -> None:
        """Add what stands in for something else in the raw text."""
        self._add(text)

    def _add(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)


def cleaned(paragraphs: Iterable[Sequence[Line]], hyphenation: Hyphenation) -> CleanedText:
    """The text of some paragraphs, each as one line."""
    text = CleanedText()
    for number, lines in enumerate(paragraphs):
        if number:
            text.insert(BETWEEN_PARAGRAPHS)
        _add_paragraph(text, lines, hyphenation)
    return text


def _add_paragraph(text: CleanedText, lines: Sequence[Line], hyphenation: Hyphenation) -> None:
    for line, following in pairwise(lines):
        how = hyphenation.join(line.text, following.text)
        _add_line(text, line.text[:-1] if how == "word" else line.text, line.start)
        if how == "space":
            text.insert(" ")
    _add_line(text, lines[-1].text, lines[-1].start)


def _add_line(text: CleanedText, line: str, start: int) -> None:
    done = 0
    for match in _CHANGED.finditer(line):
        text.copy(line[done : match.start()], start + done)
        text.insert(_instead(match[0]))
        done = match.end()
    text.copy(line[done:], start + done)


def _instead(piece: str) -> str:
    if piece == SOFT_HYPHEN:
        return ""
    if piece.isspace():
        return " "
    if "\ufb00" <= piece <= "\ufb06":
        return unicodedata.normalize("NFKC", piece)
    return unicodedata.normalize("NFC", piece)


def raw_range(offsets: Iterable[Sequence[int]], start: int, end: int) -> tuple[int, int]:
    """Where in the raw text the characters from `start` to `end` of the cleaned text stand.

    What was changed (a hyphen taken out, a ligature) is taken whole.

    Args:
        offsets: the `map` of a record.
        start, end: offsets in its `text`, of at least one character.
    """
    pieces = [tuple(piece) for piece in offsets]
    return _raw_start(pieces, start), _raw_end(pieces, end)


def _raw_start(pieces: Sequence[tuple[int, ...]], place: int) -> int:
    before = 0
    for clean, raw, length in pieces:
        if place < clean:
            break
        if place < clean + length:
            return raw + place - clean
        before = raw + length
    return before


def _raw_end(pieces: Sequence[tuple[int, ...]], place: int) -> int:
    after: int | None = None
    for clean, raw, length in reversed(pieces):
        if place > clean + length:
            return raw + length if after is None else after
        if place > clean:
            return raw + place - clean
        after = raw
    return after or 0
