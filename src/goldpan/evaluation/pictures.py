"""Plots of the evaluation page: inline SVG, the same bytes for the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from goldpan.html import Markup, element, svg, svg_text, three_decimals

if TYPE_CHECKING:
    from goldpan.evaluation.calibration import Bin

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
        parts.append(svg_text(x(value), top + size + 18, f"{value:g}", text_anchor="middle", class_="tick"))
        parts.append(
            svg_text(left - 8, f"{float(y(value)) + 4:.1f}", f"{value:g}", text_anchor="end", class_="tick")
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
    parts.append(svg_text(x(0.5), top + size + 38, "Confidence", text_anchor="middle", class_="axis"))
    middle = y(0.5)
    turned = f"rotate(-90 14 {middle})"
    parts.append(svg_text(14, middle, "Share right", text_anchor="middle", class_="axis", transform=turned))
    return svg(parts, left + size + 24, top + size + 48, "Share of right answers by confidence")
