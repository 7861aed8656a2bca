"""The part of the evaluation page about one model on one feature."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from goldpan.evaluation.calibration import Calibration
from goldpan.evaluation.formatting import (
    baseline_title,
    estimate,
    figure_title,
    p_value,
    quoted,
)
from goldpan.evaluation.lost import FOUND, LostPositives
from goldpan.evaluation.pictures import calibration_plot
from goldpan.evaluation.report import Confusion, FeatureEvaluation, Mistake, ModelEvaluation
from goldpan.heat_map import heat_map
from goldpan.html import Markup, element, scroll_box, table, three_decimals
from goldpan.statistics.figures import Figure, figure
from goldpan.visible_text import shortened

_MOST_LABELS_IN_PICTURE = 40
_LONGEST_TEXT = 600


def model_section(feature: FeatureEvaluation, model: ModelEvaluation, mistakes: int) -> Iterator[Markup]:
    """The section's parts.

    Args:
        feature: the results of the feature.
        model: those of the model.
        mistakes: how many mistakes to show.
    """
    yield element("h3", model.model)
    if model.failed:
        states = ", ".join(f"{state} {count:,}" for state, count in model.failed.items())
        count = sum(model.failed.values())
        yield element(
            "p",
            f"{count:,} of {feature.items.evaluated:,} items have no prediction ({states}). They count as"
            " wrong; the column “answered only” leaves them out.",
            class_="warn",
        )
    if model.left_out:
        codes = ", ".join(f"{code} {count:,}" for code, count in model.left_out.items())
        yield element(
            "p",
            f"{sum(model.left_out.values()):,} of {feature.items.evaluated:,} items were left out before this"
            f" stage ({codes}). They count as what the wave says that they stand for.",
        )
    yield _figures(feature, model)
    if model.lost is not None:
        yield from _lost(model.lost, feature.items.is_weighted)
    yield element("p", _over_baseline(model))
    if model.labels:
        yield _labels(feature, model)
    if model.confusion is not None:
        yield _confusion(model.confusion)
    if model.calibration is not None:
        yield from _calibration(model.calibration)
    if model.mistakes and mistakes:
        yield _mistakes(model.mistakes, mistakes)


def _figures(feature: FeatureEvaluation, model: ModelEvaluation) -> Markup:
    """All figures; the micro figures of single labels only where they are not all the same as accuracy."""
    weighted = feature.items.is_weighted
    columns: list[tuple[str, tuple[Figure, ...], bool]] = []
    if weighted:
        columns.append(("Whole corpus (weighted)", model.figures, True))
    columns.append(("Evaluated items", model.figures, False))
    if model.answered:
        columns.append(("Answered only", model.answered, weighted))
    if model.with_llm_decided:
        columns.append(("With LLM-decided items", model.with_llm_decided, weighted))
    columns += [(baseline_title(baseline), baseline.figures, weighted) for baseline in feature.baselines]
    rows = [
        [
            figure_title(measured.name),
            *(quoted(figure(figures, measured.name), some) for _, figures, some in columns),
        ]
        for measured in model.figures
        if model.failed or feature.kind != "nominal" or not measured.name.endswith("_micro")
    ]
    return table(["Figure", *(name for name, _, _ in columns)], rows, caption="With 95 % intervals")


def _lost(lost: LostPositives, weighted: bool) -> Iterator[Markup]:
    yield element("h4", "Where positives were lost")
    rows = [
        [
            "Found" if step.stage == FOUND else step.stage,
            step.how,
            f"{step.items:,}",
            estimate(step.weighted if weighted else step.raw),
        ]
        for step in lost.steps
    ]
    how = "weighted to the whole corpus, " if weighted else ""
    yield table(
        ["Step", "How", "Items", "Share of all positives"],
        rows,
        caption=f"The {lost.positives:,} items that are a yes by the gold ({how}with 95 % intervals)",
        text_columns=2,
    )


def _over_baseline(model: ModelEvaluation) -> str:
    test = model.over_baseline.mcnemar
    return (
        f"Against the baseline: {test.only_first:,} items only this model has right,"
        f" {test.only_second:,} only the baseline (exact McNemar test, p {p_value(test.p_value)})."
    )


def _labels(feature: FeatureEvaluation, model: ModelEvaluation) -> Markup:
    weighted = feature.items.is_weighted
    names = ("precision", "recall", "f1")
    rows = [
        [
            label.label,
            f"{label.gold:,}",
            f"{label.predicted:,}",
            *(quoted(figure(label.figures, name), weighted) for name in names),
        ]
        for label in model.labels
    ]
    header = ["Label", "Gold", "Predicted", *(figure_title(name) for name in names)]
    how = "weighted, " if weighted else ""
    return table(header, rows, caption=f"By label, against all others ({how}with 95 % intervals)")


def _confusion(confusion: Confusion) -> Markup:
    if len(confusion.gold) > _MOST_LABELS_IN_PICTURE:
        return element(
            "p", f"{len(confusion.gold)} labels are too many for a picture; the JSON has the counts."
        )
    picture = heat_map("Gold", "Predicted", confusion.gold, confusion.predicted, confusion.counts)
    return scroll_box(picture, "Gold by predicted")


def _calibration(calibration: Calibration) -> Iterator[Markup]:
    yield element("h4", "Calibration")
    verdict = (
        "more than chance would show, so the confidence is off"
        if calibration.ece_p_value < 0.05
        else "no more than chance may show"
    )
    yield element(
        "p",
        f"Of {calibration.items:,} answers with a confidence: expected calibration error"
        f" {three_decimals(calibration.ece)}; a perfectly calibrated model would show"
        f" {three_decimals(calibration.ece_if_calibrated)} on as many items, so this is {verdict}"
        f" (p {p_value(calibration.ece_p_value)}). Brier score {estimate(calibration.brier.weighted)}."
        + (f" {calibration.without:,} answers have no confidence." if calibration.without else ""),
    )
    yield scroll_box(calibration_plot(calibration.bins), "Calibration")


def _mistakes(mistakes: Sequence[Mistake], most: int) -> Markup:
    shown = mistakes[:most]
    fields = list(dict.fromkeys(name for mistake in shown for name in mistake.fields))
    sure = any(mistake.confidence is not None for mistake in shown)
    header = ["Gold", "Predicted", *(["Confidence"] if sure else []), *fields, "Record"]
    classes = ["answer", "answer", *(["number"] if sure else []), *("text" for _ in fields), "soft"]
    count = f"{len(mistakes):,} mistakes"
    if len(mistakes) > most:
        count += f", {most:,} shown; errors.csv has all"
    rows = [_mistake(mistake, fields, sure) for mistake in shown]
    return element("details", element("summary", count), table(header, rows, classes=classes))


def _mistake(mistake: Mistake, fields: Sequence[str], sure: bool) -> list[str]:
    confidence = "" if mistake.confidence is None else f"{mistake.confidence:.2f}"
    texts = [mistake.fields.get(name, "") for name in fields]
    return [
        mistake.gold,
        mistake.predicted or f"({mistake.state})",
        *([confidence] if sure else []),
        *(shortened(text, _LONGEST_TEXT) for text in texts),
        mistake.id,
    ]
