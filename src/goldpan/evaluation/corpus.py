"""Corrected prevalence of a feature's labels in the corpus that a model answered."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from goldpan.evaluation.baselines import figures_of, key_text
from goldpan.evaluation.coding import CodedPredictions, FeatureValues
from goldpan.evaluation.predictions import OK, FeatureCounts, Predictions
from goldpan.evaluation.prevalence import (
    LEAST_ITEMS,
    PLAIN,
    LabelPrevalence,
    PostStrata,
    Prevalence,
    corrected_mean,
    corrected_share,
    pooled_note,
    post_strata,
)
from goldpan.statistics.figures import figure
from goldpan.statistics.kappa import MOST_LABELS
from goldpan.statistics.sampling_design import Design, Drawn
from goldpan.tasks.features import Multilabel, Score

_TOLERANCE = 0.05


def corpus_prevalence(
    values: FeatureValues,
    model: Predictions,
    coded: CodedPredictions,
    design: Design,
    drawn: Iterable[Drawn],
    left_out: Sequence[bool] = (),
    is_targeted: bool = False,
) -> Prevalence | None:
    """How frequent each label really is in the corpus, by a model's counts and the gold sample.

    Args:
        values: of the feature.
        model: its predictions, with counts over the whole corpus.
        coded: gold values and the model's predictions of the same items as `design`.
        design: of the evaluated items.
        drawn: all items of the sample; they tell how large a population it was drawn from.
        left_out: whether each item was left out by the chain; such records are post-strata of their own, for
            they are far more than those that were asked about.
        is_targeted: whether the items are a targeted sample, by which nothing is corrected.

    Returns:
        None for features whose values are no labels or numbers.
    """
    counts = model.counts[values.feature.name]
    is_multilabel = isinstance(values.feature, Multilabel)
    if not values.scale.closed and not is_multilabel:
        return None
    answered = coded.codes[:, 1] != coded.failed
    items = int(answered.sum())
    reason = _reason(model, counts, items, sum(1 / item.inclusion_probability for item in drawn))
    if is_targeted:
        reason = (
            "the gold is a targeted sample, drawn from rows that an error analysis had listed: the model is"
            " wrong more often on them than elsewhere"
        )
    if not reason and design.is_grouped:
        reason = "records of one group may be alike, which its intervals know nothing of"
    if reason:
        return Prevalence(counts.records, items, reason=reason)
    answered_only = CodedPredictions(coded.categories, coded.codes[answered], coded.is_nominal)
    part = design.part(answered)
    labels, notes = (
        _of_sets(values, counts, answered_only, part.weights)
        if is_multilabel
        else _of_labels(
            values, counts, answered_only, part.weights, _LeftOut(model, values, left_out, answered)
        )
    )
    if not isinstance(values.feature, Score):
        return Prevalence(counts.records, items, tuple(labels), notes=notes)
    bias = figure(figures_of(answered_only, 0, values, part), "bias")
    assert bias is not None
    mean = counts.total / counts.records
    corrected = corrected_mean(mean, bias.weighted)
    return Prevalence(counts.records, items, tuple(labels), mean, corrected, notes=notes)


def _reason(model: Predictions, counts: FeatureCounts, items: int, population: float) -> str | None:
    if items < LEAST_ITEMS:
        return f"{items} gold items with a prediction are too few"
    if abs(population - counts.records) > _TOLERANCE * max(population, counts.records):
        if model.is_of_items:
            return "only the answers to the items of the wave are known, not those to the other records"
        failed = sum(count for state, count in model.states.items() if state != OK)
        if abs(population - counts.records - failed) <= _TOLERANCE * population:
            return f"the model answered only {counts.records:,} of {population:,.0f} records"
        return (
            f"the gold sample was drawn from {population:,.0f} records, but the model answered"
            f" {counts.records:,}: these are not the same corpus"
        )
    return None


class _LeftOut:
    """Which items and records were left out by the chain.

    Args:
        model: with counts of such records.
        values: of the feature.
        left_out: whether each item was left out; empty where none was.
        kept: mask of the items that are counted.
    """

    def __init__(self, model: Predictions, values: FeatureValues, left_out: Sequence[bool], kept: np.ndarray):
        self.items = (
            np.array(left_out, dtype=bool)[kept] if any(left_out) else np.zeros(kept.sum(), dtype=bool)
        )
        counted = model.left_out.get(values.feature.name)
        # Where no such item is at hand, their records are told from others by nothing.
        self.keys = counted.keys if counted is not None and self.items.any() else {}


def _of_labels(
    values: FeatureValues,
    counts: FeatureCounts,
    coded: CodedPredictions,
    weights: np.ndarray,
    left_out: _LeftOut,
) -> tuple[list[LabelPrevalence], tuple[str, ...]]:
    if not values.has_labels or not counts.keys or len(counts.keys) > MOST_LABELS:
        return [], ()
    coded = values.as_counted(coded)
    predicted = [
        (coded.categories[code], bool(is_left_out))
        for code, is_left_out in zip(coded.codes[:, 1], left_out.items, strict=True)
    ]
    sizes: dict[tuple[Hashable, bool], int] = {
        (key, False): number - left_out.keys.get(key, 0) for key, number in counts.keys.items()
    }
    sizes |= {(key, True): number for key, number in left_out.keys.items()}
    gold = [coded.categories[code] for code in coded.codes[:, 0]]
    occurring = {*counts.keys, *gold}
    ordered = [*values.scale.categories(occurring - {None}), *([None] if None in occurring else [])]
    strata = _post_strata(predicted, sizes)
    pooled = [
        key_text(key) + (" (left out)" if is_left_out else "")
        for key, is_left_out in sizes
        if (key, is_left_out) in strata.pooled
    ]
    note = pooled_note(sorted(pooled), strata)
    shares = [
        _label_prevalence(label, gold, strata, counts.keys.get(label, 0) / counts.records, weights)
        for label in ordered
        if label in occurring
    ]
    return shares, (note,) if note else ()


def _post_strata(predicted: Sequence[Hashable], sizes: Mapping[Any, int]) -> PostStrata:
    strata = post_strata(predicted, sizes)
    assert strata is not None  # Too few items were turned away before.
    return strata


def _label_prevalence(
    label: Hashable,
    gold: Sequence[Hashable],
    strata: PostStrata,
    share: float,
    weights: np.ndarray,
) -> LabelPrevalence:
    has = np.array([key == label for key in gold])
    return LabelPrevalence(key_text(label), share, corrected_share(has, weights, strata))


def _of_sets(
    values: FeatureValues, counts: FeatureCounts, coded: CodedPredictions, weights: np.ndarray
) -> tuple[list[LabelPrevalence], tuple[str, ...]]:
    prevalences: list[LabelPrevalence] = []
    plain: list[str] = []
    for label in values.scale.labels or ():
        gold, predicted = ([label in coded.categories[code] for code in column] for column in coded.codes.T)
        if not any(gold) and not counts.keys[label]:
            continue
        sizes: dict[Hashable, int] = {True: counts.keys[label], False: counts.records - counts.keys[label]}
        share = counts.keys[label] / counts.records
        strata = _post_strata(predicted, sizes)
        prevalence = _label_prevalence(True, gold, strata, share, weights)
        if strata.pooled:
            plain.append(label)
        prevalences.append(LabelPrevalence(label, prevalence.predicted, prevalence.corrected))
    if not plain:
        return prevalences, ()
    few = f"Fewer than {LEAST_ITEMS} gold items are predicted to have, or not to have, {', '.join(plain)}"
    return prevalences, (f"{few}: {PLAIN}.",)
