"""Plots of runs: a figure over time, and against cost. Inline SVG, the same bytes for the same numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from goldpan.html import Markup, element, svg

SERIES = 6
"""Models that have a mark of their own; those after them share one."""
STYLE = """
svg .grid { stroke: var(--line); } svg text.tick { fill: var(--soft); }
svg .majority { stroke: var(--warn); stroke-width: 2; stroke-dasharray: 5 3; }
svg .best { stroke: var(--soft); fill: none; }
svg .series-0 { stroke: #0b5cad; fill: #0b5cad; } svg .series-1 { stroke: #b4470f; fill: #b4470f; }
svg .series-2 { stroke: #1a7f37; fill: #1a7f37; } svg .series-3 { stroke: #8250df; fill: #8250df; }
svg .series-4 { stroke: #a80f5c; fill: #a80f5c; } svg .series-5 { stroke: #6b6100; fill: #6b6100; }
svg .series-6 { stroke: #5b6675; fill: #5b6675; } svg .bar { stroke-width: 2; }
@media (prefers-color-scheme: dark) {
  svg .series-0 { stroke: #7db7f5; fill: #7db7f5; } svg .series-1 { stroke: #ffa36b; fill: #ffa36b; }
  svg .series-2 { stroke: #7ee2a0; fill: #7ee2a0; } svg .series-3 { stroke: #c8a8ff; fill: #c8a8ff; }
  svg .series-4 { stroke: #ff94c2; fill: #ff94c2; } svg .series-5 { stroke: #e0d060; fill: #e0d060; }
  svg .series-6 { stroke: #a0abba; fill: #a0abba; } }
"""
"""What the plots need besides the common style sheet."""

_TOP, _HEIGHT, _LEFT, _RIGHT = 10, 220, 46, 14
_SLOT, _NARROWEST, _COST_WIDTH, _ZERO_WIDTH = 26, 230, 290, 40
_WIDE_RANGE = 50.0  # costs that lie further apart are drawn on a logarithmic axis
_MOST_TICKS = 6
_MARKS = (
    "M-5 0A5 5 0 1 0 5 0A5 5 0 1 0 -5 0Z",
    "M-4.5 -4.5H4.5V4.5H-4.5Z",
    "M0 -6L5.5 4.5H-5.5Z",
    "M0 -6L6 0L0 6L-6 0Z",
    "M0 6L5.5 -4.5H-5.5Z",
    "M-6 -2H-2V-6H2V-2H6V2H2V6H-2V2H-6Z",
    "M-3 -3H3V3H-3Z",
)


@dataclass(frozen=True)
class PlottedRun:
    """A run as it is drawn.

    Attributes:
        number: by which it is called.
        series: which mark it has, from 0; all from `SERIES` on look the same.
        value: of the figure.
        interval: about it.
        majority: of the majority baseline.
        cost_usd: what it cost; None where that is not known.
        below: what stands under its number, e.g. the prompt version.
        title: what it says when it is pointed at.
    """

    number: int
    series: int
    value: float
    interval: tuple[float, float] | None
    majority: float | None
    cost_usd: float | None
    below: str
    title: str


def series_mark(series: int, label: str) -> Markup:
    """The mark of a series, for a legend."""
    return svg([element("title", label), _mark(8, 8, series)], 16, 16, label)


def time_plot(runs: Sequence[PlottedRun], low: float, high: float, label: str) -> Markup:
    """Runs in the order of time, each with its interval; the dashed line is the majority baseline.

    Args:
        runs: in the order of time; each has the same width, whatever lies between them.
        low, high: ends of the axis.
        label: what the plot shows.
    """
    across = max(_SLOT * len(runs), _NARROWEST)
    slot = across / len(runs)
    y = _scale_of_values(low, high)
    parts = [element("title", label), *_value_axis(low, high, across, y)]
    for place, run in enumerate(runs):
        if run.majority is not None:
            start = _LEFT + place * slot
            at = f"{y(run.majority):.1f}"
            parts.append(
                element("line", x1=f"{start:.1f}", x2=f"{start + slot:.1f}", y1=at, y2=at, class_="majority")
            )
    for place, run in enumerate(runs):
        x = _LEFT + (place + 0.5) * slot
        parts.append(_point(run, x, y))
        for line, text in ((16, f"{run.number}"), (30, run.below)):
            parts.append(_text(x, _TOP + _HEIGHT + line, text, text_anchor="middle", class_="tick"))
    middle = _LEFT + across / 2
    parts.append(
        _text(middle, _TOP + _HEIGHT + 48, "Run, prompt version", text_anchor="middle", class_="axis")
    )
    return svg(parts, round(_LEFT + across + _RIGHT), _TOP + _HEIGHT + 56, label)


def cost_plot(runs: Sequence[PlottedRun], low: float, high: float, label: str) -> Markup:
    """What runs cost against how good they were; a line joins those than which none is cheaper and better.

    The axis of costs is logarithmic where they lie far apart; then a cost of 0 has a place of its own.

    Args:
        runs: at least one of a known cost other than 0; those of unknown cost are left out.
        low, high: ends of the axis of values.
        label: what the plot shows.
    """
    known = [(run.cost_usd, run) for run in runs if run.cost_usd is not None]
    x, ticks = _scale_of_costs([cost for cost, _ in known])
    y = _scale_of_values(low, high)
    parts = [element("title", label), *_value_axis(low, high, _COST_WIDTH, y)]
    for cost in ticks:
        at = f"{x(cost):.1f}"
        parts.append(element("line", x1=at, x2=at, y1=_TOP, y2=_TOP + _HEIGHT, class_="grid"))
        parts.append(_text(x(cost), _TOP + _HEIGHT + 16, f"{cost:g}", text_anchor="middle", class_="tick"))
    best = _undominated(known)
    points = " ".join(f"{x(cost):.1f},{y(run.value):.1f}" for cost, run in best)
    parts.append(element("polyline", points=points, class_="best"))
    for cost, run in known:
        parts.append(_point(run, x(cost), y))
    for cost, run in best:
        is_far_right = x(cost) > _LEFT + _COST_WIDTH - 20
        side = {"text_anchor": "end" if is_far_right else "start"}
        parts.append(_text(x(cost) + (-9 if is_far_right else 9), y(run.value) - 4, f"{run.number}", **side))
    middle = _LEFT + _COST_WIDTH / 2
    parts.append(_text(middle, _TOP + _HEIGHT + 36, "Cost in USD", text_anchor="middle", class_="axis"))
    return svg(parts, _LEFT + _COST_WIDTH + _RIGHT, _TOP + _HEIGHT + 44, label)


def _undominated(known: Sequence[tuple[float, PlottedRun]]) -> list[tuple[float, PlottedRun]]:
    """The runs than which no cheaper one, and none of the same cost, is as good; the cheapest first."""
    best: list[tuple[float, PlottedRun]] = []
    for cost, run in sorted(known, key=lambda of: (of[0], -of[1].value, of[1].number)):
        if not best or run.value > best[-1][1].value:
            best.append((cost, run))
    return best


def _scale_of_values(low: float, high: float) -> Callable[[float], float]:
    def y(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return _TOP + (1 - share) * _HEIGHT

    return y


def _value_axis(low: float, high: float, across: float, y: Callable[[float], float]) -> list[Markup]:
    parts = []
    for step in range(6):
        value = low + (high - low) * step / 5
        at = f"{y(value):.1f}"
        parts.append(element("line", x1=_LEFT, x2=f"{_LEFT + across:.1f}", y1=at, y2=at, class_="grid"))
        parts.append(_text(_LEFT - 6, y(value) + 4, f"{value:.1f}", text_anchor="end", class_="tick"))
    return parts


def _scale_of_costs(costs: Sequence[float]) -> tuple[Callable[[float], float], list[float]]:
    """(cost -> x, costs at the ticks)"""
    positive = [cost for cost in costs if cost > 0]
    if max(positive) / min(positive) <= _WIDE_RANGE:
        step = _round_step(max(positive))
        count = math.ceil(round(max(positive) / step, 6))
        return lambda cost: _LEFT + cost / (step * count) * _COST_WIDTH, [
            float(f"{step * tick:.6g}") for tick in range(count + 1)
        ]
    # Rounded, so that a cost such as 0.001 does not begin a decade of its own.
    least = math.floor(round(math.log10(min(positive)), 9))
    most = max(math.ceil(round(math.log10(max(positive)), 9)), least + 1)
    start = _LEFT + (_ZERO_WIDTH if len(positive) < len(costs) else 0)
    width = _LEFT + _COST_WIDTH - start

    def x(cost: float) -> float:
        if cost <= 0:
            return _LEFT + _ZERO_WIDTH / 4
        return start + (math.log10(cost) - least) / (most - least) * width

    apart = math.ceil((most - least) / _MOST_TICKS)
    decades = [float(f"1e{power}") for power in range(least, most + 1, apart)]
    return x, [*([0.0] if start > _LEFT else []), *decades]


def _round_step(largest: float) -> float:
    """1, 2 or 5 times a power of ten, at most `_MOST_TICKS` - 1 of which reach the largest value."""
    least = largest / (_MOST_TICKS - 1)
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def _point(run: PlottedRun, x: float, y: Callable[[float], float]) -> Markup:
    """A run with its interval."""
    marks = [element("title", run.title)]
    if run.interval is not None:
        low, high = (f"{y(value):.1f}" for value in run.interval)
        at = f"{x:.1f}"
        marks.append(element("line", x1=at, x2=at, y1=low, y2=high, class_=f"bar {_series(run.series)}"))
    return element("g", *marks, _mark(x, y(run.value), run.series))


def _mark(x: float, y: float, series: int) -> Markup:
    return element(
        "path",
        d=_MARKS[min(series, SERIES)],
        transform=f"translate({x:.1f} {y:.1f})",
        class_=_series(series),
    )


def _series(series: int) -> str:
    return f"series-{min(series, SERIES)}"


def _text(x: float, y: float, text: str, **attributes: str) -> Markup:
    return element("text", text, x=f"{x:.1f}", y=f"{y:.1f}", **attributes)
