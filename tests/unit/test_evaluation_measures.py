"""Figures of predictions, against scikit-learn and scipy, and by hand where a prediction failed."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from goldpan.evaluation.coding import FAILED, FeatureValues
from goldpan.evaluation.label_figures import confusion_of
from goldpan.statistics.label_measures import LabelMeasures, OneLabelMeasures
from goldpan.statistics.ranking_measures import RankingMeasures
from goldpan.statistics.score_measures import ScoreMeasures, ScoreScale
from goldpan.statistics.set_measures import MacroOfLabels, SetMeasures
from goldpan.tasks.features import Score
from tests.wave_builders import ORDER, PARTS, STARS, TONE, TOPICS


def one_of(measures, weights=None, rows=None):
    """Figures by name under one weighting; by default each row counts once."""
    weights = np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=float)
    return dict(zip(measures.names, measures.values(weights[None])[0].tolist(), strict=True))


@pytest.fixture(params=[0, 1, 2])
def labelled(request):
    """Gold and predicted codes of 80 items with 4 labels, and weights."""
    generator = np.random.default_rng(request.param)
    gold = generator.choice(4, size=80, p=[0.55, 0.25, 0.15, 0.05])
    predicted = np.where(generator.random(80) < 0.7, gold, generator.integers(0, 3, size=80))
    return np.column_stack([gold, predicted]), generator.uniform(0.2, 5, size=80)


@pytest.mark.parametrize("is_weighted", [False, True])
def test_label_figures_are_those_of_scikit_learn(labelled, is_weighted):
    rows, weights = labelled
    given = weights if is_weighted else None
    found = one_of(LabelMeasures(rows, 4), given, rows)
    gold, predicted = rows.T
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(gold, predicted, sample_weight=given))
    for average in ("macro", "micro"):
        expected = metrics.precision_recall_fscore_support(
            gold, predicted, average=average, sample_weight=given, zero_division=0
        )
        names = [f"{name}_{average}" for name in ("precision", "recall", "f1")]
        assert [found[name] for name in names] == pytest.approx(expected[:3])
    kappa = metrics.cohen_kappa_score(gold, predicted, sample_weight=given)
    assert found["cohen_kappa"] == pytest.approx(kappa)


@pytest.mark.parametrize("is_weighted", [False, True])
def test_figures_of_one_label_are_those_of_scikit_learn(labelled, is_weighted):
    rows, weights = labelled
    given = weights if is_weighted else None
    found = one_of(OneLabelMeasures((rows == 1).astype(int)), given, rows)
    expected = metrics.precision_recall_fscore_support(
        rows[:, 0] == 1, rows[:, 1] == 1, average="binary", sample_weight=given
    )
    assert list(found.values()) == pytest.approx(expected[:3])


def test_a_failed_prediction_is_wrong_and_nobodys_false_positive():
    # Gold a a b b; predicted a, failed, b, a.
    found = one_of(LabelMeasures(np.array([[0, 0], [0, 2], [1, 1], [1, 0]]), 2), rows=range(4))
    assert found["accuracy"] == 0.5
    assert found["precision_micro"] == pytest.approx(2 / 3)
    assert found["recall_micro"] == 0.5
    assert found["precision_macro"] == pytest.approx((1 / 2 + 1) / 2)
    assert found["recall_macro"] == 0.5
    # Observed 1/2; by chance 1/2 * 2/4 + 1/2 * 1/4.
    assert found["cohen_kappa"] == pytest.approx((0.5 - 0.375) / (1 - 0.375))


def test_a_label_never_predicted_has_no_precision_but_an_f1_of_nought():
    given = one_of(OneLabelMeasures(np.array([[1, 0], [0, 0]])), rows=range(2))
    assert np.isnan(given["precision"]) and given["recall"] == 0 and given["f1"] == 0


def test_macro_figures_leave_out_labels_that_do_not_occur():
    rows = np.array([[0, 0], [1, 1]])
    assert one_of(LabelMeasures(rows, 40), rows=rows)["f1_macro"] == 1


def test_an_abstention_that_is_never_right_does_not_count_as_a_label_of_its_own():
    values = FeatureValues(TONE)
    coded = values.code(["Positive", "Negative"], [["Positive", None]])
    found = one_of(values.measures(coded)(coded.codes), rows=range(2))
    assert found["accuracy"] == 0.5
    assert found["recall_macro"] == 0.5  # and not a third


SCALE = ScoreScale(np.arange(6.0), 0, 5, True)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_score_figures_are_those_of_scipy_and_scikit_learn(seed):
    generator = np.random.default_rng(seed)
    gold = generator.choice(6, size=60, p=[0.3, 0.3, 0.2, 0.1, 0.05, 0.05])
    predicted = np.clip(gold + generator.integers(-1, 3, size=60), 0, 5)
    found = one_of(ScoreMeasures(np.column_stack([gold, predicted]), SCALE), rows=gold)
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(gold, predicted))
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(gold, predicted))
    assert found["bias"] == pytest.approx(np.mean(predicted - gold))
    assert found["spearman"] == pytest.approx(stats.spearmanr(gold, predicted).statistic)
    kappa = metrics.cohen_kappa_score(gold, predicted, weights="quadratic", labels=range(6))
    assert found["cohen_kappa_quadratic"] == pytest.approx(kappa)
    assert found["accuracy_within_1"] == pytest.approx(np.mean(abs(gold - predicted) <= 1))


def test_weights_count_items_as_often_as_they_say():
    generator = np.random.default_rng(7)
    rows = np.column_stack([generator.integers(0, 6, 30), generator.integers(0, 6, 30)])
    times = generator.integers(1, 5, 30)
    weighted = one_of(ScoreMeasures(rows, SCALE), times)
    repeated = np.repeat(rows, times, axis=0)
    assert weighted == pytest.approx(one_of(ScoreMeasures(repeated, SCALE), rows=repeated))


def test_a_failed_score_errs_as_far_as_one_can_and_spearman_leaves_it_out():
    rows = np.array([[1, 1], [4, 4], [3, 2], [1, 6]])
    found = one_of(ScoreMeasures(rows, SCALE), rows=rows)
    assert found["mae"] == pytest.approx((0 + 0 + 1 + 4) / 4)
    assert found["accuracy"] == 0.5
    assert found["spearman"] == pytest.approx(stats.spearmanr([1, 4, 3], [1, 4, 2]).statistic)
    assert found["bias"] == pytest.approx(-1 / 3)


def test_a_fractional_prediction_of_whole_numbers_is_rounded_for_accuracy_only():
    values = FeatureValues(STARS)
    coded = values.code([values.key(2), values.key(5)], [[values.key(2.4), values.key(4.4)]])
    found = one_of(values.measures(coded)(coded.codes), rows=range(2))
    assert found["accuracy"] == 0.5
    assert found["mae"] == pytest.approx((0.4 + 0.6) / 2)
    assert values.right(coded)[:, 0].tolist() == [True, False]


def test_fractional_predictions_of_whole_numbers_are_counted_by_the_nearest_label():
    generator = np.random.default_rng(4)
    gold = generator.integers(1, 6, 50)
    predicted = np.clip(gold + generator.normal(0, 0.6, 50), 0.6, 5.4)
    rounded = np.clip(np.floor(predicted + 0.5), 1, 5)
    values = FeatureValues(STARS)
    coded = values.code([values.key(int(one)) for one in gold], [[values.key(one) for one in predicted]])
    found = one_of(values.measures(coded)(coded.codes), rows=range(50))
    assert found["f1_macro"] == pytest.approx(metrics.f1_score(gold, rounded, average="macro"))
    assert found["accuracy"] == pytest.approx(np.mean(gold == rounded))
    matrix = confusion_of(coded, values)
    assert matrix.gold == ("1", "2", "3", "4", "5")
    assert np.array(matrix.counts).tolist() == metrics.confusion_matrix(gold, rounded).tolist()


def test_scores_that_are_no_whole_numbers_have_no_labels():
    share = Score(name="share", type="score", description="x", min=0, max=1, integer=False)
    values = FeatureValues(share)
    coded = values.code([values.key(0.25), values.key(0.5)], [[values.key(0.25), values.key(0.75)]])
    found = one_of(values.measures(coded)(coded.codes), rows=range(2))
    assert "f1_macro" not in found and found["accuracy"] == 0.5


def test_sets_are_compared_by_their_members():
    sets = [("a", "b"), ("a",), (), ("c",)]
    rows = np.array([[0, 1], [2, 2], [1, 3]])
    found = one_of(SetMeasures(rows, sets), rows=rows)
    assert found["precision_micro"] == pytest.approx(1 / 2)
    assert found["recall_micro"] == pytest.approx(1 / 3)
    assert found["exact_match"] == pytest.approx(1 / 3)
    assert found["jaccard"] == pytest.approx((1 / 2 + 1 + 0) / 3)


def test_a_failed_set_is_not_even_right_about_an_empty_one():
    found = one_of(SetMeasures(np.array([[0, 1]]), [()]), rows=range(1))
    assert found["exact_match"] == 0 and found["jaccard"] == 0


def test_macro_figures_of_sets_are_those_of_scikit_learn():
    generator = np.random.default_rng(3)
    gold, predicted = generator.random((2, 50, 3)) < [[[0.5, 0.3, 0.1]], [[0.4, 0.4, 0.1]]]
    names = np.array(["price", "quality", "delivery"])
    sets = [tuple(names[row]) for row in np.concatenate([gold, predicted])]
    rows = np.column_stack([np.arange(50), np.arange(50, 100)])
    found = one_of(MacroOfLabels(rows, sets, names.tolist()), rows=rows)
    expected = metrics.precision_recall_fscore_support(gold, predicted, average="macro", zero_division=0)
    assert list(found.values()) == pytest.approx(expected[:3])


def part(name, count=None, broken=False):
    return {"part": name, "count": count, "broken": broken}


def test_objects_match_whatever_their_case_spacing_and_punctuation():
    values = FeatureValues(PARTS)
    assert values.key([part("The  Lid.")]) == values.key([part("the lid", None)])
    assert values.key([part("lid", 1)]) != values.key([part("lid", 2)])


def test_objects_match_by_the_fields_that_tell_them_apart():
    values = FeatureValues(PARTS, ["part"])
    coded = values.code([values.key([part("lid", 1)])], [[values.key([part("Lid", 2)])]])
    found = one_of(values.measures(coded)(coded.codes), rows=range(1))
    assert found["f1_micro"] == 1 and found["whole_f1_micro"] == 0
    assert values.right(coded).all()


def test_an_object_extracted_twice_is_right_once():
    values = FeatureValues(PARTS)
    coded = values.code([values.key([part("lid")])], [[values.key([part("lid"), part("lid")])]])
    found = one_of(values.measures(coded)(coded.codes), rows=range(1))
    assert found["precision_micro"] == 0.5 and found["recall_micro"] == 1


def test_rankings_are_compared_by_kendalls_tau():
    rankings = [("a", "b", "c", "d"), ("b", "a", "c", "d"), ("d", "c", "b", "a")]
    rows = np.array([[0, 1], [0, 2], [1, 1], [0, 3]])
    found = one_of(RankingMeasures(rows, rankings), rows=rows)
    expected = [stats.kendalltau([0, 1, 2, 3], other).statistic for other in ([1, 0, 2, 3], [3, 2, 1, 0])]
    assert found["kendall_tau"] == pytest.approx((sum(expected) + 1 - 1) / 4)
    assert found["top_1"] == pytest.approx(1 / 4)
    # All three, two of three (b and c), all, and none of the failed one.
    assert found["top_3"] == pytest.approx((1 + 2 / 3 + 1 + 0) / 4)
    assert found["exact_match"] == pytest.approx(1 / 4)


def test_of_three_things_the_first_three_say_nothing():
    measures = RankingMeasures(np.array([[0, 1]]), [("a", "b", "c"), ("b", "a", "c")])
    assert measures.names == ("kendall_tau", "top_1", "exact_match")


@pytest.mark.parametrize(
    ("feature", "value"), [(TOPICS, ["price"]), (STARS, 3), (ORDER, ["price", "looks", "strength"])]
)
def test_where_an_abstention_is_no_label_it_has_no_key_to_be_right_with(feature, value):
    values = FeatureValues(feature)
    coded = values.code([values.key(value)], [[FAILED]])
    assert not values.can_abstain
    assert coded.codes.tolist() == [[0 if feature is not STARS else 2, coded.failed]]
    assert not values.right(coded).any()
