"""Where an axis begins and ends, and its ticks, by what is shown on it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class PlotAxis:
    """An axis with round ends.

    Attributes:
        low, high: its ends; `low` is smaller.
        ticks: round numbers from one end to the other.
    """

    low: float
    high: float
    ticks: tuple[float, ...]

    def share(self, value: float) -> float:
        """Where a value lies, from 0 at the low end to 1 at the high one; what lies outside is at its end."""
        return (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)


def plot_axis(values: Iterable[float], within: tuple[float, float] | None = None, ticks: int = 5) -> PlotAxis:
    """An axis that shows all of some finite values.

    Args:
        values: what is shown; of none or a single one the axis has a width, too.
        within: ends that the axis never goes beyond, as of a share.
        ticks: about how many.
    """
    shown = list(values) or [0.0, 1.0]
    low, high = min(shown), max(shown)
    if low == high:
        room = abs(low) * 0.1 or 0.1
        low, high = low - room, high + room
    step = _round_step((high - low) / ticks)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    places = [place * step for place in range(first, last + 1)]
    if within is not None:
        places = [place for place in places if within[0] - step / 2 < place < within[1] + step / 2]
    # A sum of steps such as 0.1 is no round number any more.
    rounded = tuple(float(f"{place:.10g}") + 0.0 for place in places)
    return PlotAxis(rounded[0], rounded[-1], rounded)


def _round_step(rough: float) -> float:
    size = 10.0 ** math.floor(math.log10(rough))
    return next(step * size for step in _STEPS if step * size >= rough * 0.999999)
