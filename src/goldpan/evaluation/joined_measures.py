"""Several measures of the same rows as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from goldpan.evaluation.resample import Measures


class JoinedMeasures:
    """The figures of several measures, one after the other.

    Args:
        parts: each with what to put before the names of its figures.
    """

    def __init__(self, parts: Sequence[tuple[str, Measures]]):
        self._parts = [part for _, part in parts]
        self.names = tuple(f"{prefix}{name}" for prefix, part in parts for name in part.names)
        self.width = sum(part.width for part in self._parts)

    def values(self, weights: np.ndarray) -> np.ndarray:
        """Figures (b, s) under weights (b, u) of the rows."""
        return np.concatenate([part.values(weights) for part in self._parts], axis=1)
