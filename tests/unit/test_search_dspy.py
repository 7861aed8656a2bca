"""dspy's COPRO decides what is tried next; prompts are our improver's, answers our ledger's.

Where dspy is not installed (by the extra `dspy`, or in a folder on PYTHONPATH), what needs it is skipped.
"""

import importlib.util
import threading

import pytest

from goldpan.errors import StudyError
from goldpan.optimise.dspy_search import FINALISTS, search_with_copro
from goldpan.optimise.problem import MoneySpentError, RefusedPromptError
from tests.search_objects import ScriptedAsks, problem_of

HAS_DSPY = importlib.util.find_spec("dspy") is not None
needs_dspy = pytest.mark.skipif(not HAS_DSPY, reason="dspy is not installed: pip install 'goldpan[dspy]'")


class Improver:
    """Adds a word to the prompt, by the number of the request; `refused` is refused."""

    def __init__(self, words=("briefly", "carefully", "again", "at once", "twice")):
        self.words, self.threads, self.asked = words, set(), []

    def improve(self, components, examples, part, *, number=0):
        self.threads.add(threading.get_ident())
        self.asked.append((components[part], number))
        word = self.words[number % len(self.words)]
        if word == "refused":
            raise RefusedPromptError("it is too long")
        return f"{components[part]} {word}"


def carefully(components, row):
    return row.gold["is"] if "carefully" in components["system"] else "yes"


class WatchedAsks(ScriptedAsks):
    """Notes in which thread it is asked."""

    def ask(self, components, rows):
        self.threads = {*getattr(self, "threads", ()), threading.get_ident()}
        return super().ask(components, rows)


@pytest.mark.skipif(HAS_DSPY, reason="dspy is installed")
def test_without_dspy_an_error_names_the_extra():
    with pytest.raises(StudyError, match=r"goldpan\[dspy\]"):
        search_with_copro(problem_of(ScriptedAsks(carefully, 900), Improver()))


@needs_dspy
def test_a_word_that_helps_is_found_within_the_budget():
    asks = ScriptedAsks(carefully, 900)
    found = search_with_copro(problem_of(asks, Improver()))
    measured = [each for each in found if each.dev is not None]
    assert 1 <= len(measured) <= FINALISTS
    assert all(each.is_accepted and each.dev.metric == 1.0 for each in measured)
    assert "carefully" in measured[0].components["system"]
    assert asks.looked_at <= 900


@needs_dspy
def test_dev_is_seen_by_the_finalists_alone_and_after_all_of_train():
    asks = ScriptedAsks(carefully, 900)
    problem = problem_of(asks, Improver())
    search_with_copro(problem)
    dev, train = {row.id for row in problem.dev}, {row.id for row in problem.train}
    kinds = ["dev" if set(ids) <= dev else "train" if set(ids) <= train else "?" for _, ids in asks.asked]
    assert kinds == sorted(kinds, reverse=True)
    assert kinds.count("dev") == FINALISTS


@needs_dspy
def test_the_best_so_far_is_improved_further():
    improver = Improver()
    found = search_with_copro(problem_of(ScriptedAsks(carefully, 900), improver))
    parents = {each.parents for each in found}
    assert ("seed",) in parents
    assert len(parents) > 1
    assert len({number for _, number in improver.asked}) == len(improver.asked)


@needs_dspy
def test_the_same_answers_give_the_same_search():
    def once():
        return search_with_copro(problem_of(ScriptedAsks(carefully, 900), Improver()))

    assert once() == once()


@needs_dspy
def test_all_is_asked_in_our_own_thread():
    asks, improver = WatchedAsks(carefully, 900), Improver()
    search_with_copro(problem_of(asks, improver))
    assert asks.threads == improver.threads == {threading.get_ident()}


@needs_dspy
def test_refused_prompts_are_listed_and_the_search_goes_on():
    found = search_with_copro(
        problem_of(ScriptedAsks(carefully, 900), Improver(["refused", "carefully", "x"]))
    )
    assert {each.refused for each in found} == {"", "it is too long"}
    assert any(each.is_accepted for each in found)


@needs_dspy
@pytest.mark.parametrize("text", ['"quoted"', " {{ text }} ", "[[ ## completed ## ]]", "a\n\nb", "7", "字"])
def test_nothing_that_dspy_does_to_texts_reaches_a_prompt(text):
    found = search_with_copro(problem_of(ScriptedAsks(carefully, 900), Improver([text, "x"])))
    assert found[0].components["system"] in ("Say whether it is. x", f"Say whether it is. {text}")
    assert f"Say whether it is. {text}" in {each.components["system"] for each in found}


@needs_dspy
@pytest.mark.parametrize("answers", [0, 60, 200, 900])
def test_it_looks_at_no_more_answers_than_it_may(answers):
    asks = ScriptedAsks(carefully, answers)
    search_with_copro(problem_of(asks, Improver()))
    assert asks.looked_at <= answers


@needs_dspy
def test_where_the_money_ends_it_ends_with_what_it_has():
    class Poor(ScriptedAsks):
        def ask(self, components, rows):
            if len(self.asked) >= 3:
                raise MoneySpentError("no money is left")
            return super().ask(components, rows)

    asks = Poor(carefully, 900)
    found = search_with_copro(problem_of(asks, Improver()))
    assert len(asks.asked) == 3
    assert [each.dev for each in found] == [None] * len(found)


@needs_dspy
@pytest.mark.parametrize("where", ["asking", "improving"])
def test_an_error_ends_the_search_at_once(where):
    class Broken(ScriptedAsks):
        def ask(self, components, rows):
            if where == "asking" and len(self.asked) == 2:
                raise RuntimeError("the network is gone")
            return super().ask(components, rows)

    class BrokenImprover(Improver):
        def improve(self, components, examples, part, *, number=0):
            if where == "improving" and len(self.asked) == 2:
                self.asked.append(("", number))
                raise RuntimeError("the network is gone")
            return super().improve(components, examples, part, number=number)

    asks, improver = Broken(carefully, 900), BrokenImprover()
    with pytest.raises(RuntimeError, match="network"):
        search_with_copro(problem_of(asks, improver))
    assert len(improver.asked) <= 3
