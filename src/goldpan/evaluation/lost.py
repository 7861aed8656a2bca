"""Where a chain lost its positives: for each step, the share of all positives that went no further."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from goldpan.as_json import AsJson
from goldpan.statistics.figures import Estimate, figure, figures
from goldpan.statistics.joined_measures import PickedMeasures
from goldpan.statistics.label_measures import OneLabelMeasures
from goldpan.statistics.samples import sample_of_predictions
from goldpan.statistics.sampling_design import Design

FOUND = "found"
"""What stands in place of a step for positives that were not lost."""
_EITHER = np.array([0, 1])


@dataclass(frozen=True, order=True)
class Step:
    """Where a record went no further.

    Attributes:
        place: of the stage in the chain, from 0.
        stage: whose answer, filter or failure it was.
        how: `left out`, `no items`, `said no`, or the state in which it failed.
    """

    place: int
    stage: str
    how: str


Trace = Callable[[str, Sequence[str]], Mapping[str, Step]]
"""From a feature and record ids to where each went no further, of those that did not lead to a yes."""


@dataclass(frozen=True)
class LostAt(AsJson):
    """The positives that went no further than one step, or that were found.

    Attributes:
        stage: the step; FOUND for those that were not lost.
        how: see `Step`; empty for those that were found.
        items: evaluated items among them.
        raw: their share of the positives among the evaluated items.
        weighted: their share of the positives of the population that the wave was drawn from.
    """

    stage: str
    how: str
    items: int
    raw: Estimate
    weighted: Estimate


@dataclass(frozen=True)
class LostPositives(AsJson):
    """Where the positives of a feature were lost.

    Attributes:
        positives: evaluated items that are positive.
        steps: in the order of the chain, those that were found last.
    """

    positives: int
    steps: tuple[LostAt, ...]


def lost_positives(
    steps: Mapping[str, Step],
    records: Sequence[str],
    is_positive: np.ndarray,
    is_found: np.ndarray,
    design: Design,
) -> LostPositives:
    """Share of the positives lost at each step, with intervals as those of recall.

    Args:
        steps: record id -> where it went no further.
        records: record id of each of n items.
        is_positive: whether each is one by the gold, shape (n,).
        is_found: whether the chain says so, shape (n,).
        design: of the items.
    """
    # Of negatives, too, one asks where they went no further: a stratum in which none was lost says so.
    at = [None if found else steps.get(record) for record, found in zip(records, is_found, strict=True)]
    lost_here = Counter(step for step, positive in zip(at, is_positive, strict=True) if step and positive)
    # Steps at which no positive of the sample was lost may have lost some all the same.
    known = sorted({step for step in at if step is not None})
    rows = [
        _share(
            step.stage, step.how, lost_here[step], np.array([one == step for one in at]), is_positive, design
        )
        for step in known
    ]
    unknown = np.array([one is None for one in at]) & ~is_found
    if (unknown & is_positive).any():
        count = int((unknown & is_positive).sum())
        rows.append(_share("(unknown)", "no row in the chain", count, unknown, is_positive, design))
    rows.append(_share(FOUND, "", int((is_found & is_positive).sum()), is_found, is_positive, design))
    return LostPositives(int(is_positive.sum()), tuple(rows))


def _share(
    stage: str, how: str, items: int, here: np.ndarray, is_positive: np.ndarray, design: Design
) -> LostAt:
    codes = np.column_stack([is_positive, here]).astype(np.int64)
    sample = sample_of_predictions(codes, design, _EITHER)
    recall = figure(figures(sample, PickedMeasures(OneLabelMeasures(sample.codes), ("recall",))), "recall")
    assert recall is not None
    return LostAt(stage, how, items, recall.raw, recall.weighted)
