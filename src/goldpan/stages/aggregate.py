"""Several samples of one record made into one prediction for each feature, with how far the samples agree."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from fractions import Fraction
from statistics import median
from typing import Any

from goldpan.files import canonical_json
from goldpan.stages.rows import Aggregated
from goldpan.study.stage import SampleAggregate
from goldpan.tasks.features import PREDICTION_TYPES, Feature, Multilabel, Score, value_of

Predictions = Mapping[str, dict[str, Any]]
"""feature -> prediction, as in features.jsonl."""
_OF_NUMBERS = ("mean", "median")


def aggregate_samples(
    samples: Sequence[Predictions], features: Mapping[str, Feature], asked: SampleAggregate | None
) -> tuple[dict[str, dict[str, Any]], dict[str, Aggregated]]:
    """One prediction for each feature, and how it came about.

    A prediction carries as `confidence` the share of the samples that say the same; not that of a mean or
    median, which may be one that no sample says. It has the rationale of the first sample that says so (of a
    mean that none says: of the first sample nearest to it).

    Args:
        samples: the predictions of the samples that were answered, at least one, in their order.
        features: of the task, by name.
        asked: what the stage says; None chooses by the type of the feature.
    """
    predictions, notes = {}, {}
    for name in samples[0]:
        sampled = [sample[name] for sample in samples if name in sample]
        predictions[name], notes[name] = _aggregate(sampled, features[name], asked)
    return predictions, notes


def way_of(feature: Feature, asked: SampleAggregate | None) -> SampleAggregate:
    """How the samples of a feature become one: as the stage says, where that goes with its type.

    By itself scores go by their mean, closed answers by majority; text and extractions, of which no two are
    alike, are the first. Only scores have a mean or a median.
    """
    if isinstance(feature, Score):
        return asked or "mean"
    if asked in ("majority", "first"):
        return asked
    return "first" if feature.type in ("text", "extraction") else "majority"


def _aggregate(
    predictions: Sequence[dict[str, Any]], feature: Feature, asked: SampleAggregate | None
) -> tuple[dict[str, Any], Aggregated]:
    how = way_of(feature, asked)
    values = [value_of(prediction) for prediction in predictions]
    keys = [_key(feature, value) for value in values]
    counts = Counter(keys)
    most = max(counts.values())
    note: Aggregated = {"by": how, "answers": len(predictions)}
    if len(predictions) > 1:
        note["agreement"] = round(most / len(predictions), 6)
    if how == "majority":
        value, tie = _majority(feature, values, keys)
        if tie:
            note["tie"] = True
    elif how == "first":
        value = values[0]
    else:
        value, exact = _of_numbers(how, values, whole=isinstance(feature, Score) and feature.integer)
        if exact is not None and exact != value:
            note["exact"] = exact
    wanted = _key(feature, value)
    prediction = predictions[keys.index(wanted)] if wanted in counts else _nearest(predictions, values, value)
    key = PREDICTION_TYPES[feature.type][1]
    made = {**prediction, key: value, "confidence": round(counts[wanted] / len(predictions), 6)}
    if how in _OF_NUMBERS:
        del made["confidence"]
    return made, note


def confidence_of(row: Mapping[str, Any], name: str) -> float | None:
    """The confidence of a row's prediction of a feature; None where it has none.

    Rows of an earlier goldpan have one with means and medians, too: the share of samples that happen to say
    just that, mostly 0, which says nothing about being right.
    """
    if row.get("aggregated", {}).get(name, {}).get("by") in _OF_NUMBERS:
        return None
    confidence: float | None = row["features"][name].get("confidence")
    return confidence


def _key(feature: Feature, value: Any) -> Hashable:
    """The form in which equal answers are equal: labels of a set in any order."""
    if isinstance(value, list):
        return canonical_json(sorted(value) if isinstance(feature, Multilabel) else value)
    return value


def _majority(feature: Feature, values: Sequence[Any], keys: Sequence[Hashable]) -> tuple[Any, bool]:
    """The value given most often, and whether others are given as often: of these the one that came first.

    Of a set each label counts for itself: those that more than half of the samples give, unless these are too
    few or too many for the feature, or most samples abstain.
    """
    if isinstance(feature, Multilabel):
        sets = [value for value in values if value is not None]
        votes = Counter(label for labels in sets for label in labels)
        chosen = [label for label in feature.label_list if 2 * votes[label] > len(sets)]
        most = len(feature.labels) if feature.max_labels is None else feature.max_labels
        if 2 * len(sets) > len(values) and feature.min_labels <= len(chosen) <= most:
            alike = next((labels for labels in sets if set(labels) == set(chosen)), chosen)
            return alike, any(2 * votes[label] == len(sets) for label in feature.label_list)
    # most_common keeps the order in which values first came.
    ranked = Counter(keys).most_common(2)
    tie = len(ranked) > 1 and ranked[0][1] == ranked[1][1]
    return values[keys.index(ranked[0][0])], tie


def _of_numbers(how: SampleAggregate, values: Sequence[Any], *, whole: bool) -> tuple[Any, float | None]:
    """Mean or median of scores, and what it is before a whole score is rounded to the nearest, halves up.

    Samples that abstain do not count, unless they are more than half: then the score abstains, too.
    """
    numbers = [value for value in values if value is not None]
    if 2 * len(numbers) < len(values) or not numbers:
        return None, None
    # Exact: three times 0.1 has the mean 0.1.
    exact = (
        Fraction(sum(map(Fraction, numbers)), len(numbers))
        if how == "mean"
        else median(map(Fraction, numbers))
    )
    value = math.floor(exact + Fraction(1, 2)) if whole else float(exact)
    return value, round(float(exact), 6)


def _nearest(predictions: Sequence[dict[str, Any]], values: Sequence[Any], value: Any) -> dict[str, Any]:
    if not isinstance(value, int | float):
        return predictions[0]
    return min(
        zip(predictions, values, strict=True),
        key=lambda pair: math.inf if pair[1] is None else abs(pair[1] - value),
    )[0]
