"""How the evaluated items were drawn: their strata and weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Drawn(Protocol):
    """An item of a sample."""

    @property
    def stratum(self) -> str:
        """The stratum it was drawn from."""

    @property
    def inclusion_probability(self) -> float:
        """The chance it had to be drawn."""


@dataclass(frozen=True)
class Design:
    """Strata and weights of n evaluated items.

    Attributes:
        strata: number of each item's stratum, shape (n,).
        weights: how many items of the population each one stands for, up to a factor that makes their mean 1,
            shape (n,).
        groups: number of each item's group, shape (n,), where items of one group may be alike; else None.
    """

    strata: np.ndarray
    weights: np.ndarray
    groups: np.ndarray | None = None

    @property
    def is_unequal(self) -> bool:
        """Whether some items stand for more of the population than others."""
        return len(self.weights) > 0 and bool(np.ptp(self.weights) > 1e-9)

    def part(self, kept: np.ndarray) -> Design:
        """The design of some of the items, by a mask of shape (n,); weights stay as they are."""
        groups = None if self.groups is None else self.groups[kept]
        return Design(self.strata[kept], self.weights[kept], groups)

    @property
    def is_grouped(self) -> bool:
        """Whether some items have a group in common."""
        return self.groups is not None and len(np.unique(self.groups)) < len(self.groups)


def equal_design(items: int, groups: Sequence[str] | None = None) -> Design:
    """The design of items that were not drawn: one stratum, all of one weight.

    Args:
        items: how many, n.
        groups: what n items may be alike for, if for anything.
    """
    numbers = (
        None
        if groups is None
        else np.unique(np.array(groups, dtype=object).astype(str), return_inverse=True)[1]
    )
    return Design(np.zeros(items, dtype=np.int64), np.ones(items), numbers)


def design_of(drawn: Sequence[Drawn], used: Sequence[Drawn]) -> Design:
    """The design of the items that are used.

    An item's weight is the inverse of its inclusion probability (Horvitz and Thompson 1952, J Am Stat Assoc
    47:663-685). All figures are ratios of weighted sums (Hajek 1971), so only relative weights matter. Items
    that were drawn but are not used, because nobody resolved them or because they are in another split, are
    made up for by the others of their stratum, whose weights grow by drawn / used (weighting-class
    adjustment; Little and Rubin 2019, "Statistical Analysis with Missing Data", section 3.3). Within a
    stratum, those left out are thus taken to be like those that stay.

    Args:
        drawn: all items of the sample.
        used: those of them that are evaluated.
    """
    drawn_counts = Counter(item.stratum for item in drawn)
    used_counts = Counter(item.stratum for item in used)
    numbers = {name: number for number, name in enumerate(sorted(drawn_counts))}
    strata = np.array([numbers[item.stratum] for item in used], dtype=np.int64)
    weights = np.array(
        [drawn_counts[item.stratum] / used_counts[item.stratum] / item.inclusion_probability for item in used]
    )
    return Design(strata, weights / weights.mean() if len(weights) else weights)


def unused_strata(drawn: Sequence[Drawn], used: Sequence[Drawn]) -> list[str]:
    """Strata of which no item is left, so that no figure speaks for them."""
    return sorted({item.stratum for item in drawn} - {item.stratum for item in used})


def effective_size(weights: np.ndarray) -> float:
    """How many equally weighted items are as good as these (Kish 1965): (sum w)^2 / sum w^2; 0 for none."""
    return float(weights.sum() ** 2 / (weights**2).sum()) if weights.any() else 0.0
