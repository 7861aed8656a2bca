"""The strategies: who decides when annotators differ, never silently.

Where all who answered agree, their answer passes. Where they differ, the strategy decides, or the row waits
(`awaiting_adjudication`) or is set aside (`needs_review`). A decision of the adjudicator always holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from goldpan.study.wave import Strategy
from goldpan.waves.merging.dawid_skene_strategy import is_model_strategy, merge_by_dawid_skene
from goldpan.waves.merging.merged import (
    FeatureAnswers,
    Merged,
    Resolution,
    all_alike,
    check_annotators,
    soft_label,
)

LabelAndResolution = tuple[Any, Resolution]
Decide = Callable[[FeatureAnswers, str], LabelAndResolution]
"""Decides an item on which the answers differ."""

_NO_LABEL: LabelAndResolution = (None, Resolution.NEEDS_REVIEW)


def merge_feature(feature: FeatureAnswers, strategy: Strategy) -> list[Merged]:
    """One row for each item, in the order of `feature.items`.

    Raises:
        StudyError: the strategy does not fit the number of annotators or the kind of feature.
    """
    if is_model_strategy(strategy):
        return merge_by_dawid_skene(feature, strategy)
    check_annotators(feature, strategy)
    return [_merged(feature, item, _STRATEGIES[strategy]) for item in feature.items]


def _merged(feature: FeatureAnswers, item: str, decide: Decide) -> Merged:
    answers = feature.answers(item)
    agree = all_alike(feature, answers)
    if item in feature.decisions:
        label, resolution = feature.decisions[item], Resolution.ADJUDICATED
    elif not answers:
        label, resolution = None, Resolution.UNANSWERED
    elif len(answers) == 1 and decide not in (_annotator_a, _annotator_b):
        label, resolution = next(iter(answers.values())), Resolution.SINGLE
    elif agree:
        label, resolution = next(iter(answers.values())), Resolution.AGREEMENT
    else:
        label, resolution = decide(feature, item)
    return Merged(item, feature.feature, label, resolution, agree, soft_label(feature, answers), answers)


def _adjudicate(feature: FeatureAnswers, item: str) -> LabelAndResolution:
    return None, Resolution.AWAITING_ADJUDICATION


def _conservative(feature: FeatureAnswers, item: str) -> LabelAndResolution:
    return _NO_LABEL


def _annotator(number: int, resolution: Resolution) -> Decide:
    def decide(feature: FeatureAnswers, item: str) -> LabelAndResolution:
        answers, annotator = feature.answers(item), feature.annotators[number]
        return (answers[annotator], resolution) if annotator in answers else _NO_LABEL

    return decide


_annotator_a = _annotator(0, Resolution.ANNOTATOR_A)
_annotator_b = _annotator(1, Resolution.ANNOTATOR_B)


def _majority(feature: FeatureAnswers, item: str) -> LabelAndResolution:
    """The answer of more than half of those who answered; for sets of labels, label by label."""
    answers = feature.answers(item)
    if feature.scale.kind == "sets" and feature.scale.labels is not None:
        return _majority_of_labels(answers, feature.scale.labels)
    votes = Counter(feature.key(value) for value in answers.values())
    winner, count = votes.most_common(1)[0]
    if 2 * count <= len(answers):
        return _NO_LABEL
    label = next(value for value in answers.values() if feature.key(value) == winner)
    return label, Resolution.MAJORITY


def _majority_of_labels(answers: Mapping[str, Any], labels: Sequence[str]) -> LabelAndResolution:
    abstained = sum(value is None for value in answers.values())
    if 2 * abstained > len(answers):
        return None, Resolution.MAJORITY
    votes = Counter(member for value in answers.values() if value is not None for member in set(value))
    chosen = [label for label in labels if 2 * votes[label] > len(answers)]
    tied = 2 * abstained == len(answers) or any(2 * count == len(answers) for count in votes.values())
    someone_chose_none = any(value is not None and not value for value in answers.values())
    if tied or (not chosen and not someone_chose_none):
        return _NO_LABEL
    return chosen, Resolution.MAJORITY


def _majority_llm(feature: FeatureAnswers, item: str) -> LabelAndResolution:
    """Of two annotators the one whom the LLM's answer supports; nobody when all three differ."""
    if item not in feature.llm:
        return _NO_LABEL
    supported = feature.key(feature.llm[item])
    resolutions = (Resolution.MAJORITY_A_LLM, Resolution.MAJORITY_B_LLM)
    for annotator, resolution in zip(feature.annotators, resolutions, strict=True):
        answer = feature.answers(item)[annotator]
        if feature.key(answer) == supported:
            return answer, resolution
    return _NO_LABEL


_STRATEGIES: dict[str, Decide] = {
    "adjudicate": _adjudicate,
    "conservative": _conservative,
    "majority": _majority,
    "majority_llm": _majority_llm,
    "annotator_a": _annotator_a,
    "annotator_b": _annotator_b,
}
