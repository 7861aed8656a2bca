"""How often intervals of an evaluation hold the truth, in simulated waves with a fixed seed.

`python -m tests.interval_simulation` prints the tables that stand in docs/evaluation.md.
"""

import re
from dataclasses import dataclass, replace

import numpy as np

from goldpan.statistics.figures import figures
from goldpan.statistics.joined_measures import JoinedMeasures, PickedMeasures
from goldpan.statistics.label_measures import LabelMeasures, OneLabelMeasures
from goldpan.statistics.samples import sample_of_groups, sample_of_predictions
from goldpan.statistics.sampling_design import Design
from goldpan.statistics.score_measures import ScoreMeasures, ScoreScale
from goldpan.statistics.set_measures import MacroOfLabels, SetMeasures

_CORPUS = 200_000
_YES_NO = ("accuracy", "precision", "recall", "f1")
_LABELS = ("accuracy", "precision_macro", "recall_macro", "f1_macro", "cohen_kappa")


def _equal(items):
    return Design(np.zeros(items, dtype=int), np.ones(items))


def _from_corpus(corpus, items, generator):
    """Rows of the corpus, drawn at random, as a sample, and the sample's rows."""
    rows = corpus[generator.integers(0, len(corpus), items)]
    return sample_of_predictions(rows, _equal(items), np.unique(rows[:, 0]))


@dataclass(frozen=True)
class YesNo:
    """A yes or no; at random, or as many items predicted yes as predicted no, which are then weighted."""

    items: int
    prevalence: float
    sensitivity: float
    specificity: float
    balanced: bool = False
    names = _YES_NO

    def cells(self):
        how = "balanced by prediction" if self.balanced else "at random"
        quality = f"{self.sensitivity:g}, {self.specificity:g}"
        return [f"{self.items}, {how}", f"{100 * self.prevalence:g} %", quality]

    def prepared(self, generator):
        gold = generator.random(_CORPUS) < self.prevalence
        right = generator.random(_CORPUS)
        predicted = np.where(gold, right < self.sensitivity, right > self.specificity)
        return np.column_stack([gold, predicted]).astype(int)

    def measures(self, rows):
        one = OneLabelMeasures(rows)
        accuracy = PickedMeasures(LabelMeasures(rows, 2), ("accuracy",))
        return JoinedMeasures([("", accuracy), ("", one)])

    def sample(self, corpus, generator):
        if not self.balanced:
            rows = corpus[generator.integers(0, len(corpus), self.items)]
            return sample_of_predictions(rows, _equal(self.items), np.array([0, 1]))
        places = [
            generator.choice(np.flatnonzero(corpus[:, 1] == label), self.items // 2) for label in (0, 1)
        ]
        rows = corpus[np.concatenate(places)]
        yes = corpus[:, 1].mean()
        weights = np.where(rows[:, 1] == 1, yes, 1 - yes)
        return sample_of_predictions(rows, Design(rows[:, 1], weights / weights.mean()), np.array([0, 1]))


@dataclass(frozen=True)
class LeftOut:
    """A chain that leaves three quarters of 13,000 pages out, and finds something on 500 of the others.

    Of these 80 % have it, of the pages on which nothing was found 2 %, and of those left out `lost`. The wave
    has so many items of each of the three.
    """

    found: int
    not_found: int
    left_out: int
    lost: float
    names = ("precision", "recall", "f1")

    def cells(self):
        return [f"{self.found} + {self.not_found} + {self.left_out}", f"{100 * self.lost:g} %"]

    def prepared(self, generator):
        parts = [(500, 0.8, 1), (2500, 0.02, 0), (10_000, self.lost, 0)]
        return np.concatenate(
            [np.column_stack([np.arange(n) < round(share * n), np.full(n, yes)]) for n, share, yes in parts]
        ).astype(int)

    def measures(self, rows):
        return OneLabelMeasures(rows)

    def sample(self, corpus, generator):
        strata = np.split(np.arange(len(corpus)), [500, 3000])
        items = (self.found, self.not_found, self.left_out)
        drawn = [generator.choice(some, n, replace=False) for some, n in zip(strata, items, strict=True)]
        weights = np.repeat([len(some) / n for some, n in zip(strata, items, strict=True)], items)
        design = Design(np.repeat(np.arange(3), items), weights / weights.mean())
        return sample_of_predictions(corpus[np.concatenate(drawn)], design, np.array([0, 1]))


@dataclass(frozen=True)
class Labels:
    """One label of several; a wrong prediction is any other label, by how frequent these are."""

    items: int
    shares: str
    accuracy: float
    names = _LABELS

    def cells(self):
        return [str(self.items), self.shares, f"{self.accuracy:g}"]

    def _shares(self):
        shares = {
            "10, the j-th by 1 / j": 1 / np.arange(1, 11),
            "10, one 70 %, the others 3.3 %": np.array([0.7, *[0.3 / 9] * 9]),
            "10, each 0.6 of the one before": 0.6 ** np.arange(10),
            "10, alike": np.ones(10),
            "3, of 80, 15 and 5 %": np.array([0.8, 0.15, 0.05]),
            "2, of 95 and 5 %": np.array([0.95, 0.05]),
        }[self.shares]
        return shares / shares.sum()

    def prepared(self, generator):
        shares = self._shares()
        gold = generator.choice(len(shares), size=_CORPUS, p=shares)
        wrong = np.array(
            [
                generator.choice(len(shares), size=_CORPUS, p=np.delete(shares, label).sum() ** -1 * others)
                for label, others in enumerate(shares * (1 - np.eye(len(shares))))
            ]
        )[gold, np.arange(_CORPUS)]
        return np.column_stack([gold, np.where(generator.random(_CORPUS) < self.accuracy, gold, wrong)])

    def measures(self, rows):
        return PickedMeasures(LabelMeasures(rows, len(self._shares())), self.names)

    def sample(self, corpus, generator):
        rows = corpus[generator.integers(0, len(corpus), self.items)]
        return sample_of_predictions(rows, _equal(self.items), np.unique(rows))


@dataclass(frozen=True)
class Scores:
    """Whole numbers from 0 to 5, the higher the rarer, one in five off by one."""

    items: int
    names = ("accuracy", "mae", "rmse", "spearman", "cohen_kappa_quadratic")

    def cells(self):
        return [f"scores from 0 to 5, {self.items} items"]

    def prepared(self, generator):
        gold = generator.choice(6, size=_CORPUS, p=[0.35, 0.25, 0.2, 0.1, 0.07, 0.03])
        off = generator.choice(3, size=_CORPUS, p=[0.1, 0.8, 0.1]) - 1
        return np.column_stack([gold, np.clip(gold + off, 0, 5)])

    def measures(self, rows):
        return PickedMeasures(ScoreMeasures(rows, ScoreScale(np.arange(6.0), 0, 5, True)), self.names)

    def sample(self, corpus, generator):
        return _from_corpus(corpus, self.items, generator)


@dataclass(frozen=True)
class Sets:
    """Sets of five labels, which 40 to 5 % of the items have; of the members 85 % are found, 5 % added."""

    items: int
    names = ("precision_micro", "recall_micro", "f1_micro", "exact_match", "jaccard", "f1_macro")

    def cells(self):
        return [f"sets of five labels, {self.items} items"]

    def prepared(self, generator):
        gold = generator.random((_CORPUS, 5)) < [0.4, 0.3, 0.2, 0.1, 0.05]
        chance = generator.random((_CORPUS, 5))
        bits = 2 ** np.arange(5)
        return np.column_stack([gold @ bits, np.where(gold, chance < 0.85, chance < 0.05) @ bits])

    def measures(self, rows):
        sets = [
            tuple(label for place, label in enumerate("abcde") if code >> place & 1) for code in range(32)
        ]
        joined = JoinedMeasures([("", SetMeasures(rows, sets)), ("", MacroOfLabels(rows, sets, "abcde"))])
        return PickedMeasures(joined, self.names)

    def sample(self, corpus, generator):
        return _from_corpus(corpus, self.items, generator)


@dataclass(frozen=True)
class Groups:
    """Heads: records of three labels in groups of five, of which some are easy and some are hard."""

    groups: int
    names = ("accuracy", "f1_macro", "cohen_kappa")

    def cells(self):
        return [f"heads: {self.groups} groups of five records that are alike"]

    def prepared(self, generator):
        easy = np.repeat(generator.random(_CORPUS // 5) < 0.6, 5)
        gold = np.repeat(generator.choice(3, size=_CORPUS // 5, p=[0.5, 0.3, 0.2]), 5)
        right = generator.random(_CORPUS) < np.where(easy, 0.95, 0.6)
        return np.column_stack([gold, np.where(right, gold, (gold + 1) % 3)])

    def measures(self, rows):
        return PickedMeasures(LabelMeasures(rows, 3), self.names)

    def sample(self, corpus, generator):
        drawn = generator.integers(0, _CORPUS // 5, self.groups)
        rows = corpus.reshape(-1, 5, 2)[drawn].reshape(-1, 2)
        sample = sample_of_groups(np.repeat(np.arange(self.groups).astype(str), 5), 1)
        codes = np.column_stack([rows[sample.codes[:, 0], 0], rows[sample.codes[:, 1], 1]])
        return replace(sample, codes=codes)


YES_NO = [
    YesNo(60, 0.05, 0.8, 0.98),
    YesNo(200, 0.05, 0.8, 0.98),
    YesNo(60, 0.05, 0.95, 0.995),
    YesNo(200, 0.3, 0.9, 0.9),
    YesNo(60, 0.05, 0.8, 0.98, balanced=True),
    YesNo(200, 0.05, 0.8, 0.98, balanced=True),
    YesNo(200, 0.3, 0.9, 0.9, balanced=True),
    YesNo(200, 0.5, 0.98, 0.98, balanced=True),
]
LEFT_OUT = [
    LeftOut(*items, lost)
    for items in ((100, 100, 100), (60, 60, 30), (100, 50, 20), (100, 100, 400))
    for lost in (0, 0.002, 0.01, 0.04, 0.1)
]
LABELS = [
    Labels(100, "10, the j-th by 1 / j", 0.6),
    Labels(100, "10, the j-th by 1 / j", 0.8),
    Labels(300, "10, the j-th by 1 / j", 0.8),
    Labels(300, "10, the j-th by 1 / j", 0.95),
    Labels(100, "10, one 70 %, the others 3.3 %", 0.8),
    Labels(100, "10, each 0.6 of the one before", 0.6),
    Labels(300, "10, each 0.6 of the one before", 0.8),
    Labels(100, "10, alike", 0.8),
    Labels(100, "3, of 80, 15 and 5 %", 0.8),
    Labels(100, "2, of 95 and 5 %", 0.95),
]
OTHERS = [Scores(30), Scores(100), Sets(60), Sets(200), Groups(20), Groups(60)]


def coverage(case, waves, seed=0):
    """Of each figure, the share of intervals that hold the truth, and that of waves that have one.

    Args:
        case: what is simulated.
        waves: how many.
        seed: of the corpus and of the waves.
    """
    generator = np.random.default_rng(seed)
    corpus = case.prepared(generator)
    truth = case.measures(corpus).values(np.ones((1, len(corpus))))[0]
    held = np.full((waves, len(truth)), np.nan)
    for wave in range(waves):
        sample = case.sample(corpus, generator)
        for place, measured in enumerate(figures(sample, case.measures(sample.codes))):
            interval = measured.weighted.interval
            if interval is not None:
                held[wave, place] = interval.low - 1e-9 <= truth[place] <= interval.high + 1e-9
    return {
        name: (float(np.nanmean(column)), float((~np.isnan(column)).mean()))
        for name, column in zip(case.names, held.T, strict=True)
    }


def row(case, waves):
    """The row of the docs' table about a case."""
    measured = coverage(case, waves)
    texts = [
        f"{held:.2f}" + (f" ({100 * having:.0f} %)" if having < 0.995 else "")
        for held, having in measured.values()
    ]
    if len(case.cells()) == 1:
        texts = [", ".join(f"`{name}` {text}" for name, text in zip(measured, texts, strict=True))]
    return "| " + " | ".join([*case.cells(), *texts]) + " |"


def stated(docs, case):
    """What the docs say of a case: the coverage of each figure, in the order of its names."""
    start = "| " + " | ".join(case.cells()) + " |"
    line = next(line for line in docs.splitlines() if line.startswith(start))
    return [float(text) for text in re.findall(r"\b[01]\.\d\d\b", line[len(start) :])]


if __name__ == "__main__":
    for cases, waves in ((YES_NO, 1000), (LEFT_OUT, 1000), (LABELS, 500), (OTHERS, 500)):
        for case in cases:
            print(row(case, waves), flush=True)
