"""Whether there is anything to gain: the seed, three rewrites, and how well people agree on the items."""

import numpy as np
import pytest

from goldpan.evaluation.coding import FeatureValues
from goldpan.optimise.candidate import Candidate
from goldpan.optimise.ceiling import human_ceiling
from goldpan.optimise.comparison import ComparedRows
from goldpan.optimise.headroom import headroom
from goldpan.tasks.features import Classification, Score
from tests.search_objects import row, rows_of, scored, with_errors

ROWS = rows_of(100)
SEED_DEV = scored(ROWS, with_errors(ROWS, set(range(20))))
COMPARED = ComparedRows.of("accuracy", ROWS, SEED_DEV)
LABELS = FeatureValues(
    Classification.model_validate(
        {"name": "is", "description": "whether it is", "type": "classification", "labels": ["yes", "no"]}
    )
)


def people(*wrong, rows=ROWS):
    """Answers of annotators, each wrong at some places."""
    names = ("anna", "ben", "cem")
    said = {name: with_errors(rows, set(places)) for name, places in zip(names, wrong, strict=False)}
    return {"is": {each.id: {name: said[name][place] for name in said} for place, each in enumerate(rows)}}


def ceiling(answers, metric="accuracy", rows=ROWS, values=LABELS):
    return human_ceiling("first", answers, {"is": values}, rows, metric)


def test_the_ceiling_is_how_often_two_people_agree():
    found = ceiling(people(range(10), range(5, 15)))
    assert found.agreement.value == pytest.approx(0.9)
    assert found.agreement.interval.low < 0.9 < found.agreement.interval.high
    assert (found.annotators, found.items, found.wave) == (("anna", "ben"), 100, "first")


def test_of_three_people_it_is_the_mean_over_pairs():
    found = ceiling(people(range(10), range(10, 20), range(10)))
    assert found.agreement.value == pytest.approx(0.9)
    assert found.pairwise.value == pytest.approx((0.8 + 1.0 + 0.8) / 3)


def test_three_people_who_disagree_meet_their_majority_and_stop_no_search():
    # Each is right with 80 %; the majority is right in 90 %, which a prompt may meet as well as they do.
    generator = np.random.default_rng(0)
    said = {
        name: with_errors(ROWS, set(np.flatnonzero(generator.random(100) > 0.8).tolist()))
        for name in ("anna", "ben", "cem")
    }
    majority = [max(set(votes), key=votes.count) for votes in zip(*said.values(), strict=True)]
    rows = [row(number, gold=label) for number, label in enumerate(majority)]
    answers = {"is": {each.id: {name: said[name][place] for name in said} for place, each in enumerate(rows)}}
    found = ceiling(answers, rows=rows)
    by_person = [
        np.mean([own == gold for own, gold in zip(labels, majority, strict=True)]) for labels in said.values()
    ]
    assert found.agreement.value == pytest.approx(np.mean(by_person))
    assert found.pairwise.value < found.agreement.value - 0.1
    prompt = scored(rows, with_errors(rows, set(range(30))))
    compared = ComparedRows.of("accuracy", rows, prompt)
    assert compared_interval(compared, prompt).low < found.pairwise.value < found.agreement.value
    told = headroom(compared, prompt, [], found)
    assert not told.stops
    assert f"with each other at {found.pairwise.value:.3f}" in told.why


def compared_interval(compared, prompt):
    return headroom(compared, prompt, [], None).seed.interval


def test_a_pair_counts_by_the_items_that_both_answered():
    answers = people(range(10), (), ())
    for place, each in enumerate(ROWS):
        if place >= 20:
            del answers["is"][each.id]["ben"]
    # Anna and Ben agree on 10 of 20, Anna and Cem on 90 of 100, Ben and Cem on all of 20.
    assert ceiling(answers).pairwise.value == pytest.approx((10 + 90 + 20) / 140)
    assert ceiling(answers).agreement.value == pytest.approx((90 + 20 + 100) / 220)


def test_an_item_that_one_answered_counts_for_nobody():
    answers = people((), range(50))
    for each in ROWS[:50]:
        del answers["is"][each.id]["anna"]
    assert ceiling(answers).agreement.value == 1.0
    assert ceiling(answers).items == 50


@pytest.mark.parametrize("metric", ["f1", "kappa"])
def test_it_is_in_the_metric_of_the_search(metric):
    answers = people(range(10), range(5, 15))
    anna, ben = ([by_name[name] for by_name in answers["is"].values()] for name in ("anna", "ben"))
    there = scored([row(number, gold=said) for number, said in enumerate(anna)], ben, metric).metric
    back = scored([row(number, gold=said) for number, said in enumerate(ben)], anna, metric).metric
    assert ceiling(answers, metric).pairwise.value == pytest.approx((there + back) / 2)
    by_gold = [scored(ROWS, said, metric).metric for said in (anna, ben)]
    assert ceiling(answers, metric).agreement.value == pytest.approx(sum(by_gold) / 2)


def test_only_the_items_that_prompts_are_compared_on_count():
    answers = people((), ())
    answers["is"]["another"] = {"anna": "yes", "ben": "no"}
    assert ceiling(answers).agreement.value == 1.0
    assert ceiling(answers).items == 100


def test_scores_within_the_tolerance_agree():
    values = FeatureValues(
        Score.model_validate(
            {"name": "is", "description": "whether it is", "type": "score", "min": 0, "max": 10}
        ),
        tolerance=1.0,
    )
    rows = [row(number, gold=5) for number in range(100)]
    answers = {"is": {each.id: {"anna": 5, "ben": 6 + place % 2} for place, each in enumerate(rows)}}
    assert ceiling(answers, values=values, rows=rows).pairwise.value == pytest.approx(0.5)
    assert ceiling(answers, values=values, rows=rows).agreement.value == pytest.approx(0.75)


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"is": {}},
        {"is": {ROWS[0].id: {"anna": "yes", "ben": "yes"}}},
        {"is": {each.id: {"anna": "yes"} for each in ROWS}},
    ],
)
def test_where_hardly_any_item_was_answered_twice_there_is_no_ceiling(answers):
    found = ceiling(answers)
    assert found.agreement.value is None
    assert "two or more people answered" in found.agreement.reason
    assert not headroom(COMPARED, SEED_DEV, [], found).stops


def test_items_of_one_group_widen_the_interval():
    alone = ceiling(people(range(30), ())).agreement.interval
    grouped = tuple(row(number, group=f"g{number // 10}") for number in range(100))
    together = ceiling(people(range(30), (), rows=grouped), rows=grouped).agreement.interval
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


def test_the_search_stops_where_the_ceiling_lies_within_the_interval_of_the_seed():
    found = headroom(COMPARED, SEED_DEV, [], ceiling(people(range(15), range(15))))
    assert found.stops
    assert "within" in found.why
    assert "stops here (`headroom: tell` goes on all the same)" in found.why


def test_it_goes_on_all_the_same_where_the_study_says_so():
    found = headroom(COMPARED, SEED_DEV, [], ceiling(people(range(15), range(15))), may_stop=False)
    assert not found.stops
    assert "within" in found.why
    assert "goes on, as `headroom: tell` says" in found.why


def test_it_stops_where_the_ceiling_lies_below():
    found = headroom(COMPARED, SEED_DEV, [], ceiling(people(range(50), range(50))))
    assert found.stops
    assert "below" in found.why


def test_it_goes_on_where_the_ceiling_lies_above():
    found = headroom(COMPARED, SEED_DEV, [], ceiling(people(range(2), ())))
    assert not found.stops
    assert "goes on" in found.why


def test_without_a_ceiling_it_goes_on_and_says_so():
    found = headroom(COMPARED, SEED_DEV, [], None, "the gold stands in fields")
    assert not found.stops
    assert "not known (the gold stands in fields)" in found.why


def test_few_rows_stop_nothing():
    few = ROWS[:4]
    said = scored(few, with_errors(few, {0}))
    found = headroom(ComparedRows.of("accuracy", few, said), said, [], ceiling(people((), ())))
    assert not found.stops
    assert "too few" in found.why


def test_the_best_rewrite_stands_beside_the_seed():
    rewrites = [
        Candidate("rewrites-1", "rewrites", ("seed",), {}, scored(ROWS, with_errors(ROWS, set(range(9))))),
        Candidate("rewrites-2", "rewrites", ("seed",), {}, None, refused="it is too long"),
        Candidate("rewrites-3", "rewrites", ("seed",), {}, scored(ROWS, with_errors(ROWS, set(range(30))))),
    ]
    found = headroom(COMPARED, SEED_DEV, rewrites, None)
    assert found.rewrites == ("rewrites-1", "rewrites-2", "rewrites-3")
    assert found.best_rewrite.value == pytest.approx(0.91)
    assert headroom(COMPARED, SEED_DEV, rewrites[1:2], None).best_rewrite is None


def test_the_interval_of_the_ceiling_holds_the_truth():
    # Two people who are right at 0.9 each agree with each other at 0.82.
    held = 0
    for seed in range(40):
        generator = np.random.default_rng(seed)
        wrong = [np.flatnonzero(generator.random(100) > 0.9).tolist() for _ in range(2)]
        found = ceiling(people(*wrong))
        for estimate, truth in ((found.agreement, 0.9), (found.pairwise, 0.82)):
            held += estimate.interval.low <= truth <= estimate.interval.high
    assert held >= 72
