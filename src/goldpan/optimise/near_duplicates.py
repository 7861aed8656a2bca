"""Rows that say nearly the same: a test row that stands in train or dev under another id."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from goldpan.optimise.problem import SearchRow

SHINGLE_WORDS = 3
NEAR = 0.9
"""Jaccard similarity of the sets of shingles from which two texts are near-duplicates."""
_WORD = re.compile(r"\w+")


class NearDuplicate(NamedTuple):
    """A row of train or dev that says what a test row says.

    Attributes:
        id, split: of the row.
        test_id: of the test row.
        similarity: 0 to 1.
    """

    id: str
    split: str
    test_id: str
    similarity: float


def near_duplicates(rows: Iterable[SearchRow]) -> list[NearDuplicate]:
    """The rows of train and dev that are near-duplicates of test rows, in the order of their ids.

    By the Jaccard similarity of their sets of three words in a row, in NFKC and lower case, without
    punctuation (Broder 1997, https://doi.org/10.1109/SEQUEN.1997.666900); of texts with fewer words all must
    be the same.
    """
    rows = list(rows)
    tests = [row for row in rows if row.split == "test"]
    shingles = [shingles_of(row.own or row.text) for row in tests]
    holding: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, of_test in enumerate(shingles):
        for shingle in of_test:
            holding[shingle].append(place)
    near = []
    for row in sorted((row for row in rows if row.split != "test"), key=lambda row: row.id):
        mine = shingles_of(row.own or row.text)
        shared = Counter(place for shingle in mine for place in holding.get(shingle, ()))
        for place, both in sorted(shared.items()):
            similarity = both / (len(mine) + len(shingles[place]) - both)
            if similarity >= NEAR:
                near.append(NearDuplicate(row.id, row.split, tests[place].id, similarity))
                break
    return near


def shingles_of(text: str) -> frozenset[tuple[str, ...]]:
    """The sets of three words in a row that a text has; all its words where they are fewer, none of none."""
    words: Sequence[str] = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    if len(words) < SHINGLE_WORDS:
        return frozenset([tuple(words)] if words else [])
    ends = range(len(words) - SHINGLE_WORDS + 1)
    return frozenset(tuple(words[start : start + SHINGLE_WORDS]) for start in ends)
