"""Which texts go through the model together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def pack(lengths: np.ndarray, budget: int, multiple: int = 1) -> list[np.ndarray]:
    """Put texts of like length into batches of at most `budget` tokens, padding included.

    The longest come first, so that a batch that does not fit in memory is met at once. A text longer than
    the budget goes alone. The same lengths give the same batches.

    Args:
        lengths: [C] numbers of tokens.
        budget: tokens of a batch: its number of texts times the length they are padded to.
        multiple: texts are padded to a multiple of this length.

    Returns:
        For each batch the places in `lengths` of its texts, longest first.
    """
    import numpy as np

    order = np.argsort(-lengths, kind="stable")
    batches: list[np.ndarray] = []
    start = 0
    while start < len(order):
        size = max(1, budget // padded_length(int(lengths[order[start]]), multiple))
        batches.append(order[start : start + size])
        start += size
    return batches


def padded_length(length: int, multiple: int) -> int:
    """`length` rounded up to a multiple."""
    return -(-length // multiple) * multiple
