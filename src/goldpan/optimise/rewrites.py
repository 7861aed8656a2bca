"""Plain rewrites: the improver writes the prompt anew some times, without seeing any row."""

from __future__ import annotations

from goldpan.optimise.candidate import Candidate, Components
from goldpan.optimise.problem import BudgetSpentError, Problem, RefusedPromptError
from goldpan.optimise.report import SEED_CANDIDATE

METHOD = "rewrites"
FIRST_REWRITES = 3
"""How many tell the headroom."""


def rewrites(problem: Problem) -> list[Candidate]:
    """The best of some rewrites: each is asked all of dev, and those that exceed the first prompt are kept.

    All are made from the first prompt and none from what dev said of another, so that they are alike to the
    test which corrects for their number.
    """
    return some_rewrites(problem, problem.settings.rewrites)


def some_rewrites(problem: Problem, count: int) -> list[Candidate]:
    """The first of the rewrites: the same ones, whether or not others follow.

    Args:
        problem: of which the rewrites take turns with the parts that may be rewritten.
        count: how many.
    """
    candidates: list[Candidate] = []
    known: dict[tuple[tuple[str, str], ...], str] = {_texts(problem.seed): "the first prompt"}
    for number in range(count):
        if problem.asks.answers_left < len(problem.dev):
            break
        try:
            candidate = _rewrite(problem, number, known)
        except BudgetSpentError:
            break
        known.setdefault(_texts(candidate.components), candidate.name)
        candidates.append(candidate)
    return candidates


def _rewrite(problem: Problem, number: int, known: dict[tuple[tuple[str, str], ...], str]) -> Candidate:
    name, parents = f"{METHOD}-{number + 1}", (SEED_CANDIDATE,)
    part = problem.parts[number % len(problem.parts)]
    components: Components = problem.seed
    try:
        text = problem.improves.improve(problem.seed, (), part, number=number)
        components = {**problem.seed, part: text}
        same = known.get(_texts(components))
        if same is not None:
            raise RefusedPromptError(f"it is the same as {same}", components)
        dev = problem.asks.ask(components, problem.dev)
    except RefusedPromptError as refused:
        said = refused.components or components
        return Candidate(name, METHOD, parents, said, None, refused=str(refused))
    return Candidate(name, METHOD, parents, components, dev, is_accepted=dev.metric > problem.seed_dev.metric)


def _texts(components: Components) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(components.items()))
