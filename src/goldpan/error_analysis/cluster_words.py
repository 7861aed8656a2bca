"""What a cluster of rows is called: the words that tell it from right rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from goldpan.error_analysis.row_texts import row_words

_FEWEST_ROWS = 2
_SHARE_OF_ROWS = 0.2
_NAMED_BY = 4
_WORDS = 8


def telling_words(inside: Sequence[str], right: Sequence[str]) -> tuple[str, ...]:
    """The words of some texts that others have seldom, the most telling first.

    By class-based TF-IDF (Grootendorst 2022, arXiv:2203.05794) with two classes: the share of a word among
    those inside, times the logarithm of how many times larger it is than among the others, in which each word
    counts once more than it occurs. A word stands in a fifth of the texts inside, and in two.

    Args:
        inside: texts of the cluster.
        right: texts of rows that are right.
    """
    own, other = _counts(inside), _counts(right)
    rows = Counter(word for text in inside for word in set(row_words(text)))
    total, others = own.total(), other.total()
    kinds = len(own.keys() | other.keys())
    fewest = max(_FEWEST_ROWS, _SHARE_OF_ROWS * len(inside))
    scores = {
        word: count / total * math.log(count / total / ((other[word] + 1) / (others + kinds)))
        for word, count in own.items()
        if rows[word] >= fewest and len(word) > 1
    }
    ranked = sorted((-score, word) for word, score in scores.items() if score > 0)
    return tuple(word for _, word in ranked[:_WORDS])


def cluster_name(words: Sequence[str], number: int) -> str:
    """What a cluster is called: by its first words, or where it has none by its number."""
    return ", ".join(words[:_NAMED_BY]) or f"cluster {number}"


def _counts(texts: Sequence[str]) -> Counter[str]:
    return Counter(word for text in texts for word in row_words(text))
