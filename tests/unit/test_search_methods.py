"""Rewrites and few-shot prompts: within their budget, deterministic, and made from the first prompt alone."""

import dataclasses

import pytest

from goldpan.optimise.few_shot import few_shot, with_examples
from goldpan.optimise.problem import MoneySpentError
from goldpan.optimise.rewrites import rewrites, some_rewrites
from goldpan.optimise.training_text import TrainingText
from goldpan.tasks.prompts import prompt_environment
from tests.search_objects import ScriptedAsks, ScriptedImprover, problem_of, row

ALLOWED = {"allow_training_text": True, "max_growth": 1000}
"""Settings by which examples may be proposed."""


def answers_right_with(word):
    """Answers that are right where the prompt has a word, and `yes` else."""
    return lambda components, row: row.gold["is"] if word in components["system"] else "yes"


def test_each_rewrite_is_asked_all_of_dev_and_kept_where_it_exceeds_the_seed():
    asks = ScriptedAsks(answers_right_with("carefully"))
    improves = ScriptedImprover([f"Say it {how}." for how in ("briefly", "carefully", "again", "at once")])
    found = rewrites(problem_of(asks, improves, rewrites=4))
    assert [each.name for each in found] == ["rewrites-1", "rewrites-2", "rewrites-3", "rewrites-4"]
    assert [each.is_accepted for each in found] == [False, True, False, False]
    assert found[1].dev.metric == 1.0
    assert {each.parents for each in found} == {("seed",)}
    assert asks.looked_at == 4 * 60


def test_the_first_rewrites_are_those_of_the_method():
    texts = [f"Text {number}." for number in range(8)]
    first = some_rewrites(problem_of(ScriptedAsks(answers_right_with("5")), ScriptedImprover(texts)), 3)
    asks = ScriptedAsks(answers_right_with("5"))
    assert rewrites(problem_of(asks, ScriptedImprover(texts)))[:3] == first


def test_refused_and_repeated_rewrites_are_listed_and_cost_no_answers():
    asks = ScriptedAsks(answers_right_with("x"))
    improves = ScriptedImprover([None, "New.", "New.", "Say whether it is.", "  "])
    found = rewrites(problem_of(asks, improves, rewrites=5))
    assert [each.refused for each in found] == [
        "it holds text of a training row",
        "",
        "it is the same as rewrites-2",
        "it is the same as the first prompt",
        "it is empty",
    ]
    assert asks.looked_at == 60


def test_rewrites_take_turns_with_the_parts():
    asks = ScriptedAsks(lambda components, row: "yes")
    problem = problem_of(asks, ScriptedImprover(["A {{ text }}", "B {{ text }}"]), rewrites=2)
    problem = type(problem)(**{**vars(problem), "parts": ("system", "user")})
    found = rewrites(problem)
    assert found[0].components == {**problem.seed, "system": "A {{ text }}"}
    assert found[1].components == {**problem.seed, "user": "B {{ text }}"}


@pytest.mark.parametrize("method", [rewrites, few_shot])
@pytest.mark.parametrize("answers", [0, 59, 60, 130, 1000])
def test_no_method_looks_at_more_answers_than_it_may(method, answers):
    asks = ScriptedAsks(lambda components, row: "yes", answers)
    improves = ScriptedImprover([f"Text {number}." for number in range(40)])
    found = method(problem_of(asks, improves, rewrites=30, **ALLOWED))
    assert asks.looked_at == 60 * (answers // 60)
    assert len(found) == answers // 60
    # Nobody is asked for a rewrite that could not be asked about.
    assert len(improves.requests) in (0, len(found))


@pytest.mark.parametrize("method", [rewrites, few_shot])
def test_where_the_money_ends_the_method_ends_with_what_it_has(method):
    class Poor(ScriptedAsks):
        def ask(self, components, rows):
            if self.looked_at >= 120:
                raise MoneySpentError("no money is left")
            return super().ask(components, rows)

    improves = ScriptedImprover([f"Text {number}." for number in range(40)])
    assert len(method(problem_of(Poor(lambda components, row: "yes"), improves))) == 2


@pytest.mark.parametrize("method", [rewrites, few_shot])
def test_an_error_of_asking_ends_the_search(method):
    class Broken(ScriptedAsks):
        def ask(self, components, rows):
            raise RuntimeError("the network is gone")

    with pytest.raises(RuntimeError, match="network"):
        method(problem_of(Broken(lambda components, row: "yes"), ScriptedImprover(["New."])))


def test_few_shot_takes_all_of_its_budget_and_never_the_same_set_twice():
    asks = ScriptedAsks(lambda components, row: "yes", 900)
    found = few_shot(problem_of(asks, ScriptedImprover(["x"]), **ALLOWED))
    assert len({each.components["system"] for each in found}) == len(found) == 15


def test_examples_that_cannot_be_proposed_cost_little_and_those_that_have_grown_too_much_nothing():
    asks = ScriptedAsks(lambda components, row: "yes", 900)
    assert len(few_shot(problem_of(asks, None))) == 2
    assert asks.looked_at == 2 * 60
    asks = ScriptedAsks(lambda components, row: "yes", 900)
    found = few_shot(problem_of(asks, None, allow_training_text=True, max_growth=2))
    assert asks.looked_at == 0 and len(found) == 5
    assert all("at most 2 is allowed: `max_growth`" in each.refused for each in found)


def test_few_shot_is_the_same_for_the_same_seed_and_another_for_another():
    def texts(**changes):
        asks = ScriptedAsks(lambda components, row: "yes", 300)
        return [each.components["system"] for each in few_shot(problem_of(asks, None, **ALLOWED, **changes))]

    assert texts() == texts()
    assert texts() != texts(seed=1)


def test_examples_are_rows_of_train_alone_with_all_answers_alike():
    asks = ScriptedAsks(lambda components, row: "yes", 300)
    for candidate in few_shot(problem_of(asks, None, examples=4, **ALLOWED)):
        text = candidate.components["system"]
        assert text.startswith("Say whether it is.\n\nExample 1:\n")
        assert text.count('Right answer: {"is":"yes"}') == text.count('Right answer: {"is":"no"}') == 2
        assert "w5" in text
        assert not any(f"w{number}x" in text for number in range(60))


def test_examples_that_help_are_found():
    asks = ScriptedAsks(answers_right_with("w507x"), 900)
    found = few_shot(problem_of(asks, None, train=10, **ALLOWED))
    assert [each.dev.metric for each in found if "w507x" in each.components["system"]] == [1.0] * sum(
        each.is_accepted for each in found
    )
    assert any(each.is_accepted for each in found)


def test_with_few_rows_of_train_the_search_ends_when_all_sets_are_known():
    asks = ScriptedAsks(lambda components, row: "yes", 100_000)
    assert len(few_shot(problem_of(asks, None, train=4, examples=3, **ALLOWED))) == 4
    assert few_shot(problem_of(asks, None, train=0)) == []


def test_examples_that_are_always_refused_end_the_method():
    class Refusing(ScriptedAsks):
        def refusal(self, components):
            return "it is too long"

    found = few_shot(problem_of(Refusing(lambda components, row: "yes", 100_000), None, **ALLOWED))
    assert len(found) == 5
    assert {each.refused for each in found} == {"it is too long"}


@pytest.mark.parametrize("text", ["{{ gold }}", "{% raw %}", "{# note #}", "{{{%{#", "{% endraw %}{{ x }}"])
def test_what_a_row_says_is_text_and_never_a_template(text):
    problem = problem_of(None, None)
    row = type(problem.train[0])(**{**vars(problem.train[0]), "own": text})
    prompt = with_examples(problem.seed, [row])["system"]
    assert text in prompt_environment().from_string(prompt).render()


def test_without_a_system_prompt_examples_stand_before_the_user_prompt():
    problem = problem_of(None, None)
    found = with_examples({"user": "Note: {{ text }}"}, problem.train[:1])
    assert found["user"].startswith("Example 1:")
    assert found["user"].endswith("Note: {{ text }}")


def training(own, first="Say whether it is."):
    problem = problem_of(None, None)
    row = type(problem.train[0])(**{**vars(problem.train[0]), "own": own, "data": {}})
    return TrainingText([row], {"system": first})


@pytest.mark.parametrize(
    "prompt",
    [
        "Look for: the parcel came three days late",
        "THE PARCEL, came -- three\n days!",
        "“the parcel came three days”",
        "the par\u200bcel ca\u00adme thr\u2060ee days",
        "the párcel cam\u0335e three days",
    ],
)
def test_five_words_of_a_training_row_in_a_row_are_seen_whatever_stands_between(prompt):
    own = "I write because the parcel came three days late and nobody answered."
    assert "r500" in training(own).fault({"system": prompt})


@pytest.mark.parametrize("prompt", ["the parcel came three", "days three came parcel the late", "Say it."])
def test_four_words_or_others_are_not(prompt):
    assert training("because the parcel came three days late").fault({"system": prompt}) == ""


def test_rows_of_dev_and_test_are_copied_no_more_than_those_of_train_even_where_these_may_be():
    train, dev, test = row(500, "train"), row(1), row(2, "test")
    shared = dataclasses.replace(dev, own=f"{dev.own} {train.own}")
    known = TrainingText([train, shared, test], {}, allowed=[train])
    assert "the dev row r001" in known.fault({"system": f"e.g. {dev.own}"})
    assert "the test row r002" in known.fault({"system": f"e.g. {test.own}"})
    assert known.fault({"system": f"e.g. {train.own}"}) == ""


def test_what_the_first_prompt_says_is_nobodys_text():
    own, first = (
        "Please say whether it is a complaint or not.",
        "Say whether it is a complaint or not, please.",
    )
    assert training(own, first).fault({"system": "Now say whether it is a complaint"}) == ""


def test_texts_without_spaces_between_words_count_by_characters():
    own = "包裹晚到三天没有人回答我的电子邮件所以我很生气"
    assert training(own).fault({"system": "例如：包裹晚到三天没有人回答我的电子邮件"})
    assert training(own).fault({"system": "包裹晚到三天"}) == ""


def test_text_deep_inside_a_record_is_seen():
    problem = problem_of(None, None)
    data = {"mail": [{"body": "the parcel came three days late"}]}
    row = type(problem.train[0])(**{**vars(problem.train[0]), "own": "", "data": data})
    assert TrainingText([row], {}).fault({"user": "the parcel came three days"})
