"""Two models on the same items, and the alternative annotator test."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control, ttest_1samp
from statsmodels.stats import contingency_tables

from goldpan.evaluation.alignment_score import alignment_score
from goldpan.evaluation.alternative_annotator import alternative_annotator_test, benjamini_yekutieli
from goldpan.evaluation.annotator_answers import AnnotatorAnswers
from goldpan.evaluation.coding import FAILED, FeatureValues
from goldpan.evaluation.comparison import McNemar, compare
from goldpan.statistics.figures import figure
from goldpan.statistics.sampling_design import Design
from tests.wave_builders import PARTS, STARS, TONE, TOPICS

AGREE = alignment_score(FeatureValues(TONE))


@pytest.mark.parametrize("seed", range(5))
def test_mcnemars_test_is_that_of_statsmodels(seed):
    generator = np.random.default_rng(seed)
    first, second = generator.random((2, 90)) < [[0.85], [0.75]]
    found = McNemar.of(first, second)
    table = [[sum(first & second), sum(first & ~second)], [sum(~first & second), sum(~first & ~second)]]
    assert (found.only_first, found.only_second) == (table[0][1], table[1][0])
    assert found.p_value == pytest.approx(contingency_tables.mcnemar(table, exact=True).pvalue)


def test_models_that_never_differ_are_not_told_apart():
    right = np.array([True, False, True])
    assert McNemar.of(right, right).p_value == 1


def test_mcnemars_test_takes_thousands_of_differing_items():
    first = np.arange(4000) < 2100
    assert 0 < McNemar.of(first, ~first).p_value < 0.01


def compared(first, second, gold):
    values = FeatureValues(TONE)
    coded = values.code(gold, [first, second])
    design = Design(np.zeros(len(gold), dtype=int), np.ones(len(gold)))
    return compare(("one", "other"), coded, values, design)


def test_the_paired_interval_is_narrower_than_those_of_two_samples():
    generator = np.random.default_rng(1)
    gold = generator.choice(["Positive", "Negative"], 200).tolist()
    wrong = {"Positive": "Negative", "Negative": "Positive"}
    hard = generator.random(200) < 0.3
    # Both fail on the hard items; the second on some more.
    first = [wrong[one] if bad else one for one, bad in zip(gold, hard, strict=True)]
    more = hard | (generator.random(200) < 0.06)
    second = [wrong[one] if bad else one for one, bad in zip(gold, more, strict=True)]
    accuracy = figure(compared(first, second, gold).differences, "accuracy").raw
    assert accuracy.value == pytest.approx(np.mean(more) - np.mean(hard))
    assert accuracy.interval.low > 0
    assert accuracy.interval.high - accuracy.interval.low < 1.96 * np.sqrt(2 * 0.3 * 0.7 / 200)


def test_a_difference_of_equal_models_holds_nought():
    gold = ["Positive", "Negative"] * 30
    found = compared(gold, gold, gold)
    assert all(one.raw.value == 0 for one in found.differences)
    accuracy = figure(found.differences, "accuracy").raw
    assert accuracy.interval.low < 0 < accuracy.interval.high


# Of 40 items Ann and Ben say A on all. Cat says A on 20, B on 20. The LLM says A on 36, C on 4.
ANSWERS = {
    "ann": {f"i{n}": "A" for n in range(40)},
    "ben": {f"i{n}": "A" for n in range(40)},
    "cat": {f"i{n}": "A" if n < 20 else "B" for n in range(40)},
}
LLM = {f"i{n}": "A" if n < 36 else "C" for n in range(40)}


def test_the_alternative_annotator_test_by_hand():
    found = alternative_annotator_test(ANSWERS, LLM, AGREE, 0.2)
    ann, ben, cat = found.against
    # In place of ann: on the 36 items where the LLM says A it is as close to ben and cat as she is; on the
    # last four she agrees with ben, the LLM with nobody.
    assert (ann.llm_share, ann.annotator_share) == (0.9, 1)
    assert (ben.llm_share, ben.annotator_share) == (0.9, 1)
    # In place of cat: ann and ben say A. LLM right and cat too on 20, LLM alone on 16, neither (a tie) on 4.
    assert (cat.llm_share, cat.annotator_share) == (1, 0.6)
    leads = {"ann": [1] * 4 + [0] * 36, "cat": [-1] * 16 + [0] * 24}
    for one in (ann, cat):
        expected = ttest_1samp(leads[one.annotator], 0.2, alternative="less").pvalue
        assert one.p_value == pytest.approx(expected)
    # p = 0.022 for ann and ben, next to nothing for cat; Benjamini and Yekutieli's limits for three tests are
    # 0.0091, 0.0182 and 0.0273: the third is met, so all three are rejected.
    assert 0.0182 < ann.p_value < 0.0273
    assert [one.wins for one in found.against] == [True, True, True]
    assert found.winning_rate == 1 and found.passes
    assert found.advantage_probability == pytest.approx((0.9 + 0.9 + 1) / 3)


def test_a_smaller_epsilon_is_harder_to_pass():
    found = alternative_annotator_test(ANSWERS, LLM, AGREE, 0.15)
    assert [one.wins for one in found.against] == [False, False, True]
    assert found.winning_rate == pytest.approx(1 / 3) and found.passes is False


@pytest.mark.parametrize("seed", range(5))
def test_benjamini_and_yekutielis_procedure_is_that_of_scipy(seed):
    p_values = np.random.default_rng(seed).beta(0.4, 3, 12).tolist()
    expected = false_discovery_control(p_values, method="by") <= 0.05
    assert benjamini_yekutieli(p_values, 0.05) == expected.tolist()
    assert benjamini_yekutieli([], 0.05) == []


def test_two_annotators_are_too_few_for_the_test():
    two = {name: ANSWERS[name] for name in ("ann", "cat")}
    found = alternative_annotator_test(two, LLM, AGREE, 0.2)
    assert found.passes is None and "3 annotators" in found.reason


def test_an_annotator_of_few_items_is_shown_and_not_tested():
    answers = ANSWERS | {"dan": {f"i{n}": "A" for n in range(29)}}
    found = alternative_annotator_test(answers, LLM, AGREE, 0.2)
    dan = found.against[-1]
    assert dan.annotator == "dan" and dan.items == 29 and dan.p_value is None and not dan.wins
    assert found.winning_rate == 1  # of the three that were tested


def test_a_failed_prediction_loses_against_everybody():
    people = AnnotatorAnswers({"tone": {name: dict(answers) for name, answers in ANSWERS.items()}})
    found = people.test(FeatureValues(TONE), dict.fromkeys(LLM, FAILED), 0.2)
    assert found.winning_rate == 0 and found.advantage_probability == 0


@pytest.mark.parametrize(
    ("feature", "near", "far", "others"),
    [
        (STARS, 4, 1, [5, 4]),
        (TOPICS, ["price"], ["delivery"], [["price", "quality"], ["price"]]),
        (PARTS, [{"part": "Lid"}], [], [[{"part": "lid"}], [{"part": "lid"}, {"part": "cup"}]]),
    ],
)
def test_closeness_suits_the_feature(feature, near, far, others):
    values = FeatureValues(feature)
    score = alignment_score(values)
    keys = [values.key(one) for one in others]
    assert score(values.key(near), keys) > score(values.key(far), keys) > score(FAILED, keys)
