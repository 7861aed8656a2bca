"""What the searches of a study may cost at most, before anything is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from goldpan.ledger import Ledger
from goldpan.optimise.ledger_stage import single_request_price
from goldpan.stages.plan import Plan
from goldpan.stages.proposed_tasks import is_adopted
from goldpan.study.load import Project


def search_cost_lines(project: Project, plans: Mapping[str, Plan]) -> Iterator[str]:
    """A line about each search: how many answers its methods may look at, and what these may cost.

    Answers that the ledger has are not paid again, so this is an upper bound, but for prompts that grow: the
    cost of an answer is that of the prompt as it is, asked alone.

    Args:
        plans: of the stages that could be planned, by name.
    """
    for name, settings in project.study.optimised.items():
        if is_adopted(project, name):
            yield f"search {name}: what it proposed is asked; it is made again only where it is named"
            continue
        methods, budget = settings.methods, settings.budget
        answers = budget.answers * len(methods)
        line = (
            f"search {name}: up to {answers:,} answers ({budget.answers:,} for each of {', '.join(methods)})"
        )
        each = _usd_for_an_answer(project, settings.stage, plans.get(settings.stage))
        if each is None:
            line += ", whose cost is not known yet"
        elif each == 0.0:
            line += ", which cost nothing"
        else:
            line += f", about {answers * each:.4f} USD with prompts as long as the first"
        line += "; the first prompt, rewrites and the look at test come besides"
        if budget.usd is None:
            yield f"{line}; no limit in USD is set (`budget.usd`)"
        else:
            yield f"{line}; in all at most {budget.usd:.4f} USD by `budget.usd`"


def _usd_for_an_answer(project: Project, stage: str, plan: Plan | None) -> float | None:
    """USD for an answer of a stage that is asked alone: as planned, or as those were that it has; None where
    nobody knows."""
    price = single_request_price(project, project.study.asked_stages[stage])
    if price is None:
        return None
    if not (price.prompt or price.completion):
        return 0.0
    if plan is not None and plan.requests["asked"]:
        estimate = plan.estimate
        return price.cost(estimate["prompt_tokens"], estimate["completion_tokens"]) / plan.requests["asked"]
    with Ledger(project.ledger) as ledger:
        spent = [row for row in ledger.spent(project.study.study, stage) if row.paid]
    if not spent:
        return None
    prompt, completion = (
        sum(getattr(row, f"{kind}_tokens") for row in spent) for kind in ("prompt", "completion")
    )
    return price.cost(prompt, completion) / sum(row.paid for row in spent)
