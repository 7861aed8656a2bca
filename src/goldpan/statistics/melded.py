"""Intervals of shares of items that stand for very different numbers of records.

A stratum of thousands of records of which few were drawn may hold no item that was missed, or one, and yet
decide what recall is. Resampling cannot find there what the sample does not hold. So each weight class, the
strata whose items weigh about the same, has the limits of Clopper and Pearson for two shares of its own: how
many of its items are in the figure's denominator, and how many of these are right. Confidence distributions
of these limits are combined by melding (Fay, Proschan and Brittain 2015, Biometrics 71:146-156), those of
lower limits to a lower limit, and those of upper limits to an upper one. With one class only this is the
interval of Clopper and Pearson.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goldpan.statistics.interval import LEVEL, Interval

METHOD = "Clopper-Pearson by weight class, melded"
_DRAWS = 4000
_SAME_CLASS = 1.5
"""Strata are of one class whose weights differ by no more than this factor."""


@dataclass(frozen=True)
class WeightClass:
    """What the items of a weight class say of a share.

    Attributes:
        items: how many there are.
        weight: how much of the population each stands for.
        counted: of the items, those in the denominator; need not be whole.
        right: of these, those that are right; likewise.
        counts: whether its items are in the denominator by what is known of all of them (True, False), or
            only by what each is (None), as for recall.
        is_right: likewise, whether those in the denominator are right. Of items that were predicted not to
            have a label none is found.
    """

    items: float
    weight: float
    counted: float
    right: float
    counts: bool | None = None
    is_right: bool | None = None


def classes_of_weights(weights: np.ndarray) -> list[np.ndarray]:
    """Masks of the rows of each weight class.

    Args:
        weights: of the rows, shape (u,).
    """
    number = np.zeros(len(weights), dtype=int)
    lightest, at = None, -1
    for weight in np.unique(weights):
        if lightest is None or weight > _SAME_CLASS * lightest:
            lightest, at = weight, at + 1
        number[weights == weight] = at
    return [number == place for place in range(at + 1)]


def melded_interval(classes: list[WeightClass], share: float, seed: int | tuple[int, ...]) -> Interval:
    """95 % interval of a weighted share.

    Args:
        classes: those that the share is made of.
        share: the estimate, which the interval is widened to hold.
        seed: of the draws from the confidence distributions.
    """
    generator = np.random.default_rng(seed)
    tail = 100 * (1 - LEVEL) / 2
    low = np.percentile(_melded(classes, share, generator, is_upper=False), tail)
    high = np.percentile(_melded(classes, share, generator, is_upper=True), 100 - tail)
    return Interval(min(float(low), share), max(float(high), share), LEVEL, METHOD)


def _melded(
    classes: list[WeightClass], share: float, generator: np.random.Generator, is_upper: bool
) -> np.ndarray:
    """Draws of the share (b,) when each class leans to its lower, or its upper, limits."""
    right, counted = np.zeros(_DRAWS), np.zeros(_DRAWS)
    for one in classes:
        found = _drawn(generator, one.right, one.counted, is_upper, one.is_right)
        # More items in a class draw the whole towards the class: up where it is better than the whole.
        leans_up = (found > share) == is_upper
        lower, upper = (_drawn(generator, one.counted, one.items, side, one.counts) for side in (False, True))
        in_denominator = one.weight * one.items * np.where(leans_up, upper, lower)
        right += found * in_denominator
        counted += in_denominator
    # Where nothing is left of the denominator, anything may be.
    return np.where(counted > 0, right / np.where(counted > 0, counted, 1), float(is_upper))


def _drawn(
    generator: np.random.Generator, successes: float, trials: float, is_upper: bool, known: bool | None
) -> np.ndarray:
    """Draws (b,) from the confidence distribution of the lower, or the upper, limit of a share."""
    if known is not None:
        return np.full(_DRAWS, float(known))
    failures = max(trials - successes, 0.0)
    first, second = (successes + 1, failures) if is_upper else (successes, failures + 1)
    if first <= 1e-9 or second <= 1e-9:
        return np.full(_DRAWS, float(is_upper))
    return generator.beta(first, second, size=_DRAWS)
