"""The `dawid_skene` strategy: labels from a model of how annotators err, its posteriors as soft labels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from goldpan.errors import StudyError
from goldpan.statistics.dawid_skene import dawid_skene
from goldpan.statistics.scales import Scale
from goldpan.waves.agreement.open_values import presence
from goldpan.waves.agreement.ratings import CodedRatings, code_ratings
from goldpan.waves.merging.merged import (
    FeatureAnswers,
    Merged,
    Resolution,
    all_alike,
    check_annotators,
    soft_label,
)

FEWEST_ITEMS = 100
"""Items from which the model can be believed.

With three annotators and three labels, simulated, its certainty exceeds the share it gets right by 0.11 at 3
items, 0.07 at 30 and 0.03 at 100; up to there it is right no more often than the majority.
"""

_TIED = 1e-6


def merge_by_dawid_skene(feature: FeatureAnswers) -> list[Merged]:
    """One row for each item.

    Items whose two likeliest labels are as likely need review, and so do those whose every answer is another
    one: nothing but the model would speak for any of them, so their soft label is that of the answers.

    For sets of labels each label is a model of its own: given or not. "Cannot tell" is a label like any
    other, except in sets, where it is no answer.

    Raises:
        StudyError: fewer than three annotators, or a feature whose answers are not labels of a closed set.
    """
    check_annotators(feature, "dawid_skene")
    if feature.scale.kind == "sets" and feature.scale.labels is not None:
        return _merge_sets(feature, feature.scale.labels)
    if not feature.scale.closed:
        raise StudyError(
            f"feature `{feature.feature}`: `dawid_skene` needs labels of a closed set",
            remedy="use `adjudicate` or `majority` in a wave of its own for this feature",
        )
    coded = code_ratings(feature.ratings, Scale("nominal", feature.scale.labels), feature.annotators)
    posteriors = {}
    if coded.categories:
        posteriors = _by_item(coded, dawid_skene(coded.codes, len(coded.categories)).posteriors)
    return [_row(feature, item, coded, posteriors.get(item)) for item in feature.items]


def few_items_notes(rows: Iterable[Merged]) -> list[str]:
    """What to know about rows merged by `dawid_skene`: for which features there are too few items."""
    answered: dict[str, int] = {}
    for row in rows:
        answered[row.feature] = answered.get(row.feature, 0) + bool(row.answers)
    return [
        f"{feature}: `dawid_skene` learns how each annotator errs from {items:,} items. Below {FEWEST_ITEMS} "
        "it is right no more often than `majority`, and far surer of itself than it is right."
        for feature, items in answered.items()
        if 0 < items < FEWEST_ITEMS
    ]


def _all_differ(feature: FeatureAnswers, item: str) -> bool:
    """Whether there are several answers, and no two of them alike."""
    votes = [feature.key(value) for value in feature.answers(item).values()]
    return 1 < len(votes) == len(set(votes))


def _by_item(coded: CodedRatings, posteriors: np.ndarray) -> dict[str, np.ndarray]:
    """The posterior of each item that has an answer."""
    answered: np.ndarray = np.any(coded.codes >= 0, axis=1)
    return {item: posteriors[row] for row, item in enumerate(coded.items) if answered[row]}


def _row(feature: FeatureAnswers, item: str, coded: CodedRatings, posterior: np.ndarray | None) -> Merged:
    if posterior is None:
        return _decided(feature, item, None, Resolution.UNANSWERED, {})
    if _all_differ(feature, item):
        return _undecided(feature, item)
    order = np.argsort(-posterior, kind="stable")
    soft = {coded.labels[index]: round(float(posterior[index]), 6) for index in order}
    soft = {label: chance for label, chance in soft.items() if chance > 0}
    if len(order) > 1 and posterior[order[0]] - posterior[order[1]] < _TIED:
        return _decided(feature, item, None, Resolution.NEEDS_REVIEW, soft)
    label = _original(feature, coded.categories[order[0]])
    return _decided(feature, item, label, Resolution.DAWID_SKENE, soft)


def _original(feature: FeatureAnswers, key: Any) -> Any:
    """A value somebody gave that has this key: 3 and not the text "3"."""
    for answers in feature.ratings.values():
        for value in answers.values():
            if feature.key(value) == key:
                return value
    return key


def _merge_sets(feature: FeatureAnswers, labels: tuple[str, ...]) -> list[Merged]:
    coded = code_ratings(feature.ratings, feature.scale, feature.annotators)
    answered = {item for item, codes in zip(coded.items, coded.codes, strict=True) if (codes >= 0).any()}
    chances = {}
    for label in labels:
        chosen = presence(coded.codes, coded.categories, label)
        if (chosen == 1).any():
            chances[label] = _by_item(coded, dawid_skene(chosen, 2).posteriors[:, 1])
    rows = []
    for item in feature.items:
        soft = {
            label: round(float(by_item[item]), 6) for label, by_item in chances.items() if item in by_item
        }
        if item not in answered:
            rows.append(_decided(feature, item, None, Resolution.UNANSWERED, {}))
        elif _no_label_has_a_majority(feature, item):
            rows.append(_undecided(feature, item))
        elif any(abs(chance - 0.5) < _TIED for chance in soft.values()):
            rows.append(_decided(feature, item, None, Resolution.NEEDS_REVIEW, soft))
        else:
            likely = [label for label, chance in soft.items() if chance > 0.5]
            rows.append(_decided(feature, item, likely, Resolution.DAWID_SKENE, soft))
    return rows


def _no_label_has_a_majority(feature: FeatureAnswers, item: str) -> bool:
    """Whether the sets all differ, and none of them is what the annotators say label by label."""
    sets = [set(value) for value in feature.answers(item).values() if value is not None]
    if not _all_differ(feature, item) or not sets:
        return False
    votes = {label: sum(label in members for members in sets) for label in set().union(*sets)}
    chosen = {label for label, count in votes.items() if 2 * count > len(sets)}
    return any(2 * count == len(sets) for count in votes.values()) or (not chosen and all(sets))


def _undecided(feature: FeatureAnswers, item: str) -> Merged:
    return _decided(feature, item, None, Resolution.NEEDS_REVIEW, soft_label(feature, feature.answers(item)))


def _decided(
    feature: FeatureAnswers, item: str, label: Any, resolution: Resolution, soft: dict[str, float]
) -> Merged:
    answers = feature.answers(item)
    if item in feature.decisions:
        label, resolution = feature.decisions[item], Resolution.ADJUDICATED
    return Merged(item, feature.feature, label, resolution, all_alike(feature, answers), soft, answers)
