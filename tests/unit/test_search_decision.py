"""What is proposed: the best on dev where a paired test says so; ties go to the seed, then to the shorter."""

from dataclasses import replace

import numpy as np
import pytest

from goldpan.optimise.candidate import Candidate
from goldpan.optimise.decide import MethodSpending, judge
from goldpan.optimise.front import on_front
from tests.search_objects import rows_of, scored, settings_of, with_errors

DEV, TRAIN = rows_of(60), rows_of(20, "train", start=500)
SEED = {"system": "Say whether it is.", "user": "Note: {{ text }}"}
SEED_DEV = scored(DEV, with_errors(DEV, set(range(20))))


def candidate(name, wrong, text=None, **changes):
    components = {**SEED, "system": text or f"Say whether it is, {name}."}
    said = scored(DEV, with_errors(DEV, set(wrong)), cost=changes.pop("cost", 0.01))
    return Candidate(name, name.partition("-")[0], ("seed",), components, said, is_accepted=True)


def judged(*candidates, **changes):
    return judge(settings_of(**changes), SEED, SEED_DEV, candidates, TRAIN, DEV)


def test_a_prompt_that_is_better_beyond_chance_is_proposed():
    found = judged(candidate("rewrites-1", range(4)), candidate("rewrites-2", range(30)))
    assert found.decision.proposed == found.decision.best == "rewrites-1"
    assert found.decision.p_value < 0.001
    assert (found.decision.accepted, found.decision.tried, found.decision.compared) == (2, 2, 2)
    assert "rewrites-1 is proposed: 0.933" in found.decision.why


def test_a_prompt_that_may_be_better_by_chance_is_not():
    found = judged(candidate("rewrites-1", range(3, 20)))
    assert (found.decision.best, found.decision.proposed) == ("rewrites-1", None)
    assert found.decision.p_value == 0.25
    assert "may be chance" in found.decision.why


def test_what_is_better_alone_is_not_better_as_the_best_of_many():
    # 7 rows gained and none lost: p = 0.016 alone.
    generator = np.random.default_rng(7)
    lucky = candidate("rewrites-0", range(7, 20))
    others = [candidate(f"rewrites-{n}", generator.permutation(60)[:20]) for n in range(1, 25)]
    assert judged(lucky).decision.proposed == "rewrites-0"
    found = judged(lucky, *others)
    assert found.decision.proposed is None
    assert found.decision.compared == 25
    lucky_report = found.candidates[1]
    assert lucky_report.p_value < 0.02
    assert lucky_report.p_corrected > 0.05


def test_a_prompt_that_its_method_gave_up_counts_among_those_compared():
    generator = np.random.default_rng(7)
    lucky = candidate("rewrites-0", range(7, 20))
    others = [
        replace(candidate(f"rewrites-{n}", generator.permutation(60)[:20]), is_accepted=False)
        for n in range(1, 25)
    ]
    assert judged(lucky, *others).decision.proposed is None


def test_a_tie_with_the_seed_goes_to_the_seed():
    found = judged(candidate("rewrites-1", range(40, 60)))
    assert found.decision.proposed is None
    assert "none that may be proposed has more" in found.decision.why


def test_a_tie_goes_to_the_shorter_prompt():
    longer = candidate("rewrites-1", range(4), "Say whether it is one, or else say that it is none.")
    shorter = candidate("rewrites-2", range(2, 6), "Say whether it is one.")
    assert judged(longer, shorter).decision.proposed == "rewrites-2"


def test_what_is_worse_is_never_proposed_however_surely():
    found = judged(candidate("rewrites-1", range(60)))
    assert found.decision.proposed is None
    assert found.decision.p_value < 0.001


def test_where_the_best_may_be_chance_the_next_that_is_not_is_proposed():
    # Both have 9 rows more than the seed; one gains 22 and loses 13, the other gains 10 and loses one... of
    # as many rows, so that only the other is beyond chance.
    seed_dev = scored(DEV, with_errors(DEV, set(range(30))))
    wild = candidate("rewrites-1", [*range(8), *range(30, 43)])
    steady = candidate("rewrites-2", range(9, 30))
    settings = settings_of()
    wild_alone = judge(settings, SEED, seed_dev, [wild], TRAIN, DEV).candidates[1]
    found = judge(settings, SEED, seed_dev, [wild, steady], TRAIN, DEV)
    assert wild_alone.p_value > 0.05
    assert wild.dev.metric == steady.dev.metric
    assert found.decision.proposed == "rewrites-2"


def test_text_of_a_training_row_is_measured_and_never_proposed_unless_allowed():
    copied = candidate("gepa-1", range(4), f"Say whether it is. As here: {TRAIN[3].own[:50]}")
    found = judged(copied)
    assert found.decision.proposed is None
    assert found.candidates[1].metric.value == pytest.approx(56 / 60)
    assert "training row r503" in found.candidates[1].why_not
    assert judged(copied, allow_training_text=True).decision.proposed == "gepa-1"


def test_examples_are_never_proposed_unless_allowed_however_short_their_texts():
    assert judged(candidate("few_shot-1", range(4))).decision.proposed is None
    allowed = judged(candidate("few_shot-1", range(4)), allow_training_text=True)
    assert allowed.decision.proposed == "few_shot-1"


def test_what_cannot_be_proposed_is_not_corrected_for():
    generator = np.random.default_rng(7)
    lucky = candidate("rewrites-0", range(7, 20))
    others = [candidate(f"few_shot-{n}", generator.permutation(60)[:20]) for n in range(1, 25)]
    found = judged(lucky, *others)
    assert (found.decision.proposed, found.decision.compared) == ("rewrites-0", 1)


def test_the_same_text_by_two_methods_is_one_candidate():
    found, other = candidate("gepa-1", range(4), "Say it."), candidate("rewrites-1", range(4), "Say it.")
    both = judged(found, other)
    assert (both.decision.compared, both.decision.tried, both.decision.accepted) == (1, 1, 1)
    assert both.decision.p_value == judged(found).decision.p_value
    assert both.candidates[2].why_not == "it is the same as gepa-1"
    assert [each.on_front for each in both.candidates] == [False, True, False]


def test_examples_that_have_grown_too_much_are_told_both_settings():
    found = judged(candidate("few_shot-1", range(4), "Say whether it is. " * 20))
    assert "`allow_training_text: true` allows it, and it is 11.6" in found.candidates[1].why_not
    assert "`max_growth` is 5" in found.candidates[1].why_not


def test_a_prompt_that_has_grown_too_much_is_not_proposed():
    long = candidate("gepa-1", range(4), "Say whether it is. " * 20)
    found = judged(long)
    assert found.decision.proposed is None
    assert "times as long" in found.candidates[1].why_not
    assert found.candidates[1].growth == pytest.approx((380 + 16) / (18 + 16))
    assert judged(long, max_growth=20).decision.proposed == "gepa-1"


def test_refused_and_half_asked_prompts_are_listed_and_never_compared():
    refused = Candidate("gepa-1", "gepa", ("seed",), SEED, None, refused="it is no template")
    half = replace(
        candidate("gepa-2", range(4)), dev=scored(DEV[:30], with_errors(DEV[:30], set())), is_accepted=False
    )
    found = judged(refused, half)
    assert found.decision.compared == 0
    assert found.decision.best is None
    assert [each.metric.value for each in found.candidates[1:]] == [None, None]
    assert "it is no template" in found.candidates[1].why_not


def test_answers_are_joined_by_id():
    better = candidate("rewrites-1", range(4))
    backwards = scored(tuple(reversed(DEV)), list(reversed(with_errors(DEV, set(range(4))))))
    assert judged(replace(better, dev=backwards)).candidates[1] == judged(better).candidates[1]


def test_nothing_tried_leaves_the_seed():
    found = judged()
    assert found.decision.proposed is None
    assert [each.name for each in found.candidates] == ["seed"]
    assert "no other was tried" in found.decision.why


def test_what_was_spent_by_then_stands_beside_each():
    found = judge(
        settings_of(),
        SEED,
        SEED_DEV,
        [candidate("rewrites-1", range(4))],
        TRAIN,
        DEV,
        {"rewrites-1": MethodSpending(120, 0.5)},
    )
    assert (found.candidates[1].answers, found.candidates[1].spent_usd) == (120, 0.5)
    assert found.candidates[0].answers is None


def test_the_front_holds_what_no_other_exceeds():
    figures = [(0.7, 1.0, 1.0), (0.8, 2.0, 1.0), (0.8, 3.0, 1.0), (0.6, 1.0, 0.9), (0.6, 5.0, 1.0)]
    assert on_front(figures) == [True, True, False, False, False]


def test_an_unknown_cost_is_worse_than_any_and_equal_points_are_both_on_the_front():
    assert on_front([(0.7, None, 1.0), (0.7, 9.0, 1.0)]) == [False, True]
    assert on_front([(0.7, None, 1.0), (0.8, None, 1.0)]) == [False, True]
    assert on_front([(0.7, 1.0, 1.0), (0.7, 1.0, 1.0)]) == [True, True]


def test_the_front_is_told_of_each_prompt():
    cheap = candidate("rewrites-1", range(20), cost=0.001)
    good = candidate("rewrites-2", range(4), cost=0.1)
    bad = candidate("rewrites-3", range(40), cost=0.2)
    found = judged(cheap, good, bad)
    assert [each.on_front for each in found.candidates] == [False, True, True, False]
