"""What is reported: estimates with intervals, and figures of predictions, as they stand in JSON files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from goldpan.as_json import AsJson, finite
from goldpan.statistics.bootstrap import Sample, replicate
from goldpan.statistics.interval import Interval


@dataclass(frozen=True)
class Estimate(AsJson):
    """One number with its interval; None where it is undefined."""

    value: float | None
    interval: Interval | None = None


@dataclass(frozen=True)
class Figure(AsJson):
    """One measure of how good predictions are.

    Attributes:
        name: e.g. `f1_macro`.
        raw: over the evaluated items, each counted once.
        weighted: over the population that the items were drawn from, each item weighted by the inverse of its
            inclusion probability.
    """

    name: str
    raw: Estimate
    weighted: Estimate


def figure(figures: tuple[Figure, ...], name: str) -> Figure | None:
    """The figure of that name, if it was computed."""
    return next((candidate for candidate in figures if candidate.name == name), None)


class Measures(Protocol):
    """Several figures computed from the same rows.

    Attributes:
        names: of the s figures, in order.
        width: the most numbers `values` holds per replicate; bounds memory.
    """

    width: int

    @property
    def names(self) -> tuple[str, ...]: ...

    def values(self, weights: np.ndarray) -> np.ndarray:
        """Figures (b, s) under weights (b, u) of the rows; NaN where undefined."""
        ...


def figures(sample: Sample, measures: Measures) -> tuple[Figure, ...]:
    """Each figure with its interval, over the items as they are and weighted by the design."""
    # Where all weigh the same the two are one; they are computed once.
    designs = [np.ones(1)] if (sample.weights == 1).all() else [np.ones(1), sample.weights]

    def values(counts: np.ndarray) -> np.ndarray:
        return np.concatenate([measures.values(counts * weights) for weights in designs], axis=1)

    points = values(sample.counts[None])[0]
    drawn: list[np.ndarray | None] = [None] * len(points)
    if sample.bears_intervals:
        drawn = list(replicate(sample, values, width=measures.width).T)
    estimates = [
        _estimate(sample, finite(value), replicates) for value, replicates in zip(points, drawn, strict=True)
    ]
    raw, weighted = estimates[: len(measures.names)], estimates[-len(measures.names) :]
    return tuple(Figure(*parts) for parts in zip(measures.names, raw, weighted, strict=True))


def _estimate(sample: Sample, value: float | None, replicates: np.ndarray | None) -> Estimate:
    if value is None or replicates is None:
        return Estimate(value)
    return Estimate(value, sample.interval(replicates, value))
