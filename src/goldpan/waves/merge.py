"""From several answers to one label: who decides when annotators differ, never silently.

Where all who answered agree, their answer passes. Where they differ, the strategy decides, or the row waits
(`awaiting_adjudication`) or is set aside (`needs_review`). A decision of the adjudicator always holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from goldpan.errors import StudyError
from goldpan.statistics.scales import Scale, value_text
from goldpan.study.wave import Strategy
from goldpan.waves.agreement.ratings import Ratings
from goldpan.waves.codebook import CANNOT_TELL


class Resolution(StrEnum):
    """How a row came to its label, or why it has none."""

    AGREEMENT = "agreement"
    SINGLE = "single"
    ADJUDICATED = "adjudicated"
    MAJORITY = "majority"
    MAJORITY_A_LLM = "majority_a_llm"
    MAJORITY_B_LLM = "majority_b_llm"
    ANNOTATOR_A = "annotator_a"
    ANNOTATOR_B = "annotator_b"
    DAWID_SKENE = "dawid_skene"
    AWAITING_ADJUDICATION = "awaiting_adjudication"
    NEEDS_REVIEW = "needs_review"
    UNANSWERED = "unanswered"


UNRESOLVED = frozenset({Resolution.AWAITING_ADJUDICATION, Resolution.NEEDS_REVIEW, Resolution.UNANSWERED})
BY_LLM = frozenset({Resolution.MAJORITY_A_LLM, Resolution.MAJORITY_B_LLM})


@dataclass(frozen=True)
class Merged:
    """One feature of one item.

    Attributes:
        item_id, feature: what it is about.
        final_label: the answer; None is "cannot tell", or no label where `resolved` is false.
        resolution: how it was decided.
        annotator_agreement: whether all who answered agree; None with fewer than two answers.
        soft_label: share of the annotators for each label (for sets, those that hold it; posterior with
            `dawid_skene`).
        answers: annotator -> answer.
    """

    item_id: str
    feature: str
    final_label: Any
    resolution: Resolution
    annotator_agreement: bool | None
    soft_label: dict[str, float]
    answers: dict[str, Any]

    @property
    def resolved(self) -> bool:
        """Whether there is a final label."""
        return self.resolution not in UNRESOLVED

    @property
    def llm_decided(self) -> bool:
        """Whether the LLM's answer tipped the scales; such rows must not be used to evaluate it."""
        return self.resolution in BY_LLM


@dataclass(frozen=True)
class FeatureAnswers:
    """All that is known about one feature of a wave.

    Attributes:
        feature: its name.
        scale: what kind of values it has.
        ratings: item id -> annotator -> value; None is "cannot tell".
        annotators: all of the wave, in its order: the first is a, the second b.
        items: all items of the wave, in their order; those without answers become rows as well.
        llm: the LLM's answers by item id; only `majority_llm` looks at them.
        decisions: the adjudicator's answers by item id.
    """

    feature: str
    scale: Scale
    ratings: Ratings
    annotators: tuple[str, ...]
    items: tuple[str, ...]
    llm: Mapping[str, Any]
    decisions: Mapping[str, Any]

    def answers(self, item: str) -> dict[str, Any]:
        """The answers to an item, in the order of the annotators."""
        given = self.ratings.get(item, {})
        return {name: given[name] for name in self.annotators if name in given}

    def key(self, value: Any) -> Hashable:
        """The form in which equal answers are equal; None for "cannot tell"."""
        return None if value is None else self.scale.key(value)


Choice = tuple[Any, Resolution]
Decide = Callable[[FeatureAnswers, str], Choice]
"""Decides an item on which the answers differ."""

_NO_LABEL: Choice = (None, Resolution.NEEDS_REVIEW)


def merge_feature(given: FeatureAnswers, strategy: Strategy) -> list[Merged]:
    """One row for each item, in the order of `given.items`.

    Raises:
        StudyError: the strategy does not fit the number of annotators or the kind of feature.
    """
    if strategy == "dawid_skene":
        from goldpan.waves.merge_model import merge_by_dawid_skene

        return merge_by_dawid_skene(given)
    check_annotators(given, strategy)
    return [_merged(given, item, _STRATEGIES[strategy]) for item in given.items]


def check_annotators(given: FeatureAnswers, strategy: Strategy) -> None:
    """Raise StudyError when the strategy does not go with the number of annotators."""
    count = len(given.annotators)
    needed = {"majority": 3, "dawid_skene": 3, "majority_llm": 2, "annotator_b": 2}.get(strategy, 1)
    if count < needed or (strategy == "majority_llm" and count > 2):
        exactly = "exactly" if strategy == "majority_llm" else "at least"
        raise StudyError(
            f"strategy `{strategy}` needs {exactly} {needed} annotators, but there are {count}",
            remedy="use `adjudicate`, which goes with any number",
        )


def _merged(given: FeatureAnswers, item: str, decide: Decide) -> Merged:
    answers = given.answers(item)
    agree = all_alike(given, answers)
    if item in given.decisions:
        label, resolution = given.decisions[item], Resolution.ADJUDICATED
    elif not answers:
        label, resolution = None, Resolution.UNANSWERED
    elif len(answers) == 1 and decide not in (_annotator_a, _annotator_b):
        label, resolution = next(iter(answers.values())), Resolution.SINGLE
    elif agree:
        label, resolution = next(iter(answers.values())), Resolution.AGREEMENT
    else:
        label, resolution = decide(given, item)
    return Merged(item, given.feature, label, resolution, agree, soft_label(given, answers), answers)


def all_alike(given: FeatureAnswers, answers: Mapping[str, Any]) -> bool | None:
    """Whether all answers to an item are equal; None with fewer than two."""
    if len(answers) < 2:
        return None
    return len({given.key(value) for value in answers.values()}) == 1


def soft_label(given: FeatureAnswers, answers: Mapping[str, Any]) -> dict[str, float]:
    """Share of the answers for each label, most frequent first; for sets, share of those that hold it."""
    votes: Counter[str] = Counter()
    for value in answers.values():
        if value is None:
            votes[CANNOT_TELL] += 1
        elif given.scale.kind == "sets":
            votes.update(sorted({value_text(member) for member in value}))
        else:
            votes[value_text(value)] += 1
    ordered = sorted(votes.items(), key=lambda vote: (-vote[1], vote[0]))
    return {label: round(count / len(answers), 6) for label, count in ordered}


def _adjudicate(given: FeatureAnswers, item: str) -> Choice:
    return None, Resolution.AWAITING_ADJUDICATION


def _conservative(given: FeatureAnswers, item: str) -> Choice:
    return _NO_LABEL


def _annotator_a(given: FeatureAnswers, item: str) -> Choice:
    return _answer_of(given, item, given.annotators[0], Resolution.ANNOTATOR_A)


def _annotator_b(given: FeatureAnswers, item: str) -> Choice:
    return _answer_of(given, item, given.annotators[1], Resolution.ANNOTATOR_B)


def _answer_of(given: FeatureAnswers, item: str, annotator: str, resolution: Resolution) -> Choice:
    answers = given.answers(item)
    return (answers[annotator], resolution) if annotator in answers else _NO_LABEL


def _majority(given: FeatureAnswers, item: str) -> Choice:
    """The answer of more than half of those who answered; for sets of labels, label by label."""
    answers = given.answers(item)
    if given.scale.kind == "sets" and given.scale.labels is not None:
        return _majority_of_labels(answers, given.scale.labels)
    votes = Counter(given.key(value) for value in answers.values())
    winner, count = votes.most_common(1)[0]
    if 2 * count <= len(answers):
        return _NO_LABEL
    label = next(value for value in answers.values() if given.key(value) == winner)
    return label, Resolution.MAJORITY


def _majority_of_labels(answers: Mapping[str, Any], labels: Sequence[str]) -> Choice:
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


def _majority_llm(given: FeatureAnswers, item: str) -> Choice:
    """Of two annotators the one whom the LLM's answer supports; nobody when all three differ."""
    if item not in given.llm:
        return _NO_LABEL
    supported = given.key(given.llm[item])
    resolutions = (Resolution.MAJORITY_A_LLM, Resolution.MAJORITY_B_LLM)
    for annotator, resolution in zip(given.annotators, resolutions, strict=True):
        answer = given.answers(item)[annotator]
        if given.key(answer) == supported:
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


def resolution_counts(rows: Sequence[Merged]) -> dict[str, int]:
    """How many rows were resolved in each way, in the order of `Resolution`; those that occur."""
    found = Counter(row.resolution for row in rows)
    return {str(resolution): found[resolution] for resolution in Resolution if found[resolution]}
