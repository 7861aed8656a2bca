"""The main figure of a feature, as it stands in lists, and the letter that people know from school."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from goldpan.evaluation.judged import JUDGE_KAPPA, JUDGED_RIGHT
from goldpan.experiments.run import FeatureMetrics

_MAIN = (JUDGED_RIGHT, "accuracy_within_tolerance", "accuracy", "f1_micro", "kendall_tau")
PARTIAL_FIGURES = frozenset({"f1_micro", "kendall_tau"})
"""Main figures that count the parts of answers, which may be right in part."""
_GRADES = ((0.9, "A"), (0.8, "B"), (0.7, "C"), (0.6, "D"))


def main_figure(figures: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The figure that lists show: accuracy (within the tolerance, where a task declares one), of sets and
    extractions F1, of rankings Kendall's tau, of judged texts the share judged right."""
    by_name = {figure["name"]: figure for figure in figures}
    return next((by_name[name] for name in _MAIN if name in by_name), None)


def value_of_figure(figure: dict[str, Any] | None) -> float | None:
    """The value of a figure over the items as they are; None where it is undefined."""
    return None if figure is None else figure["raw"]["value"]


def figure_text(figure: dict[str, Any] | None) -> str:
    """A figure as `0.83 [0.62, 0.95]`."""
    value = value_of_figure(figure)
    if figure is None or value is None:
        return "undefined"
    interval = figure["raw"]["interval"]
    return f"{value:.2f}" + (f" [{interval['low']:.2f}, {interval['high']:.2f}]" if interval else "")


def baseline_of(metrics: FeatureMetrics) -> dict[str, Any] | None:
    """The main figure of the majority baseline."""
    return main_figure(metrics.baselines[0]["figures"]) if metrics.baselines else None


def metrics_text(metrics: FeatureMetrics) -> str:
    """The main figure of a feature beside that of the majority baseline, in words."""
    main = main_figure(metrics.figures)
    name = main["name"] if main else "no figure"
    baseline = value_of_figure(baseline_of(metrics))
    beside = "" if baseline is None else f" (majority {baseline:.2f})"
    if main and main["name"] == JUDGED_RIGHT:
        kappa = next((figure for figure in metrics.figures if figure["name"] == JUDGE_KAPPA), None)
        beside = f" (the judge's kappa {figure_text(kappa)})" if kappa else " (nobody has measured the judge)"
    return f"{metrics.feature}: {name} {figure_text(main)}{beside}"


def grade(value: float | None) -> str:
    """A from 0.9, B from 0.8, C from 0.7, D from 0.6, else F; `-` without a value."""
    if value is None:
        return "-"
    return next((letter for least, letter in _GRADES if value >= least), "F")
