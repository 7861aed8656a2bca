"""Candidates as a tree of which was made from which, each with its metric beside it: inline SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from goldpan.html import Markup, element, svg, svg_text, three_decimals
from goldpan.optimise.marks import candidate_mark, rank_of
from goldpan.optimise.report import CandidateReport, SearchReport
from goldpan.plot_axis import plot_axis
from goldpan.visible_text import shortened

_LINE, _FONT, _PLOT, _MARGIN = 24, 7, 320, 14
_INDENT, _WIDEST_INDENTS = 20, 240
_LONGEST_LABEL = 34
_MOST, _MOST_WITHOUT_METRIC = 120, 20


def tree_plot(report: SearchReport) -> tuple[Markup, int]:
    """The tree, and how many candidates are left out of it, for there are too many.

    A line for each candidate, below the first of those that it was made from; other parents are named. Of
    many, those with the best metric are shown, and their ancestors: a search may be refused hundreds.
    """
    shown = _shown(report)
    lines = list(_lines(shown))
    deepest = max((depth for _, depth in lines), default=0) or 1
    indent = min(_INDENT, _WIDEST_INDENTS / deepest)
    names = [_label(candidate) for candidate, _ in lines]
    left = int(
        max(
            _MARGIN + indent * depth + 14 + _FONT * len(name)
            for (_, depth), name in zip(lines, names, strict=True)
        )
        + 24
    )
    values = [value for candidate in shown for value in _limits(candidate)]
    axis = plot_axis(values, within=(-1.0, 1.0))
    bottom = _LINE * len(lines) + 4

    def x(value: float) -> str:
        return f"{left + axis.share(value) * _PLOT:.1f}"

    parts = []
    for tick in axis.ticks:
        parts.append(element("line", x1=x(tick), x2=x(tick), y1=4, y2=bottom, class_="grid"))
        parts.append(svg_text(x(tick), bottom + 16, f"{tick:g}", text_anchor="middle", class_="tick"))
    if report.seed.metric.value is not None:
        seed = x(report.seed.metric.value)
        parts.append(element("line", x1=seed, x2=seed, y1=4, y2=bottom, class_="guide"))
    title = "Metric on dev (dashed: the first prompt)"
    parts.append(svg_text(left + _PLOT // 2, bottom + 36, title, text_anchor="middle", class_="axis"))
    row_of: dict[str, int] = {}
    for row, ((candidate, depth), name) in enumerate(zip(lines, names, strict=True)):
        row_of[candidate.name] = row
        at, y = _MARGIN + indent * depth, _LINE * row + _LINE / 2 + 4
        above = next((row_of[parent] for parent in candidate.parents if parent in row_of), None)
        if above is not None and depth:
            from_y = _LINE * above + _LINE / 2 + 12
            parts.append(
                element("path", d=f"M{at - indent:.1f},{from_y:g} V{y:g} H{at - 7:.1f}", class_="branch")
            )
        rank = rank_of(report, candidate)
        text = svg_text(f"{at + 12:.1f}", f"{y + 4:g}", name, class_=rank if rank == "chosen" else "name")
        parts.append(
            element(
                "g", element("title", _said(candidate)), candidate_mark(candidate.method, rank, at, y), text
            )
        )
        parts += _measured(report, candidate, y, x, left)
    said = f"The tree of {len(lines)} candidates with their metric on dev"
    return svg(parts, left + _PLOT + 24, bottom + 44, said), len(report.candidates) - len(shown)


def _measured(
    report: SearchReport, candidate: CandidateReport, y: float, x: Callable[[float], str], left: int
) -> Iterator[Markup]:
    value, interval, rank = candidate.metric.value, candidate.metric.interval, rank_of(report, candidate)
    if value is None:
        text = "refused" if candidate.refused else "given up before all of dev"
        yield svg_text(left + 4, f"{y + 4:g}", text, class_="soft")
        return
    if interval is not None:
        yield element(
            "line", x1=x(interval.low), x2=x(interval.high), y1=f"{y:g}", y2=f"{y:g}", class_=f"bar {rank}"
        )
    yield element("circle", cx=x(value), cy=f"{y:g}", r=4.5, class_=f"mark {rank}")


def _label(candidate: CandidateReport) -> str:
    more = candidate.parents[1:]
    return shortened(candidate.name + (f" (with {', '.join(more)})" if more else ""), _LONGEST_LABEL)


def _said(candidate: CandidateReport) -> str:
    said = f"{candidate.name}: {three_decimals(candidate.metric.value)}"
    if candidate.parents:
        said += f", made from {', '.join(candidate.parents)}"
    return said + (f"; refused: {candidate.refused}" if candidate.refused else "")


def _limits(candidate: CandidateReport) -> Iterator[float]:
    if candidate.metric.value is not None:
        yield candidate.metric.value
        if candidate.metric.interval is not None:
            yield from (candidate.metric.interval.low, candidate.metric.interval.high)


def _shown(report: SearchReport) -> list[CandidateReport]:
    measured = [candidate for candidate in report.candidates if candidate.metric.value is not None]
    others = len(report.candidates) - len(measured)
    if len(report.candidates) <= _MOST and others <= _MOST_WITHOUT_METRIC:
        return list(report.candidates)
    by_name = {candidate.name: candidate for candidate in report.candidates}
    best = sorted(
        measured,
        key=lambda known: (
            rank_of(report, known) == "not-kept",
            -(known.metric.value or 0.0),
        ),
    )
    kept = {report.seed.name}
    for candidate in best:
        if len(kept) >= _MOST:
            break
        line = set(_ancestors(candidate, by_name))
        # One with too many ancestors is shown at the root.
        kept |= line if len(kept | line) <= _MOST else {candidate.name}
    return [candidate for candidate in report.candidates if candidate.name in kept]


def _ancestors(candidate: CandidateReport, by_name: dict[str, CandidateReport]) -> Iterator[str]:
    seen: list[str] = [candidate.name]
    for name in seen:
        yield name
        # The first parent is the one that it stands below.
        parents = by_name[name].parents[:1] if name in by_name else ()
        seen += [parent for parent in parents if parent in by_name and parent not in seen]


def _lines(candidates: Sequence[CandidateReport]) -> Iterator[tuple[CandidateReport, int]]:
    """Each candidate with its depth, below its first parent, in the order in which they were tried."""
    names = {candidate.name for candidate in candidates}
    children: dict[str | None, list[CandidateReport]] = {}
    earlier: set[str] = set()
    for candidate in candidates:
        first = next((parent for parent in candidate.parents if parent in earlier), None)
        children.setdefault(first, []).append(candidate)
        earlier.add(candidate.name)
    assert earlier == names
    waiting = [(candidate, 0) for candidate in reversed(children.get(None, []))]
    while waiting:
        candidate, depth = waiting.pop()
        yield candidate, depth
        waiting += [(child, depth + 1) for child in reversed(children.get(candidate.name, []))]
