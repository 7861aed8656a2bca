"""How many permutations a test at a level takes, and which levels no number of them reaches."""

from __future__ import annotations

import math

MOST_PERMUTATIONS = 99_999
"""The smallest p-value is one over one more."""
_USUALLY_MOST = 19_999
_BEYOND = 10
"""So many permutations are expected above a p-value that is just significant."""


def permutations_for(alpha: float, fewest: int) -> int:
    """How many permutations to draw, so that a p-value can be at most `alpha` wherever that is in reach."""
    many = min(max(math.ceil(_BEYOND / alpha), fewest), _USUALLY_MOST)
    return min(max(many, math.ceil(1 / alpha)), MOST_PERMUTATIONS)


def out_of_reach(alpha: float) -> str | None:
    """Why nothing could be significant at a level, in words; None where something could."""
    if alpha * (1 + MOST_PERMUTATIONS) >= 1 - 1e-9:
        return None
    return (
        f"The level of each test, {alpha:.2g}, is out of reach of {MOST_PERMUTATIONS:,} permutations, so this"
        " was not looked at: analyse fewer features or predictions at once, or raise `alpha`."
    )
