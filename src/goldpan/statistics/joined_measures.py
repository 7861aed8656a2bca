"""Several measures of the same rows as one, their difference, and some figures of many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from goldpan.statistics.figures import Kind, Measures


class JoinedMeasures:
    """The figures of several measures, one after the other.

    Args:
        parts: each with what to put before the names of its figures.
    """

    def __init__(self, parts: Sequence[tuple[str, Measures]]):
        self._parts = [part for _, part in parts]
        self.names = tuple(f"{prefix}{name}" for prefix, part in parts for name in part.names)
        self.kinds = {f"{prefix}{name}": kind for prefix, part in parts for name, kind in part.kinds.items()}
        self.width = sum(part.width for part in self._parts)

    def values(self, weights: np.ndarray) -> np.ndarray:
        """Figures (b, s) under weights (b, u) of the rows."""
        return np.concatenate([part.values(weights) for part in self._parts], axis=1)

    def denominators(self, weights: np.ndarray) -> np.ndarray:
        """Those of the parts (b, s)."""
        return np.concatenate([part.denominators(weights) for part in self._parts], axis=1)


class Difference:
    """The figures of some predictions less those of others for the same items.

    Args:
        first, second: measures of the same rows with the same figures.
    """

    def __init__(self, first: Measures, second: Measures):
        self._first, self._second = first, second
        self.names = first.names
        self.kinds: dict[str, Kind] = {}
        self.width = first.width + second.width

    def values(self, weights: np.ndarray) -> np.ndarray:
        """Figures (b, s) under weights (b, u) of the rows."""
        return self._first.values(weights) - self._second.values(weights)

    def denominators(self, weights: np.ndarray) -> np.ndarray:
        """The smaller of the two (b, s)."""
        return np.minimum(self._first.denominators(weights), self._second.denominators(weights))


class PickedMeasures:
    """Some of the figures of other measures.

    Args:
        measures: the measures.
        names: which of their figures, in this order.
    """

    def __init__(self, measures: Measures, names: tuple[str, ...]):
        self._measures, self.names = measures, names
        self._columns = [measures.names.index(name) for name in names]
        self.kinds = {name: measures.kinds[name] for name in names if name in measures.kinds}
        self.width = measures.width

    def values(self, weights: np.ndarray) -> np.ndarray:
        """Figures (b, s) under weights (b, u) of the rows."""
        return self._measures.values(weights)[:, self._columns]

    def denominators(self, weights: np.ndarray) -> np.ndarray:
        """Those of the picked figures (b, s)."""
        return self._measures.denominators(weights)[:, self._columns]
