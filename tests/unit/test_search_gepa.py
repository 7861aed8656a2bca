"""gepa as a method of the search: what it keeps, what ends it, and what it may not swallow."""

import pytest

from goldpan.optimise.gepa_search import MINIBATCH, search_with_gepa
from goldpan.optimise.problem import MoneySpentError, RefusedPromptError
from tests.search_objects import ScriptedAsks, problem_of

WORDS = ("alpha", "beta", "gamma")


def answer(components, row):
    """Right where the prompt has the word for the row; of one row in four it needs none."""
    kind = int(row.id[1:]) % 4
    is_right = kind == 3 or WORDS[kind] in components["system"]
    return row.gold["is"] if is_right else "neither"


class Improver:
    """Adds the word that the worst row lacks; with `fails` the numbered requests raise it."""

    def __init__(self, fails=None):
        self.fails, self.requests = fails or {}, []

    def improve(self, components, examples, part, *, number=0):
        self.requests.append((components["system"], tuple(each.row.id for each in examples), number))
        if error := self.fails.get(len(self.requests)):
            raise error
        kind = int(examples[0].row.id[1:]) % 4
        return f"{components[part]} {WORDS[kind]}" if kind < 3 else f"{components[part]} more"


def seed_problem(asks, improver, **changes):
    problem = problem_of(asks, improver, dev=20, budget={"answers": 600}, **changes)
    # What the seed says of dev is what is answered.
    import dataclasses

    seed_dev = ScriptedAsks(answer).ask(problem.seed, problem.dev)
    return dataclasses.replace(problem, seed_dev=seed_dev)


def test_it_finds_all_words_within_its_budget_and_does_the_same_again():
    runs = []
    for _ in range(2):
        asks = ScriptedAsks(answer, 600)
        runs.append(search_with_gepa(seed_problem(asks, Improver())))
        assert asks.looked_at <= 600
    assert runs[0] == runs[1]
    best = max(runs[0], key=lambda candidate: candidate.dev.metric if candidate.dev else 0)
    assert best.dev.metric == 1.0 and all(word in best.components["system"] for word in WORDS)
    # Each hangs on one that was there before it, or on the seed.
    names = ["seed"]
    for candidate in runs[0]:
        assert set(candidate.parents) <= set(names)
        names.append(candidate.name)


def test_nothing_is_begun_that_the_budget_does_not_allow_to_end():
    asks = ScriptedAsks(answer, 2 * MINIBATCH + 20 - 1)
    assert search_with_gepa(seed_problem(asks, Improver())) == [] and asks.looked_at == 0


def test_a_refused_text_is_listed_and_costs_no_answer_and_the_search_goes_on():
    improver = Improver({1: RefusedPromptError("it holds words of the training row r001", {"system": "x"})})
    found = search_with_gepa(seed_problem(ScriptedAsks(answer, 600), improver))
    assert found[0].refused == "it holds words of the training row r001" and found[0].dev is None
    assert found[0].components == {"system": "x"} and any(candidate.is_accepted for candidate in found[1:])


@pytest.mark.parametrize("at", [1, 2])
def test_an_error_of_the_improver_ends_the_search_at_once_though_gepa_swallows_it(at):
    improver = Improver({at: OSError("the disk is full")})
    with pytest.raises(OSError, match="the disk is full"):
        search_with_gepa(seed_problem(ScriptedAsks(answer, 600), improver))
    assert len(improver.requests) == at


def test_an_error_while_rows_are_asked_ends_the_search():
    class Failing(ScriptedAsks):
        def ask(self, components, rows):
            if len(self.asked) == 3:
                raise OSError("the service is gone")
            return super().ask(components, rows)

    with pytest.raises(OSError, match="the service is gone"):
        search_with_gepa(seed_problem(Failing(answer, 600), Improver()))


def test_when_the_money_is_spent_it_keeps_what_it_has_found():
    improver = Improver({3: MoneySpentError("nothing is left")})
    found = search_with_gepa(seed_problem(ScriptedAsks(answer, 600), improver))
    assert len(found) == 2 and all(candidate.dev for candidate in found if candidate.is_accepted)


def test_the_same_request_again_is_one_with_another_number():
    class Stubborn(Improver):
        def improve(self, components, examples, part, *, number=0):
            super().improve(components, examples, part, number=number)
            raise RefusedPromptError("no")

    improver = Stubborn()
    search_with_gepa(seed_problem(ScriptedAsks(answer, 600), improver, seed=3))
    assert len(improver.requests) == len(set(improver.requests)) > 20
