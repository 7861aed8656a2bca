"""The words of a page as PDFium finds them, and the lines they make, each with its place."""

from __future__ import annotations

import ctypes
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_HYPHEN = "\x02"
"""What PDFium gives for a hyphen at which it takes a word to go on in the next line."""
_KEPT = frozenset({0x09, 0x0A, 0x0D})
_REPLACEMENT = "�"
_LINE_ENDS = frozenset("\r\n")
_WHITE_SPACE = frozenset(" \t\u00a0\r\n")


@dataclass(slots=True)
class TextRun:
    """Some words of a line, with no wide gap between them.

    Attributes:
        text: the words.
        left, top, right, bottom: in points from the top left corner of the page as it is read.
        row: number of the line that PDFium takes it to be part of.
    """

    text: str
    left: float
    top: float
    right: float
    bottom: float
    row: int = 0

    @property
    def height(self) -> float:
        """Of the font, in points."""
        return self.bottom - self.top

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        return self.left, self.top, self.right, self.bottom

    def extended(self, other: TextRun, between: str) -> TextRun:
        """This run and another one behind it."""
        return TextRun(
            f"{self.text}{between}{other.text}",
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
            self.row,
        )


@dataclass(slots=True)
class _Word:
    """Characters without white space between them; `ends_row` where a line ends behind them."""

    text: str
    first: int
    last: int
    ends_row: bool = False


@dataclass(frozen=True)
class PageRuns:
    """What stands on a page.

    Attributes:
        runs: those that run in the direction in which most of the page does, in the order of the file.
        turned: those in other directions.
        size: width and height of the page in that direction.
    """

    runs: list[TextRun]
    turned: list[TextRun]
    size: tuple[float, float]


def runs_of_page(page: Any, text_page: Any) -> PageRuns:
    """The runs of words on a page.

    Args:
        page, text_page: of pypdfium2.
    """
    import pypdfium2.raw as pdfium

    handle = text_page.raw
    words = _words(pdfium, handle, text_page.count_chars())
    # PDFium counts angles with the clock.
    turns = [-round(pdfium.FPDFText_GetCharAngle(handle, word.first) / (math.pi / 2)) % 4 for word in words]
    lengths: Counter[int] = Counter()
    for word, turn in zip(words, turns, strict=True):
        lengths[turn] += len(word.text)
    # A page that is turned, or has a table across it, is read as its text runs.
    upright = lengths.most_common(1)[0][0] if lengths else 0
    bounds = page.get_bbox()
    boxes = _Boxes(pdfium, handle)
    found: dict[bool, list[TextRun]] = {True: [], False: []}
    rows = {True: 0, False: 0}
    for word, turn in zip(words, turns, strict=True):
        is_upright = turn == upright
        box = _turned(boxes.around(word.first, word.last), turn, bounds)
        found[is_upright].append(TextRun(word.text, *box, row=rows[is_upright]))
        if word.ends_row:
            rows[is_upright] += 1
    left, top, right, bottom = _turned(bounds, upright, bounds)
    return PageRuns(_joined(found[True]), _joined(found[False]), (right - left, bottom - top))


def _words(pdfium: Any, handle: Any, count: int) -> list[_Word]:
    words: list[_Word] = []
    open_word: list[str] = []
    first = last = 0

    def close_word(ends_row: bool) -> None:
        if open_word:
            words.append(_Word("".join(open_word), first, last))
            open_word.clear()
        if ends_row and words:
            words[-1].ends_row = True

    for index, character in _characters(pdfium, handle, count):
        if character in _WHITE_SPACE:
            close_word(ends_row=character in _LINE_ENDS)
            continue
        if not open_word:
            first = index
        last = index
        open_word.append("-" if character == _HYPHEN else character)
        if character == _HYPHEN:
            # PDFium goes on without a line end behind it.
            close_word(ends_row=True)
    close_word(ends_row=True)
    return words


def _characters(pdfium: Any, handle: Any, count: int) -> Iterator[tuple[int, str]]:
    """The characters of a page with their places in it, both halves of a pair as one; `_HYPHEN` is itself."""
    get, is_hyphen = pdfium.FPDFText_GetUnicode, pdfium.FPDFText_IsHyphen
    half = 0
    # Most of a page's characters it has already had; what is special never gets in here.
    plain: dict[int, str] = {}
    for index in range(count):
        code = get(handle, index)
        if code in plain:
            yield index, plain[code]
            continue
        if half and 0xDC00 <= code < 0xE000:
            code = 0x10000 + ((half & 0x3FF) << 10) + (code & 0x3FF)
        half = 0
        if 0xD800 <= code < 0xDC00 and index + 1 < count and 0xDC00 <= get(handle, index + 1) < 0xE000:
            half = code
        elif code == 0x02 and is_hyphen(handle, index) == 1:
            yield index, _HYPHEN
        elif code in _KEPT or not _is_unreadable(code):
            plain[code] = chr(code)
            yield index, plain[code]
        elif code:
            yield index, _REPLACEMENT


def _is_unreadable(code: int) -> bool:
    """Control characters, halves of pairs, and what Unicode says is no character."""
    is_control = code < 0x20 or 0x7F <= code < 0xA0
    return is_control or 0xD800 <= code < 0xE000 or code > 0x10FFFF or code & 0xFFFE == 0xFFFE


class _Boxes:
    """Looks up where characters stand."""

    def __init__(self, pdfium: Any, handle: Any) -> None:
        self._handle, self._look_up = handle, pdfium.FPDFText_GetLooseCharBox
        self._first, self._last = pdfium.FS_RECTF(), pdfium.FS_RECTF()
        self._first_at, self._last_at = ctypes.byref(self._first), ctypes.byref(self._last)

    def around(self, first: int, last: int) -> tuple[float, float, float, float]:
        """Left, bottom, right and top of a word, in the space of the page."""
        self._look_up(self._handle, first, self._first_at)
        if last == first:
            box = self._first
            return box.left, box.bottom, box.right, box.top
        self._look_up(self._handle, last, self._last_at)
        one, other = self._first, self._last
        return (
            min(one.left, other.left),
            min(one.bottom, other.bottom),
            max(one.right, other.right),
            max(one.top, other.top),
        )


def _turned(
    box: tuple[float, float, float, float], turn: int, bounds: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a box (left, bottom, right, top) as text reads that is turned.

    Args:
        turn: how many times by 90 degrees, against the clock.
    """
    left, bottom, right, top = box
    page_left, page_bottom, page_right, page_top = bounds
    if turn == 0:
        return left - page_left, page_top - top, right - page_left, page_top - bottom
    if turn == 1:
        return bottom - page_bottom, left - page_left, top - page_bottom, right - page_left
    if turn == 2:
        return page_right - right, bottom - page_bottom, page_right - left, top - page_bottom
    return page_top - top, page_right - right, page_top - bottom, page_right - left


_WIDE_GAP = 1.2
"""In heights of the font. Justified lines have narrower ones; between columns there is at least this."""
_NO_GAP = 0.12


def _joined(words: list[TextRun]) -> list[TextRun]:
    """Words put together to runs. A raised figure, for which PDFium begins a line, stays in its line."""
    runs: list[TextRun] = []
    row = -1
    for word in words:
        last = runs[-1] if runs else None
        if last is None:
            runs.append(word)
        elif word.row == row:
            if _gap(last, word) < _WIDE_GAP * max(last.height, word.height):
                runs[-1] = last.extended(word, " ")
            else:
                runs.append(TextRun(word.text, *word.box, row=last.row))
        elif _goes_on(last, word):
            runs[-1] = last.extended(word, "" if _gap(last, word) < _NO_GAP * last.height else " ")
        else:
            runs.append(TextRun(word.text, *word.box, row=last.row + 1))
        row = word.row
    return runs


def _gap(last: TextRun, word: TextRun) -> float:
    """Points between two words, whatever the direction of their script; negative where they overlap."""
    return max(word.left - last.right, last.left - word.right)


def _goes_on(last: TextRun, word: TextRun) -> bool:
    """Whether a word that PDFium puts into another line stands in the same one, right behind."""
    overlap = min(last.bottom, word.bottom) - max(last.top, word.top)
    if overlap < 0.5 * min(last.height, word.height) or last.text.endswith("-"):
        return False
    return -0.1 * last.height < word.left - last.right < 0.5 * last.height
