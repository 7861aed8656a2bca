"""The part of the evaluation page about one feature."""

from __future__ import annotations

from collections.abc import Iterator

from goldpan.dot_plot import Dot, dot_plot
from goldpan.evaluation.alternative_annotator import FALSE_DISCOVERY_RATE
from goldpan.evaluation.comparison import Comparison
from goldpan.evaluation.formatting import (
    HEADLINES,
    KINDS,
    baseline_title,
    estimate,
    figure_title,
    p_value,
    percent,
    quoted,
)
from goldpan.evaluation.model_section import model_section
from goldpan.evaluation.prevalence import Prevalence
from goldpan.evaluation.report import FeatureEvaluation, ModelEvaluation
from goldpan.html import Markup, element, scroll_box, table, three_decimals
from goldpan.statistics.figures import figure

_SHARES = frozenset({"accuracy", "f1_micro"})
_MOST_LABELS_IN_PICTURE = 30


def feature_section(feature: FeatureEvaluation, mistakes: int) -> Iterator[Markup]:
    """The section's parts.

    Args:
        feature: the results.
        mistakes: how many mistakes of each model to show.
    """
    yield element("h2", feature.feature, id=anchor(feature.feature))
    yield element("p", _items(feature))
    for note in feature.notes:
        yield element("p", note, class_="warn")
    if not feature.models:
        return
    yield _all_models(feature)
    plot = _plot(feature)
    if plot is not None:
        yield plot
    for model in feature.models:
        yield from model_section(feature, model, mistakes)
    if feature.comparisons:
        yield element("h3", "Comparison of models")
        for comparison in feature.comparisons:
            yield from _comparison(feature, comparison)
    yield from _alternative(feature)
    for model in feature.models:
        if model.prevalence is not None:
            yield from _prevalence(model, model.prevalence)


def anchor(feature: str) -> str:
    """The id of a feature's section."""
    return f"feature-{feature}"


def _items(feature: FeatureEvaluation) -> str:
    items = feature.items
    text = f"{KINDS[feature.kind]}. {items.evaluated:,} of {items.in_split:,} gold items are evaluated"
    left_out = [
        f"{count:,} {why}"
        for count, why in [
            (items.gone, "gone from the sources"),
            (items.unresolved, "without a gold label"),
            (items.cannot_tell, "whose gold label is “cannot tell”"),
            (items.llm_decided, "whose gold label the LLM decided"),
        ]
        if count
    ]
    text += f"; left out are {', '.join(left_out)}." if left_out else "."
    if items.is_weighted:
        text += (
            " They were drawn with different probabilities: weighted figures speak of the whole corpus, the"
            " others only of these items."
        )
    return text


def _all_models(feature: FeatureEvaluation) -> Markup:
    weighted = feature.items.is_weighted
    names = HEADLINES[feature.kind]
    rows = [
        [model.model, *(quoted(model.figure(name), weighted) for name in names)] for model in feature.models
    ]
    rows += [
        [
            baseline_title(baseline),
            *(quoted(figure(baseline.figures, name), weighted) for name in names),
        ]
        for baseline in feature.baselines
    ]
    how = "Weighted to the whole corpus, with" if weighted else "With"
    return table(["", *(figure_title(name) for name in names)], rows, caption=f"{how} 95 % intervals")


def _plot(feature: FeatureEvaluation) -> Markup | None:
    """The first headline figure of all models, where it is a share."""
    name = HEADLINES[feature.kind][0]
    if name not in _SHARES:
        return None
    baseline = figure(feature.baselines[0].figures, name)
    dots = []
    for model in feature.models:
        measured = model.figure(name)
        assert measured is not None and baseline is not None
        own, beside = (
            (measured.weighted, baseline.weighted)
            if feature.items.is_weighted
            else (measured.raw, baseline.raw)
        )
        dots.append(Dot(model.model, own.value, own.interval, beside.value))
    axis = f"{figure_title(name)} (hollow: baseline)"
    return scroll_box(dot_plot(dots, axis), axis)


def _comparison(feature: FeatureEvaluation, comparison: Comparison) -> Iterator[Markup]:
    weighted = feature.items.is_weighted
    rows = [
        [figure_title(difference.name), quoted(difference, weighted)] for difference in comparison.differences
    ]
    yield table(
        ["Figure", f"{comparison.first} minus {comparison.second}"],
        rows,
        caption="Differences with 95 % intervals from a paired bootstrap",
    )
    test = comparison.mcnemar
    yield element(
        "p",
        f"Of {comparison.items:,} items, {test.only_first:,} only {comparison.first} has right and"
        f" {test.only_second:,} only {comparison.second} (exact McNemar test, p {p_value(test.p_value)}).",
    )


def _alternative(feature: FeatureEvaluation) -> Iterator[Markup]:
    tested = [(model.model, model.alternative) for model in feature.models if model.alternative is not None]
    if not tested:
        return
    yield element("h3", "Alternative annotator test")
    for name, result in tested:
        if result.winning_rate is None:
            yield element("p", f"{name}: not run; {result.reason}.")
            continue
        verdict = "may" if result.passes else "may not"
        yield element(
            "p",
            f"{name} wins against {percent(result.winning_rate)} of the annotators (epsilon"
            f" {result.epsilon:g},"
            f" false discovery rate {FALSE_DISCOVERY_RATE:g}), so by this test it {verdict} take the place of"
            f" one. On {percent(result.advantage_probability)} of the items it is as close to the other"
            " annotators as the one it would replace, or closer.",
        )
        rows = [
            [
                against.annotator,
                f"{against.items:,}",
                three_decimals(against.llm_share),
                three_decimals(against.annotator_share),
                p_value(against.p_value),
                "yes" if against.wins else "no" if against.p_value is not None else "too few items",
            ]
            for against in result.against
        ]
        header = ["In place of", "Items", f"{name} as close", "Annotator as close", "p", "Wins"]
        yield table(header, rows)


def _prevalence(model: ModelEvaluation, prevalence: Prevalence) -> Iterator[Markup]:
    yield element("h3", f"Prevalence in the whole corpus, by {model.model}")
    if prevalence.reason:
        yield element("p", f"Not estimated: {prevalence.reason}.")
        return
    yield element(
        "p",
        f"Of {prevalence.records:,} records with a prediction, corrected by {prevalence.items:,} gold items.",
    )
    if prevalence.corrected_mean is not None:
        yield element(
            "p",
            f"Mean: predicted {three_decimals(prevalence.predicted_mean)}, corrected"
            f" {estimate(prevalence.corrected_mean)}.",
        )
    if not prevalence.labels:
        return
    rows = [
        [
            label.label,
            percent(label.predicted),
            percent(label.corrected.value),
            ""
            if label.corrected.interval is None
            else f"{percent(label.corrected.interval.low)} to {percent(label.corrected.interval.high)}",
        ]
        for label in prevalence.labels
    ]
    for note in prevalence.notes:
        yield element("p", note, class_="warn")
    yield table(["Label", "Predicted", "Corrected", "95 % interval"], rows)
    if len(prevalence.labels) <= _MOST_LABELS_IN_PICTURE:
        dots = [
            Dot(label.label, label.corrected.value, label.corrected.interval, label.predicted)
            for label in prevalence.labels
        ]
        axis = "Share of the corpus (hollow: as predicted)"
        yield scroll_box(dot_plot(dots, axis), axis)
