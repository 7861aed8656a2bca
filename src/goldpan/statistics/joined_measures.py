"""Several measures of the same rows as one, and some figures of many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from goldpan.statistics.samples import Measures


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


class PickedMeasures:
    """Some of the figures of other measures.

    Args:
        measures: the measures.
        names: which of their figures, in this order.
    """

    def __init__(self, measures: Measures, names: tuple[str, ...]):
        self._measures, self.names = measures, names
        self._columns = [measures.names.index(name) for name in names]
        self.width = measures.width

    def values(self, weights: np.ndarray) -> np.ndarray:
        """Figures (b, s) under weights (b, u) of the rows."""
        return self._measures.values(weights)[:, self._columns]
