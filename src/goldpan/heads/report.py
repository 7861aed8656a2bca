"""What a head can do: the figures of each target, the baselines, whether more labels would help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from goldpan.as_json import AsJson
from goldpan.heads.measured import MAIN_FIGURE, MeasuredRecords
from goldpan.heads.model import HeadPredictions
from goldpan.heads.targets import Target
from goldpan.statistics.baselines import majority
from goldpan.statistics.figures import Estimate
from goldpan.statistics.samples import FEWEST_UNITS
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
class ConstantBaseline(AsJson):
    """The best one can do without looking at a record: the same answer to all.

    Attributes:
        answer: which, as text.
        figures: of the constant answer.
        gain: figures of the head less those of the baseline; for errors, below 0 is better.
    """

    answer: str
    figures: dict[str, Estimate]
    gain: dict[str, Estimate]


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
    figure: Estimate

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
    gain: Estimate

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
        records: those measured on; None where that was not kept.
    """

    target: Target
    counts: dict[str, LabelCounts]
    groups: int
    figures: dict[str, Estimate]
    baselines: dict[str, ConstantBaseline]
    curve: LearningCurve | None
    records: int | None = None

    def as_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {
            "kind": self.target.kind,
            "column": self.target.column,
            "labels": list(self.target.labels),
            "counts": {split: asdict(counts) for split, counts in self.counts.items()},
            "groups_measured": self.groups,
            "notes": self._notes(),
            "figures": {name: figure.as_json() for name, figure in self.figures.items()},
            "baselines": {name: baseline.as_json() for name, baseline in self.baselines.items()},
            "learning_curve": self.curve.as_json() if self.curve else None,
        }

    def _notes(self) -> list[str]:
        if self.groups >= FEWEST_UNITS:
            return []
        nobody_knows = f"below {FEWEST_UNITS} nobody can tell how sure these figures are."
        if self.groups == self.records:
            # Each record is a group of its own, as where no group was set.
            only = "Only 1 record is" if self.records == 1 else f"Only {self.records} records are"
            return [f"{only} measured on: {nobody_knows}"]
        groups = "1 group" if self.groups == 1 else f"{self.groups} groups"
        return [f"Records of one group are alike, and those measured on are of {groups} only: {nobody_knows}"]


def baselines_of(
    records: MeasuredRecords, train: np.ndarray, predicted: HeadPredictions
) -> dict[str, ConstantBaseline]:
    """The constant answers that a head must beat.

    Args:
        records: those measured on.
        train: encoded values of the training split, without NaN.
        predicted: by the head for the records.
    """
    constant_answers = _constant_answers(records.target, train, len(records.truth))
    return {
        name: ConstantBaseline(shown, records.figures(constant), records.differences(predicted, constant))
        for name, (shown, constant) in constant_answers.items()
    }


def learning_curve(
    records: MeasuredRecords, heads: Sequence[tuple[float, int, HeadPredictions]]
) -> LearningCurve:
    """The learning curve of a target.

    Args:
        records: those measured on.
        heads: share, labelled records and predictions of the heads trained on them; the last of all labels.
    """
    name = MAIN_FIGURE[records.target.kind]
    points = tuple(
        CurvePoint(share, trained_on, records.figures(predicted)[name])
        for share, trained_on, predicted in heads
    )
    share, _, half = min(heads[:-1], key=lambda head: abs(head[0] - 0.5))
    gain = records.differences(heads[-1][2], half)[name]
    return LearningCurve(name, points, share, gain)


def _constant_answers(
    target: Target, train: np.ndarray, records: int
) -> dict[str, tuple[str, HeadPredictions]]:
    """Constant answers by name, as text and for so many records."""
    if target.kind == "regression":
        mean = float(train.mean())
        return {"mean": (value_text(round(mean, 6)), HeadPredictions(np.full(records, mean)))}
    places = train.astype(int)
    most = majority(places)
    labels = np.full(records, most)
    if target.kind == "classification":
        return {"majority": (target.labels[most], HeadPredictions(None, labels))}
    mean = float(target.positions[places].mean())
    nearest = int(np.abs(target.positions - mean).argmin())
    scores = np.full(records, target.positions[most])
    return {
        "majority": (target.labels[most], HeadPredictions(scores, labels)),
        "mean": (
            value_text(round(mean, 6)),
            HeadPredictions(np.full(records, mean), np.full(records, nearest)),
        ),
    }
