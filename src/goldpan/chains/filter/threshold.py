"""The threshold of a filter, chosen so that it keeps enough of what is relevant, with what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goldpan.as_json import AsJson
from goldpan.errors import StudyError
from goldpan.statistics.figures import Estimate, figure, figures
from goldpan.statistics.label_measures import OneLabelMeasures
from goldpan.statistics.samples import sample_of_predictions
from goldpan.statistics.sampling_design import Design, Drawn, design_of

_EITHER = np.array([0, 1])
_MOST_ROWS = 40
_ROUNDING = 1e-12


@dataclass(frozen=True)
class JudgedRecord:
    """A record of which it is known whether it is relevant.

    Attributes:
        is_relevant: what the gold says.
        score: of the filter's classifier; None where it has none, so that no threshold keeps the record.
        has_keyword: whether a keyword keeps it, whatever its score.
        stratum, inclusion_probability: how it was drawn.
    """

    is_relevant: bool
    score: float | None
    has_keyword: bool = False
    stratum: str = "all"
    inclusion_probability: float = 1.0

    def is_kept(self, threshold: float) -> bool:
        """Whether the filter keeps it at a threshold."""
        return self.has_keyword or (self.score is not None and self.score >= threshold)


@dataclass(frozen=True)
class AtThreshold(AsJson):
    """What a filter does at a threshold, as far as some judged records tell.

    Attributes:
        threshold: scores from here on are kept.
        recall: share of the relevant records that are kept, weighted as they were drawn.
        precision: share of the kept records that are relevant, likewise.
        share_kept: share of all records that are kept, likewise.
        missed: relevant records that are not kept, as they are.
    """

    threshold: float
    recall: Estimate
    precision: Estimate
    share_kept: float
    missed: int


@dataclass(frozen=True)
class ChosenThreshold(AsJson):
    """A threshold with its reasons: `threshold.json`.

    Attributes:
        threshold: the highest at which the recall is at least the one wanted.
        wanted_recall: from the study.
        chosen_on: the splits.
        records, relevant: of these splits.
        here: what it does there. Chosen on the same records, its recall is somewhat too good.
        measured_on: the splits that it was not chosen on.
        test_records, test_relevant: of these.
        elsewhere: what it does there; None where they have no relevant record.
        table: other thresholds on the splits it was chosen on, the highest first.
        notes: what is to be known of all this.
    """

    threshold: float
    wanted_recall: float
    chosen_on: tuple[str, ...]
    records: int
    relevant: int
    here: AtThreshold
    measured_on: tuple[str, ...]
    test_records: int
    test_relevant: int
    elsewhere: AtThreshold | None
    table: tuple[AtThreshold, ...]
    notes: tuple[str, ...] = ()


def highest_threshold(
    records: Sequence[JudgedRecord], drawn: Sequence[Drawn], recall: float, where: str
) -> float:
    """The highest score at which the filter keeps at least `recall` of what is relevant.

    Args:
        records: those it is chosen on.
        drawn: all that were drawn with them, as of `at_threshold`.
        recall: the share wanted, weighted by the records' design.
        where: place in the study, for errors.

    Raises:
        StudyError: there is no relevant record, or even the lowest score keeps too few of them.
    """
    relevant = [record for record in records if record.is_relevant]
    if not relevant:
        raise StudyError(
            f"none of the {len(records):,} records with gold is relevant, so that no threshold can be chosen",
            where=where,
            remedy="enlarge the gold set, or correct `positive`",
        )
    weights = design_of(drawn, records).weights[[record.is_relevant for record in records]]
    scores = np.array([_score_of(record) for record in relevant])
    order = np.argsort(-scores, kind="stable")
    kept = np.cumsum(weights[order]) >= (recall - _ROUNDING) * weights.sum()
    if kept.any():
        threshold = scores[order][int(kept.argmax())]
        if threshold == np.inf:
            # Keywords alone keep enough: no score has to.
            finite = [record.score for record in records if record.score is not None]
            return max(finite, default=0.0)
        if threshold > -np.inf:
            return float(threshold)
    without = sum(record.score is None and not record.has_keyword for record in relevant)
    raise StudyError(
        f"no threshold has a recall of {recall:g}: {without} of {len(relevant)} relevant records have no"
        " score",
        where=where,
        remedy="see why: their text may be empty; or want less",
    )


def at_threshold(records: Sequence[JudgedRecord], drawn: Sequence[Drawn], threshold: float) -> AtThreshold:
    """What a threshold does on some judged records.

    Args:
        records: at least one.
        drawn: all that were drawn with them: the records of a stratum stand for those that are not used.
        threshold: scores from here on are kept.
    """
    kept = np.array([record.is_kept(threshold) for record in records])
    relevant = np.array([record.is_relevant for record in records])
    design = design_of(drawn, records)
    recall, precision = _figures(relevant, kept, design)
    return AtThreshold(
        threshold=threshold,
        recall=recall,
        precision=precision,
        share_kept=float(design.weights[kept].sum() / design.weights.sum()),
        missed=int((relevant & ~kept).sum()),
    )


def threshold_table(records: Sequence[JudgedRecord], drawn: Sequence[Drawn]) -> tuple[AtThreshold, ...]:
    """What the thresholds do at which the recall changes, the highest first; some where they are many."""
    scores = sorted(
        {record.score for record in records if record.is_relevant and record.score is not None}, reverse=True
    )
    if len(scores) > _MOST_ROWS:
        places = np.linspace(0, len(scores) - 1, _MOST_ROWS).round().astype(int)
        scores = [scores[place] for place in places]
    return tuple(at_threshold(records, drawn, score) for score in scores)


def _score_of(record: JudgedRecord) -> float:
    """Its score, as if a keyword scored higher than any text, and no score lower."""
    if record.has_keyword:
        return np.inf
    return -np.inf if record.score is None else record.score


def _figures(relevant: np.ndarray, kept: np.ndarray, design: Design) -> tuple[Estimate, Estimate]:
    """Weighted recall and precision."""
    codes = np.column_stack([relevant, kept]).astype(np.int64)
    sample = sample_of_predictions(codes, design, _EITHER)
    all_figures = figures(sample, OneLabelMeasures(sample.codes))
    recall, precision = (figure(all_figures, name) for name in ("recall", "precision"))
    assert recall is not None and precision is not None
    return recall.weighted, precision.weighted
