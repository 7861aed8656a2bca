"""TF-IDF over stems, in plain Python: to load a library for it takes longer than to make many answers.

The weights are those of scikit-learn's `TfidfVectorizer` with `sublinear_tf`, to the last bit: what the
baseline answers does not depend on who computes it. So sums run in its order: in the texts that the
vocabulary comes from over stems as they first occur, in others over stems in alphabetical order.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator

STEM_LETTERS = 6
"""Words are cut to so many, a crude way to make "invest", "invests" and "investing" one."""

Vector = list[tuple[int, float]]
"""(number of a stem, its weight) of each stem; the squares of the weights add up to 1."""

_STEM = re.compile(rf"\b(\w{{2,{STEM_LETTERS}}})\w*")
# The stems of the stop words that the Glasgow Information Retrieval Group lists for English.
_LISTED = """
about above across after afterw again agains all almost alone along alread also althou always am among
amongs amoung amount an and anothe any anyhow anyone anythi anyway anywhe are around as at back be became
becaus become becomi been before behind being below beside betwee beyond bill both bottom but by call can
cannot cant co con could couldn cry de descri detail do done down due during each eg eight either eleven
else elsewh empty enough etc even ever every everyo everyt everyw except few fiftee fifty fill find fire
first five for former forty found four from front full furthe get give go had has hasnt have he hence her
here hereaf hereby herein hereup hers hersel him himsel his how howeve hundre ie if in inc indeed intere
into is it its itself keep last latter least less ltd made many may me meanwh might mill mine more moreov
most mostly move much must my myself name namely neithe never nevert next nine no nobody none noone nor not
nothin now nowher of off often on once one only onto or other others otherw our ours oursel out over own
part per perhap please put rather re same see seem seemed seemin seems seriou severa she should show side
since sincer six sixty so some someho someon someth someti somewh still such system take ten than that the
their them themse then thence there therea thereb theref therei thereu these they thick thin third this
those though three throug thru thus to togeth too top toward twelve twenty two un under until up upon us
very via was we well were what whatev when whence whenev where wherea whereb wherei whereu wherev whethe
which while whithe who whoeve whole whom whose why will with within withou would yet you your yours yourse
"""
_STOP_WORDS = frozenset(_LISTED.split())


class Tfidf:
    """TF-IDF vectors over the vocabulary of some texts, without English stop words.

    Args:
        texts: those that the vocabulary and the rarity of its stems are taken from.

    Attributes:
        size: stems of the vocabulary; 0 where the texts have none.
        vectors: those of the texts.
    """

    def __init__(self, texts: list[str]):
        counts = [Counter(_stems(text)) for text in texts]
        found = Counter(stem for of_text in counts for stem in of_text)
        self.size = len(found)
        self._numbers = {stem: number for number, stem in enumerate(found)}
        self._rarity = [math.log((len(texts) + 1) / (count + 1)) + 1.0 for count in found.values()]
        self.vectors = [self._weighted(of_text, key=self._numbers.__getitem__) for of_text in counts]

    def vector(self, text: str) -> Vector:
        """The vector of any text; stems that the vocabulary lacks count for nothing."""
        return self._weighted(Counter(stem for stem in _stems(text) if stem in self._numbers), key=str)

    def _weighted(self, counts: Counter[str], key: Callable[[str], int | str]) -> Vector:
        weights = []
        squares = 0.0
        for stem in sorted(counts, key=key):
            number = self._numbers[stem]
            weight = (math.log(counts[stem]) + 1.0) * self._rarity[number]
            weights.append((number, weight))
            squares += weight * weight
        length = math.sqrt(squares)
        return [(number, weight / length) for number, weight in weights]


def _stems(text: str) -> Iterator[str]:
    return (stem for stem in _STEM.findall(text.lower()) if stem not in _STOP_WORDS)
