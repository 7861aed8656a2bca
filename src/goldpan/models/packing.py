"""Which texts go through the model together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def pack(lengths: np.ndarray, budget: int, cost: Callable[[int, int], int]) -> list[np.ndarray]:
    """Put texts of like length into batches of at most `budget` tokens.

    The longest come first, so that a batch that does not fit in memory is met at once. A text that costs
    more than the budget goes alone. The same lengths give the same batches.

    Args:
        lengths: [C] numbers of tokens.
        budget: tokens of a batch.
        cost: from the length of a text and that of the longest in its batch to the tokens it takes there.

    Returns:
        For each batch the places in `lengths` of its texts, longest first.
    """
    import numpy as np

    order = np.argsort(-lengths, kind="stable")
    batches: list[np.ndarray] = []
    start = taken = longest = 0
    for end, length in enumerate(lengths[order].tolist()):
        if end == start:
            longest = length
        if end > start and taken + cost(length, longest) > budget:
            batches.append(order[start:end])
            start, taken, longest = end, 0, length
        taken += cost(length, longest)
    return [*batches, order[start:]] if len(order) else []
