"""How well people do on the items that prompts are compared on: what no prompt is expected to exceed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
_Columns = tuple[int, int]


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
    """How well people do by the gold that prompts are held against, and how well they agree with each other.

    Both are means of the metric, over annotators, and over pairs of them in both directions, each weighted by
    its items; of several features the mean. A gold label that was made of several answers is met more often
    than one's answer by another's, by prompts as by people: so only the first is in the units of a prompt's
    metric. Looked at are items that two or more people answered: of others the label may be the one answer.

    Args:
        wave: whose answers.
        answers: of the annotators; only those to `rows` are looked at.
        values: of each feature that counts.
        rows: that prompts are compared on, with their gold.
        metric: of the search.
        seed: of the bootstrap.
    """
    features = [_Answered(answers.get(name, {}), of, rows) for name, of in values.items()]
    people = tuple(sorted({name for feature in features for name in feature.annotators}))
    items = sum(any(feature.is_paired[place] for feature in features) for place in range(len(rows)))
    if items < FEWEST_UNITS:
        few = Estimate(None, reason=f"two or more people answered {items} of these items")
        return Ceiling(few, wave, people, items)
    groups = [row.group for row in rows]

    def mean_of(columns: Callable[[_Answered], list[_Columns]]) -> Estimate:
        return estimate_of(groups, seed, lambda codes: _MeanOfPairs(metric, features, columns, codes))

    agreement, pairwise = mean_of(_Answered.with_gold), mean_of(_Answered.among_people)
    return Ceiling(agreement, wave, people, items, pairwise)


class _Answered:
    """What people said of one feature of n items.

    Attributes:
        annotators: names.
        codes: shape (n, 1 + a): code of the gold label and of each one's answer; that of `missing` where
            there is none.
        is_paired: whether two or more answered an item, shape (n,).
    """

    def __init__(
        self, answers: Mapping[str, Mapping[str, Any]], values: FeatureValues, rows: Sequence[SearchRow]
    ):
        self.values = values
        said = [
            {
                name: values.key(answer)
                for name, answer in answers.get(row.id, {}).items()
                if answer is not None or values.can_abstain
            }
            for row in rows
        ]
        self.annotators = sorted({name for by_name in said for name in by_name})
        columns = [[by_name.get(name, FAILED) for by_name in said] for name in self.annotators]
        gold = [values.key(row.answer[values.feature.key]) for row in rows]
        self._coded = values.code(gold, columns)
        self.codes, self.missing = self._coded.codes, self._coded.failed
        self.is_paired = (self.codes[:, 1:] != self.missing).sum(1) >= 2

    def with_gold(self) -> list[_Columns]:
        """The gold and each annotator, of `codes`."""
        return [(0, 1 + person) for person in range(len(self.annotators))]

    def among_people(self) -> list[_Columns]:
        """Each two annotators, in both directions, of `codes`."""
        two = list(combinations(range(1, 1 + len(self.annotators)), 2))
        return [pair for first, second in two for pair in ((first, second), (second, first))]

    def sums(self, metric: Metric, columns: _Columns) -> tuple[LabelSums, np.ndarray, np.ndarray]:
        """The second of two columns where the first is taken for right, and whether each has an answer to
        an item that counts."""
        codes = self.codes[:, list(columns)]
        coded = CodedPredictions(self._coded.categories, codes, self._coded.is_nominal)
        right = self.values.right(coded)[:, 0].tolist()
        is_there = (codes != self.missing) & self.is_paired[:, None]
        sums = LabelSums(metric, codes[:, 0].tolist(), codes[:, 1].tolist(), right)
        return sums, is_there[:, 0], is_there[:, 1]


class _MeanOfPairs:
    """The mean over pairs of columns of the metric between them, as a figure of items drawn again.

    Args:
        metric: of the search.
        features: what people said.
        columns: of a feature, those that are held against each other.
        codes: shape (u, 2), as for `estimate_of`: the item of the first one's answer and of the second's.
    """

    def __init__(
        self,
        metric: Metric,
        features: Sequence[_Answered],
        columns: Callable[[_Answered], list[_Columns]],
        codes: np.ndarray,
    ):
        self.names: tuple[str, ...] = (metric,)
        self.kinds: dict[str, Kind] = {}
        self._metric = metric
        self._features = [
            [
                (is_there[:, None] * sums.of_rows(codes), is_there)
                for sums, first, second in (feature.sums(metric, two) for two in columns(feature))
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
