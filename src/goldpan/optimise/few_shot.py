"""Few-shot prompts: the first prompt with some rows of train as examples, the best of as many sets as the
budget of answers allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import orjson

from goldpan.optimise.candidate import Candidate, Components
from goldpan.optimise.problem import BudgetSpentError, Problem, RefusedPromptError, SearchRow
from goldpan.optimise.prompt_faults import length_fault
from goldpan.optimise.report import SEED_CANDIDATE
from goldpan.optimise.task_version import SYSTEM, USER, literal

METHOD = "few_shot"
_MOST_REPEATED = 50
"""So many draws in a row that give a known set end the search: there are hardly any others."""
_MOST_REFUSED, _MOST_REFUSED_IN_A_ROW = 5, 50
"""So many that are all refused end it, too, or so many later ones: the next will be refused as well."""
_RIVALS = 2
"""Where none may be proposed, so many are measured all the same, to compare the others with; more would be
money for nothing."""


def few_shot(problem: Problem) -> list[Candidate]:
    """The best of some sets of examples: each is asked all of dev, and those that exceed the first prompt are
    kept.

    The sets are drawn by the seed of the search, with all answers alike where there are rows of each, and not
    by what dev said of others. They hold text of training rows, so they are proposed only where the study
    allows it; where it does not, a few are asked. What has grown too much is refused where it could be
    proposed else.
    """
    candidates: list[Candidate] = []
    settings, refused_in_a_row = problem.settings, 0
    for examples in _sets(problem.train, problem.settings.examples, problem.settings.seed):
        if problem.asks.answers_left < len(problem.dev):
            break
        if len(candidates) == _RIVALS and not settings.allow_training_text:
            break
        name = f"{METHOD}-{len(candidates) + 1}"
        components = with_examples(problem.seed, examples)
        too_long = length_fault(problem.seed, components, settings.max_growth)
        try:
            if settings.allow_training_text and too_long:
                raise RefusedPromptError(f"{too_long}: `max_growth`, or fewer `examples`")
            dev = problem.asks.ask(components, problem.dev)
        except BudgetSpentError:
            break
        except RefusedPromptError as refused:
            candidate = Candidate(name, METHOD, (SEED_CANDIDATE,), components, None, refused=str(refused))
        else:
            candidate = Candidate(
                name,
                METHOD,
                (SEED_CANDIDATE,),
                components,
                dev,
                is_accepted=dev.metric > problem.seed_dev.metric,
            )
        candidates.append(candidate)
        refused_in_a_row = refused_in_a_row + 1 if candidate.refused else 0
        if refused_in_a_row >= min(len(candidates), _MOST_REFUSED_IN_A_ROW) >= _MOST_REFUSED:
            break
    return candidates


def with_examples(components: Components, examples: Sequence[SearchRow]) -> dict[str, str]:
    """A prompt with examples at the end of its system prompt, or before the user prompt where it has none.

    Args:
        components: texts of the prompt, templates.
        examples: rows of train, in the order in which they are shown.
    """
    shown = "\n\n".join(
        f"Example {number}:\n{literal(row.own or row.text).strip()}\nRight answer: {_answer(row)}"
        for number, row in enumerate(examples, 1)
    )
    if SYSTEM in components:
        return {**components, SYSTEM: f"{components[SYSTEM].rstrip()}\n\n{shown}\n"}
    return {**components, USER: f"{shown}\n\n{components[USER]}"}


def _answer(row: SearchRow) -> str:
    return literal(orjson.dumps(dict(row.answer)).decode())


def _sets(rows: Sequence[SearchRow], size: int, seed: int) -> Iterator[tuple[SearchRow, ...]]:
    """Different sets of rows without end, or until hardly any are left; each in an order of its own."""
    generator = np.random.default_rng((seed, 4))
    known: set[frozenset[str]] = set()
    repeated = 0
    while rows and repeated < _MOST_REPEATED:
        drawn = _drawn(rows, size, generator)
        names = frozenset(row.id for row in drawn)
        if names in known:
            repeated += 1
            continue
        known.add(names)
        repeated = 0
        yield drawn


def _drawn(rows: Sequence[SearchRow], size: int, generator: np.random.Generator) -> tuple[SearchRow, ...]:
    """Rows in random order, taken from those of each answer in turn."""
    by_answer: dict[tuple[tuple[str, str], ...], list[SearchRow]] = {}
    for place in generator.permutation(len(rows)):
        by_answer.setdefault(tuple(sorted(rows[place].gold.items())), []).append(rows[place])
    drawn: list[SearchRow] = []
    while len(drawn) < min(size, len(rows)):
        for some in by_answer.values():
            if some and len(drawn) < size:
                drawn.append(some.pop())
    return tuple(drawn[place] for place in generator.permutation(len(drawn)))
