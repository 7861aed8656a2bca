"""The `dawid_skene` strategies: labels from a model of how annotators err, its posteriors as soft labels.

`dawid_skene` takes the model that the answers bear; `dawid_skene_full`, `dawid_skene_shrunk` and
`dawid_skene_one_coin` name one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import numpy as np

from goldpan.errors import StudyError
from goldpan.statistics.annotator_model_choice import ModelChoice, calibrated_posteriors, choose_model, sized
from goldpan.statistics.dawid_skene import AnnotatorModel
from goldpan.statistics.scales import Scale
from goldpan.study.wave import Strategy
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

STRATEGY = "dawid_skene"
FEWEST_ANSWERS = 50
"""Answers for each free parameter from which a model's certainty can be believed.

`tests/unit/test_merge_simulations.py` measures by how much it exceeds the share that is right.
"""

_MODEL_NAMES: dict[AnnotatorModel, str] = {
    "one_coin": "the one-coin model",
    "shrunk": "the full model shrunk towards the one-coin model",
    "full": "the full model",
}
_TIED = 1e-6


def is_model_strategy(strategy: Strategy) -> bool:
    """Whether a strategy is one of these."""
    return strategy.startswith(STRATEGY)


def check_labels_closed(feature: str, scale: Scale, strategy: Strategy) -> None:
    """Raise StudyError where a strategy needs labels of a closed set, and a feature has none."""
    if is_model_strategy(strategy) and not scale.closed and (scale.kind != "sets" or scale.labels is None):
        raise StudyError(
            f"feature `{feature}`: `{strategy}` needs labels of a closed set",
            remedy="use `adjudicate` or `majority` in a wave of its own for this feature",
        )


def model_choice(feature: FeatureAnswers, strategy: Strategy) -> ModelChoice:
    """The model that a strategy names, or for `dawid_skene` the one that the answers bear.

    Raises:
        StudyError: fewer than three annotators, or a feature whose answers are not labels of a closed set.
    """
    check_annotators(feature, strategy)
    check_labels_closed(feature.feature, feature.scale, strategy)
    coded = _coded(feature)
    questions, labels = [coded.codes], len(coded.categories)
    if coded.annotators and feature.scale.kind == "sets":
        questions, labels = list(_given_or_not(feature, coded).values()), 2
    if strategy == STRATEGY:
        return choose_model(questions, labels)
    return sized(cast(AnnotatorModel, strategy.removeprefix(f"{STRATEGY}_")), questions, labels)


def strategy_of(choice: ModelChoice) -> Strategy:
    """The strategy that names the chosen model."""
    return cast(Strategy, f"{STRATEGY}_{choice.model}")


def merge_by_dawid_skene(feature: FeatureAnswers, strategy: Strategy = "dawid_skene") -> list[Merged]:
    """One row for each item.

    Items whose two likeliest labels are as likely need review, and so do those whose every answer is another
    one: nothing but the model would speak for any of them, so their soft label is that of the answers.

    For sets of labels each label is a question of its own: given or not. "Cannot tell" is a label like any
    other, except in sets, where it is no answer.

    Raises:
        StudyError: as for `model_choice`.
    """
    model = model_choice(feature, strategy).model
    coded = _coded(feature)
    if not coded.annotators:
        return [_row(feature, item, coded, None) for item in feature.items]
    if feature.scale.kind == "sets":
        return _merge_sets(feature, coded, model)
    posteriors = {}
    if coded.categories:
        posteriors = _by_item(coded, calibrated_posteriors(model, coded.codes, len(coded.categories)))
    return [_row(feature, item, coded, posteriors.get(item)) for item in feature.items]


def model_note(feature: str, choice: ModelChoice, strategy: Strategy) -> str:
    """What to know about a feature merged by a model: which, and whether it had enough to learn from."""
    chosen = f" (chosen: {choice.reason})" if choice.reason else ""
    note = (
        f"{feature}: `{strategy}` is {_MODEL_NAMES[choice.model]}{chosen}, with {choice.answers:,} answers "
        f"for {choice.parameters:,} free parameters, {choice.answers_per_parameter:.3g} for each."
    )
    if choice.answers_per_parameter >= FEWEST_ANSWERS:
        return note
    return (
        f"{note} Below {FEWEST_ANSWERS} it is surer of itself than it is right, most of all where votes are "
        "tied: do not take its soft labels for chances."
    )


def model_notes(rows: Iterable[Merged], scales: Mapping[str, Scale], strategy: Strategy) -> list[str]:
    """The notes on merged rows, a feature each; none where nobody has answered or no model was asked for.

    Args:
        rows: merged rows; their answers are what the model had.
        scales: of the features.
        strategy: what they were merged by.
    """
    if not is_model_strategy(strategy):
        return []
    by_feature: dict[str, list[Merged]] = {}
    for row in rows:
        by_feature.setdefault(row.feature, []).append(row)
    notes = []
    for name, merged in by_feature.items():
        annotators = tuple(dict.fromkeys(annotator for row in merged for annotator in row.answers))
        ratings = {row.item_id: row.answers for row in merged}
        if len(annotators) > 2:
            feature = FeatureAnswers(name, scales[name], ratings, annotators, tuple(ratings), {}, {})
            notes.append(model_note(name, model_choice(feature, strategy), strategy))
    return notes


def _coded(feature: FeatureAnswers) -> CodedRatings:
    """The answers as codes, of all who answered; who is named first must not decide anything."""
    named = {name for item in feature.items for name in feature.answers(item)}
    scale = feature.scale if feature.scale.kind == "sets" else Scale("nominal", feature.scale.labels)
    return code_ratings(feature.ratings, scale, sorted(named))


def _given_or_not(feature: FeatureAnswers, coded: CodedRatings) -> dict[str, np.ndarray]:
    """Of sets: label -> codes (n, m), 1 where it was given, else 0; for labels that somebody gave."""
    of_label = {label: presence(coded.codes, coded.categories, label) for label in feature.scale.labels or ()}
    return {label: codes for label, codes in of_label.items() if (codes == 1).any()}


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


def _merge_sets(feature: FeatureAnswers, coded: CodedRatings, model: AnnotatorModel) -> list[Merged]:
    answered = {item for item, codes in zip(coded.items, coded.codes, strict=True) if (codes >= 0).any()}
    chances = {
        label: _by_item(coded, calibrated_posteriors(model, codes, 2)[:, 1])
        for label, codes in _given_or_not(feature, coded).items()
    }
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
