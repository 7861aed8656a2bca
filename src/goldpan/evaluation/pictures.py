"""Plots of the evaluation page: inline SVG, the same bytes for the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from goldpan.evaluation.calibration import Bin
from goldpan.evaluation.formatting import three_decimals
from goldpan.html import Markup, element, svg
from goldpan.statistics.interval import Interval

STYLE = """
td:first-child { white-space: nowrap; }
td.answer:first-child, td.answer { white-space: normal; min-width: 7rem; }
svg .mark { fill: var(--accent); } svg .bar { stroke: var(--accent); stroke-width: 2; }
svg .hollow { fill: var(--paper); stroke: var(--warn); stroke-width: 2; }
svg .grid { stroke: var(--line); } svg .guide { stroke: var(--soft); stroke-dasharray: 4 3; }
svg text.tick { fill: var(--soft); } details { margin: .75rem 0; } summary { cursor: pointer; }
td.text { white-space: pre-wrap; overflow-wrap: anywhere; min-width: 12rem; }
"""
"""What the plots and the table of mistakes need besides the common style sheet."""

_LINE, _FONT, _PLOT = 26, 7, 420
_LONGEST_LABEL = 40


@dataclass(frozen=True)
class Dot:
    """One line of a dot plot.

    Attributes:
        label: what it is.
        value: where the dot stands; None leaves the line empty.
        interval: about it, where there is one.
        reference: where a hollow mark stands beside it, e.g. the baseline.
    """

    label: str
    value: float | None
    interval: Interval | None = None
    reference: float | None = None


def dot_plot(dots: Sequence[Dot], axis: str, low: float = 0.0, high: float = 1.0) -> Markup:
    """Dots with their intervals, one below the other, on a common axis.

    Args:
        dots: the lines; what lies outside the axis is drawn at its end.
        axis: what the axis shows.
        low, high: ends of the axis.
    """
    left = 16 + _FONT * max((len(_short(dot.label)) for dot in dots), default=0)
    width, height = left + _PLOT + 24, _LINE * len(dots) + 44

    def place(value: float) -> str:
        share = (min(max(value, low), high) - low) / (high - low)
        return f"{left + share * _PLOT:.1f}"

    parts = []
    for step in range(6):
        value = low + (high - low) * step / 5
        x = place(value)
        parts.append(element("line", x1=x, x2=x, y1=4, y2=_LINE * len(dots) + 4, class_="grid"))
        text = f"{value:.3g}"
        parts.append(_text(x, _LINE * len(dots) + 20, text, text_anchor="middle", class_="tick"))
    middle = f"{left + _PLOT / 2:.1f}"
    parts.append(_text(middle, _LINE * len(dots) + 38, axis, text_anchor="middle", class_="axis"))
    for line, dot in enumerate(dots):
        y = _LINE * line + _LINE // 2 + 4
        parts.append(_text(left - 8, y + 4, _short(dot.label), text_anchor="end"))
        parts.append(_dot(dot, y, place))
    return svg(parts, width, height, f"{axis} of {', '.join(dot.label for dot in dots)}")


def _dot(dot: Dot, y: int, place: object) -> Markup:
    assert callable(place)
    parts = []
    name = f"{dot.label}: {three_decimals(dot.value)}"
    if dot.interval is not None:
        low, high = dot.interval.low, dot.interval.high
        name += f", 95 % interval {three_decimals(low)} to {three_decimals(high)}"
        parts.append(element("line", x1=place(low), x2=place(high), y1=y, y2=y, class_="bar"))
    if dot.reference is not None:
        name += f"; hollow: {three_decimals(dot.reference)}"
        parts.append(element("circle", cx=place(dot.reference), cy=y, r=4, class_="hollow"))
    if dot.value is not None:
        parts.append(element("circle", cx=place(dot.value), cy=y, r=5, class_="mark"))
    return element("g", element("title", name), *parts)


def calibration_plot(bins: Sequence[Bin]) -> Markup:
    """Share of right answers by confidence; a model whose confidence can be believed lies on the diagonal."""
    size, left, top = 280, 52, 12

    def x(value: float) -> str:
        return f"{left + value * size:.1f}"

    def y(value: float) -> str:
        return f"{top + (1 - value) * size:.1f}"

    parts = []
    for step in range(6):
        value = step / 5
        parts.append(element("line", x1=x(value), x2=x(value), y1=y(0), y2=y(1), class_="grid"))
        parts.append(element("line", x1=x(0), x2=x(1), y1=y(value), y2=y(value), class_="grid"))
        parts.append(_text(x(value), top + size + 18, f"{value:g}", text_anchor="middle", class_="tick"))
        parts.append(
            _text(left - 8, f"{float(y(value)) + 4:.1f}", f"{value:g}", text_anchor="end", class_="tick")
        )
    parts.append(element("line", x1=x(0), y1=y(0), x2=x(1), y2=y(1), class_="guide"))
    most = max((bin_.items for bin_ in bins), default=1)
    for bin_ in bins:
        share, interval = bin_.accuracy.value, bin_.accuracy.interval
        assert share is not None
        name = (
            f"Confidence {bin_.low:g} to {bin_.high:g}: {bin_.items:,} items, {three_decimals(share)} right"
            + (f" ({bin_.accuracy.reason})" if bin_.accuracy.reason else "")
        )
        marks = [element("title", name)]
        if interval is not None:
            at = x(bin_.confidence)
            marks.append(element("line", x1=at, x2=at, y1=y(interval.low), y2=y(interval.high), class_="bar"))
        radius = f"{3 + 5 * (bin_.items / most) ** 0.5:.1f}"
        marks.append(element("circle", cx=x(bin_.confidence), cy=y(share), r=radius, class_="mark"))
        parts.append(element("g", *marks))
    parts.append(_text(x(0.5), top + size + 38, "Confidence", text_anchor="middle", class_="axis"))
    middle = y(0.5)
    turned = f"rotate(-90 14 {middle})"
    parts.append(_text(14, middle, "Share right", text_anchor="middle", class_="axis", transform=turned))
    return svg(parts, left + size + 24, top + size + 48, "Share of right answers by confidence")


def _text(x: object, y: object, text: str, **attributes: str) -> Markup:
    return element("text", text, x=x, y=y, **attributes)


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"
