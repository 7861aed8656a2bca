"""Which of many keywords stand in a text, as whole words, and where.

Thousands of keywords cost hardly more than one: what words a text has is found in one pass, and only keywords
whose longest word is among them are looked for. Where keywords have no such word, as in Chinese, their first
character is looked up instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from goldpan.chains.filter.folded_text import FoldedText, TextFolder
from goldpan.chains.filter.plural_forms import plural_forms
from goldpan.chains.filter.word_edges import RUNS_ON, is_word_edge

_WORD = re.compile(rf"[^\W_{RUNS_ON}]+")
_WHITE_SPACE = re.compile(r"\s+")
_LINE_END = r"(?:[ \t]*\r?\n[ \t]*)?"


class FoundKeyword(NamedTuple):
    """A keyword that stands in a text.

    Attributes:
        keyword: as the list has it.
        start, end: places in the original text, in characters; `end` is behind the last one.
    """

    keyword: str
    start: int
    end: int


class _Form:
    """One way a keyword is written: its own, or a plural.

    Args:
        keyword: as the list has it.
        folded: what to look for, with single spaces.
    """

    def __init__(self, keyword: str, folded: str):
        self.keyword, self.folded = keyword, folded
        self.has_gaps = " " in folded or "-" in folded
        self._pattern: re.Pattern[str] | None = None

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Start and end of each occurrence in a folded text, whole word or not."""
        return self._places_of_pattern(text) if self.has_gaps else self._places_of_word(text)

    def _places_of_word(self, text: str) -> Iterator[tuple[int, int]]:
        start = text.find(self.folded)
        while start >= 0:
            yield start, start + len(self.folded)
            start = text.find(self.folded, start + 1)

    def _places_of_pattern(self, text: str) -> Iterator[tuple[int, int]]:
        if self._pattern is None:
            escaped = re.escape(self.folded).replace(r"\ ", r"\s+").replace(r"\-", f"-{_LINE_END}")
            self._pattern = re.compile(escaped)
        # From the next character, as the occurrence just seen may be within a word.
        match = self._pattern.search(text)
        while match:
            yield match.span()
            match = self._pattern.search(text, match.start() + 1)


class KeywordMatcher:
    """Finds keywords in texts.

    Args:
        keywords: as the user wrote them; of those that are folded alike the first is named.
        plural: also find their English plurals.
    """

    def __init__(self, keywords: Sequence[str], plural: bool = False):
        self._folder = TextFolder()
        written: dict[str, str] = {}
        for keyword in keywords:
            written.setdefault(folded_keyword(keyword, self._folder), keyword)
        forms = dict(written)
        if plural:
            # A keyword that is listed is found as itself, also where it is the plural of another.
            for folded, keyword in written.items():
                for form in plural_forms(folded):
                    forms.setdefault(form, keyword)
        self._by_word: dict[str, list[_Form]] = {}
        self._by_first: dict[str, list[_Form]] = {}
        for folded, keyword in forms.items():
            words = _WORD.findall(folded)
            index, key = (self._by_word, max(words, key=len)) if words else (self._by_first, folded[0])
            index.setdefault(key, []).append(_Form(keyword, folded))
        self._words, self._firsts = frozenset(self._by_word), frozenset(self._by_first)

    def find(self, text: str) -> list[FoundKeyword]:
        """All keywords of a text, by their places; one that stands within another is found, too."""
        folded = self._folder.fold(text)
        found = {place for form in self._candidates(folded.text) for place in _found(form, folded)}
        return sorted(found, key=lambda place: (place.start, -place.end, place.keyword))

    def _candidates(self, text: str) -> Iterator[_Form]:
        """The forms that may stand in a folded text."""
        for word in self._words.intersection(_WORD.findall(text)):
            yield from self._by_word[word]
        if self._firsts:
            for first in self._firsts.intersection(text):
                yield from self._by_first[first]


def folded_keyword(keyword: str, folder: TextFolder) -> str:
    """A keyword as it is looked for: folded, with single spaces."""
    return _WHITE_SPACE.sub(" ", folder.fold(keyword).text).strip()


def _found(form: _Form, folded: FoldedText) -> Iterator[FoundKeyword]:
    for start, end in form.places(folded.text):
        if is_word_edge(folded.text, start) and is_word_edge(folded.text, end):
            yield FoundKeyword(form.keyword, *folded.original(start, end))
