"""A prompt that is tried, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Components = Mapping[str, str]
"""Part of a prompt -> its text: `system`, `user`, `feature.NAME` (description), `label.NAME.LABEL`."""


@dataclass(frozen=True)
class ScoredAnswers:
    """Answers to one candidate on some rows.

    Attributes:
        ids: of the rows, in their order.
        right: of each feature with gold, whether each row's answer is right; what failed is wrong.
        predicted: of each feature, each row's answer as shown; empty where it failed.
        scores: of each row, the mean of `right` over the features that count: what a search makes larger.
        valid: of each row, whether the answer fits the task.
        metric: the metric of the study on these rows.
        cost_usd: of these answers, whoever paid; None where it is not known.
    """

    ids: tuple[str, ...]
    right: Mapping[str, tuple[bool, ...]]
    predicted: Mapping[str, tuple[str, ...]]
    scores: tuple[float, ...]
    valid: tuple[bool, ...]
    metric: float
    cost_usd: float | None


@dataclass(frozen=True)
class Candidate:
    """A prompt that was tried.

    Attributes:
        name: `seed`, else the method and a number, e.g. `gepa-3`; unique in the search.
        method: `seed` or a method of the study.
        parents: names of the candidates it was made from.
        components: its texts.
        dev: its answers on dev; None where it was refused, or given up on a part of train.
        refused: why it was not asked, in words; empty where it was.
        is_accepted: whether its method kept it.
    """

    name: str
    method: str
    parents: tuple[str, ...]
    components: Components
    dev: ScoredAnswers | None
    refused: str = ""
    is_accepted: bool = False
