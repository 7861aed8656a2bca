"""Candidates against the first prompt: intervals, and a paired test that knows how many were looked at."""

import numpy as np
import pytest
from scipy.stats import binomtest

from goldpan.optimise.candidate import ScoredAnswers
from goldpan.optimise.comparison import (
    ComparedRows,
    metric_difference,
    metric_estimate,
    paired_tests,
)
from goldpan.optimise.metric import metric_of
from tests.search_objects import row, rows_of, scored, with_errors

ROWS = rows_of(60)
SEED = scored(ROWS, with_errors(ROWS, set(range(20))))


def compared(metric="accuracy", rows=ROWS, seed=SEED):
    return ComparedRows.of(metric, rows, seed)


def test_gold_is_joined_by_id_and_not_by_position():
    backwards = tuple(reversed(ROWS))
    assert ComparedRows.of("accuracy", backwards, SEED).gold == compared().gold


@pytest.mark.parametrize("metric", ["accuracy", "f1", "kappa"])
def test_the_estimate_is_the_metric_of_the_answers(metric):
    answers = [*with_errors(ROWS, set(range(0, 60, 7)))[:55], *[""] * 5]
    said = scored(ROWS, answers, metric)
    estimate = metric_estimate(compared(metric), said)
    assert estimate.value == pytest.approx(said.metric)
    assert estimate.interval.low < said.metric < estimate.interval.high


def test_the_mean_of_several_features_is_the_metric_of_all():
    said = {"a": ("yes",) * 40 + ("no",) * 20, "b": ("x", "y", "z") * 20}
    gold = {"a": ("yes", "no") * 30, "b": ("x", "x", "z") * 20}
    right = {name: tuple(s == g for s, g in zip(said[name], gold[name], strict=True)) for name in said}
    answers = ScoredAnswers(SEED.ids, right, said, SEED.scores, SEED.valid, 0.0, None)
    for metric in ("accuracy", "f1", "kappa"):
        rows = ComparedRows(metric, gold, SEED.ids)
        assert metric_estimate(rows, answers).value == pytest.approx(
            metric_of(metric, gold, said, right, ["a", "b"])
        )


def test_one_prompt_against_another_is_mcnemars_exact_test():
    better = scored(ROWS, with_errors(ROWS, {0, 30, 31}))
    found = paired_tests(compared(), SEED, [better])
    expected = binomtest(2, 21).pvalue
    assert found.p_values == found.corrected == (pytest.approx(expected),)
    assert "McNemar" in found.how


@pytest.mark.parametrize("metric", ["f1", "kappa"])
def test_swaps_tell_a_prompt_that_is_better_from_one_that_is_alike(metric):
    better = scored(ROWS, with_errors(ROWS, {0, 30}), metric)
    alike = scored(ROWS, with_errors(ROWS, set(range(2, 22))), metric)
    found = paired_tests(compared(metric), SEED, [better, alike])
    assert found.corrected[0] < 0.01
    assert found.corrected[1] > 0.5


def test_swaps_agree_with_the_exact_test():
    better = scored(ROWS, with_errors(ROWS, set(range(12)) | {40}))
    exact = paired_tests(compared(), SEED, [better]).p_values[0]
    rows = ComparedRows("accuracy", compared().gold, (*SEED.ids[:-1], SEED.ids[0]))
    by_swaps = paired_tests(rows, SEED, [better])
    assert "swaps" in by_swaps.how
    assert by_swaps.p_values[0] == pytest.approx(exact, abs=0.02)


def test_the_same_answers_differ_in_nothing():
    assert paired_tests(compared(), SEED, [SEED, SEED]).corrected == (1.0, 1.0)
    assert paired_tests(compared("kappa"), SEED, [SEED]).corrected == (1.0,)
    assert metric_difference(compared(), SEED, SEED).value == 0.0


def test_many_candidates_that_say_the_same_count_as_one():
    better = scored(ROWS, with_errors(ROWS, set(range(11)) | {40}))
    alone = paired_tests(compared(), SEED, [better]).corrected[0]
    often = paired_tests(compared(), SEED, [better] * 20).corrected[0]
    assert often == pytest.approx(alone, abs=0.02)


def test_many_candidates_that_differ_count_as_many():
    generator = np.random.default_rng(1)
    better = scored(ROWS, with_errors(ROWS, set(range(11)) | {40}))
    others = [scored(ROWS, with_errors(ROWS, set(generator.permutation(60)[:20]))) for _ in range(20)]
    alone = paired_tests(compared(), SEED, [better]).corrected[0]
    among = paired_tests(compared(), SEED, [better, *others]).corrected[0]
    assert among > 4 * alone


def test_rows_of_one_group_count_as_one():
    # Each of 6 groups of 10 rows is right or wrong as a whole.
    rows = tuple(row(number, group=f"g{number // 10}") for number in range(60))
    seed = scored(rows, with_errors(rows, set(range(30))))
    better = scored(rows, with_errors(rows, set()))
    one_by_one = paired_tests(ComparedRows.of("accuracy", ROWS, SEED), seed, [better]).p_values[0]
    in_groups = paired_tests(ComparedRows.of("accuracy", rows, seed), seed, [better]).p_values[0]
    assert one_by_one < 1e-6
    assert in_groups == pytest.approx(0.25, abs=0.02)
    wide = metric_estimate(ComparedRows.of("accuracy", rows, seed), seed).interval
    narrow = metric_estimate(compared(), seed).interval
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_the_same_answers_give_the_same_p_values():
    better = scored(ROWS, with_errors(ROWS, set(range(15))), "f1")
    assert paired_tests(compared("f1"), SEED, [better]) == paired_tests(compared("f1"), SEED, [better])


def test_a_difference_has_the_interval_of_a_paired_sample():
    # Two prompts that err alike but for a few rows differ by little, however wide the interval of each is.
    better = scored(ROWS, with_errors(ROWS, set(range(4, 20))))
    difference = metric_difference(compared(), SEED, better)
    assert difference.value == pytest.approx(4 / 60)
    alone = metric_estimate(compared(), SEED).interval
    assert difference.interval.high - difference.interval.low < 0.75 * (alone.high - alone.low)
    assert difference.interval.low > -0.02


def test_few_rows_bear_no_interval():
    few = ROWS[:4]
    said = scored(few, with_errors(few, {0}))
    assert metric_estimate(ComparedRows.of("accuracy", few, said), said).interval is None
