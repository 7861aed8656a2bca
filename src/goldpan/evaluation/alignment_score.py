"""How close an answer is to those of several people, by the kind of feature; for `alternative_annotator`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from goldpan.evaluation.alternative_annotator import Score
from goldpan.evaluation.coding import FAILED, Values
from goldpan.tasks.features import Extraction


def closeness(values: Values) -> Score:
    """The score that suits a feature, over keys of its values: exact agreement for labels and rankings, minus
    the root mean square difference for scores, mean Jaccard similarity for sets.

    A failed prediction is further away than any answer.
    """
    if values.scale.kind == "ordered":
        return _minus_rmse
    if isinstance(values.feature, Extraction):
        return lambda one, others: _mean_jaccard(
            one if one is FAILED else one.matched, [other.matched for other in others]
        )
    return _mean_jaccard if values.scale.kind == "sets" else _agreement


def _agreement(one: Any, others: Sequence[Any]) -> float:
    return -1.0 if one is FAILED else sum(one == other for other in others) / len(others)


def _minus_rmse(one: Any, others: Sequence[Any]) -> float:
    if one is FAILED:
        return -math.inf
    return -math.sqrt(sum((float(one) - float(other)) ** 2 for other in others) / len(others))


def _mean_jaccard(one: Any, others: Sequence[Any]) -> float:
    return -1.0 if one is FAILED else sum(_jaccard(one, other) for other in others) / len(others)


def _jaccard(one: Sequence[str], other: Sequence[str]) -> float:
    first, second = Counter(one), Counter(other)
    union = (first | second).total()
    return (first & second).total() / union if union else 1.0
