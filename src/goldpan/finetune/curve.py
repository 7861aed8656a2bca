"""The training curve as a picture that stands alone: SVG, the same bytes for the same numbers."""

from __future__ import annotations

from collections.abc import Sequence

from goldpan.finetune.training_report import TrainingReport
from goldpan.html import Markup, element, svg, svg_text
from goldpan.plot_axis import PlotAxis, plot_axis

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 560, 260, 64, 34, 24, 52
_STYLE = """
svg { background: #ffffff; } text { font: 12px system-ui, sans-serif; fill: #1c2430; }
text.tick { fill: #5b6675; } text.axis { font-weight: 600; } .grid { stroke: #d5dae1; }
.train { stroke: #5b6675; fill: none; stroke-opacity: .6; }
.valid { stroke: #0b5cad; fill: none; stroke-width: 2; }
circle.valid { fill: #0b5cad; stroke: none; }
.best { stroke: #9a4a00; fill: #ffffff; stroke-width: 2; }
line.best { stroke-dasharray: 4 3; stroke-width: 1; }
"""

_Point = tuple[float, float]


def training_curve(report: TrainingReport) -> Markup:
    """The loss of each step, the loss on valid, and the step that was taken."""
    train = [(float(entry.step), entry.loss) for entry in report.losses]
    valid = [(float(entry.step), entry.loss) for entry in report.valid_losses]
    across = plot_axis([0.0, *(step for step, _ in train)])
    up = plot_axis([0.0, *(loss for _, loss in (*train, *valid))])

    def place(point: _Point) -> _Point:
        x = _LEFT + across.share(point[0]) * _WIDTH
        return x, _TOP + (1 - up.share(point[1])) * _HEIGHT

    best = next(point for point in valid if point[0] == report.best_step)
    x, y = place(best)
    parts = [
        element("style", Markup(_STYLE)),
        *_grid(across, up),
        _line([place(point) for point in train], "train"),
        _line([place(point) for point in valid], "valid"),
        *(
            element(
                "circle",
                element("title", f"valid after step {step:.0f}: {loss:.4f}"),
                **_at(place((step, loss)), 3),
            )
            for step, loss in valid
        ),
        element("line", x1=f"{x:.1f}", x2=f"{x:.1f}", y1=_TOP, y2=_TOP + _HEIGHT, class_="best"),
        element(
            "circle",
            element("title", f"taken: step {best[0]:.0f}"),
            cx=f"{x:.1f}",
            cy=f"{y:.1f}",
            r=5,
            class_="best",
        ),
        *_legend(report),
    ]
    said = f"Training of {report.finetune}: loss by step, on the rows of each step and on valid"
    return svg(parts, _LEFT + _WIDTH + _RIGHT, _TOP + _HEIGHT + _BOTTOM, said)


def _at(place: _Point, radius: int) -> dict[str, object]:
    return {"cx": f"{place[0]:.1f}", "cy": f"{place[1]:.1f}", "r": radius, "class_": "valid"}


def _line(points: Sequence[_Point], kind: str) -> Markup:
    return element("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points), class_=kind)


def _grid(across: PlotAxis, up: PlotAxis) -> list[Markup]:
    parts = []
    for value in up.ticks:
        y = f"{_TOP + (1 - up.share(value)) * _HEIGHT:.1f}"
        parts.append(element("line", x1=_LEFT, x2=_LEFT + _WIDTH, y1=y, y2=y, class_="grid"))
        parts.append(
            svg_text(
                _LEFT - 8, y, f"{value:.4g}", text_anchor="end", dominant_baseline="middle", class_="tick"
            )
        )
    for value in across.ticks:
        x = f"{_LEFT + across.share(value) * _WIDTH:.1f}"
        parts.append(svg_text(x, _TOP + _HEIGHT + 18, f"{value:.6g}", text_anchor="middle", class_="tick"))
    parts.append(
        svg_text(_LEFT + _WIDTH // 2, _TOP + _HEIGHT + 40, "step", text_anchor="middle", class_="axis")
    )
    return parts


def _legend(report: TrainingReport) -> list[Markup]:
    entries = [
        ("train", "loss of the step's rows"),
        ("valid", "loss on valid"),
        ("best", f"taken: step {report.best_step}"),
    ]
    parts, x = [], _LEFT
    for kind, text in entries:
        if kind == "best":
            parts.append(element("circle", cx=x + 8, cy=14, r=5, class_="best"))
        else:
            parts.append(element("line", x1=x, x2=x + 16, y1=14, y2=14, class_=kind))
        parts.append(svg_text(x + 22, 18, text))
        x += 40 + 7 * len(text)
    return parts
