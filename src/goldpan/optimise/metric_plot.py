"""Candidates by their metric and by what they cost: inline SVG, the same bytes for the same search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from goldpan.html import Markup, element, svg, svg_text, three_decimals
from goldpan.optimise.marks import candidate_mark, rank_of
from goldpan.optimise.report import SEED_CANDIDATE, CandidateReport, SearchReport
from goldpan.plot_axis import PlotAxis, plot_axis
from goldpan.visible_text import shortened

_WIDTH, _HEIGHT, _LEFT, _TOP, _FONT = 480, 280, 58, 14, 7
_BOLD = 1.2
"""How much wider bold letters are."""
_LONGEST_LABEL, _MOST_NAMED_OF_FRONT = 20, 4


@dataclass(frozen=True)
class Abscissa:
    """What candidates are shown over.

    Attributes:
        title: of the axis.
        value: of a candidate; None where it is not known, which leaves it out.
        text: of a value, for people.
    """

    title: str
    value: Callable[[CandidateReport], float | None]
    text: Callable[[float], str]


def metric_plot(report: SearchReport, over: Abscissa, with_front: bool = False) -> Markup | None:
    """Metric on dev, with its interval, over `over`; None where fewer than two candidates have both.

    Args:
        report: the search.
        over: what is on the other axis.
        with_front: whether a line joins those that no other is better and cheaper than.
    """
    shown = [
        (candidate, at, candidate.metric.value)
        for candidate in report.candidates
        if (at := over.value(candidate)) is not None and candidate.metric.value is not None
    ]
    if len(shown) < 2:
        return None
    across = plot_axis([at for _, at, _ in shown])
    if across.low < 0:
        across = plot_axis([0.0, *(at for _, at, _ in shown)])
    limits = [
        limit
        for candidate, _, value in shown
        for limit in (
            (candidate.metric.interval.low, candidate.metric.interval.high)
            if candidate.metric.interval
            else (value,)
        )
    ]
    up = plot_axis(limits, within=(-1.0, 1.0))

    def x(value: float) -> float:
        return _LEFT + across.share(value) * _WIDTH

    def y(value: float) -> float:
        return _TOP + (1 - up.share(value)) * _HEIGHT

    parts = _grid(across, up, over)
    seed = report.seed.metric.value
    if seed is not None:
        height = f"{y(seed):.1f}"
        parts.append(element("line", x1=_LEFT, x2=_LEFT + _WIDTH, y1=height, y2=height, class_="guide"))
    if with_front:
        parts.append(_front([(x(at), y(value)) for _, at, value in shown]))
    # What is kept is drawn over what is not, and the proposed one over all.
    order = {"not-kept": 0, "kept": 1, "chosen": 2}
    for candidate, at, value in sorted(shown, key=lambda known: order[rank_of(report, known[0])]):
        parts.append(_candidate(report, candidate, (x(at), y(value)), y, over.text(at)))
    parts += _labels(report, [(candidate, x(at), y(value)) for candidate, at, value in shown])
    said = f"{report.metric} on dev of {len(shown)} candidates by {over.title.lower()}"
    return svg(parts, _LEFT + _WIDTH + 26, _TOP + _HEIGHT + 46, said)


def _grid(across: PlotAxis, up: PlotAxis, over: Abscissa) -> list[Markup]:
    bottom, parts = _TOP + _HEIGHT, []
    for tick in up.ticks:
        y = _TOP + (1 - up.share(tick)) * _HEIGHT
        parts.append(
            element("line", x1=_LEFT, x2=_LEFT + _WIDTH, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="grid")
        )
        parts.append(svg_text(_LEFT - 8, f"{y + 4:.1f}", f"{tick:g}", text_anchor="end", class_="tick"))
    for tick in across.ticks:
        x = f"{_LEFT + across.share(tick) * _WIDTH:.1f}"
        parts.append(element("line", x1=x, x2=x, y1=_TOP, y2=bottom, class_="grid"))
        parts.append(svg_text(x, bottom + 18, over.text(tick), text_anchor="middle", class_="tick"))
    middle = _TOP + _HEIGHT // 2
    parts.append(svg_text(_LEFT + _WIDTH // 2, bottom + 38, over.title, text_anchor="middle", class_="axis"))
    turned = f"rotate(-90 14 {middle})"
    parts.append(svg_text(14, middle, "Metric on dev", text_anchor="middle", class_="axis", transform=turned))
    return parts


def _candidate(
    report: SearchReport,
    candidate: CandidateReport,
    at: tuple[float, float],
    y: Callable[[float], float],
    cost: str,
) -> Markup:
    rank, interval = rank_of(report, candidate), candidate.metric.interval
    said = f"{candidate.name}: {three_decimals(candidate.metric.value)} at {cost}"
    marks = []
    if interval is not None:
        said += f", 95 % interval {three_decimals(interval.low)} to {three_decimals(interval.high)}"
        low, high = f"{y(interval.low):.1f}", f"{y(interval.high):.1f}"
        marks.append(
            element("line", x1=f"{at[0]:.1f}", x2=f"{at[0]:.1f}", y1=low, y2=high, class_=f"bar {rank}")
        )
    return element("g", element("title", said), *marks, candidate_mark(candidate.method, rank, *at))


def _front(places: Sequence[tuple[float, float]]) -> Markup:
    """Steps along those that none to the left of them is above."""
    best = float("inf")
    corners: list[str] = []
    for x, y in sorted(places):
        if y < best - 1e-9:
            corners.append(f"{'H' if corners else 'M'}{x:.1f}{' V' if corners else ','}{y:.1f}")
            best = y
    corners.append(f"H{_LEFT + _WIDTH}")
    return element("path", d=" ".join(corners), class_="front")


def _labels(report: SearchReport, places: Sequence[tuple[CandidateReport, float, float]]) -> list[Markup]:
    """Names of the seed, the proposed one and those on the front, where there is room for them."""
    named = [known for known in places if known[0].name in (SEED_CANDIDATE, report.decision.proposed)]
    front = [known for known in places if known[0].on_front and known not in named]
    named += sorted(front, key=lambda known: known[2])[:_MOST_NAMED_OF_FRONT]
    taken = [(x - 7, y - 7, x + 7, y + 7) for _, x, y in places]
    parts = []
    for candidate, x, y in named:
        text = shortened(candidate.name, _LONGEST_LABEL)
        is_proposed = candidate.name == report.decision.proposed
        width = _FONT * len(text) * (_BOLD if is_proposed else 1)
        for left, base in (
            (x + 10, y + 4),
            (x - 10 - width, y + 4),
            (x - width / 2, y - 11),
            (x + 8, y + 18),
        ):
            box = (left, base - 11, left + width, base + 3)
            is_inside = left >= _LEFT and left + width <= _LEFT + _WIDTH + 24 and box[1] >= 0
            if is_inside and box[3] <= _TOP + _HEIGHT and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                kind = "chosen" if is_proposed else "name"
                parts.append(svg_text(f"{left:.1f}", f"{base:.1f}", text, class_=kind))
                break
    return parts


def _overlap(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
