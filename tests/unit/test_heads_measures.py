"""Figures of heads against scikit-learn and SciPy, and what their intervals say."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from goldpan.heads.measured import MeasuredRecords
from goldpan.heads.model import HeadPredictions, predict
from goldpan.heads.report import LearningCurve
from goldpan.heads.targets import Target
from goldpan.statistics.figures import Estimate
from goldpan.statistics.interval import Interval
from goldpan.statistics.samples import sample_of_groups

STARS = Target("stars", "stars", "ordinal", ("0", "1", "2", "4"))
TOPIC = Target("topic", "topic", "classification", ("law", "art", "war"))
LENGTH = Target("length", "length", "regression")


def ordinal_predictions(count=80, seed=0):
    """Places of true stars, and predictions that are near them, with ties."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 4, size=count)
    label = np.clip(truth + random.integers(-1, 2, size=count), 0, 3)
    score = np.round(STARS.positions[label] + random.normal(size=count) / 2, 1)
    return truth.astype(float), HeadPredictions(score, label)


def measured(target, truth, groups=None, seed=0):
    """Records to measure on, each its own group if no groups are given."""
    groups = [f"g{row}" for row in range(len(truth))] if groups is None else groups
    return MeasuredRecords(target, truth, sample_of_groups(groups, seed))


def values(figures):
    return {name: figure.value for name, figure in figures.items()}


def width(figure):
    return figure.interval.high - figure.interval.low


def test_figures_of_ordered_labels_are_those_of_scikit_learn_and_scipy():
    truth, predicted = ordinal_predictions()
    places, stars = truth.astype(int), STARS.positions[truth.astype(int)]
    # scikit-learn weighs by the place in the list of labels, so the missing 3 is given as one of them.
    as_numbers = [stars.astype(int), STARS.positions[predicted.label].astype(int)]
    assert values(measured(STARS, truth).figures(predicted)) == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(places, predicted.label),
            "f1_macro": metrics.f1_score(places, predicted.label, average="macro"),
            "cohen_kappa_quadratic": metrics.cohen_kappa_score(
                *as_numbers, weights="quadratic", labels=[0, 1, 2, 3, 4]
            ),
            "mae": metrics.mean_absolute_error(stars, predicted.score),
            "rmse": metrics.root_mean_squared_error(stars, predicted.score),
            "spearman": stats.spearmanr(stars, predicted.score).statistic,
        }
    )


def test_figures_of_labels_without_an_order_are_those_of_scikit_learn():
    random = np.random.default_rng(1)
    truth, label = random.integers(0, 3, size=(2, 50))
    assert values(
        measured(TOPIC, truth.astype(float)).figures(HeadPredictions(None, label))
    ) == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(truth, label),
            "f1_macro": metrics.f1_score(truth, label, average="macro"),
            "cohen_kappa": metrics.cohen_kappa_score(truth, label),
        }
    )


def test_an_ordinal_target_of_very_many_labels_has_its_kappa():
    labels = tuple(str(number) for number in range(250))
    truth = np.arange(250.0)
    target = Target("many", "many", "ordinal", labels)
    figures = measured(target, truth, ["g1"] * 250).figures(HeadPredictions(truth, np.arange(250)))
    assert figures["cohen_kappa_quadratic"].value == 1


def test_a_record_that_is_there_several_times_counts_as_often():
    truth, predicted = ordinal_predictions(30)
    rows = np.repeat(np.arange(30), np.random.default_rng(2).integers(0, 4, size=30))
    sample = sample_of_groups([f"g{row}" for row in range(30)], 0)
    weighted = replace(sample, counts=np.concatenate([np.bincount(rows, minlength=30), np.zeros(256)]))
    again = measured(STARS, truth[rows]).figures(
        HeadPredictions(predicted.score[rows], predicted.label[rows])
    )
    assert values(MeasuredRecords(STARS, truth, weighted).figures(predicted)) == pytest.approx(values(again))


def test_the_rank_correlation_of_a_constant_is_undefined():
    figures = measured(LENGTH, np.arange(5.0)).figures(HeadPredictions(np.full(5, 2.0)))
    why = "undefined: the answered items have all the same gold value, or all the same prediction"
    assert figures["spearman"] == Estimate(None, reason=why)


def test_intervals_hold_the_value_and_shrink_with_more_records():
    widths = {}
    for count in (40, 1000):
        truth, predicted = ordinal_predictions(count)
        figure = measured(STARS, truth).figures(predicted)["accuracy"]
        assert figure.interval.low < figure.value < figure.interval.high
        widths[count] = width(figure)
    assert widths[1000] < widths[40] / 3


def test_all_right_is_not_certainly_right():
    truth = np.arange(30) % 3
    figure = measured(TOPIC, truth.astype(float)).figures(HeadPredictions(None, truth))["accuracy"]
    assert figure.value == 1
    assert figure.interval.low < 0.99


def test_records_of_one_group_count_as_one():
    truth, predicted = ordinal_predictions(40)
    rows = np.repeat(np.arange(40), 10)
    repeated = HeadPredictions(predicted.score[rows], predicted.label[rows])
    once = measured(STARS, truth).figures(predicted)["mae"]
    many = measured(STARS, truth[rows], [f"g{row}" for row in rows]).figures(repeated)["mae"]
    assert width(many) == pytest.approx(width(once), rel=0.15)


@pytest.mark.parametrize(("groups", "has_interval"), [(1, False), (4, False), (5, True)])
def test_a_handful_of_groups_has_figures_but_no_intervals(groups, has_interval):
    truth, predicted = ordinal_predictions(40)
    figure = measured(STARS, truth, [f"g{row % groups}" for row in range(40)]).figures(predicted)["mae"]
    assert figure.value is not None
    assert (figure.interval is not None) == has_interval
    unit = "group" if groups == 1 else "groups"
    assert figure.reason == (None if has_interval else f"no interval: {groups} {unit}, 5 are needed")


@pytest.mark.parametrize("records", [1, 3, 4])
def test_a_handful_of_records_has_figures_but_no_intervals(records):
    truth = np.arange(records) % 3
    for figure in measured(TOPIC, truth.astype(float)).figures(HeadPredictions(None, truth)).values():
        assert figure.interval is None
        assert figure.value is None or figure.reason.endswith(", 5 are needed")


def test_the_accuracy_of_records_that_are_not_in_groups_is_that_of_clopper_and_pearson():
    truth, predicted = ordinal_predictions(60)
    right = int((truth == predicted.label).sum())
    interval = measured(STARS, truth).figures(predicted)["accuracy"].interval
    low, high = stats.binomtest(right, 60).proportion_ci(method="exact")
    assert (interval.low, interval.high) == pytest.approx((low, high))
    grouped = measured(STARS, truth, [f"g{row // 3}" for row in range(60)])
    assert grouped.figures(predicted)["accuracy"].interval.method.startswith("bootstrap over groups")


@pytest.mark.slow
def test_intervals_cover_the_truth():
    """Of 200 samples of 60 records with a true accuracy of 0.8, the interval holds it in at least 92 %."""
    random = np.random.default_rng(4)
    held = 0
    for seed in range(200):
        truth = random.integers(0, 3, size=60)
        label = np.where(random.random(60) < 0.8, truth, (truth + 1) % 3)
        records = measured(TOPIC, truth.astype(float), seed=seed)
        interval = records.figures(HeadPredictions(None, label))["accuracy"].interval
        held += interval.low <= 0.8 <= interval.high
    assert held >= 184


def test_a_difference_is_surer_than_two_intervals():
    truth, predicted = ordinal_predictions(200)
    records = measured(STARS, truth)
    difference = records.differences(predicted, replace(predicted, score=predicted.score + 0.1))["rmse"]
    assert width(difference) < width(records.figures(predicted)["rmse"])


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(0.01, 0.1, "yes"), (-0.02, 0.05, "unclear"), (-0.03, 0.005, "no")]
)
def test_more_labels_help_when_the_last_doubling_did(low, high, verdict):
    gain = Estimate(0.0, Interval(low, high, 0.95, "m"))
    assert LearningCurve("spearman", (), 0.5, gain).more_labels_help == verdict


def test_an_ordinal_prediction_is_the_median_and_its_score_the_mean():
    thresholds = np.array([-1.0, 0.0, 2.0], dtype=np.float32)
    outputs = np.array([[-3.0], [-0.5], [1.0], [9.0]], dtype=np.float32)
    found = predict(STARS, outputs, thresholds)
    below = stats.logistic.cdf(np.array([-1.0, 0.0, 2.0]) - outputs)
    assert found.probabilities == pytest.approx(np.diff(below, axis=1, prepend=0, append=1))
    assert found.label.tolist() == [0, 1, 2, 3]
    assert found.score == pytest.approx(found.probabilities @ [0, 1, 2, 4])


def test_the_score_of_a_yes_no_target_is_the_probability_of_yes():
    target = Target("good", "good", "classification", ("no", "yes"))
    found = predict(target, np.array([[0.0, 1.0], [800.0, 0.0]], dtype=np.float32), None)
    assert found.score == pytest.approx([1 / (1 + np.exp(-1)), 0.0])
    assert found.label.tolist() == [1, 0]


def test_probabilities_without_an_order_give_no_score():
    assert predict(TOPIC, np.zeros((2, 3), dtype=np.float32), None).score is None
