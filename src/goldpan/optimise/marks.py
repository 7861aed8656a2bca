"""Marks of candidates in the pictures of a search: a shape for each method, filled where it was accepted."""

from __future__ import annotations

from goldpan.html import Markup, element, svg
from goldpan.optimise.report import SEED_CANDIDATE, CandidateReport, SearchReport

STYLE = """
svg .mark { fill: var(--accent); stroke: var(--paper); } svg .mark.not-kept { fill: var(--paper);
  stroke: var(--soft); stroke-width: 1.5; }
svg .mark.chosen { fill: var(--warn); } svg .bar { stroke: var(--accent); stroke-width: 1.5; }
svg .bar.not-kept { stroke: var(--soft); stroke-opacity: .45; stroke-width: 1; }
svg .bar.chosen { stroke: var(--warn); stroke-width: 2; }
svg .grid { stroke: var(--line); } svg text.tick, svg text.soft { fill: var(--soft); }
svg .guide { stroke: var(--soft); stroke-dasharray: 4 3; fill: none; }
svg .front { stroke: var(--accent); fill: none; stroke-width: 1.5; stroke-opacity: .6; }
svg .branch { stroke: var(--soft); fill: none; shape-rendering: crispEdges; }
svg text.chosen { font-weight: 600; }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .1rem 1.2rem; max-width: none; }
.legend svg { vertical-align: -3px; }
"""
"""What the pictures need besides the common style sheet."""

_POLYGONS = {
    SEED_CANDIDATE: ((0, -7), (7, 0), (0, 7), (-7, 0)),
    "rewrites": ((-5, -5), (5, -5), (5, 5), (-5, 5)),
    "few_shot": ((0, -6), (6, 5), (-6, 5)),
    "dspy_copro": ((0, 6), (6, -5), (-6, -5)),
}
"""Shapes about (0, 0); a method that has none is a circle."""


def rank_of(report: SearchReport, candidate: CandidateReport) -> str:
    """The class of a candidate's mark: `chosen`, `kept` or `not-kept`; the seed is kept."""
    if candidate.name == report.decision.proposed:
        return "chosen"
    return "kept" if candidate.is_accepted or candidate.method == SEED_CANDIDATE else "not-kept"


def candidate_mark(method: str, rank: str, x: float, y: float) -> Markup:
    """The mark of a candidate at a place."""
    if method not in _POLYGONS:
        return element("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=5.5, class_=f"mark {rank}")
    points = " ".join(f"{x + across:.1f},{y + down:.1f}" for across, down in _POLYGONS[method])
    return element("polygon", points=points, class_=f"mark {rank}")


def mark_legend(report: SearchReport) -> Markup:
    """What shapes and colours say, of those that are in the search."""
    methods = list(dict.fromkeys(candidate.method for candidate in report.candidates))
    ranks = {rank_of(report, candidate) for candidate in report.candidates}
    said = {"chosen": "proposed", "kept": "kept by its method", "not-kept": "tried, not kept"}
    entries = [(candidate_mark(method, "kept", 8, 8), method) for method in methods]
    entries += [(_line(rank), text) for rank, text in said.items() if rank in ranks]
    return element(
        "ul",
        *(element("li", svg([picture], 16, 16, text), " ", text) for picture, text in entries),
        class_="legend",
    )


def _line(rank: str) -> Markup:
    """A colour without a shape: a stretch of an interval."""
    return element("line", x1=1, x2=15, y1=8, y2=8, class_=f"bar {rank}", stroke_linecap="round")
