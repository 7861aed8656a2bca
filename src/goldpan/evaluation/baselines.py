"""What one gets without a model: the same answer to every item."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from goldpan.evaluation.coding import CodedPredictions, FeatureValues, Objects
from goldpan.evaluation.measured import measured
from goldpan.evaluation.report import Baseline
from goldpan.statistics.baselines import most_frequent
from goldpan.statistics.figures import Figure
from goldpan.statistics.sampling_design import Design
from goldpan.statistics.scales import value_text
from goldpan.tasks.features import Extraction
from goldpan.waves.codebook import CANNOT_TELL

_BEST_BY = {"sets": ("f1_micro", 1), "ranking": ("kendall_tau", 1), "ordered": ("mae", -1)}
_MOST_TIED = 50


def figures_of(
    coded: CodedPredictions, model: int, values: FeatureValues, design: Design
) -> tuple[Figure, ...]:
    """The figures of one model.

    Args:
        coded: gold values and predictions.
        model: which column of predictions, from 0.
        values: of the feature.
        design: of the same items.
    """
    codes = coded.codes[:, [0, model + 1]]
    return measured(codes, coded.possible_gold_codes, values, design, values.measures(coded))


def constant_answers(
    gold: Sequence[Hashable], values: FeatureValues, design: Design
) -> list[tuple[str, Hashable]]:
    """Name and answer of each baseline; the majority baseline is the first.

    The most frequent gold value, by the weights of the design, of equally frequent ones the best; of scores
    also the mean; of extractions nothing at all. They are found on the evaluated items themselves, which
    favours them a little.
    """
    if isinstance(values.feature, Extraction):
        return [("nothing", Objects((), ()))]
    keys = sorted(set(gold), key=key_text)
    codes = {key: code for code, key in enumerate(keys)}
    tied = most_frequent(np.array([codes[key] for key in gold]), design.weights)
    most = _best([keys[code] for code in tied[:_MOST_TIED]], gold, values, design)
    if values.scale.kind != "ordered":
        return [("majority", most)]
    mean = np.average([float(str(key)) for key in gold], weights=design.weights)
    return [("majority", most), ("mean", value_text(round(float(mean), 6)))]


def _best(tied: list[Hashable], gold: Sequence[Hashable], values: FeatureValues, design: Design) -> Hashable:
    """Of answers that are equally frequent the one that does best, and of these the first."""
    name, sign = _BEST_BY.get(values.scale.kind, (None, 0))
    if name is None or len(tied) == 1:
        return tied[0]
    coded = values.code(gold, [[answer] * len(gold) for answer in tied])
    found = []
    for column in range(len(tied)):
        measures = values.measures(coded)(coded.codes[:, [0, column + 1]])
        found.append(sign * measures.values(design.weights[None])[0, measures.names.index(name)])
    # Rounded, so that equal ones are so.
    return tied[int(np.nan_to_num(np.round(found, 9), nan=-np.inf).argmax())]


def evaluate_baselines(
    gold: Sequence[Hashable], values: FeatureValues, design: Design
) -> tuple[list[Hashable], tuple[Baseline, ...]]:
    """The baselines' answers, and how good they are.

    Args:
        gold: key of each item's gold value.
        values: of the feature.
        design: of the same items.
    """
    answers = constant_answers(gold, values, design)
    coded = values.code(gold, [[answer] * len(gold) for _, answer in answers])
    baselines = tuple(
        Baseline(name, key_text(answer), figures_of(coded, number, values, design))
        for number, (name, answer) in enumerate(answers)
    )
    return [answer for _, answer in answers], baselines


def key_text(key: Any) -> str:
    """The key of a value as text for people."""
    if key is None:
        return CANNOT_TELL
    if isinstance(key, Objects):
        return "; ".join(key.whole) or "(none)"
    if isinstance(key, tuple):
        return "; ".join(key) or "(none)"
    return str(key)
