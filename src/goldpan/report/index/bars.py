"""Bars of several parts, one below the other: inline SVG, the same bytes for the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from goldpan.html import Markup, element, svg, svg_text
from goldpan.visible_text import shortened

STYLE = """
svg .ok { fill: var(--accent); } svg .skipped { fill: var(--line); } svg .failed { fill: var(--warn); }
svg .pending { fill: var(--soft); } svg .second { fill: var(--soft); }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .1rem 1.2rem; max-width: none; }
"""
"""What bars need besides the common style sheet."""

_LINE, _THICK, _FONT, _PLOT = 26, 16, 7, 360
_LONGEST_LABEL, _LONGEST_TEXT = 28, 22


@dataclass(frozen=True)
class Segment:
    """A part of a bar.

    Attributes:
        size: how long it is.
        kind: `ok`, `skipped`, `failed`, `pending` or `second`, which have colours of their own.
        title: what it says when it is pointed at.
    """

    size: float
    kind: str
    title: str


@dataclass(frozen=True)
class Bar:
    """One line: its name, its parts and what stands at its end."""

    label: str
    segments: Sequence[Segment]
    text: str


def bars(lines: Sequence[Bar], description: str) -> Markup:
    """Bars on one scale, the longest as wide as the plot; `description` says what they show."""
    left = 16 + _FONT * max((len(shortened(line.label, _LONGEST_LABEL)) for line in lines), default=0)
    right = 16 + _FONT * max((len(shortened(line.text, _LONGEST_TEXT)) for line in lines), default=0)
    longest = max((sum(segment.size for segment in line.segments) for line in lines), default=0) or 1
    parts = []
    for place, line in enumerate(lines):
        y = _LINE * place + 4
        parts.append(svg_text(left - 8, y + 13, shortened(line.label, _LONGEST_LABEL), text_anchor="end"))
        at = 0.0
        for segment in line.segments:
            width = segment.size / longest * _PLOT
            parts.append(_segment(segment, left + at, y, width))
            at += width
        parts.append(svg_text(f"{left + at + 8:.1f}", y + 13, shortened(line.text, _LONGEST_TEXT)))
    return svg(parts, left + _PLOT + right, _LINE * len(lines) + 8, description)


def _segment(segment: Segment, x: float, y: int, width: float) -> Markup:
    box = element("rect", x=f"{x:.1f}", y=y, width=f"{width:.1f}", height=_THICK, class_=segment.kind)
    return element("g", element("title", segment.title), box)


def legend(kinds: Sequence[tuple[str, str]]) -> Markup:
    """What the colours mean: pairs of a kind and its name."""
    return element(
        "ul",
        *(
            element(
                "li",
                svg([element("rect", width=12, height=12, class_=kind)], 12, 12, name),
                f" {name}",
            )
            for kind, name in kinds
        ),
        class_="legend",
    )
