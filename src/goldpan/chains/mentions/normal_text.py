"""A text in a form in which spellings of the same words are equal, with the way back to that text."""

from __future__ import annotations

import re
import unicodedata
from array import array
from dataclasses import dataclass

from goldpan.visible_text import without_invisible

_RUN = re.compile(
    r"(?P<break>[-\u2010\u2011\xad\x02\ufffe][^\S\n]*\r?\n\s*)|(?P<space>\s+)|(?P<ascii>[!-,./-~]+(?:\x20[!-,./-~]+)*)|(?P<other>.)",
    re.DOTALL,
)
"""A hyphen at a line end with what parts it from the next line; white space; plain words; one other sign. PDF
readers give U+0002 or U+FFFE for a hyphen that is there for the line's sake."""

_SAME_SIGN = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043\ufe58\ufe63\uff0d", "-"),
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc\u02b9\u0060\u00b4\uff07", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\uff02", '"'),
        **dict.fromkeys("\x02\ufffe", None),
    }
)
_JAMO = re.compile("[\u1100-\u11ff]")
_HYPHENATED = re.compile(r"(?<=\w)-(?=\w)")


@dataclass(frozen=True, slots=True)
class NormalText:
    """A text in its normal form.

    Attributes:
        text: the normal form.
        starts, ends: the range in the text as it was, of each sign of `text`.
    """

    text: str
    starts: array[int]
    ends: array[int]

    def is_whole(self, start: int, end: int) -> bool:
        """Whether a range of `text` begins and ends between signs of the text as it was (`ß` is two here)."""
        begins = start == 0 or self.starts[start] != self.starts[start - 1]
        return begins and (end == len(self.text) or self.starts[end] != self.starts[end - 1])

    def raw_range(self, start: int, end: int) -> tuple[int, int]:
        """The range in the text as it was, of a range of `text` that is not empty."""
        return self.starts[start], self.ends[end - 1]


def normal_text(text: str, fold: bool = True) -> NormalText:
    """The normal form of a text: NFKC, one space for any white space, one sign for all dashes and quotes.

    Ligatures, full-width and other forms of a sign become the sign itself. A hyphen within a word is left
    out, at a line end with what parts it from the next line, so that `long-term` is the same however it was
    broken; between digits it stays. Signs that nobody sees are left out.

    Args:
        fold: whether capital letters become small ones.
    """
    form = _Form(text, fold)
    at = 0
    while found := _RUN.match(text, at):
        at = form.take(found)
    return _without(NormalText("".join(form.pieces), form.starts, form.ends))


class _Form:
    """A normal form as far as it is made.

    Attributes:
        pieces: of its text.
        starts, ends: as of `NormalText`.
    """

    def __init__(self, text: str, fold: bool):
        self._text, self._fold = text, fold
        self.pieces: list[str] = []
        self.starts, self.ends = array("l"), array("l")

    def take(self, found: re.Match[str]) -> int:
        """Add the form of what was found, and return where the next begins."""
        start, end = found.span()
        if found["break"]:
            is_hyphen = found[0][0] in "-\u2010\u2011" and start > 0 and self._text[start - 1].isalnum()
            return self._add("-" if is_hyphen else "", start, end)
        if found["space"]:
            return self._add(" ", start, end)
        # A mark that follows belongs to the last sign.
        last = end - 1 if _is_mark(self._text, end) else end
        if found["ascii"] and last > start:
            run = self._text[start:last]
            self.pieces.append((run.lower() if self._fold else run).translate(_SAME_SIGN))
            self.starts.extend(range(start, last))
            self.ends.extend(range(start + 1, last + 1))
            return last
        end = _unit_end(self._text, start)
        return self._add(_unit(self._text[start:end], self._fold), start, end)

    def _add(self, piece: str, start: int, end: int) -> int:
        self.pieces.append(piece)
        self.starts.extend([start] * len(piece))
        self.ends.extend([end] * len(piece))
        return end


def _unit_end(text: str, start: int) -> int:
    """Where a sign ends with the marks on it; syllables that are spelt in parts are one."""
    end = start + 1
    if _JAMO.match(text, start):
        while _JAMO.match(text, end):
            end += 1
    while _is_mark(text, end):
        end += 1
    return end


def _is_mark(text: str, at: int) -> bool:
    return at < len(text) and not text[at].isascii() and unicodedata.combining(text[at]) > 0


def _unit(raw: str, fold: bool) -> str:
    # Before NFKC, which makes a space and an accent of some quotes.
    normal = unicodedata.normalize("NFKC", without_invisible(raw.translate(_SAME_SIGN)))
    if fold:
        normal = unicodedata.normalize("NFKC", normal.casefold())
    return normal.translate(_SAME_SIGN)


def _without(made: NormalText) -> NormalText:
    """The text without hyphens within words, and with one space where NFKC or what is unseen made several."""
    text = made.text
    dropped = {
        found.start()
        for found in _HYPHENATED.finditer(text)
        if not (text[found.start() - 1].isdigit() and text[found.end()].isdigit())
    }
    for found in re.finditer(r"\s\s+", text):
        dropped.update(range(found.start() + 1, found.end()))
    if not dropped:
        return made
    kept = [at for at in range(len(text)) if at not in dropped]
    return NormalText(
        "".join([text[at] for at in kept]),
        array("l", [made.starts[at] for at in kept]),
        array("l", [made.ends[at] for at in kept]),
    )
