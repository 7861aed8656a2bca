"""How close an answer is to those of several people, by the kind of feature; for `alternative_annotator`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from goldpan.evaluation.alternative_annotator import AlignmentScore
from goldpan.evaluation.coding import FAILED, FeatureValues
from goldpan.tasks.features import Extraction


def alignment_score(values: FeatureValues) -> AlignmentScore:
    """The score that suits a feature, over keys of its values: exact agreement for labels and rankings, minus
    the root mean square difference for scores, mean Jaccard similarity for sets.

    A failed prediction is further away than any answer.
    """
    if values.scale.kind == "ordered":
        return _minus_rmse
    if isinstance(values.feature, Extraction):
        return lambda answer, others: _mean_jaccard(
            answer if answer is FAILED else answer.matched, [other.matched for other in others]
        )
    return _mean_jaccard if values.scale.kind == "sets" else _agreement


def _agreement(answer: Any, others: Sequence[Any]) -> float:
    return -1.0 if answer is FAILED else sum(answer == other for other in others) / len(others)


def _minus_rmse(answer: Any, others: Sequence[Any]) -> float:
    if answer is FAILED:
        return -math.inf
    return -math.sqrt(sum((float(answer) - float(other)) ** 2 for other in others) / len(others))


def _mean_jaccard(answer: Any, others: Sequence[Any]) -> float:
    return -1.0 if answer is FAILED else sum(_jaccard(answer, other) for other in others) / len(others)


def _jaccard(answer: Sequence[str], other: Sequence[str]) -> float:
    first, second = Counter(answer), Counter(other)
    union = (first | second).total()
    return (first & second).total() / union if union else 1.0
