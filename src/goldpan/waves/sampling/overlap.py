"""Who answers which item, and which items an annotator gets twice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from goldpan.records.draw import rank


class OverlapPlan:
    """Hands items to annotators in the order of drawing.

    Each item goes to those who have the fewest so far, so loads never differ by more than one; among these,
    to those who have met the fewest times, so that all pairs can be compared. What an item gets depends on
    the items before it only: a larger sample leaves the plan of the smaller one as it is.

    Of every 1/share of an annotator's items one is shown twice, at a place that looks random: strata take
    turns in the order of drawing, and a fixed place could hit the same stratum each time.

    Args:
        annotators: all of them.
        per_item: how many answer each item.
        repeats: share of an annotator's items that is shown twice.
        seed: seed of the wave.
    """

    def __init__(self, annotators: Sequence[str], per_item: int, repeats: float, seed: int):
        self.annotators, self.per_item, self.seed = list(annotators), per_item, seed
        self.repeats = Fraction(repeats).limit_denominator(10_000)
        self.load = dict.fromkeys(annotators, 0)
        self._met = {(a, b): 0 for a in annotators for b in annotators}

    def assign(self, item_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The annotators of the next item drawn, and those of them who get it twice."""
        chosen: list[str] = []
        while len(chosen) < self.per_item:
            free = [name for name in self.annotators if name not in chosen]
            # The fewest items first, then the fewest meetings with those chosen already; a hash decides ties.
            chosen.append(
                min(
                    free,
                    key=lambda name: (
                        self.load[name],
                        sum(self._met[name, other] for other in chosen),
                        rank(self.seed, "overlap", item_id, name),
                    ),
                )
            )
        repeated = [name for name in chosen if self._is_repeated(name)]
        for name in chosen:
            self.load[name] += 1
            for other in chosen:
                self._met[name, other] += 1
        return tuple(sorted(chosen, key=self.annotators.index)), tuple(sorted(repeated))

    def _is_repeated(self, name: str) -> bool:
        """Whether an annotator's next item is the one of its run of 1/share items that is shown twice."""
        if not self.repeats:
            return False
        place = self.load[name]
        run = math.floor(place * self.repeats)
        start, end = math.ceil(run / self.repeats), math.ceil((run + 1) / self.repeats)
        return place == start + rank(self.seed, "repeat", name, str(run)) % (end - start)
