"""What one gets without a model: the same answer to everything."""

from __future__ import annotations

import numpy as np


def most_frequent(codes: np.ndarray, weights: np.ndarray | None = None) -> list[int]:
    """The most frequent codes, several where they are equally frequent, the lowest first; as `majority`."""
    # Rounded, so that the order of the sums does not decide between codes that are equally frequent.
    counts = np.bincount(codes, weights).round(9)
    most: list[int] = np.flatnonzero(counts == counts.max()).tolist()
    return most


def majority(codes: np.ndarray, weights: np.ndarray | None = None) -> int:
    """The most frequent code; of codes that are equally frequent the lowest.

    Args:
        codes: shape (n,), n at least 1.
        weights: of the items, shape (n,); None where all count the same.
    """
    return most_frequent(codes, weights)[0]
