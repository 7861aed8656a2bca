"""The order in which items are drawn: a rank for each record, and turns for each stratum.

Neither depends on the order of the corpus or on the size of the sample. A larger sample is therefore the
smaller one and some more items.
"""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Iterator, Mapping
from typing import Literal

RANK_RANGE = 2**64


def rank(seed: int, *names: str) -> int:
    """A number below 2^64 that depends on the seed and the names alone and looks random."""
    text = "\0".join([str(seed), *names])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def turns(
    populations: Mapping[str, int], allocation: Literal["proportional", "equal"] | Mapping[str, int]
) -> Iterator[str]:
    """The stratum of the first item drawn, of the second, and so on, until all that may be drawn are.

    Proportional turns follow Huntington and Hill (the next turn goes to the stratum with the largest
    population / sqrt(k (k + 1)), where k are the turns it had): every stratum gets one turn before any gets
    two, so none has inclusion probability 0, and unlike largest remainders a larger sample never takes a turn
    away (Balinski and Young 1982, "Fair Representation"). Equal turns go round, and so do numbers given
    for each stratum, until each has its number.

    Args:
        populations: size of each stratum; no stratum gets more turns than that.
        allocation: how to divide; a mapping names the strata to draw from and how many turns each gets.
    """
    proportional = allocation == "proportional"
    if isinstance(allocation, Mapping):
        limits = {name: min(count, populations.get(name, 0)) for name, count in allocation.items()}
    else:
        limits = dict(populations)
    queue = [(_urgency(populations[name], 0, proportional), name) for name in limits if limits[name]]
    taken = dict.fromkeys(limits, 0)
    heapq.heapify(queue)
    while queue:
        _, name = heapq.heappop(queue)
        yield name
        taken[name] += 1
        if taken[name] < limits[name]:
            heapq.heappush(queue, (_urgency(populations[name], taken[name], proportional), name))


def _urgency(population: int, taken: int, proportional: bool) -> tuple[float, float]:
    """Sort key: the smallest is next."""
    if not proportional:
        return (taken, 0)
    if taken == 0:
        return (-math.inf, -population)
    return (-population / math.sqrt(taken * (taken + 1)), 0)
