"""What is proposed: the best prompt on dev, where a paired test says that it is better than the first one.

A tie goes to the first prompt, then to the shorter one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from goldpan.optimise.candidate import Candidate, Components, ScoredAnswers
from goldpan.optimise.comparison import (
    LEVEL_OF_TEST,
    ComparedRows,
    in_order,
    metric_difference,
    metric_estimate,
    paired_tests,
)
from goldpan.optimise.few_shot import METHOD as FEW_SHOT
from goldpan.optimise.front import on_front
from goldpan.optimise.problem import SearchRow
from goldpan.optimise.report import SEED_CANDIDATE, CandidateReport, SearchDecision
from goldpan.optimise.task_version import components_hash, length_of
from goldpan.optimise.training_text import TrainingText
from goldpan.statistics.figures import Estimate
from goldpan.study.optimised import Optimised

_DECIMALS = 9
"""Of metrics that count as equal: they are sums of fractions in some order."""


@dataclass(frozen=True)
class MethodSpending:
    """What a method had spent when a candidate was done.

    Attributes:
        answers: it had looked at.
        usd: they cost, whoever paid; None where it is not known.
    """

    answers: int
    usd: float | None


@dataclass(frozen=True)
class JudgedCandidates:
    """What became of the candidates.

    Attributes:
        candidates: the seed first.
        decision: what is proposed.
    """

    candidates: tuple[CandidateReport, ...]
    decision: SearchDecision


def judge(
    settings: Optimised,
    seed: Components,
    seed_dev: ScoredAnswers,
    candidates: Sequence[Candidate],
    train: Sequence[SearchRow],
    dev: Sequence[SearchRow],
    spent: Mapping[str, MethodSpending] | None = None,
) -> JudgedCandidates:
    """Compare the candidates with the first prompt on dev, and decide.

    Args:
        settings: of the search.
        seed: texts of the first prompt.
        seed_dev: its answers on dev.
        candidates: all that were tried, in order, refused ones too; the seed is not among them.
        train, dev: the rows of the search.
        spent: name of a candidate -> what its method had spent by then, where that is known.
    """
    teller = _Teller(settings, seed, seed_dev, dev, spent or {})
    training = TrainingText(() if settings.allow_training_text else train, seed)
    candidates = [
        candidate if candidate.dev is None else replace(candidate, dev=teller.as_seed(candidate.dev))
        for candidate in candidates
    ]
    doubles = _doubles(candidates)
    why_not = {
        candidate.name: _why_not(settings, seed, training, candidate)
        or (f"it is the same as {doubles[candidate.name]}" if candidate.name in doubles else "")
        for candidate in candidates
    }
    # Acceptance goes by dev as well: who was compared there and not accepted could have been chosen.
    compared = {
        candidate.name: candidate.dev
        for candidate in candidates
        if candidate.dev is not None and not why_not[candidate.name]
    }
    tests = paired_tests(teller.rows, seed_dev, list(compared.values()))
    p_values = dict(zip(compared, zip(tests.p_values, tests.corrected, strict=True), strict=True))
    first = teller.report(
        Candidate(SEED_CANDIDATE, SEED_CANDIDATE, (), seed, seed_dev), None, "it is the first prompt"
    )
    reports = [
        teller.report(candidate, p_values.get(candidate.name), why_not[candidate.name])
        for candidate in candidates
    ]
    answered = [(each.name, each.dev) for each in candidates if each.dev and each.name not in doubles]
    front = _front([(SEED_CANDIDATE, seed_dev), *answered])
    first, *reports = (replace(report, on_front=report.name in front) for report in (first, *reports))
    decision = _decision(first, [each for each in reports if each.name not in doubles], tests.how)
    return JudgedCandidates((first, *reports), decision)


def _doubles(candidates: Sequence[Candidate]) -> dict[str, str]:
    """Name of a candidate -> name of an earlier one that has the same texts; both were asked."""
    first: dict[str, str] = {}
    doubles = {}
    for candidate in candidates:
        if candidate.dev is not None:
            known = first.setdefault(components_hash(candidate.components), candidate.name)
            if known != candidate.name:
                doubles[candidate.name] = known
    return doubles


class _Teller:
    """What is told of each candidate."""

    def __init__(
        self,
        settings: Optimised,
        seed: Components,
        seed_dev: ScoredAnswers,
        dev: Sequence[SearchRow],
        spent: Mapping[str, MethodSpending],
    ):
        self.rows = ComparedRows.of(settings.metric, dev, seed_dev, settings.seed)
        self._seed_dev, self._spent, self._seed_length = seed_dev, spent, max(1, length_of(seed))

    def as_seed(self, dev: ScoredAnswers) -> ScoredAnswers | None:
        """Answers in the order of the seed's; None where they are of a part of dev."""
        if len(dev.ids) < len(self._seed_dev.ids):
            return None
        return in_order(dev, self._seed_dev.ids)

    def report(
        self, candidate: Candidate, p_values: tuple[float, float] | None, why_not: str
    ) -> CandidateReport:
        """All that is told of a candidate but for its place among the others.

        Args:
            p_values: alone and corrected; None where it is not among those of which one is chosen.
            why_not: why it is not.
        """
        dev, characters = candidate.dev, length_of(candidate.components)
        spent = self._spent.get(candidate.name)
        told = CandidateReport(
            name=candidate.name,
            method=candidate.method,
            parents=candidate.parents,
            components=dict(candidate.components),
            metric=_NOT_ASKED,
            characters=characters,
            growth=characters / self._seed_length,
            refused=candidate.refused,
            is_accepted=candidate.is_accepted,
            may_be_proposed=p_values is not None and candidate.is_accepted,
            why_not=why_not or ("" if candidate.is_accepted else "its method did not keep it"),
            answers=None if spent is None else spent.answers,
            spent_usd=None if spent is None else spent.usd,
        )
        if dev is None:
            return told
        told = replace(
            told,
            metric=metric_estimate(self.rows, dev),
            valid_share=_valid_share(dev),
            cost_usd=dev.cost_usd,
        )
        if candidate.name == SEED_CANDIDATE:
            return told
        alone = p_values[0] if p_values else paired_tests(self.rows, self._seed_dev, [dev]).p_values[0]
        return replace(
            told,
            difference=metric_difference(self.rows, self._seed_dev, dev),
            p_value=alone,
            p_corrected=None if p_values is None else p_values[1],
        )


_NOT_ASKED = Estimate(None, reason="it was not asked about all of dev")


def _why_not(settings: Optimised, seed: Components, training: TrainingText, candidate: Candidate) -> str:
    """Why a candidate cannot be proposed, whatever it answered."""
    if candidate.refused:
        return f"it was refused: {candidate.refused}"
    if candidate.dev is None:
        return "it was not asked about all of dev"
    if dict(candidate.components) == dict(seed):
        return "it is the first prompt"
    why = []
    if candidate.method == FEW_SHOT and not settings.allow_training_text:
        why.append("it shows training rows; `allow_training_text: true` allows it")
    elif fault := training.fault(candidate.components):
        why.append(f"{fault}; `allow_training_text: true` allows it")
    growth = length_of(candidate.components) / max(1, length_of(seed))
    if growth > settings.max_growth:
        why.append(f"it is {growth:.1f} times as long as the first; `max_growth` is {settings.max_growth:g}")
    return ", and ".join(why)


def _decision(seed: CandidateReport, candidates: Sequence[CandidateReport], test: str) -> SearchDecision:
    compared = [candidate for candidate in candidates if candidate.p_corrected is not None]
    eligible = sorted((each for each in compared if each.may_be_proposed), key=_the_best_first)
    better = [each for each in eligible if _value(each) > _value(seed)]
    proven = [each for each in better if (each.p_corrected or 0.0) < LEVEL_OF_TEST]
    best, proposed = next(iter(eligible), None), next(iter(proven), None)
    told = proposed or best
    return SearchDecision(
        best=None if best is None else best.name,
        proposed=None if proposed is None else proposed.name,
        accepted=sum(candidate.is_accepted for candidate in candidates),
        tried=len(candidates),
        compared=len(compared),
        test=test,
        p_value=None if told is None else told.p_corrected,
        level=LEVEL_OF_TEST,
        growth=None if told is None else told.growth,
        why=_why(seed, best, proposed, candidates),
    )


def _why(
    seed: CandidateReport,
    best: CandidateReport | None,
    proposed: CandidateReport | None,
    candidates: Sequence[CandidateReport],
) -> str:
    stays = "The first prompt stays"
    if not candidates:
        return f"{stays}: no other was tried."
    if best is None:
        return f"{stays}: of {len(candidates)} candidates none may be proposed."
    if proposed is not None:
        text = (
            f"{proposed.name} is proposed: {_value(proposed):.3f} on dev, where the first prompt has"
            f" {_value(seed):.3f} (corrected p = {proposed.p_corrected:.4f})."
        )
        if proposed is not best:
            text += (
                f" {best.name} has more ({_value(best):.3f}), but on so few rows that this may be chance"
                f" (corrected p = {best.p_corrected:.4f})."
            )
        return text
    if _value(best) <= _value(seed):
        return f"{stays}: none that may be proposed has more than its {_value(seed):.3f} on dev."
    return (
        f"{stays}: the best that may be proposed, {best.name}, has {_value(best):.3f} on dev and the first"
        f" {_value(seed):.3f}, which may be chance (corrected p = {best.p_corrected:.4f})."
    )


def _the_best_first(candidate: CandidateReport) -> tuple[float, int]:
    """The larger metric, then the shorter prompt; then, for sorting is stable, the one tried first."""
    return -_value(candidate), candidate.characters


def _value(candidate: CandidateReport) -> float:
    return round(candidate.metric.value or 0.0, _DECIMALS)


def _front(answered: Sequence[tuple[str, ScoredAnswers]]) -> set[str]:
    figures = [(dev.metric, dev.cost_usd, _valid_share(dev)) for _, dev in answered]
    return {name for (name, _), is_on in zip(answered, on_front(figures), strict=True) if is_on}


def _valid_share(dev: ScoredAnswers) -> float:
    return sum(dev.valid) / max(1, len(dev.valid))
