"""Dots with their intervals, one below the other: inline SVG, the same bytes for the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from goldpan.html import Markup, element, svg, svg_text, three_decimals
from goldpan.visible_text import shortened

STYLE = """
svg .mark { fill: var(--accent); } svg .bar { stroke: var(--accent); stroke-width: 2; }
svg .hollow { fill: var(--paper); stroke: var(--warn); stroke-width: 2; }
svg .bar.quiet { stroke: var(--soft); }
svg .mark.quiet { fill: var(--paper); stroke: var(--soft); stroke-width: 2; }
svg .grid { stroke: var(--line); } svg .guide { stroke: var(--soft); stroke-dasharray: 4 3; }
svg text.tick { fill: var(--soft); }
"""
"""What the plot needs besides the common style sheet."""

_LINE, _FONT, _PLOT = 26, 7, 420
_LONGEST_LABEL = 40


class _Limits(Protocol):
    """An interval, of which only its limits matter here."""

    @property
    def low(self) -> float:
        """The lower limit."""

    @property
    def high(self) -> float:
        """The upper limit."""


@dataclass(frozen=True)
class Dot:
    """One line of a dot plot.

    Attributes:
        label: what it is.
        value: where the dot stands; None leaves the line empty.
        interval: about it, where there is one.
        reference: where a hollow mark stands beside it, e.g. the baseline.
        is_quiet: whether it is drawn as one that matters less.
    """

    label: str
    value: float | None
    interval: _Limits | None = None
    reference: float | None = None
    is_quiet: bool = False


def dot_plot(
    dots: Sequence[Dot],
    axis: str,
    low: float = 0.0,
    high: float = 1.0,
    *,
    ticks: Sequence[float] | None = None,
    guide: float | None = None,
) -> Markup:
    """Dots with their intervals, one below the other, on a common axis.

    Args:
        dots: the lines; what lies outside the axis is drawn at its end.
        axis: what the axis shows.
        low, high: ends of the axis.
        ticks: where it has numbers; by default at six places.
        guide: where a dashed line stands, e.g. at what all have together.
    """
    left = 16 + _FONT * max((len(shortened(dot.label, _LONGEST_LABEL)) for dot in dots), default=0)
    width, height = left + _PLOT + 24, _LINE * len(dots) + 44

    def place(value: float) -> str:
        share = (min(max(value, low), high) - low) / (high - low)
        return f"{left + share * _PLOT:.1f}"

    parts = []
    for value in [low + (high - low) * step / 5 for step in range(6)] if ticks is None else ticks:
        x = place(value)
        parts.append(element("line", x1=x, x2=x, y1=4, y2=_LINE * len(dots) + 4, class_="grid"))
        text = f"{value:.3g}"
        parts.append(svg_text(x, _LINE * len(dots) + 20, text, text_anchor="middle", class_="tick"))
    if guide is not None:
        x = place(guide)
        parts.append(element("line", x1=x, x2=x, y1=4, y2=_LINE * len(dots) + 4, class_="guide"))
    middle = f"{left + _PLOT / 2:.1f}"
    parts.append(svg_text(middle, _LINE * len(dots) + 38, axis, text_anchor="middle", class_="axis"))
    for line, dot in enumerate(dots):
        y = _LINE * line + _LINE // 2 + 4
        parts.append(svg_text(left - 8, y + 4, shortened(dot.label, _LONGEST_LABEL), text_anchor="end"))
        parts.append(_dot(dot, y, place))
    return svg(parts, width, height, f"{axis} of {', '.join(dot.label for dot in dots)}")


def _dot(dot: Dot, y: int, place: Callable[[float], str]) -> Markup:
    parts = []
    name, quiet = f"{dot.label}: {three_decimals(dot.value)}", " quiet" if dot.is_quiet else ""
    if dot.interval is not None:
        low, high = dot.interval.low, dot.interval.high
        name += f", 95 % interval {three_decimals(low)} to {three_decimals(high)}"
        parts.append(element("line", x1=place(low), x2=place(high), y1=y, y2=y, class_=f"bar{quiet}"))
    if dot.reference is not None:
        name += f"; hollow: {three_decimals(dot.reference)}"
        parts.append(element("circle", cx=place(dot.reference), cy=y, r=4, class_="hollow"))
    if dot.value is not None:
        parts.append(element("circle", cx=place(dot.value), cy=y, r=5, class_=f"mark{quiet}"))
    return element("g", element("title", name), *parts)
