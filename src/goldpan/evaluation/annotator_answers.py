"""The annotators' own answers, for the alternative annotator test."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from goldpan.evaluation.alignment_score import alignment_score
from goldpan.evaluation.alternative_annotator import AlternativeAnnotator, alternative_annotator_test
from goldpan.evaluation.coding import FeatureValues
from goldpan.waves.merging.merged import Merged


@dataclass(frozen=True)
class AnnotatorAnswers:
    """What each annotator of a wave said.

    Attributes:
        answers: feature -> annotator -> item id -> answer; None is "cannot tell".
    """

    answers: Mapping[str, Mapping[str, Mapping[str, Any]]]

    def test(
        self, values: FeatureValues, llm: Mapping[str, Hashable], epsilon: float
    ) -> AlternativeAnnotator:
        """The alternative annotator test of one model on one feature.

        Args:
            values: of the feature.
            llm: item id -> key of the model's answer, or `FAILED`; only these items are looked at.
            epsilon: how much worse the model may be.
        """
        keys = {
            name: {
                item: values.key(answer)
                for item, answer in answers.items()
                if item in llm and (answer is not None or values.can_abstain)
            }
            for name, answers in self.answers.get(values.feature.name, {}).items()
        }
        return alternative_annotator_test(keys, llm, alignment_score(values), epsilon)


def annotator_answers_of(rows: Iterable[Merged]) -> AnnotatorAnswers:
    """The answers that merged rows were made from."""
    answers: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        for name, answer in row.answers.items():
            answers.setdefault(row.feature, {}).setdefault(name, {})[row.item_id] = answer
    return AnnotatorAnswers(answers)
