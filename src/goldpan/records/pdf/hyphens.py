"""Hyphens at line ends: which belong to the word, and which only to the line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Literal

SOFT_HYPHEN = "\u00ad"
_LETTERS = r"[^\W\d_]+"
_WORD = re.compile(rf"{_LETTERS}(?:-{_LETTERS})*")
_BROKEN = re.compile(rf"(?P<word>{_LETTERS}(?:-{_LETTERS})*)(?P<hyphen>[-\u2010{SOFT_HYPHEN}])$")
_ADDRESS = re.compile(r"(?:://|www\.|\bdoi\.|@|10\.\d{4,}/)\S*-$")
"""An address of the web that goes on in the next line: nobody knows which of its hyphens are its own."""
_FIRST_WORD = re.compile(rf"{_LETTERS}(?:-{_LETTERS})*")
_LONGEST_END = 200
"""Characters of a line that are looked at for its last word, which a file may make as long as it likes."""
_CONJUNCTIONS = frozenset({"and", "or", "to", "und", "oder", "et", "ou", "y", "e", "o"})
"""Before which a hyphen stands for what comes later: "pre- and post-war"."""

Join = Literal["word", "hyphen", "space"]
"""How two lines are put together: as one word, at the hyphen, or with a space."""


class Hyphenation:
    """Knows how a document writes its words. Pages are added first, then line ends are asked about."""

    def __init__(self) -> None:
        self._words: Counter[str] = Counter()

    def add(self, lines: Iterable[str]) -> None:
        """Count the words of some lines in their order, but for those that are broken between two."""
        was_broken = False
        for line in lines:
            words = [(match.start(), match[0].casefold()) for match in _WORD.finditer(line)]
            if was_broken and words and words[0][0] == 0:
                del words[0]
            was_broken = _BROKEN.search(line[-_LONGEST_END:]) is not None
            if was_broken and words:
                del words[-1]
            self._words.update(word for _, word in words)

    def join(self, line: str, following: str) -> Join:
        """How a line is put together with the one that follows it."""
        line_end = line[-_LONGEST_END:]
        if _ADDRESS.search(line_end):
            return "hyphen"
        broken, next_word = _BROKEN.search(line_end), _FIRST_WORD.match(following)
        if broken is None:
            # "COVID-" and "19", "10-" and "20": the hyphen stays, and nothing comes between.
            goes_on = line[-1:] == "-" and line[-2:-1].isalnum() and following[:1].isalnum()
            return "hyphen" if goes_on else "space"
        if next_word is None:
            return "hyphen" if following[:1].isalnum() else "space"
        if broken["hyphen"] == SOFT_HYPHEN:
            return "word"
        return self._joined(broken["word"], next_word[0])

    def _joined(self, left: str, right: str) -> Join:
        as_word = self._words[(left + right).casefold()]
        as_compound = self._words[f"{left}-{right}".casefold()]
        if as_compound > as_word:
            return "hyphen"
        if as_word:
            return "word"
        if right in _CONJUNCTIONS:
            return "space"
        # "state-of-the-" was broken at one of its own hyphens.
        is_plain = "-" not in left + right and (left + right).islower()
        return "word" if is_plain else "hyphen"
