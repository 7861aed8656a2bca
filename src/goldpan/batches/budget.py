"""What a stage has truly cost, by the ledger, and whether it may cost more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from operator import sub
from typing import Any

from goldpan.batches.estimate import stage_price
from goldpan.errors import BudgetError
from goldpan.ledger import Answer, Ledger, Spent, Submission
from goldpan.ledger.rows import FLEX_SUMS
from goldpan.providers.base import GIVEN_UP
from goldpan.providers.prices import Price, price_of
from goldpan.study.stage import FLEX, Stage

_COUNTED = (*FLEX_SUMS, *(name.removeprefix("flex_") for name in FLEX_SUMS))


@dataclass(frozen=True)
class Spending:
    """USD that a stage has cost over all its runs and rounds.

    Attributes:
        settled_usd: the true cost of what was answered; of models without a price nothing.
        open_usd: the estimate of what is under way, or may have been paid for without an answer.
        unpriced: models that have answered, and whose price nobody knows.
        lost_usd: that part of `open_usd` which calls may have cost whose answers were lost.
    """

    settled_usd: float
    open_usd: float
    unpriced: tuple[str, ...] = ()
    lost_usd: float = 0.0

    @property
    def total_usd(self) -> float:
        """What is spent or as good as spent."""
        return self.settled_usd + self.open_usd


def spending_of(ledger: Ledger, study: str, stage: str, settings: Stage) -> Spending:
    """What the ledger says that a stage has cost.

    Answers that another stage or study has paid for are not in it, those that were paid for by an earlier
    prompt or model of this stage are.
    """
    spent = ledger.spent(study, stage)
    unpriced = tuple(row.model for row in spent if row.paid and _price(row, settings) is None)
    settled = sum(_cost(row, settings) for row in spent)
    answered = sum(row.paid for row in spent)
    mean = settled / answered if answered else 0.0
    submissions = {known.id: known for known in ledger.submissions(study=study, stage=stage)}
    under_way = lost = 0.0
    for submission in submissions.values():
        if submission.is_online:
            each = _expected(submission, mean) / max(1, submission.requests)
            lost += submission.lost_calls * each
            under_way += (submission.lost_calls + _without_usage(submission)) * each
        if submission.is_open and submission.is_online:
            # What nobody has asked yet costs nothing until a run asks it.
            share = len(ledger.sent(submission.id)) / max(1, submission.requests)
            under_way += share * _expected(submission, mean)
        elif submission.is_open or submission.status == GIVEN_UP:
            answered_usd = _cost(_spent_on(submission), settings)
            under_way += max(0.0, _expected(submission, mean) - answered_usd)
    for orphan in ledger.orphans():
        owner = submissions.get(orphan.submission)
        # One that failed at once was not paid for.
        if owner is not None and orphan.status != "failed":
            share = orphan.requests / owner.requests if orphan.requests and owner.requests else 1.0
            under_way += share * _expected(owner, mean)
    return Spending(round(settled, 6), round(under_way, 6), unpriced, round(lost, 6))


def _expected(submission: Submission, mean: float) -> float:
    """USD that a submission was estimated to cost, or as much as others have cost, by their mean."""
    estimate = submission.estimated_usd
    return mean * submission.requests if estimate is None else estimate


def _without_usage(submission: Submission) -> int:
    """How many answers do not say what they cost, where the service says it of none."""
    return 0 if submission.prompt_tokens or submission.completion_tokens else submission.paid


def _spent_on(submission: Submission) -> Spent:
    return Spent(**{field.name: getattr(submission, field.name) for field in fields(Spent)})


def over_budget(settings: Stage, spending: Spending, estimate_usd: float | None) -> str | None:
    """Why asking what is estimated to cost so much would break the stage's budget; None when it would not.

    Args:
        estimate_usd: None when the price of the stage's model is not known.
    """
    budget = settings.budget_usd
    if budget is None or estimate_usd == 0.0:
        return None
    unpriced = (settings.model,) if estimate_usd is None else spending.unpriced
    if unpriced or estimate_usd is None:
        return (
            f"no price is known for model {', '.join(map(repr, unpriced))}, so the budget cannot be kept;"
            " give `price_usd_per_million`"
        )
    if spending.total_usd + estimate_usd <= budget:
        return None
    if not spending.total_usd:
        return f"the estimate of {estimate_usd:.4f} USD is above the budget of {budget:.4f} USD"
    parts = [f"{spending.settled_usd:.4f} USD are spent"]
    if spending.open_usd:
        parts.append(f"about {spending.open_usd:.4f} USD are under way or may have been paid for besides")
    parts.append(f"what is next is estimated at {estimate_usd:.4f} USD")
    return f"{', '.join(parts)}: together above the budget of {budget:.4f} USD"


def overspent(settings: Stage, spending: Spending) -> str | None:
    """What to say of a stage that has cost more than its budget; None where it has not."""
    budget = settings.budget_usd
    if budget is None or spending.total_usd <= budget:
        return None
    return (
        f"has cost {spending.total_usd:.4f} USD, more than its budget of {budget:.4f} USD; nothing more is"
        " asked of it. What the shards of a round cost is known only when they are answered: with `pilot: n`"
        " the first n answers tell"
    )


def check_budget(ledger: Ledger, study: str, stage: str, settings: Stage, estimate_usd: float | None) -> None:
    """Check that a shard may be sent by what the ledger knows now: a plan may be older than the last answers.

    Raises:
        BudgetError: it may not; nothing was uploaded.
    """
    if settings.budget_usd is None:
        return
    reason = over_budget(settings, spending_of(ledger, study, stage, settings), estimate_usd)
    if reason is not None:
        raise over_budget_error(reason, study, stage)


def over_budget_error(reason: str, study: str, stage: str) -> BudgetError:
    """The error for a stage that may not cost more."""
    return BudgetError(
        reason,
        where=f"stage {stage}",
        remedy="raise `budget_usd`, ask fewer records, or take a cheaper model; nothing was uploaded."
        f" `goldpan features {stage} --study {study}` makes the features of what is answered so far",
    )


def _price(answered: Spent, settings: Stage, tier: str | None = None) -> Price | None:
    # A price that the study gives is that of the model it names now; an earlier model may be in the table.
    is_online = answered.is_online
    own = stage_price(settings, is_free=answered.is_free, is_online=is_online, tier=tier)
    if answered.model == settings.model or answered.is_free:
        return own
    price = price_of(answered.model, is_online=is_online, tier=tier)
    return own if price is None and settings.price_usd_per_million else price


def _cost(spent: Spent, settings: Stage) -> float:
    """USD of tokens whose price is known; those that came at the tier `flex` have one of their own."""
    cost = cost_of_tokens(asdict(spent), _price(spent, settings), _price(spent, settings, FLEX))
    return 0.0 if cost is None else cost


def cost_of_answer(answer: Answer, submission: Submission, settings: Stage) -> float | None:
    """USD of all attempts at one request, by the price of its stage; None where nobody knows a price.

    Args:
        submission: that the answer came of, which says how it was asked.
    """
    price, flex_price = (
        stage_price(settings, is_free=submission.is_free, is_online=submission.is_online, tier=tier)
        for tier in (None, FLEX)
    )
    counts = {name: getattr(answer, name) for name in _COUNTED}
    return cost_of_tokens(counts, price, flex_price) if any(counts.values()) else 0.0


def cost_of_tokens(counts: Mapping[str, Any], price: Price | None, flex_price: Price | None) -> float | None:
    """USD of tokens, some of which came at the tier `flex`; None where nobody knows a price.

    Args:
        counts: as the columns of the ledger are called: `FLEX_SUMS`, and the same without `flex_`.
    """
    if price is None or flex_price is None:
        return None
    at_flex = [counts[name] for name in FLEX_SUMS]
    in_all = [counts[name.removeprefix("flex_")] for name in FLEX_SUMS]
    return price.cost(*map(sub, in_all, at_flex)) + flex_price.cost(*at_flex)
