"""Who answers which item, and which items an annotator gets twice."""

from __future__ import annotations

import math
from collections.abc import Sequence

from goldpan.waves.draw import rank


class OverlapPlan:
    """Hands items to annotators in the order of drawing.

    Each item goes to those who have the fewest so far, so loads never differ by more than one; among these,
    to those who have met the fewest times, so that all pairs can be compared. What an item gets depends on
    the items before it only: a larger sample leaves the plan of the smaller one as it is.

    Args:
        annotators: all of them.
        per_item: how many answer each item.
        repeats: share of an annotator's items that is shown twice.
        seed: seed of the wave.
    """

    def __init__(self, annotators: Sequence[str], per_item: int, repeats: float, seed: int):
        self.annotators, self.per_item, self.repeats, self.seed = list(annotators), per_item, repeats, seed
        self.load = dict.fromkeys(annotators, 0)
        self._met = {(a, b): 0 for a in annotators for b in annotators}

    def assign(self, item_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The annotators of the next item drawn, and those of them who get it twice."""
        chosen: list[str] = []
        while len(chosen) < self.per_item:
            free = [name for name in self.annotators if name not in chosen]
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
        repeated = [name for name in chosen if self._is_repeated(self.load[name])]
        for name in chosen:
            self.load[name] += 1
            for other in chosen:
                self._met[name, other] += 1
        return tuple(sorted(chosen, key=self.annotators.index)), tuple(sorted(repeated))

    def _is_repeated(self, before: int) -> bool:
        """Whether an annotator's next item, after `before` others, is shown twice: every 1/share-th is."""
        return math.floor((before + 1) * self.repeats) > math.floor(before * self.repeats)
