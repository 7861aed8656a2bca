"""Where a name stands in a text: letter by letter, else in another spelling, else nearly."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from goldpan.chains.mentions.normal_text import NormalText, normal_text
from goldpan.study.local_stage import LOCATE_THRESHOLD

MatchKind = Literal["exact", "normalised", "fuzzy", "none"]

LONGEST_FUZZY = 300
"""Signs of a name that is looked for nearly; the time for one page grows with the square of it."""

_MOST_TRIES = 24
"""Places of one text that are looked at for one name, the likest of each part first."""
_SHORT = 3
"""A name of so few letters and digits is a word of its own, in its own capitals, or is not there."""
_NUMBERS = re.compile(r"\d+")
_WITHOUT_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
)
"""Scripts that part no words by spaces: Thai, Lao, Burmese, Khmer, Chinese, Japanese."""


@dataclass(frozen=True, slots=True)
class Match:
    """Where a name was found.

    Attributes:
        kind: how it was found.
        score: 1 where the letters are those of the name, else how near they are; 0 where nothing was found.
        start, end: the place of the first or best occurrence in the text as it was; None where nothing was
            found.
        name: the one of the names that was found.
        occurrences: all places of that name, in the order of the text.
    """

    kind: MatchKind
    score: float = 0.0
    start: int | None = None
    end: int | None = None
    name: str | None = None
    occurrences: tuple[tuple[int, int], ...] = ()


def locate(text: str, names: Sequence[str], threshold: float = LOCATE_THRESHOLD) -> Match:
    """Look for a thing under its names, in the order given, until one of them is found.

    Each name is looked for as it is, then in its normal form (see `normal_text`), then nearly. Only whole
    words count. A near match may have no number that the name has not: another year is another survey.

    Args:
        text: the text as it was; offsets are those of its code points.
        names: the name, and others that may stand for it, such as its acronym. Empty ones are passed over.
        threshold: the score from which a near match counts, from 0 to 1.

    Returns:
        The match; of kind `none` where no name is there.
    """
    for name in dict.fromkeys(map(str.strip, names)):
        found = _find(text, name, threshold) if name else None
        if found is not None:
            return found
    return Match("none")


def _find(text: str, name: str, threshold: float) -> Match | None:
    page, wanted = _normal_page(text), normal_text(name)
    is_short = len(re.sub(r"[\W_]", "", wanted.text)) <= _SHORT
    exact = list(_exact(text, name))
    places = sorted({*exact, *_normalised(text, page, name, wanted.text.strip(), is_short)})
    if exact:
        return Match("exact", 1.0, *exact[0], name, tuple(places))
    if places:
        return Match("normalised", 1.0, *places[0], name, tuple(places))
    if is_short or len(wanted.text) > LONGEST_FUZZY:
        return None
    return _fuzzy(page, name, wanted.text.strip(), threshold)


@lru_cache(maxsize=4)
def _normal_page(text: str) -> NormalText:
    """Kept for the mentions of one page, which follow one another."""
    return normal_text(text)


def _exact(text: str, name: str) -> Iterator[tuple[int, int]]:
    at = text.find(name)
    while at >= 0:
        if is_whole_word(text, at, at + len(name)):
            yield at, at + len(name)
            at += len(name) - 1
        at = text.find(name, at + 1)


def _normalised(
    text: str, page: NormalText, name: str, wanted: str, is_short: bool
) -> Iterator[tuple[int, int]]:
    at = page.text.find(wanted) if re.search(r"\w", wanted) else -1
    own_capitals = normal_text(name, fold=False).text.strip() if is_short else ""
    while at >= 0:
        end = at + len(wanted)
        if page.is_whole(at, end) and is_whole_word(page.text, at, end):
            place = page.raw_range(at, end)
            if not is_short or normal_text(text[slice(*place)], fold=False).text == own_capitals:
                yield place
        at = page.text.find(wanted, at + 1)


def is_whole_word(text: str, start: int, end: int) -> bool:
    """Whether a range of a text begins and ends where a word may.

    After the last letter of four or more a number may follow, as the mark of a footnote or a year does.
    """
    if start > 0 and _joined(text[start - 1], text[start]):
        return False
    if end >= len(text) or not _joined(text[end - 1], text[end]):
        return True
    return text[end].isdigit() and text[max(start, end - 4) : end].isalpha() and end - start > _SHORT


def _joined(before: str, after: str) -> bool:
    """Whether two signs that follow one another are of one word."""
    return (
        _is_of_words(before)
        and _is_of_words(after)
        and not (_WITHOUT_SPACES.match(before) or _WITHOUT_SPACES.match(after))
    )


def _is_of_words(sign: str) -> bool:
    # The vowels of Indian scripts are marks.
    return sign.isalnum() or unicodedata.category(sign)[0] == "M"


def _fuzzy(page: NormalText, name: str, wanted: str, threshold: float) -> Match | None:
    near = sorted(_near(page.text, wanted, threshold, 0, len(page.text)))
    near = [place for place in near if page.is_whole(*place[:2])]
    if not near:
        return None
    # Of equals the first.
    start, end, score = max(near, key=lambda place: (place[2], -place[0]))
    places = tuple(page.raw_range(*place[:2]) for place in near)
    return Match("fuzzy", score, *page.raw_range(start, end), name, places)


def _near(text: str, wanted: str, threshold: float, low: int, high: int) -> Iterator[tuple[int, int, float]]:
    """Ranges between two places that are near to a name, with scores: the best, then on both sides."""
    from rapidfuzz import fuzz

    waiting, tries = [(low, high)], 0
    while waiting and tries < _MOST_TRIES:
        low, high = waiting.pop(0)
        tries += 1
        part = text[low:high]
        if not part.strip():
            continue
        if len(part) <= len(wanted):
            # A name longer than what there is can only be like all of it; the aligner would turn them around.
            start, end = low, high
        else:
            # A word more or less at the edges costs the aligned part some of its score.
            found = fuzz.partial_ratio_alignment(wanted, part, score_cutoff=100 * threshold - 15)
            if found is None or found.dest_end <= found.dest_start:
                continue
            start, end = low + found.dest_start, low + found.dest_end
        best = _best_words(text, wanted, start, end, low, high)
        if best is not None and best[2] >= threshold:
            yield best
            start, end = best[:2]
        # What is like the name within a longer word hides others that are words.
        waiting += [(low, start), (end, high)]


def _best_words(
    text: str, wanted: str, start: int, end: int, low: int, high: int
) -> tuple[int, int, float] | None:
    """Of the ranges of whole words whose edges are next to those given, the one most like the name."""
    from rapidfuzz import fuzz

    numbers = set(_NUMBERS.findall(wanted))
    best = None
    for begin in _edges(text, start, low, high):
        for stop in _edges(text, end, low, high):
            part = text[begin:stop]
            if not _has_edges_of(wanted, part) or not set(_NUMBERS.findall(part)) <= numbers:
                continue
            score = round(fuzz.ratio(wanted, part) / 100, 4)
            if best is None or score > best[2]:
                best = (begin, stop, score)
    return best


def _has_edges_of(wanted: str, part: str) -> bool:
    """Whether a range begins and ends with a word where the name does."""
    return bool(part) and all(
        _is_of_words(part[at]) or not (_is_of_words(wanted[at]) or part[at].isspace()) for at in (0, -1)
    )


def _edges(text: str, at: int, low: int, high: int) -> list[int]:
    """Places where a word begins or ends: the two nearest on either side of a place, itself among them."""
    edges = [at] if _is_edge(text, at) else []
    for step, last in ((-1, low), (1, high)):
        place, found = at, 0
        while place != last and found < 2:
            place += step
            if _is_edge(text, place):
                edges.append(place)
                found += 1
    return sorted(edges)


def _is_edge(text: str, at: int) -> bool:
    return at in (0, len(text)) or not _joined(text[at - 1], text[at])
