"""What a search for a better prompt found: its JSON, and a line for each candidate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from goldpan.as_json import AsJson
from goldpan.records.test_looks import LookAtTest
from goldpan.report_provenance import ReportProvenance
from goldpan.statistics.figures import Estimate

FORMAT = "goldpan-search-1"
SEED_CANDIDATE = "seed"
"""The method, and the name, of the prompt that the search starts from."""


@dataclass(frozen=True)
class SearchRows(AsJson):
    """The rows of a search.

    Attributes:
        train, dev, test: rows with gold in each split.
        gold: where the gold stands, in words, e.g. `wave first`.
    """

    train: int
    dev: int
    test: int
    gold: str = ""


@dataclass(frozen=True)
class Ceiling(AsJson):
    """How well people do on the same items: what no prompt is expected to exceed.

    Attributes:
        agreement: with the gold, in the metric of the search: the mean over annotators.
        wave: whose answers.
        annotators: who answered, in the order of their names.
        items: those that two or more of them answered.
        pairwise: of each other's answers, the mean over pairs; None where it was not measured.
    """

    agreement: Estimate
    wave: str
    annotators: tuple[str, ...]
    items: int
    pairwise: Estimate | None = None


@dataclass(frozen=True)
class Headroom(AsJson):
    """Whether there is anything to gain, told before the search spends its budget.

    Attributes:
        seed: the metric of the first prompt on dev.
        rewrites: names of the candidates that were tried for it.
        best_rewrite: the metric of the best of them; None where all were refused.
        ceiling: None where it is not known.
        stops: whether the search ends here, for there is nothing to gain.
        why: in words, for people.
    """

    seed: Estimate
    rewrites: tuple[str, ...]
    best_rewrite: Estimate | None
    ceiling: Ceiling | None
    stops: bool
    why: str


@dataclass(frozen=True)
class CandidateReport(AsJson):
    """A prompt that was tried: a line of `candidates.jsonl`.

    Attributes:
        name, method, parents, refused, is_accepted, components: as of `Candidate`.
        metric: on dev, with an interval; no value where it was not asked about all of dev.
        difference: its metric less that of the seed, from a paired bootstrap; None for the seed.
        p_value: two-sided, of the paired test against the seed, as if it were the only candidate.
        p_corrected: corrected for all candidates that could have been chosen.
        valid_share: share of its dev answers that fit the task.
        cost_usd: of its dev answers, whoever paid; None where it is not known.
        characters: of all its texts.
        growth: `characters` as a multiple of the seed's.
        may_be_proposed: whether it could be chosen.
        why_not: why it could not, in words.
        on_front: whether no other candidate is as good, as cheap and as often valid, and better in one.
        answers: how many answers its method had looked at when it was done; None where that is not known.
        spent_usd: what its method's answers cost by then, whoever paid; None where that is not known.
    """

    name: str
    method: str
    parents: tuple[str, ...]
    components: dict[str, str]
    metric: Estimate
    difference: Estimate | None = None
    p_value: float | None = None
    p_corrected: float | None = None
    valid_share: float | None = None
    cost_usd: float | None = None
    characters: int = 0
    growth: float = 1.0
    refused: str = ""
    is_accepted: bool = False
    may_be_proposed: bool = False
    why_not: str = ""
    on_front: bool = False
    answers: int | None = None
    spent_usd: float | None = None

    def as_json(self) -> dict[str, Any]:
        """JSON-able form; costs are not rounded."""
        return {**super().as_json(), "cost_usd": self.cost_usd, "spent_usd": self.spent_usd}


@dataclass(frozen=True)
class MethodReport(AsJson):
    """What one method of the search did with its budget.

    Attributes:
        method: as in the study.
        tried: its candidates, those refused among them.
        refused: reason -> how many were refused for it, in words.
        accepted: how many it kept: `proposals accepted: k of m`.
        best: name of its best candidate on dev; None where it has none.
        best_metric: of that one, with an interval; not corrected for being the best of several.
        difference: of that one, less the seed's metric.
        answers: how many answers it looked at.
        budget: how many it may.
        cost_usd: of these answers, whoever paid; None where it is not known.
        note: why it did not run, or ended early, and what else a reader must know.
    """

    method: str
    tried: int
    refused: dict[str, int]
    accepted: int
    best: str | None
    best_metric: Estimate | None
    difference: Estimate | None
    answers: int
    budget: int
    cost_usd: float | None = None
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """JSON-able form; costs are not rounded."""
        return {**super().as_json(), "cost_usd": self.cost_usd}


@dataclass(frozen=True)
class SearchDecision(AsJson):
    """Whether a prompt is proposed.

    Attributes:
        best: name of the best candidate on dev that may be proposed; None where there is none.
        proposed: name of the candidate that is proposed; None where it is none.
        accepted, tried: `proposals accepted: k of m`, over all methods.
        compared: how many candidates could have been chosen, the number the test is corrected for.
        test: how they were compared, in words.
        p_value: of the best, corrected; None where there is none.
        level: below which a difference counts.
        growth: in length of the best one, as a multiple of the seed.
        why: in words, for people.
    """

    best: str | None
    proposed: str | None
    accepted: int
    tried: int
    compared: int
    test: str
    p_value: float | None
    level: float
    growth: float | None
    why: str


@dataclass(frozen=True)
class FiguresOnTest(AsJson):
    """The one look at the test split: the first prompt and the proposed one.

    Attributes:
        seed, proposed: their metrics.
        difference: proposed less seed, from a paired bootstrap.
        p_value: two-sided, of the same paired test as on dev; of one comparison, so not corrected.
        rows: of the split.
    """

    seed: Estimate
    proposed: Estimate
    difference: Estimate
    p_value: float | None
    rows: int


@dataclass(frozen=True)
class SearchSpending(AsJson):
    """What a search cost, whoever paid.

    Attributes:
        answers_usd: of all answers looked at; None where it is not known.
        improver_usd: of the rewrites; None where it is not known.
        limit_usd: of both; None without a limit.
        ended_early: why the search ended before its methods did, in words; empty where it did not.
        lost_usd: what calls may have cost besides, whose answers were lost.
    """

    answers_usd: float | None = None
    improver_usd: float | None = None
    limit_usd: float | None = None
    ended_early: str = ""
    lost_usd: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """JSON-able form; costs are not rounded."""
        costs = {"answers_usd": self.answers_usd, "improver_usd": self.improver_usd}
        return {**super().as_json(), **costs, "limit_usd": self.limit_usd, "lost_usd": self.lost_usd}


@dataclass(frozen=True)
class SearchReport(AsJson):
    """A search for a better prompt.

    Attributes:
        name: as in the study.
        stage, task, model: whose prompt, and who answers.
        evaluation: that says what is right.
        metric: that is made larger, with `feature`, the one it is of; None for the mean of all.
        rows: of the splits.
        headroom: what there is to gain.
        methods: in the order of the study.
        candidates: in the order in which they were tried, the seed first; `candidates.jsonl` holds them.
        decision: what is proposed.
        test: the figures on the test split; None where it was not looked at.
        looks: all looks at this test split, this one among them, the first first.
        spending: what it cost.
        provenance: what the figures come from.
        notes: sentences that a reader must know.
    """

    name: str
    stage: str
    task: str
    model: str
    evaluation: str
    metric: str
    feature: str | None
    rows: SearchRows
    headroom: Headroom
    methods: tuple[MethodReport, ...]
    candidates: tuple[CandidateReport, ...]
    decision: SearchDecision
    test: FiguresOnTest | None
    looks: tuple[LookAtTest, ...]
    spending: SearchSpending
    provenance: ReportProvenance
    notes: tuple[str, ...] = ()
    format: str = field(default=FORMAT)

    def candidate(self, name: str | None) -> CandidateReport | None:
        """The candidate of that name."""
        return next((candidate for candidate in self.candidates if candidate.name == name), None)

    @property
    def seed(self) -> CandidateReport:
        """The prompt that the search started from."""
        return self.candidates[0]

    @property
    def proposed(self) -> CandidateReport | None:
        """The candidate that is proposed."""
        return self.candidate(self.decision.proposed)

    def as_json(self) -> dict[str, Any]:
        """JSON-able form: the content of search.json; its candidates are counted here."""
        said = super().as_json()
        return {"format": said.pop("format"), **said, "candidates": len(self.candidates)}
