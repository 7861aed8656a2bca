"""What a head can do: the figures of each target, the baselines, whether more labels would help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from goldpan.heads.intervals import FEWEST_GROUPS, Figure, Sample
from goldpan.heads.measures import MAIN_FIGURE, Answers, answers_of
from goldpan.heads.model import Predicted
from goldpan.heads.targets import Target
from goldpan.statistics.scales import value_text

Verdict = Literal["yes", "no", "unclear"]
_WORTH_IT = 0.01
"""Less than this, gained by the last doubling of the labels, is not worth more of them."""


@dataclass(frozen=True)
class LabelCounts:
    """Labelled records of a split: all, and how many have each label; no labels for a regression."""

    records: int
    labels: dict[str, int]


@dataclass(frozen=True)
class Baseline:
    """The best one can do without looking at a record: the same answer to all.

    Attributes:
        answer: which, as text.
        figures: of the constant answer.
        gain: figures of the head less those of the baseline; for errors, below 0 is better.
    """

    answer: str
    figures: dict[str, Figure]
    gain: dict[str, Figure]

    def as_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {"answer": self.answer, "figures": _json(self.figures), "gain": _json(self.gain)}


@dataclass(frozen=True)
class CurvePoint:
    """One point of a learning curve: a head trained on some of the labels.

    Attributes:
        share: of the groups of the training split.
        records: labelled records among them.
        figure: the main figure on the records measured on.
    """

    share: float
    records: int
    figure: Figure

    def as_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {"share": self.share, "records": self.records, "figure": self.figure.as_json()}


@dataclass(frozen=True)
class LearningCurve:
    """How a head gets better with more labels.

    Attributes:
        figure: name of the figure; larger is better.
        points: from few labels to all.
        compared_with: the share of the labels that all of them are compared with, about half.
        gain: main figure with all labels less that with that share.
        more_labels_help: `yes` when the gain is above 0 with its whole interval, `no` when at most 0.01 with
            its whole interval, else `unclear`.
    """

    figure: str
    points: tuple[CurvePoint, ...]
    compared_with: float
    gain: Figure

    @property
    def more_labels_help(self) -> Verdict:
        """Whether more labels would help, as far as the last doubling tells."""
        if self.gain.interval is None:
            return "unclear"
        if self.gain.interval.low > 0:
            return "yes"
        return "no" if self.gain.interval.high <= _WORTH_IT else "unclear"

    def as_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {
            "figure": self.figure,
            "points": [point.as_json() for point in self.points],
            "compared_with": self.compared_with,
            "gain": self.gain.as_json(),
            "more_labels_help": self.more_labels_help,
        }


@dataclass(frozen=True)
class TargetReport:
    """What a head can do for one target.

    Attributes:
        target: which.
        counts: by split.
        groups: groups among the records measured on.
        figures: on these records.
        baselines: by name, `majority` or `mean`, found on the training split.
        curve: the learning curve, if the study asks for one.
    """

    target: Target
    counts: dict[str, LabelCounts]
    groups: int
    figures: dict[str, Figure]
    baselines: dict[str, Baseline]
    curve: LearningCurve | None

    def as_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {
            "kind": self.target.kind,
            "column": self.target.column,
            "labels": list(self.target.labels),
            "counts": {split: asdict(counts) for split, counts in self.counts.items()},
            "groups_measured": self.groups,
            "notes": self._notes(),
            "figures": _json(self.figures),
            "baselines": {name: one.as_json() for name, one in self.baselines.items()},
            "learning_curve": self.curve.as_json() if self.curve else None,
        }

    def _notes(self) -> list[str]:
        if self.groups >= FEWEST_GROUPS:
            return []
        return [
            f"Records of one group are alike, and those measured on are of {self.groups} group(s) only:"
            f" below {FEWEST_GROUPS} nobody can tell how sure these figures are."
        ]


def baselines_of(
    target: Target, train: np.ndarray, truth: np.ndarray, answers: Answers, sample: Sample
) -> dict[str, Baseline]:
    """The constant answers that a head must beat.

    Args:
        target: which.
        train: encoded values of the training split, without NaN.
        truth: encoded values of the records measured on.
        answers: the head's of the same records.
        sample: the same records.
    """
    found = {}
    for name, (shown, predicted) in _constant_answers(target, train, len(truth)).items():
        constant = answers_of(target, truth, predicted)
        found[name] = Baseline(shown, sample.figures(constant), sample.differences(answers, constant))
    return found


def learning_curve(sample: Sample, answers: Sequence[tuple[float, int, Answers]]) -> LearningCurve:
    """The learning curve of a target.

    Args:
        sample: the records measured on.
        answers: share, labelled records and answers of the heads trained on them; the last is of all labels.
    """
    name = MAIN_FIGURE[sample.target.kind]
    points = tuple(
        CurvePoint(share, records, sample.figures(given)[name]) for share, records, given in answers
    )
    share, _, half = min(answers[:-1], key=lambda one: abs(one[0] - 0.5))
    gain = sample.differences(answers[-1][2], half)[name]
    return LearningCurve(name, points, share, gain)


def _constant_answers(target: Target, train: np.ndarray, records: int) -> dict[str, tuple[str, Predicted]]:
    """Constant answers by name, as text and for so many records."""
    if target.kind == "regression":
        mean = float(train.mean())
        return {"mean": (value_text(round(mean, 6)), Predicted(np.full(records, mean)))}
    places = train.astype(int)
    majority = int(np.bincount(places, minlength=len(target.labels)).argmax())
    labels = np.full(records, majority)
    if target.kind == "classification":
        return {"majority": (target.labels[majority], Predicted(None, labels))}
    mean = float(target.positions[places].mean())
    nearest = int(np.abs(target.positions - mean).argmin())
    scores = np.full(records, target.positions[majority])
    return {
        "majority": (target.labels[majority], Predicted(scores, labels)),
        "mean": (value_text(round(mean, 6)), Predicted(np.full(records, mean), np.full(records, nearest))),
    }


def _json(figures: dict[str, Figure]) -> dict[str, Any]:
    return {name: figure.as_json() for name, figure in figures.items()}
