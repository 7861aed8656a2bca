"""How well people agree on the items that prompts are compared on: what no prompt is expected to exceed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from goldpan.evaluation.coding import FAILED, CodedPredictions, FeatureValues
from goldpan.optimise.problem import SearchRow
from goldpan.optimise.report import Ceiling
from goldpan.optimise.resampled_metric import LabelSums, estimate_of, metric_of_sums
from goldpan.statistics.figures import Estimate, Kind
from goldpan.statistics.samples import FEWEST_UNITS
from goldpan.study.load import Project
from goldpan.study.optimised import Metric
from goldpan.waves.collect.collected import read_collected
from goldpan.waves.steps.run import WaveRun

Answers = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""feature -> record id -> annotator -> answer; None is "cannot tell"."""


def answers_of_wave(project: Project, wave: str) -> Answers:
    """What the annotators of a wave answered, by record id.

    Raises:
        ReconciliationError, SourceError: the collected answers cannot be read.
    """
    run = WaveRun(project, wave)
    root, paths = project.root, project.paths
    collected = read_collected(root / paths.answers(wave), root / paths.wave_status(wave))
    record_of = {item_id: item.id for item_id, item in run.items.items()}
    return {
        feature: {record_of[item]: dict(answers) for item, answers in by_item.items() if item in record_of}
        for feature, by_item in collected.ratings.items()
    }


def human_ceiling(
    wave: str,
    answers: Answers,
    values: Mapping[str, FeatureValues],
    rows: Sequence[SearchRow],
    metric: Metric,
    seed: int = 0,
) -> Ceiling:
    """How well people agree: the metric of one's answers, where the other's are taken for right.

    It is the mean over all pairs of annotators, in both directions, each pair weighted by the items that both
    answered; of several features the mean. Two people agree less often than each does with a label that was
    made of the answers of all, so this is a cautious ceiling.

    Args:
        wave: whose answers.
        answers: of the annotators; only those to `rows` are looked at.
        values: of each feature that counts.
        rows: that prompts are compared on.
        metric: of the search.
        seed: of the bootstrap.
    """
    ids = [row.id for row in rows]
    features = [_Answered(answers.get(name, {}), of, ids) for name, of in values.items()]
    people = sorted({name for feature in features for name in feature.annotators})
    items = sum(any(feature.is_paired[place] for feature in features) for place in range(len(ids)))
    if items < FEWEST_UNITS:
        few = Estimate(None, reason=f"two or more people answered {items} of these items")
        return Ceiling(few, wave, tuple(people), items)
    agreement = estimate_of(
        [row.group for row in rows], seed, lambda codes: _PairAgreement(metric, features, codes)
    )
    return Ceiling(agreement, wave, tuple(people), items)


class _Answered:
    """What people said of one feature of n items.

    Attributes:
        annotators: names.
        codes: shape (n, a): code of each one's answer; that of `missing` where there is none.
        is_paired: whether two or more answered an item, shape (n,).
    """

    def __init__(self, answers: Mapping[str, Mapping[str, Any]], values: FeatureValues, ids: Sequence[str]):
        self.values = values
        said = [
            {
                name: values.key(answer)
                for name, answer in answers.get(item, {}).items()
                if answer is not None or values.can_abstain
            }
            for item in ids
        ]
        self.annotators = sorted({name for by_name in said for name in by_name})
        columns = [[by_name.get(name, FAILED) for by_name in said] for name in self.annotators]
        first, *others = columns or [[FAILED] * len(ids)]
        self._coded = values.code(first, others)
        self.codes, self.missing = self._coded.codes, self._coded.failed
        self.is_paired = (self.codes != self.missing).sum(1) >= 2

    def pairs(self, metric: Metric) -> list[tuple[LabelSums, np.ndarray, np.ndarray]]:
        """Of each two annotators, in both directions, their answers and whether each one answered."""
        directed = [pair for two in combinations(range(len(self.annotators)), 2) for pair in (two, two[::-1])]
        found = []
        for true, said in directed:
            codes = self.codes[:, [true, said]]
            coded = CodedPredictions(self._coded.categories, codes, self._coded.is_nominal)
            right = self.values.right(coded)[:, 0].tolist()
            sums = LabelSums(metric, codes[:, 0].tolist(), codes[:, 1].tolist(), right)
            found.append((sums, codes[:, 0] != self.missing, codes[:, 1] != self.missing))
        return found


class _PairAgreement:
    """The mean over pairs of annotators of the metric between them, as a figure of items drawn again.

    Args:
        metric: of the search.
        features: what people said.
        codes: shape (u, 2), as for `estimate_of`: the item of the one's answer and that of the other's.
    """

    def __init__(self, metric: Metric, features: Sequence[_Answered], codes: np.ndarray):
        self.names: tuple[str, ...] = (metric,)
        self.kinds: dict[str, Kind] = {}
        self._metric = metric
        self._features = [
            [
                (is_there[:, None] * sums.of_rows(codes), is_there)
                for sums, first, second in feature.pairs(metric)
                if (is_there := (first[codes[:, 0]] & second[codes[:, 1]]).astype(float)).any()
            ]
            for feature in features
        ]
        self._is_paired = np.any([feature.is_paired for feature in features], axis=0)[codes[:, 0]]
        self.width = max((sums.shape[1] for pairs in self._features for sums, _ in pairs), default=1)

    def values(self, weights: np.ndarray) -> np.ndarray:
        """The mean (b, 1) under weights (b, u) of the items."""
        of_features = []
        for pairs in self._features:
            total, weighted = np.zeros(len(weights)), np.zeros(len(weights))
            for sums, is_there in pairs:
                number = weights @ is_there
                value = metric_of_sums(self._metric, weights @ sums, number)
                total += number
                weighted += np.where(number > 0, number * np.nan_to_num(value), 0.0)
            with np.errstate(divide="ignore", invalid="ignore"):
                of_features.append(np.where(total > 0, weighted / total, np.nan))
        return np.array(of_features).mean(0)[:, None]

    def denominators(self, weights: np.ndarray) -> np.ndarray:
        """The weight of the items that two or more answered, (b, 1)."""
        return (weights @ self._is_paired)[:, None]
