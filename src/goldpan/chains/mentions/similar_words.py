"""Words that are nearly the same, among all words of many names, without comparing each with each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

_SHORTEST = 4
"""Words of fewer letters are equal or not: half of the country codes differ by one letter."""
_PAIRS_AT_ONCE = 1 << 22
PLURAL = 0.97
"""The similarity of a word and its English plural, which is no misspelling."""


class SimilarWords:
    """Which words are at least so similar.

    The similarity of two words is that of Indel: twice the letters they have in common in order, by the
    letters of both. Only words of four or more letters, without digits, that begin with the same letter are
    similar. A word and its English plural are so by `PLURAL`, however short.

    Args:
        words: all there are.
        threshold: from 0 to 1.
    """

    def __init__(self, words: Iterable[str], threshold: float):
        self._near: dict[str, dict[str, float]] = defaultdict(dict)
        by_start: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
        for word in sorted(set(words)):
            if len(word) >= _SHORTEST and not any(map(str.isdigit, word)):
                by_start[word[0]][len(word)].append(word)
        for by_length in by_start.values():
            for length, some in by_length.items():
                # With more letters than these, what is missing alone is too much.
                longest = int(length * (2 - threshold) / threshold + 1e-9) if threshold else max(by_length)
                others = [word for more in range(length, longest + 1) for word in by_length.get(more, ())]
                self._compare(some, others, threshold)
        if threshold <= PLURAL:
            self._add_plurals(by_start)

    def _add_plurals(self, by_start: Mapping[str, Mapping[int, Sequence[str]]]) -> None:
        known = {word for by_length in by_start.values() for some in by_length.values() for word in some}
        for word in known:
            for plural in (f"{word}s", f"{word}es", f"{word[:-1]}ies" if word.endswith("y") else ""):
                if plural in known:
                    score = max(PLURAL, self._near[word].get(plural, 0.0))
                    self._near[word][plural] = self._near[plural][word] = score

    def of(self, word: str) -> dict[str, float]:
        """The other words similar to a word, with their similarities."""
        return self._near.get(word, {})

    def similarity(self, one: str, other: str) -> float:
        """1 for the same word, 0 for words that are not similar."""
        return 1.0 if one == other else self._near.get(one, {}).get(other, 0.0)

    def _compare(self, some: Sequence[str], others: Sequence[str], threshold: float) -> None:
        import numpy as np
        from rapidfuzz.distance import Indel
        from rapidfuzz.process import cdist

        rows = max(1, _PAIRS_AT_ONCE // len(others))
        for first in range(0, len(some), rows):
            part = some[first : first + rows]
            found = cdist(
                part, others, scorer=Indel.normalized_similarity, score_cutoff=threshold, dtype=np.float32
            )
            for row, column in zip(*np.nonzero(found), strict=True):
                one, other = part[row], others[column]
                if one != other:
                    score = round(float(found[row, column]), 4)
                    self._near[one][other] = self._near[other][one] = score


def least_similarity(one: Sequence[str], other: Sequence[str], words: SimilarWords) -> float:
    """How similar two names are: as their least similar pair of words, each word being in one pair.

    Returns:
        0 where a word of either is left without a similar one.
    """
    if len(one) != len(other):
        return 0.0
    return share_of(one, other, words)


def share_of(part: Sequence[str], whole: Sequence[str], words: SimilarWords) -> float:
    """As `least_similarity`, where `whole` may have more words."""
    left = list(whole)
    rest = []
    for word in part:
        if word in left:
            left.remove(word)
        else:
            rest.append(word)
    least = 1.0
    for word in rest:
        best = max(left, key=lambda other: (words.similarity(word, other), other), default=None)
        if best is None or not words.similarity(word, best):
            return 0.0
        least = min(least, words.similarity(word, best))
        left.remove(best)
    return least
