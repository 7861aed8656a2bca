"""Texts that say nearly the same in different splits: what is learned there is then measured, too.

By the Jaccard similarity of their sets of three words in a row, in NFKC and lower case, without punctuation
(Broder 1997, https://doi.org/10.1109/SEQUEN.1997.666900); of texts with fewer words all must be the same. All
pairs are found, and few are compared: two sets that are so alike share one of their rarest shingles (the
prefix filter of Chaudhuri, Ganti and Kaushik 2006, https://doi.org/10.1109/ICDE.2006.9).
"""

from __future__ import annotations

import hashlib
import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

SHINGLE_WORDS = 3
NEAR = 0.9
"""Jaccard similarity of the sets of shingles from which two texts are near-duplicates."""
_WORD = re.compile(r"\w+")
_BUCKETS = 1 << 20
# Odd numbers, one for each place of a word in a shingle, so that order counts.
_FACTORS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
_ROUNDING = 1e-9


class NearDuplicate(NamedTuple):
    """A row that says what a row of a split says which is held out more.

    Attributes:
        id, split: of the row.
        other_id, other_split: of the other one.
        similarity: 0 to 1.
    """

    id: str
    split: str
    other_id: str
    other_split: str
    similarity: float


def named_near_duplicates(near: Sequence[NearDuplicate], most: int = 5) -> str:
    """The ids of some pairs, for people."""
    named = [
        f"`{pair.id}` ({pair.split}) and `{pair.other_id}` ({pair.similarity:.0%})" for pair in near[:most]
    ]
    more = f" and {len(near) - most:,} more" if len(near) > most else ""
    return ", ".join(named) + more


@dataclass(frozen=True, slots=True)
class Shingled:
    """A row with what its text says.

    Attributes:
        id, split: of the row.
        shingles: [S] uint64 hashes of the shingles of its text, each once, rising.
    """

    id: str
    split: str
    shingles: np.ndarray


def shingles_of(text: str) -> frozenset[tuple[str, ...]]:
    """The sets of three words in a row that a text has; all its words where they are fewer, none of none."""
    words = compared_words(text)
    if len(words) < SHINGLE_WORDS:
        return frozenset([tuple(words)] if words else [])
    ends = range(len(words) - SHINGLE_WORDS + 1)
    return frozenset(tuple(words[start : start + SHINGLE_WORDS]) for start in ends)


def hashed_shingles(text: str) -> np.ndarray:
    """[S] uint64 hashes of the shingles of a text, each once, rising.

    They are made of the hashes of words, each of which is worked out once, and are the same in every process.
    """
    import numpy as np

    words = compared_words(text)
    hashes = np.fromiter(map(_word_hash, words), dtype=np.uint64, count=len(words))
    width = min(len(words), SHINGLE_WORDS)
    mixed = np.zeros(len(words) - width + 1 if words else 0, dtype=np.uint64)
    for place, factor in enumerate(_FACTORS[:width]):
        # It overflows, as is meant: modulo 2^64.
        mixed += hashes[place : place + len(mixed)] * np.uint64(factor)
    return np.unique(mixed ^ (mixed >> np.uint64(32)))


def compared_words(text: str) -> Sequence[str]:
    """The words of a text in NFKC and lower case, without punctuation."""
    found: list[str] = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    return found


@lru_cache(maxsize=1 << 18)
def _word_hash(word: str) -> int:
    digest = hashlib.blake2b(word.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def near_duplicates(rows: Iterable[Shingled], held: Mapping[str, int]) -> list[NearDuplicate]:
    """The rows that are near-duplicates of rows in splits that are held out more, in the order of their ids.

    Args:
        rows: their ids differ.
        held: split -> how far it is held out: a row is compared with those of splits with larger numbers.

    Returns:
        A pair for each such row, with the first row that it is a near-duplicate of: of those held out most
        the first by its id.
    """
    ordered = sorted(rows, key=lambda row: (-held[row.split], row.id))
    frequency = _frequencies(ordered)
    holding: dict[int, list[int]] = defaultdict(list)
    lowest = min((held[row.split] for row in ordered), default=0)
    found = []
    for place, row in enumerate(ordered):
        # Plain integers, which hash much faster than numpy's.
        prefix = _rarest(row.shingles, frequency).tolist()
        near = [
            (other, similarity)
            for other in sorted({known for shingle in prefix for known in holding.get(shingle, ())})
            if held[ordered[other].split] > held[row.split]
            and (similarity := _similarity(row.shingles, ordered[other].shingles)) >= NEAR
        ]
        if near:
            first = ordered[near[0][0]]
            found.append(NearDuplicate(row.id, row.split, first.id, first.split, near[0][1]))
        if held[row.split] > lowest:
            for shingle in prefix:
                holding[shingle].append(place)
    return sorted(found)


def _frequencies(rows: Sequence[Shingled]) -> np.ndarray:
    """[_BUCKETS] in how many rows a shingle stands at most, by the last bits of its hash."""
    import numpy as np

    counts = np.zeros(_BUCKETS, dtype=np.int64)
    for row in rows:
        np.add.at(counts, (row.shingles % np.uint64(_BUCKETS)).astype(np.int64), 1)
    return counts


def _rarest(shingles: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """The rarest shingles of a row, of which a near-duplicate has one among its own rarest.

    Of sets with a similarity of t or more each has at least t of the other's shingles, so they cannot differ
    in the first (1 - t) of them, and one more, in an order that is the same for all.
    """
    import numpy as np

    if not len(shingles):
        return shingles
    count = len(shingles) - math.ceil(NEAR * len(shingles) - _ROUNDING) + 1
    by_rarity = np.lexsort((shingles, frequency[(shingles % np.uint64(_BUCKETS)).astype(np.int64)]))
    return shingles[by_rarity[:count]]


def _similarity(one: np.ndarray, other: np.ndarray) -> float:
    import numpy as np

    if min(len(one), len(other)) < NEAR * max(len(one), len(other)) - _ROUNDING:
        return 0.0
    both = len(np.intersect1d(one, other, assume_unique=True))
    return float(both / (len(one) + len(other) - both))
