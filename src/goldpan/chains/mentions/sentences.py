"""Sentences of a text by their places, and windows of them around what was found."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

_END = re.compile(
    r"""(?P<stop>[.!?\u2026]+)(?P<after>["'\u201d\u2019\u00bb)\]]*|\d{1,3})(?P<gap>\s+)|[\u3002\uff01\uff1f][\u300d\u300f\u201d]*\s*|\n[^\S\n]*\n\s*"""
)
"""A full stop with what closes after it or the number of a footnote; the stops of Chinese and Japanese; an
empty line."""
_LAST_WORD = re.compile(r"[\w.&-]+\.?$")
_ALWAYS = frozenset(
    re.findall(
        r"\S+",
        "al fig figs tab tabs eq eqs e.g i.e eg ie cf vs viz ca approx no nos pp p vol vols ed eds dr prof mr"
        " mrs ms st sec sect ch chap app ref refs op cit resp incl excl est esp art para ser rev gen gov"
        " sen rep hon dept univ natl intl assoc suppl jan feb"
        " mar apr jun jul aug sep sept oct nov dec u.s u.k u.n"
        " e.u d.c ph.d m.sc b.a n.b c.f bzw z.b d.h usw bd hrsg nr núm num pág págs p.ej",
    )
)
"""Written with a full stop that ends no sentence, whatever comes after it."""
_MAY_END = frozenset(re.findall(r"\S+", "etc inc ltd corp co jr sr a.m p.m u.s u.k u.n e.u d.c ph.d"))
"""These end a sentence where a capital letter follows that begins no name they are part of."""
_GOES_ON = re.compile(r"[a-z\u00df-\u00f6\u00f8-\u00ff(\[,;:]")
"""What begins no sentence after a full stop."""
_PART_OF_A_NAME = re.compile(
    r"(Census|Bureau|Department|Geological|National|Federal|Government|Congress|Bank|Economic|Current|Energy"
    r"|General|Data|Household|Biobank|Office|World)\b"
)


@dataclass(frozen=True, slots=True)
class Window:
    """Sentences around one or several mentions.

    Attributes:
        start, end: the range in the text.
        mentions: positions of the mentions that it is for, in the list that was given.
    """

    start: int
    end: int
    mentions: tuple[int, ...]


def sentences(text: str) -> list[tuple[int, int]]:
    """The ranges of a text's sentences, without the white space between them.

    A full stop of an abbreviation, an initial, a number (`Fig. 3`, `et al.`, `J. Smith`, `3.5`) ends none.
    """
    ranges, begin = [], 0
    for found in _END.finditer(text):
        if found["stop"] and not _ends(text, begin, found):
            continue
        end = found.start() + len(found[0].rstrip())
        ranges.append((begin, end))
        begin = found.end()
    ranges.append((begin, len(text)))
    return [trimmed for trimmed in (_trimmed(text, *one) for one in ranges) if trimmed[0] < trimmed[1]]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), end - len(part) + len(part.rstrip())


def _ends(text: str, begin: int, found: re.Match[str]) -> bool:
    """Whether a full stop that white space follows ends a sentence that began at a place."""
    if found["gap"].count("\n") > 1:
        return True
    following = text[found.end() : found.end() + 1]
    if _GOES_ON.match(following):
        return False
    if found["stop"] != ".":
        return True
    at = found.start("stop")
    if found["after"].isdigit():
        # The number of a footnote stands after a word; else it is a decimal.
        return at > 0 and text[at - 1].isalpha() and not following.isdigit()
    word = _LAST_WORD.search(text, max(begin, at - 40), at)
    if word is None:
        return True
    last = word[0].lower().lstrip(".-&")
    if last in _MAY_END:
        return following.isupper() and not _PART_OF_A_NAME.match(text, found.end())
    if last in ("no", "nos", "p", "pp", "art", "ch", "st"):
        return not (following.isdigit() or last == "st")
    return last not in _ALWAYS and not _is_initial(word[0])


def _is_initial(word: str) -> bool:
    """Whether a word is a capital letter or several with full stops, as before a surname."""
    return bool(re.fullmatch(r"(?:[^\W\d_]\.)*[^\W\d_]", word)) and word[-1].isupper() and word != "I"


def window(sentences: Sequence[tuple[int, int]], start: int, end: int, around: int) -> tuple[int, int]:
    """The range of the sentences that a mention stands in, with some more on either side.

    Args:
        sentences: of the text, as `sentences` gives them.
        start, end: of the mention.
        around: how many sentences more before and after.
    """
    if not sentences:
        return start, end
    first = max(0, bisect_right(sentences, (start, float("inf"))) - 1)
    last = max(first, bisect_left(sentences, (end, -1)) - 1)
    begin = sentences[max(0, first - around)][0]
    stop = sentences[min(len(sentences) - 1, last + around)][1]
    return min(begin, start), max(stop, end)


def merged(windows: Sequence[tuple[int, int]]) -> list[Window]:
    """Windows of which those that overlap are one; each says which it was made of."""
    made: list[Window] = []
    for position in sorted(range(len(windows)), key=lambda one: (windows[one], one)):
        start, end = windows[position]
        if made and start < made[-1].end:
            last = made.pop()
            made.append(Window(last.start, max(last.end, end), (*last.mentions, position)))
        else:
            made.append(Window(start, end, (position,)))
    return made
