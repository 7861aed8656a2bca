"""Merging the collected answers of a wave, feature by feature."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from goldpan.statistics.scales import scale_of
from goldpan.study.wave import Strategy
from goldpan.tasks.features import Exclusive, value_of
from goldpan.waves.codebook import Codebook
from goldpan.waves.collect.adjudication import Decision
from goldpan.waves.collect.collected import RatingsByFeature
from goldpan.waves.merging.merged import FeatureAnswers, Merged, Resolution
from goldpan.waves.merging.strategies import merge_feature
from goldpan.waves.sheets.html_page import Disagreement

LlmPredictions = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""item id -> feature -> the LLM's prediction as in `features.jsonl`."""


def merge_wave(
    codebook: Codebook,
    items: Sequence[str],
    annotators: Sequence[str],
    ratings: RatingsByFeature,
    strategy: Strategy,
    predictions: LlmPredictions,
    decisions: Mapping[str, Mapping[str, Decision]],
) -> list[Merged]:
    """One row for each item and feature, items in the order given, features in that of the codebook.

    Binary features that exclude each other and both came out as yes need review, unless they were
    adjudicated.

    Args:
        codebook: what was asked.
        items: all items of the wave.
        annotators: all of the wave, in its order.
        ratings: feature -> item id -> annotator -> answer.
        strategy: how differences are resolved.
        predictions: the LLM's, looked at by `majority_llm` only.
        decisions: the adjudicator's, feature -> item id.

    Raises:
        StudyError: the strategy does not fit the annotators or a feature.
    """
    by_feature = {}
    for feature in codebook.features:
        answers = FeatureAnswers(
            feature=feature.name,
            scale=scale_of(feature),
            ratings=ratings.get(feature.name, {}),
            annotators=tuple(annotators),
            items=tuple(items),
            llm={
                item: value_of(dict(predicted[feature.name]))
                for item, predicted in predictions.items()
                if feature.name in predicted
            },
            decisions={item: decision.value for item, decision in decisions.get(feature.name, {}).items()},
        )
        by_feature[feature.name] = {row.item_id: row for row in merge_feature(answers, strategy)}
    for group in codebook.exclusive:
        _set_contradictions_aside(by_feature, group, items)
    return [by_feature[feature.name][item] for item in items for feature in codebook.features]


def _set_contradictions_aside(
    by_feature: dict[str, dict[str, Merged]], group: Exclusive, items: Sequence[str]
) -> None:
    for item in items:
        said_yes = [
            name
            for name in group.order
            if name in by_feature and by_feature[name][item].resolved and by_feature[name][item].final_label
        ]
        if len(said_yes) < 2:
            continue
        for name in said_yes:
            row = by_feature[name][item]
            if row.resolution != Resolution.ADJUDICATED:
                by_feature[name][item] = replace(row, final_label=None, resolution=Resolution.NEEDS_REVIEW)


def to_decide(rows: Iterable[Merged]) -> list[Merged]:
    """The rows that a person has to decide: answered, and without a label."""
    return [row for row in rows if not row.resolved and row.resolution != Resolution.UNANSWERED]


def awaiting_notes(rows: Iterable[Merged]) -> list[str]:
    """What to know about features of which some labels are still to be decided: how many, and which.

    Args:
        rows: all merged rows of a wave; what nobody has answered is not counted.
    """
    answered = [row for row in rows if row.resolution != Resolution.UNANSWERED]
    of_feature = Counter(row.feature for row in answered)
    awaiting = Counter(row.feature for row in to_decide(answered))
    return [
        f"{feature}: {count:,} of {of_feature[feature]:,} answered items of the wave await a decision; these "
        "are the hard ones, so figures measured without them are better than they would be."
        for feature, count in awaiting.items()
    ]


def disagreements(rows: Iterable[Merged], notes: Mapping[str, Mapping[str, str]]) -> list[Disagreement]:
    """What the adjudication page asks.

    Args:
        rows: merged rows.
        notes: what annotators wrote, item id -> annotator -> note.
    """
    return [
        Disagreement(row.item_id, row.feature, row.answers, notes.get(row.item_id, {}))
        for row in to_decide(rows)
    ]
