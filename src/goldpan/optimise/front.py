"""The front of a search: prompts that no other one equals or exceeds in metric, cost and valid answers."""

from __future__ import annotations

import math
from collections.abc import Sequence


def on_front(figures: Sequence[tuple[float, float | None, float]]) -> list[bool]:
    """Whether each prompt is on the front (Pareto-optimal).

    Args:
        figures: of each, its metric, its cost in USD (None, where it is not known, is worse than any), and
            the share of its answers that fit the task.
    """
    points = [(metric, -math.inf if cost is None else -cost, valid) for metric, cost, valid in figures]
    return [not any(_exceeds(other, point) for other in points) for point in points]


def _exceeds(other: tuple[float, ...], point: tuple[float, ...]) -> bool:
    """Whether one is as good in all and better in one."""
    return other != point and all(theirs >= ours for theirs, ours in zip(other, point, strict=True))
