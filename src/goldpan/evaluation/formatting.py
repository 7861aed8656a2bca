"""How figures are named and written for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldpan.html import three_decimals

if TYPE_CHECKING:
    from goldpan.evaluation.report import Baseline
    from goldpan.statistics.figures import Estimate, Figure
    from goldpan.statistics.interval import Interval

TITLES = {
    "accuracy": "Accuracy",
    "accuracy_within_1": "Accuracy within 1",
    "accuracy_within_tolerance": "Accuracy within the tolerance",
    "judged_right": "Judged right",
    "judge_cohen_kappa": "The judge's kappa",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "precision_macro": "Precision, macro",
    "recall_macro": "Recall, macro",
    "f1_macro": "F1, macro",
    "precision_micro": "Precision, micro",
    "recall_micro": "Recall, micro",
    "f1_micro": "F1, micro",
    "cohen_kappa": "Cohen's kappa",
    "cohen_kappa_quadratic": "Kappa, quadratic weights",
    "mae": "Mean absolute error",
    "rmse": "Root mean square error",
    "bias": "Bias (prediction minus gold)",
    "spearman": "Spearman's rho",
    "exact_match": "Exact match",
    "jaccard": "Jaccard similarity",
    "kendall_tau": "Kendall's tau",
    "top_1": "First place right",
    "top_3": "First three shared",
    "whole_precision_micro": "Precision, all fields",
    "whole_recall_micro": "Recall, all fields",
    "whole_f1_micro": "F1, all fields",
    "whole_exact_match": "Exact match, all fields",
    "whole_jaccard": "Jaccard similarity, all fields",
    "brier": "Brier score",
}

HEADLINES = {
    "nominal": ("accuracy", "f1_macro", "cohen_kappa"),
    "ordered": ("mae", "spearman", "cohen_kappa_quadratic"),
    "sets": ("f1_micro", "precision_micro", "recall_micro"),
    "ranking": ("kendall_tau", "top_1", "exact_match"),
}
"""kind of values -> the figures to quote first."""

KINDS = {
    "nominal": "One label of a set",
    "ordered": "Scores",
    "sets": "Sets",
    "ranking": "Rankings",
}


def figure_title(name: str) -> str:
    """A figure's name for people."""
    return TITLES.get(name, name)


def baseline_title(baseline: Baseline) -> str:
    """A baseline's name for people: the answer it always gives."""
    if baseline.name == "nothing":
        return "Never anything"
    return (
        f"Always the mean, {float(baseline.answer):.3g}"
        if baseline.name == "mean"
        else f"Always {baseline.answer}"
    )


def three_decimal_interval(bounds: Interval | None) -> str:
    """`[0.812, 0.901]`; empty where there is none."""
    return "" if bounds is None else f"[{three_decimals(bounds.low)}, {three_decimals(bounds.high)}]"


def estimate(measured: Estimate) -> str:
    """`0.857 [0.812, 0.901]`, `1.000 (no interval: 3 items, 5 are needed)`."""
    sureness = f"({measured.reason})" if measured.reason else three_decimal_interval(measured.interval)
    return f"{three_decimals(measured.value)} {sureness}".strip()


def quoted(figure: Figure | None, weighted: bool) -> str:
    """The estimate of a figure that the report quotes; a dash where there is no figure."""
    if figure is None:
        return three_decimals(None)
    return estimate(figure.weighted if weighted else figure.raw)


def percent(share: float | None) -> str:
    """`4.1 %`."""
    return "–" if share is None else f"{100 * share:.1f} %"


def p_value(value: float | None) -> str:
    """`0.013`, `< 0.001`; a dash where there is none."""
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def money(value: float | None) -> str:
    """`$0.000412`: four digits that count; a dash where it is not known."""
    return "–" if value is None else f"${value:.4g}"
