"""Confident learning with `cleanlab`, held against what the models' own mistakes explain."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from goldpan.error_analysis.items import ErrorItem, ErrorItems
from goldpan.error_analysis.slices import group_numbers
from goldpan.statistics.contaminated import contamination

_LEAST = 1e-6
_LIKELIER = 0.5


@dataclass(frozen=True)
class PooledAnswers:
    """What models with confidences say together of n rows.

    Attributes:
        items: the rows, in the order of their item ids.
        gold: codes of their labels, shape (n,).
        probabilities: of the k labels, shape (n, k).
        shown: the likeliest label of each, as shown.
        confidence: its probability, shape (n,).
    """

    items: list[ErrorItem]
    gold: np.ndarray
    probabilities: np.ndarray
    shown: list[str]
    confidence: np.ndarray

    @property
    def labels(self) -> int:
        """How many there are, k."""
        return int(self.probabilities.shape[1])

    @property
    def agrees(self) -> np.ndarray:
        """Whether the likeliest label is that of the gold, shape (n,)."""
        return np.asarray(self.probabilities.argmax(axis=1) == self.gold)


@dataclass(frozen=True)
class ConfidenceVerdict:
    """What confidences say about n labels.

    Attributes:
        is_suspected: shape (n,); nowhere where the whole is not significant.
        flipped: chance that each label is wrong, shape (n,).
        p_value: of labels without a fault.
        expected: how many labels without a fault would be suspected.
        listed_by_cleanlab: how many `cleanlab` lists by itself; 0 where it was not asked.
    """

    is_suspected: np.ndarray
    flipped: np.ndarray
    p_value: float
    expected: float
    listed_by_cleanlab: int


def pooled_answers(models: Sequence[tuple[ErrorItems, Sequence[ErrorItem]]]) -> PooledAnswers:
    """The probabilities of all labels, from those of the labels that models give.

    What a model leaves to other labels is spread evenly over them; of several models the mean of the
    logarithms counts.

    Args:
        models: each with its rows that have an answer; rows without a confidence are passed over.
    """
    answers: dict[str, list[ErrorItem]] = {}
    texts: dict[Hashable, str] = {}
    for _, rows in models:
        for item in rows:
            if item.confidence is not None:
                answers.setdefault(item.item_id, []).append(item)
                texts.setdefault(item.predicted_key, item.predicted)
                texts.setdefault(item.gold_key, item.gold)
    codes = {key: code for code, key in enumerate(sorted(texts, key=lambda key: texts[key]))}
    # Labels of the task that occur nowhere here are of no use; one alone has no other to be taken for.
    count = max(2, len(codes))
    ids = sorted(answers)
    logs = np.zeros((len(ids), count))
    for row, id in enumerate(ids):
        for item in answers[id]:
            confidence = min(max(float(item.confidence or 0.0), _LEAST), 1 - _LEAST)
            own = np.full(count, np.log((1 - confidence) / (count - 1)))
            own[codes[item.predicted_key]] = np.log(confidence)
            logs[row] += own / len(answers[id])
    probabilities = np.exp(logs - logs.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    names = [texts[key] for key in codes]
    first = [answers[id][0] for id in ids]
    return PooledAnswers(
        items=first,
        gold=np.array([codes[item.gold_key] for item in first], dtype=int),
        probabilities=probabilities,
        shown=[names[code] if code < len(names) else "" for code in probabilities.argmax(axis=1).tolist()],
        confidence=probabilities.max(axis=1),
    )


def suspected_by_confidence(pooled: PooledAnswers, alpha: float) -> ConfidenceVerdict:
    """The labels that confident learning lists and that are likelier wrong than the answer.

    Confident learning (Northcutt, Jiang and Chuang 2021, J Artif Intell Res 70:1373-1411) counts labels that
    a model contradicts although it is as sure as it mostly is of the other label. Some of these are the
    model's mistakes, also where no label is wrong. So first it is tested whether there are more than a
    recalibrated model makes (`statistics.contaminated`), and then kept is what is a wrong label with a chance
    of one half or more.

    Args:
        pooled: the answers.
        alpha: level of the test.
    """
    groups = group_numbers(pooled.items)
    effect = 1.0 if groups is None else float((np.bincount(groups) ** 2).sum() / len(groups))
    judged = contamination(pooled.confidence, pooled.agrees, pooled.labels, effect)
    nothing = np.zeros(len(pooled.items), dtype=bool)
    if judged.p_value > alpha:
        return ConfidenceVerdict(nothing, judged.flipped, judged.p_value, judged.expected, 0)
    listed = listed_by_cleanlab(pooled.gold, pooled.probabilities)
    return ConfidenceVerdict(
        is_suspected=listed & (judged.flipped >= _LIKELIER),
        flipped=judged.flipped,
        p_value=judged.p_value,
        expected=judged.expected,
        listed_by_cleanlab=int(listed.sum()),
    )


def listed_by_cleanlab(gold: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Whether `cleanlab` by itself calls each label an issue, shape (n,).

    Args:
        gold: codes of the labels, shape (n,).
        probabilities: out of sample, shape (n, k).
    """
    from cleanlab.filter import find_label_issues

    with warnings.catch_warnings():
        # It says so where a label of the predictions stands nowhere in the gold.
        warnings.simplefilter("ignore", UserWarning)
        return np.asarray(find_label_issues(gold, probabilities, n_jobs=1), dtype=bool)
