"""The alternative annotator test: would an LLM be as good an annotator as one of the people?

Calderon, Reichart and Dror (2025), "The Alternative Annotator Test for LLM-as-a-Judge: How to Statistically
Justify Replacing Human Annotators with LLMs", Proceedings of ACL 2025, pages 16051-16081.

Each annotator in turn is held against the others: on each item the LLM wins, or the annotator, or both, as
their answer is at least as close to those of the remaining annotators. The LLM wins against an annotator
where it wins on significantly more than (the annotator's share - epsilon) of the items, by a one-sided paired
t-test, all annotators tested together by the procedure of Benjamini and Yekutieli. It passes when it wins
against at least half of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from goldpan.as_json import AsJson, rounded

LEAST_ANNOTATORS = 3
"""With two, the test asks only which of them the LLM resembles; its authors advise against it."""

LEAST_ITEMS = 30
"""Fewer than that, answered by an annotator and another one, do not bear a t-test."""

FALSE_DISCOVERY_RATE = 0.05

AlignmentScore = Callable[[Any, Sequence[Any]], float]
"""How close one answer is to those of others; larger is closer."""


@dataclass(frozen=True)
class Against(AsJson):
    """The LLM against one annotator.

    Attributes:
        annotator: whose place it would take.
        items: items that both and at least one other annotator answered.
        llm_share: share of the items on which the LLM is at least as close to the others.
        annotator_share: share on which the annotator is.
        p_value: of the hypothesis that the LLM's share is at most the annotator's minus epsilon; None where
            the annotator has too few items.
        wins: whether that hypothesis is rejected, all annotators taken together.
    """

    annotator: str
    items: int
    llm_share: float | None
    annotator_share: float | None
    p_value: float | None
    wins: bool


@dataclass(frozen=True)
class AlternativeAnnotator:
    """The result of the test.

    Attributes:
        epsilon: how much worse than a person the LLM may be, being cheaper.
        against: each annotator.
        winning_rate: share of the tested annotators that the LLM wins against (omega); None without a test.
        advantage_probability: mean share of items on which the LLM is as close as a person or closer (rho);
            for comparing models.
        reason: why there is no test.
    """

    epsilon: float
    against: tuple[Against, ...]
    winning_rate: float | None
    advantage_probability: float | None
    reason: str | None = None

    @property
    def passes(self) -> bool | None:
        """Whether the LLM may take an annotator's place; None without a test."""
        return None if self.winning_rate is None else self.winning_rate >= 0.5

    def as_json(self) -> dict[str, Any]:
        """JSON-able form."""
        return {
            "epsilon": self.epsilon,
            "winning_rate": rounded(self.winning_rate),
            "passes": self.passes,
            "advantage_probability": rounded(self.advantage_probability),
            "reason": self.reason,
            "against": [outcome.as_json() for outcome in self.against],
        }


def alternative_annotator_test(
    answers: Mapping[str, Mapping[str, Any]], llm: Mapping[str, Any], score: AlignmentScore, epsilon: float
) -> AlternativeAnnotator:
    """Run the test.

    Args:
        answers: annotator -> item id -> answer.
        llm: item id -> the LLM's answer; items without one are left out.
        score: how close an answer is to those of the remaining annotators.
        epsilon: 0.2 for experts, 0.15 for skilled annotators, 0.1 for crowd workers, say its authors.
    """
    if len(answers) < LEAST_ANNOTATORS:
        reason = f"it takes {LEAST_ANNOTATORS} annotators or more, and there are {len(answers)}"
        return AlternativeAnnotator(epsilon, (), None, None, reason)
    outcomes = {name: _outcomes(name, answers, llm, score) for name in sorted(answers)}
    tested = [name for name, wins in outcomes.items() if len(wins) >= LEAST_ITEMS]
    p_values = [_p_value(outcomes[name], epsilon) for name in tested]
    rejected = dict(zip(tested, benjamini_yekutieli(p_values, FALSE_DISCOVERY_RATE), strict=True))
    p_value_of = dict(zip(tested, p_values, strict=True))
    against = tuple(
        Against(
            annotator=name,
            items=len(wins),
            llm_share=float(wins[:, 0].mean()) if len(wins) else None,
            annotator_share=float(wins[:, 1].mean()) if len(wins) else None,
            p_value=p_value_of.get(name),
            wins=rejected.get(name, False),
        )
        for name, wins in outcomes.items()
    )
    if not tested:
        reason = f"no annotator shares {LEAST_ITEMS} items or more with another annotator and the LLM"
        return AlternativeAnnotator(epsilon, against, None, None, reason)
    return AlternativeAnnotator(
        epsilon,
        against,
        winning_rate=sum(rejected.values()) / len(tested),
        advantage_probability=float(np.mean([outcomes[name][:, 0].mean() for name in tested])),
    )


def _outcomes(
    annotator: str, answers: Mapping[str, Mapping[str, Any]], llm: Mapping[str, Any], score: AlignmentScore
) -> np.ndarray:
    """Shape (n, 2): whether the LLM, and whether the annotator, is at least as close to the others."""
    rows = []
    for item, answer in answers[annotator].items():
        others = [said[item] for name, said in answers.items() if name != annotator and item in said]
        if others and item in llm:
            ours, theirs = score(llm[item], others), score(answer, others)
            rows.append((ours >= theirs, theirs >= ours))
    return np.array(rows, dtype=float).reshape(-1, 2)


def _p_value(wins: np.ndarray, epsilon: float) -> float:
    """One-sided p-value of the t-test that the annotator's lead is epsilon or more."""
    from scipy.special import stdtr

    lead = wins[:, 1] - wins[:, 0]
    spread = lead.std(ddof=1)
    if spread == 0:
        return 0.0 if lead.mean() < epsilon else 1.0
    t = (lead.mean() - epsilon) / (spread / np.sqrt(len(lead)))
    return float(stdtr(len(lead) - 1, t))


def benjamini_yekutieli(p_values: Sequence[float], level: float) -> list[bool]:
    """Which hypotheses are rejected when the false discovery rate is held at `level` whatever the dependence.

    Benjamini and Yekutieli (2001), Annals of Statistics 29:1165-1188: those up to the largest i with
    p_(i) <= i / m * level / (1 + 1/2 + ... + 1/m).
    """
    count = len(p_values)
    order = sorted(range(count), key=lambda index: p_values[index])
    factor = level / count / sum(1 / i for i in range(1, count + 1)) if count else 0.0
    passed = [place for place, index in enumerate(order, 1) if p_values[index] <= place * factor]
    rejected = set(order[: max(passed, default=0)])
    return [index in rejected for index in range(count)]
