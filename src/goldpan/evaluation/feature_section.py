"""The part of the evaluation page about one feature."""

from __future__ import annotations

from collections.abc import Iterator

from goldpan.evaluation.alternative_annotator import LEVEL
from goldpan.evaluation.comparison import Comparison
from goldpan.evaluation.formatting import (
    HEADLINES,
    KINDS,
    baseline_title,
    estimate,
    number,
    p_value,
    percent,
    quoted,
    title,
)
from goldpan.evaluation.model_section import model_section
from goldpan.evaluation.pictures import Dot, dot_plot
from goldpan.evaluation.prevalence import Prevalence
from goldpan.evaluation.report import FeatureEvaluation, ModelEvaluation
from goldpan.html import Markup, element, table
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
    return table(["", *(title(name) for name in names)], rows, caption=f"{how} 95 % intervals")


def _plot(feature: FeatureEvaluation) -> Markup | None:
    """The first headline figure of all models, where it is a share."""
    name = HEADLINES[feature.kind][0]
    if name not in _SHARES:
        return None
    baseline = figure(feature.baselines[0].figures, name)
    dots = []
    for model in feature.models:
        found = model.figure(name)
        assert found is not None and baseline is not None
        one, beside = (
            (found.weighted, baseline.weighted) if feature.items.is_weighted else (found.raw, baseline.raw)
        )
        low, high = (one.interval.low, one.interval.high) if one.interval else (None, None)
        dots.append(Dot(model.model, one.value, low, high, beside.value))
    axis = f"{title(name)} (hollow: baseline)"
    return element("div", dot_plot(dots, axis), class_="scroll")


def _comparison(feature: FeatureEvaluation, found: Comparison) -> Iterator[Markup]:
    weighted = feature.items.is_weighted
    rows = [[title(one.name), quoted(one, weighted)] for one in found.differences]
    yield table(
        ["Figure", f"{found.first} minus {found.second}"],
        rows,
        caption="Differences with 95 % intervals from a paired bootstrap",
    )
    test = found.mcnemar
    yield element(
        "p",
        f"Of {found.items:,} items, {test.only_first:,} only {found.first} has right and"
        f" {test.only_second:,} only {found.second} (exact McNemar test, p {p_value(test.p_value)}).",
    )


def _alternative(feature: FeatureEvaluation) -> Iterator[Markup]:
    tested = [(model.model, model.alternative) for model in feature.models if model.alternative is not None]
    if not tested:
        return
    yield element("h3", "Alternative annotator test")
    for name, found in tested:
        if found.winning_rate is None:
            yield element("p", f"{name}: not run; {found.reason}.")
            continue
        verdict = "may" if found.passes else "may not"
        yield element(
            "p",
            f"{name} wins against {percent(found.winning_rate)} of the annotators (epsilon {found.epsilon:g},"
            f" false discovery rate {LEVEL:g}), so by this test it {verdict} take the place of one. On"
            f" {percent(found.advantage_probability)} of the items it is as close to the other annotators as"
            " the one it would replace, or closer.",
        )
        rows = [
            [
                one.annotator,
                f"{one.items:,}",
                number(one.llm_share),
                number(one.annotator_share),
                p_value(one.p_value),
                "yes" if one.wins else "no" if one.p_value is not None else "too few items",
            ]
            for one in found.against
        ]
        header = ["In place of", "Items", f"{name} as close", "Annotator as close", "p", "Wins"]
        yield table(header, rows)


def _prevalence(model: ModelEvaluation, found: Prevalence) -> Iterator[Markup]:
    yield element("h3", f"Prevalence in the whole corpus, by {model.model}")
    if found.reason:
        yield element("p", f"Not estimated: {found.reason}.")
        return
    yield element(
        "p",
        f"Of {found.records:,} records with a prediction, corrected by {found.items:,} gold items.",
    )
    if found.corrected_mean is not None:
        yield element(
            "p",
            f"Mean: predicted {number(found.predicted_mean)}, corrected {estimate(found.corrected_mean)}.",
        )
    if not found.labels:
        return
    rows = [
        [
            one.label,
            percent(one.predicted),
            percent(one.corrected.value),
            ""
            if one.corrected.interval is None
            else f"{percent(one.corrected.interval.low)} to {percent(one.corrected.interval.high)}",
        ]
        for one in found.labels
    ]
    yield table(["Label", "Predicted", "Corrected", "95 % interval"], rows)
    if len(found.labels) <= _MOST_LABELS_IN_PICTURE:
        dots = [
            Dot(
                one.label,
                one.corrected.value,
                one.corrected.interval.low if one.corrected.interval else None,
                one.corrected.interval.high if one.corrected.interval else None,
                one.predicted,
            )
            for one in found.labels
        ]
        axis = "Share of the corpus (hollow: as predicted)"
        yield element("div", dot_plot(dots, axis), class_="scroll")
