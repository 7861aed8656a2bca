"""What is merged, and what comes of it: answers to a feature; the label of each item, and who decided it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from goldpan.errors import StudyError
from goldpan.statistics.scales import Scale, value_text
from goldpan.study.wave import FEWEST_ANNOTATORS, Strategy
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
        by_annotator = self.ratings.get(item, {})
        return {name: by_annotator[name] for name in self.annotators if name in by_annotator}

    def key(self, value: Any) -> Hashable:
        """The form in which equal answers are equal; None for "cannot tell"."""
        return None if value is None else self.scale.key(value)


def check_annotators(feature: FeatureAnswers, strategy: Strategy) -> None:
    """Raise StudyError when the strategy does not go with the number of annotators."""
    count = len(feature.annotators)
    needed = FEWEST_ANNOTATORS.get(strategy, 1)
    if count < needed or (strategy == "majority_llm" and count > 2):
        exactly = "exactly" if strategy == "majority_llm" else "at least"
        raise StudyError(
            f"strategy `{strategy}` needs {exactly} {needed} annotators, but there are {count}",
            remedy="use `adjudicate`, which goes with any number",
        )


def all_alike(feature: FeatureAnswers, answers: Mapping[str, Any]) -> bool | None:
    """Whether all answers to an item are equal; None with fewer than two."""
    if len(answers) < 2:
        return None
    return len({feature.key(value) for value in answers.values()}) == 1


def soft_label(feature: FeatureAnswers, answers: Mapping[str, Any]) -> dict[str, float]:
    """Share of the answers for each label, most frequent first; for sets, share of those that hold it."""
    votes: Counter[str] = Counter()
    for value in answers.values():
        if value is None:
            votes[CANNOT_TELL] += 1
        elif feature.scale.kind == "sets":
            votes.update(sorted({value_text(member) for member in value}))
        else:
            votes[value_text(value)] += 1
    ordered = sorted(votes.items(), key=lambda vote: (-vote[1], vote[0]))
    return {label: round(count / len(answers), 6) for label, count in ordered}


def resolution_counts(rows: Sequence[Merged]) -> dict[str, int]:
    """How many rows were resolved in each way, in the order of `Resolution`; those that occur."""
    counts = Counter(row.resolution for row in rows)
    return {str(resolution): counts[resolution] for resolution in Resolution if counts[resolution]}
