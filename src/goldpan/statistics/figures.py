"""What is reported: estimates with intervals, and figures of predictions, as they stand in JSON files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np

from goldpan.as_json import AsJson, finite
from goldpan.statistics.bootstrap import Sample, replicate
from goldpan.statistics.interval import Interval, clopper_pearson_interval
from goldpan.statistics.kappa import MOST_LABELS
from goldpan.statistics.melded import WeightClass, classes_of_weights, melded_interval
from goldpan.statistics.samples import FEWEST_UNITS

_NOTHING = 1e-9
_FEWEST_ALIKE = 20
"""Items of a weight class from which on the predictions that occur among them are taken for all that do."""


@dataclass(frozen=True)
class Estimate(AsJson):
    """One number with its interval.

    Attributes:
        value: None where it is undefined.
        interval: None where there is no value, or none that could be believed.
        reason: why there is no value, or why a value has no interval.
    """

    value: float | None
    interval: Interval | None = None
    reason: str | None = None


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


class Kind(Enum):
    """What is known of a figure that its interval can use.

    Attributes:
        SHARE: the share of right ones among the items of its denominator.
        DICE: F = 2 J / (1 + J) of such a share J, as F1 is of the share of right ones among the items that
            have a label in gold or prediction.
        MACRO: a mean over labels, 0 to 1.
    """

    SHARE = "share"
    DICE = "dice"
    MACRO = "macro"


_SHARES = (Kind.SHARE, Kind.DICE)


class Measures(Protocol):
    """Several figures computed from the same rows.

    Attributes:
        names: of the s figures, in order.
        kinds: of those that are of one.
        width: the most numbers `values` holds per replicate; bounds memory.
    """

    width: int

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def kinds(self) -> Mapping[str, Kind]: ...

    def values(self, weights: np.ndarray) -> np.ndarray:
        """Figures (b, s) under weights (b, u) of the rows; NaN where undefined."""
        ...

    def denominators(self, weights: np.ndarray) -> np.ndarray:
        """Weight of the items that each figure is a share of or computed from, (b, s), likewise."""
        ...


def figures(sample: Sample, measures: Measures) -> tuple[Figure, ...]:
    """Each figure with its interval, over the items as they are and weighted by the design.

    A figure of fewer than `FEWEST_UNITS` items has none. A share of items that weigh the same has that of
    Clopper and Pearson: the share of items from several strata varies less than binomially, so that it holds
    there as well. A share of items that stand for different numbers of records has melded limits of its
    weight classes. All others are by bootstrap.
    """
    # Where all weigh the same the two are one; they are computed once.
    designs = [np.ones(1)] if (sample.weights == 1).all() else [np.ones(1), sample.weights]

    def values(counts: np.ndarray) -> np.ndarray:
        return np.concatenate([measures.values(counts * weights) for weights in designs], axis=1)

    names = list(measures.names) * len(designs)
    points = values(sample.counts[None])[0]
    items = np.tile(measures.denominators(sample.counts[None])[0], len(designs))
    is_binomial = np.concatenate([_are_binomial(sample, measures, weights) for weights in designs])
    is_melded = np.zeros(len(points), dtype=bool)
    if len(designs) > 1 and not sample.is_grouped:
        is_melded[len(measures.names) :] = [measures.kinds.get(name) in _SHARES for name in measures.names]
        is_melded &= ~is_binomial
    classes = _WeightClasses(sample, measures) if is_melded.any() else None
    drawn = np.full((1, len(points)), np.nan)
    if sample.bears_intervals and (~is_binomial & ~is_melded & (items >= FEWEST_UNITS)).any():
        drawn = replicate(sample, values, width=measures.width)

    def estimate(place: int) -> Estimate:
        value, kind = finite(points[place]), measures.kinds.get(names[place])
        if value is None:
            return Estimate(None, reason=_undefined(names[place]))
        if not sample.bears_intervals:
            return Estimate(value, reason=too_few(sample.drawn, "group" if sample.is_grouped else "item"))
        if items[place] < FEWEST_UNITS:
            return Estimate(value, reason=too_few(items[place], "item"))
        if kind is not None and is_binomial[place]:
            return Estimate(value, _binomial_interval(kind, value, items[place]))
        if kind is not None and is_melded[place] and classes is not None:
            return Estimate(value, classes.interval(kind, value, place % len(measures.names)))
        make = sample.recentred_interval if kind is Kind.MACRO else sample.interval
        interval = make(drawn[:, place], value)
        if interval is None:
            return Estimate(value, reason="no interval: undefined whenever items are drawn again")
        if kind in _SHARES and sample.spans_extremes and min(value, 1 - value) < _NOTHING:
            # All or none are right: the replicates know of nothing else but the pseudo-rows.
            alone = _binomial_interval(kind, value, min(items[place], sample.drawn))
            interval = interval.spanning(alone.low, alone.high, "Clopper-Pearson on the effective number")
        if not interval.has_width:
            return Estimate(value, reason="no interval: the same value whenever items are drawn again")
        return Estimate(value, interval)

    estimates = [estimate(place) for place in range(len(points))]
    raw, weighted = estimates[: len(measures.names)], estimates[-len(measures.names) :]
    return tuple(Figure(*parts) for parts in zip(measures.names, raw, weighted, strict=True))


_WHY_UNDEFINED = {
    "cohen_kappa_quadratic": f"only one number is in gold and predictions, or there are over {MOST_LABELS}",
    "cohen_kappa": "only one label is there in gold and predictions, so agreement by chance alone is certain",
    "precision": "there is no such prediction",
    "recall": "no gold item has the label",
    "f1": "neither gold nor predictions have the label",
    "spearman": "the answered items have all the same gold value, or all the same prediction",
}


def _undefined(name: str) -> str:
    """Why a figure of this name has no value."""
    whys = (why for start, why in _WHY_UNDEFINED.items() if name.removeprefix("whole_").startswith(start))
    return f"undefined: {next(whys, 'no item has what it is computed from')}"


def too_few(number: float, unit: str) -> str:
    """Why a figure of so many items or groups has no interval."""
    return f"no interval: {number:.0f} {unit}{'' if number == 1 else 's'}, {FEWEST_UNITS} are needed"


def _are_binomial(sample: Sample, measures: Measures, weights: np.ndarray) -> np.ndarray:
    """Whether each figure is a share of items that are drawn one by one and weigh the same, shape (s,).

    That is asked of the pseudo-rows, too. Where a sample balanced by prediction holds no miss, recall rests
    on items of one weight only; but a miss would have had another.
    """
    shares = np.array([measures.kinds.get(name) in _SHARES for name in measures.names])
    ones = np.ones(len(sample.codes))
    number, once, squared = measures.denominators(np.stack([ones, ones * weights, ones * weights**2]))
    return shares & (not sample.is_grouped) & (once**2 >= (1 - _NOTHING) * number * squared)


def _binomial_interval(kind: Kind, value: float, items: float) -> Interval:
    interval = clopper_pearson_interval(_share_of(kind, value) * items, items)
    assert interval is not None
    return _of_share(kind, interval)


class _WeightClasses:
    """What each weight class of a sample says of shares, for their melded intervals."""

    def __init__(self, sample: Sample, measures: Measures):
        self._seed = sample.seed
        masks = [mask for mask in classes_of_weights(sample.weights) if (sample.counts * mask).any()]
        # As they are drawn, and with each row that could have been, once.
        here = np.stack([sample.counts * mask for mask in masks])
        possible = np.stack([mask.astype(float) for mask in masks])
        weighted = here * sample.weights
        self._items = here.sum(1)
        self._weights = weighted.sum(1) / self._items
        self._shares, self._counted = measures.values(weighted), measures.denominators(weighted)
        self._possible_shares = measures.values(possible)
        self._possibly_counted = measures.denominators(possible) / possible.sum(1)[:, None]

    def interval(self, kind: Kind, value: float, place: int) -> Interval:
        """The interval of the figure at a place among the measures, whose weighted value is known."""
        interval = melded_interval(
            [self._class(number, kind, place) for number in range(len(self._items))],
            _share_of(kind, value),
            self._seed,
        )
        return _of_share(kind, interval)

    def _class(self, number: int, kind: Kind, place: int) -> WeightClass:
        counted = self._counted[number, place] / self._weights[number]
        share = _share_of(kind, float(np.nan_to_num(self._shares[number, place])))
        counts = _known(float(self._possibly_counted[number, place]))
        is_right = None
        # What all of a few items are predicted says little of the others of their strata.
        if counts is None and self._items[number] >= _FEWEST_ALIKE:
            is_right = _known(float(self._possible_shares[number, place]))
        return WeightClass(
            items=float(self._items[number]),
            weight=float(self._weights[number]),
            counted=float(counted),
            right=float(share * counted),
            counts=counts,
            is_right=is_right,
        )


def _known(possible: float) -> bool | None:
    """Whether all (True) or none (False) of the rows that could have been are of a kind; else None."""
    return {0.0: False, 1.0: True}.get(round(possible, 9))


def _share_of(kind: Kind, value: float) -> float:
    """The share that a figure is made of."""
    return value / (2 - value) if kind is Kind.DICE else value


def _of_share(kind: Kind, interval: Interval) -> Interval:
    """The interval of a figure from that of the share it is made of."""
    if kind is not Kind.DICE:
        return interval
    low, high = (2 * limit / (1 + limit) for limit in (interval.low, interval.high))
    return Interval(low, high, interval.level, f"{interval.method} of right / (gold or predicted)")
