"""Where words begin and end in a folded text.

A word is a run of letters, marks and digits; at a hyphen, an underscore and all else it ends. Over a middle
dot between letters it goes on. It ends before an apostrophe (`nature's`, `İstanbul'da`) unless it is
negated (`can't`) or elided (`l'eau`); only after an elided one does the next begin. Scripts that put no
spaces between words, or write particles onto them, have edges between any two of their letters.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_FRENCH = "l d j m n s t c qu jusqu lorsqu puisqu quoiqu presqu quelqu entr"
_ITALIAN = "dell all dall nell sull coll quell quest bell un nessun ciascun gl"
_ELIDED = frozenset(f"{_FRENCH} {_ITALIAN}".split())
"""What stands before an apostrophe in place of a whole word, in French, Italian and Catalan."""
RUNS_ON = (
    "\u0e00-\u0eff"  # Thai and Lao
    "\u1000-\u109f"  # Burmese
    "\u1100-\u11ff\ua960-\ua97f\uac00-\ud7ff"  # Korean, which writes particles onto words
    "\u1780-\u17ff"  # Khmer
    "\u1980-\u19df\u1a20-\u1aaf\ua980-\ua9df\uaa60-\uaa7f"  # Tai Lue, Tai Tham, Javanese, more Burmese
    "\u3005-\u3007\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff"  # kana and bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese characters
)
"""Ranges of a regular expression: letters between any two of which there is an edge."""


def is_word_edge(text: str, place: int) -> bool:
    """Whether a word may begin or end before the character at `place` of a folded text."""
    if place in (0, len(text)):
        return True
    before, after = text[place - 1], text[place]
    if _is_mark(after):
        return False
    if after == "'" and is_letter(before):
        return _ends_before_apostrophe(text, place)
    if before == "'" and is_letter(after):
        return place < 2 or not is_letter(text[place - 2]) or _word_before(text, place - 1) in _ELIDED
    if "\u00b7" in (before, after):
        return not _is_within_word(text, place - 1 if before == "\u00b7" else place)
    if not (is_letter(before) and is_letter(after)):
        return True
    return _runs_on(before) or _runs_on(after)


@lru_cache(4096)
def is_letter(character: str) -> bool:
    """Whether a character can be part of a word: a letter, mark or digit of any script."""
    return unicodedata.category(character)[0] in "LMN"


def _ends_before_apostrophe(text: str, place: int) -> bool:
    following = _WORD.match(text, place + 1)
    if following is None or following[0] == "s":
        return True
    return following[0] != "t" and _word_before(text, place) not in _ELIDED


def _word_before(text: str, place: int) -> str:
    start = place
    while start and is_letter(text[start - 1]):
        start -= 1
    return text[start:place]


def _is_within_word(text: str, dot: int) -> bool:
    return 0 < dot < len(text) - 1 and is_letter(text[dot - 1]) and is_letter(text[dot + 1])


@lru_cache(4096)
def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M"


@lru_cache(4096)
def _runs_on(character: str) -> bool:
    return any(first <= character <= last for first, last in _RANGES)


def _ranges(pattern: str) -> list[tuple[str, str]]:
    return [(pattern[place], pattern[place + 2]) for place in range(0, len(pattern), 3)]


_RANGES = _ranges(RUNS_ON)
_WORD = re.compile(r"[^\W_]+")
