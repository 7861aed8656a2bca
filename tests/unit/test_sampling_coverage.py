"""Stratified waves, drawn as goldpan draws them: weighted figures hold the corpus's, raw ones need not.

`python -m tests.unit.test_sampling_coverage 400` prints the table of docs/waves.md.
"""

import sys
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

import numpy as np
import pytest

from goldpan.records.draw import rank, turns
from goldpan.statistics.figures import Kind, figures
from goldpan.statistics.label_measures import OneLabelMeasures, nan_ratio
from goldpan.statistics.samples import sample_of_predictions
from goldpan.statistics.sampling_design import design_of

RECORDS = 2000


@dataclass(frozen=True)
class Drawn:
    stratum: str
    inclusion_probability: float


class Measures:
    """Accuracy, recall and F1 of a label, and its share, as evaluation weights them."""

    names = ("accuracy", "recall", "f1", "share")
    kinds: ClassVar = {"accuracy": Kind.SHARE, "recall": Kind.SHARE, "f1": Kind.DICE, "share": Kind.SHARE}
    width = 4

    def __init__(self, codes):
        self._codes, self._label = codes, OneLabelMeasures(codes)

    def values(self, weights):
        gold, predicted = self._codes.T
        total = weights.sum(1)
        accuracy = nan_ratio(weights @ (gold == predicted).astype(float), total)
        label = self._label.values(weights)
        return np.column_stack([accuracy, label[:, 1:], nan_ratio(weights @ gold.astype(float), total)])

    def denominators(self, weights):
        total = weights.sum(1)
        return np.column_stack([total, self._label.denominators(weights)[:, 1:], total])


WAVES = {
    "100, at random": (100, "whole", "proportional"),
    "100, proportional to the LLM's answer": (100, "answer", "proportional"),
    "100, as many of each answer": (100, "answer", "equal"),
    "100, 80 of yes and 20 of no": (100, "answer", {"yes": 80, "no": 20}),
    "100, as many of each confidence": (100, "confidence", "equal"),
    "100, proportional to 20 sources": (100, "source", "proportional"),
    "300, as many of each answer": (300, "answer", "equal"),
}
"""Name -> items, what the strata are, allocation."""


def corpus(generator):
    """Codes (n, 2) of gold and prediction, and each record's stratum by each key. One in ten is a yes."""
    gold = generator.random(RECORDS) < 0.1
    confidence = generator.choice(4, p=[0.05, 0.15, 0.3, 0.5], size=RECORDS)
    wrong = generator.random(RECORDS) < np.array([0.35, 0.15, 0.05, 0.02])[confidence] * np.where(
        gold, 3, 0.8
    )
    codes = np.column_stack([gold, gold ^ wrong]).astype(np.int64)
    strata = {
        "whole": np.full(RECORDS, "all"),
        "answer": np.where(codes[:, 1], "yes", "no"),
        "confidence": confidence.astype(str),
        "source": generator.choice(20, p=np.arange(1, 21) / 210, size=RECORDS).astype(str),
    }
    return codes, strata


def drawn_by(strata, items, allocation, seed):
    """Which records are drawn, and how they were: the first of each stratum by rank."""
    population = Counter(strata.tolist())
    taken = Counter(islice(turns(population, allocation), items))
    ranked = sorted(range(len(strata)), key=lambda record: rank(seed, str(record)))
    chosen = [
        record
        for stratum, count in sorted(taken.items())
        for record in islice((record for record in ranked if strata[record] == stratum), count)
    ]
    how = [Drawn(strata[record], taken[strata[record]] / population[strata[record]]) for record in chosen]
    return np.array(chosen), how


def measured(name, waves, seed=4):
    """Raw and weighted (2, 4): share of intervals that hold the value of the corpus, and mean error."""
    items, key, allocation = WAVES[name]
    generator = np.random.default_rng(seed)
    codes, strata = corpus(generator)
    truth = Measures(codes).values(np.ones((1, RECORDS)))[0]
    holds, errors = [], []
    for wave in range(waves):
        chosen, how = drawn_by(strata[key], items, allocation, 1000 * seed + wave)
        sample = sample_of_predictions(codes[chosen], design_of(how, how), np.array([0, 1]))
        both = [(figure.raw, figure.weighted) for figure in figures(sample, Measures(sample.codes))]
        pairs = list(zip(both, truth, strict=True))
        holds.append([[_holds(each[way], value) for each, value in pairs] for way in (0, 1)])
        errors.append([[_value(each[way]) - value for each, value in pairs] for way in (0, 1)])
    return np.nanmean(holds, axis=0), np.nanmean(errors, axis=0)


def _holds(estimate, value):
    return np.nan if estimate.interval is None else estimate.interval.low <= value <= estimate.interval.high


def _value(estimate):
    return np.nan if estimate.value is None else estimate.value


def test_one_wave_is_measured():
    holds, _ = measured("100, as many of each answer", 1)
    assert np.isin(holds, (0, 1)).all(), "each figure has an interval"


@pytest.mark.slow
@pytest.mark.parametrize("name", WAVES)
def test_weighted_figures_of_a_stratified_wave_hold_those_of_the_corpus(name):
    holds, errors = measured(name, 30)
    assert holds[1].min() >= 0.8
    assert holds[1].mean() >= 0.9
    assert np.abs(errors[1, [0, 3]]).max() < 0.02, "accuracy and share have no bias"


@pytest.mark.slow
def test_raw_figures_of_a_wave_that_takes_more_of_one_answer_do_not():
    holds, _ = measured("100, as many of each answer", 20)
    assert holds[0, 3] == 0, "half of such a wave is yes, of the corpus a tenth"


def main(waves):
    for name in WAVES:
        holds, _ = measured(name, waves)
        cells = [f"{holds[way, number]:.2f}" for way in (1, 0) for number in range(4)]
        print("|", " | ".join([name, *cells]), "|", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
