"""What an evaluation reports: figures with intervals, as they stand in the JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from goldpan.statistics.coefficient import Interval, rounded


@dataclass(frozen=True)
class Estimate:
    """One number with its interval; None where it is undefined."""

    value: float | None
    interval: Interval | None = None

    def as_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {
            "value": rounded(self.value),
            "interval": None if self.interval is None else self.interval.as_json(),
        }


@dataclass(frozen=True)
class Figure:
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

    def as_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {"name": self.name, "raw": self.raw.as_json(), "weighted": self.weighted.as_json()}


def figure(figures: tuple[Figure, ...], name: str) -> Figure | None:
    """The figure of that name, if it was computed."""
    return next((one for one in figures if one.name == name), None)
