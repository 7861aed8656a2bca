"""Texts folded for comparison, with the way back to the places of the original.

Folding is Unicode's NFKC with full case folding, so that `CO₂`, `ＣＯ2` and `co2` are one, as are `Straße`
and `STRASSE`, and letters that are composed or not. In addition characters that nobody sees are left out (a
soft hyphen also with the line end after it), typographic apostrophes and hyphens become ASCII, and a dotted
I loses its dot. Accents stay.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field

_NEVER = "(?!)"
_ZERO_WIDTH_SPACE = "\u200b"
_BROKEN_BY_SOFT_HYPHEN = "\u00ad[ \t]*\r?\n[ \t]*"
_PUNCTUATION = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201b\u02bc", "'")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-")
    | {_ZERO_WIDTH_SPACE: " "}
)
_VOWELS_AND_FINALS = range(0x1161, 0x11C3)
"""Conjoining letters of Hangul that make one syllable with the letter before them."""


@dataclass(frozen=True)
class FoldedText:
    """A folded text.

    Attributes:
        text: the folded characters.
        parts: (start, end, original start, original end) of the parts whose characters do not stand one to
            one for those of the original, in their order; between them they do.
    """

    text: str
    parts: list[tuple[int, int, int, int]] = field(default_factory=list)

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The places in the original text of the folded characters from `start` to before `end`."""
        return self._of(start)[0], self._of(end - 1)[1]

    def _of(self, place: int) -> tuple[int, int]:
        """Start and end of what one folded character stands for."""
        number = bisect_right(self.parts, place, key=lambda part: part[0])
        if not number:
            return place, place + 1
        _, end, original_start, original_end = self.parts[number - 1]
        if place < end:
            return original_start, original_end
        original = original_end + place - end
        return original, original + 1


class TextFolder:
    """Folds texts. What is special about a character is looked up once, when it first occurs."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._changing: set[str] = set()
        self._joining: set[str] = set()
        self._alone = self._with_joined = re.compile(_NEVER)

    def fold(self, text: str) -> FoldedText:
        """Fold a text."""
        if text.isascii():
            return FoldedText(text.lower())
        characters = set(text)
        if unknown := characters - self._known:
            self._learn(unknown)
        if characters.isdisjoint(self._changing) and unicodedata.is_normalized("NFKC", text):
            folded = text.casefold()
            if len(folded) == len(text) and unicodedata.is_normalized("NFKC", folded):
                return FoldedText(folded.translate(_PUNCTUATION))
        special = self._alone if characters.isdisjoint(self._joining) else self._with_joined
        return self._fold_parts(text, special)

    def _fold_parts(self, text: str, special_part: re.Pattern[str]) -> FoldedText:
        """Fold what is special part by part, and all between one to one."""
        pieces: list[str] = []
        parts: list[tuple[int, int, int, int]] = []
        length = done = 0
        for special in special_part.finditer(text):
            between = _folded(text[done : special.start()])
            folded = _folded(_seen(re.sub(_BROKEN_BY_SOFT_HYPHEN, "", special[0])))
            start = length + len(between)
            length = start + len(folded)
            parts.append((start, length, special.start(), special.end()))
            pieces += (between, folded)
            done = special.end()
        return FoldedText("".join([*pieces, _folded(text[done:])]), parts)

    def _learn(self, characters: set[str]) -> None:
        self._known |= characters
        for character in characters:
            compatible = unicodedata.normalize("NFKC", character)
            if _joins_the_one_before(compatible):
                self._joining.add(character)
            if _is_unseen(character):
                self._joining.add(character)
            if len(_folded(_seen(character))) != 1:
                self._changing.add(character)
        joining, changing = _class(self._joining), _class(self._changing)
        joined = f"(?:.|^)(?:{_BROKEN_BY_SOFT_HYPHEN}|{joining})+"
        self._alone = re.compile(changing)
        self._with_joined = re.compile(f"{joined}|{changing}", re.DOTALL)


def _folded(text: str) -> str:
    """A text folded as a whole; it has no unseen characters."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return folded.replace("i\u0307", "i").translate(_PUNCTUATION)


def _seen(text: str) -> str:
    return "".join(character for character in text if not _is_unseen(character))


def _is_unseen(character: str) -> bool:
    """Whether a character is only an instruction to a program that shows the text."""
    if character.isascii() or character == _ZERO_WIDTH_SPACE:
        return False
    return unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f"


def _joins_the_one_before(compatible: str) -> bool:
    return unicodedata.category(compatible[0])[0] == "M" or ord(compatible[0]) in _VOWELS_AND_FINALS


def _class(characters: set[str]) -> str:
    """A pattern for one of some characters."""
    return f"[{''.join(map(re.escape, sorted(characters)))}]" if characters else _NEVER
