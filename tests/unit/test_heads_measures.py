"""Figures of heads against scikit-learn and SciPy, and what their intervals say."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from goldpan.heads.intervals import Figure, Sample
from goldpan.heads.measures import Answers, figure_names, figure_values
from goldpan.heads.model import predict
from goldpan.heads.report import LearningCurve
from goldpan.heads.targets import Target
from goldpan.statistics.coefficient import Interval

STARS = Target("stars", "stars", "ordinal", ("0", "1", "2", "4"))
TOPIC = Target("topic", "topic", "classification", ("law", "art", "war"))
LENGTH = Target("length", "length", "regression")


def ordinal_answers(count=80, seed=0):
    """True stars, and predictions that are near them, with ties."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 4, size=count)
    label = np.clip(truth + random.integers(-1, 2, size=count), 0, 3)
    score = np.round(STARS.positions[label] + random.normal(size=count) / 2, 1)
    return Answers(STARS.positions[truth], score, truth, label)


def named(target, answers, weights=None):
    """Figures by name."""
    count = len(answers.true_score if answers.true_score is not None else answers.true_label)
    weights = np.ones((1, count)) if weights is None else weights
    return dict(zip(figure_names(target), figure_values(target, answers, weights)[0], strict=True))


def test_figures_of_ordered_labels_are_those_of_scikit_learn_and_scipy():
    given = ordinal_answers()
    found = named(STARS, given)
    # scikit-learn weighs by the place in the list of labels, so the missing 3 is given as one of them.
    as_numbers = [STARS.positions[places].astype(int) for places in (given.true_label, given.label)]
    assert found == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(given.true_label, given.label),
            "f1_macro": metrics.f1_score(given.true_label, given.label, average="macro"),
            "cohen_kappa_quadratic": metrics.cohen_kappa_score(
                *as_numbers, weights="quadratic", labels=[0, 1, 2, 3, 4]
            ),
            "mae": metrics.mean_absolute_error(given.true_score, given.score),
            "rmse": metrics.root_mean_squared_error(given.true_score, given.score),
            "spearman": stats.spearmanr(given.true_score, given.score).statistic,
        }
    )


def test_figures_of_labels_without_an_order_are_those_of_scikit_learn():
    random = np.random.default_rng(1)
    truth, label = random.integers(0, 3, size=(2, 50))
    assert named(TOPIC, Answers(None, None, truth, label)) == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(truth, label),
            "f1_macro": metrics.f1_score(truth, label, average="macro"),
            "cohen_kappa": metrics.cohen_kappa_score(truth, label),
        }
    )


def test_a_weight_of_two_counts_as_two_records():
    given = ordinal_answers(30)
    weights = np.random.default_rng(2).integers(0, 4, size=30)
    again = given.take(np.repeat(np.arange(30), weights))
    assert named(STARS, given, weights[None].astype(float)) == pytest.approx(named(STARS, again))


def test_the_rank_correlation_of_a_constant_is_undefined():
    given = Answers(np.arange(5.0), np.full(5, 2.0), None, None)
    assert np.isnan(named(LENGTH, given)["spearman"])
    figure = Sample(LENGTH, list("abcde"), 0).figures(given)["spearman"]
    assert figure == Figure(None, None)


def test_intervals_hold_the_value_and_shrink_with_more_records():
    widths = {}
    for count in (40, 1000):
        sample = Sample(STARS, [f"g{n}" for n in range(count)], 0)
        figure = sample.figures(ordinal_answers(count))["accuracy"]
        assert figure.interval.low < figure.value < figure.interval.high
        widths[count] = figure.interval.high - figure.interval.low
    assert widths[1000] < widths[40] / 3


def test_all_right_is_not_certainly_right():
    truth = np.arange(30) % 3
    sample = Sample(TOPIC, [f"g{n}" for n in range(30)], 0)
    figure = sample.figures(Answers(None, None, truth, truth))["accuracy"]
    assert figure.value == 1
    assert figure.interval.low < 0.99


def test_records_of_one_group_count_as_one():
    given = ordinal_answers(40)
    repeated = given.take(np.repeat(np.arange(40), 10))
    one = Sample(STARS, [f"g{n}" for n in range(40)], 0).figures(given)["mae"]
    many = Sample(STARS, [f"g{n // 10}" for n in range(400)], 0).figures(repeated)["mae"]
    width = one.interval.high - one.interval.low
    assert many.interval.high - many.interval.low == pytest.approx(width, rel=0.15)


@pytest.mark.parametrize(("groups", "has_interval"), [(1, False), (4, False), (5, True)])
def test_a_handful_of_groups_has_figures_but_no_intervals(groups, has_interval):
    sample = Sample(STARS, [f"g{n % groups}" for n in range(40)], 0)
    figure = sample.figures(ordinal_answers(40))["mae"]
    assert figure.value is not None
    assert (figure.interval is not None) == has_interval


def test_intervals_cover_the_truth():
    """Of 200 samples of 60 records with a true accuracy of 0.8, the interval holds it in at least 92 %."""
    random = np.random.default_rng(4)
    held = 0
    for seed in range(200):
        truth = random.integers(0, 3, size=60)
        label = np.where(random.random(60) < 0.8, truth, (truth + 1) % 3)
        interval = (
            Sample(TOPIC, [f"g{n}" for n in range(60)], seed)
            .figures(Answers(None, None, truth, label))["accuracy"]
            .interval
        )
        held += interval.low <= 0.8 <= interval.high
    assert held >= 184


def test_a_difference_is_surer_than_two_intervals():
    given = ordinal_answers(200)
    other = Answers(given.true_score, given.score + 0.1, given.true_label, given.label)
    sample = Sample(STARS, [f"g{n}" for n in range(200)], 0)
    difference = sample.differences(given, other)["rmse"]
    alone = sample.figures(given)["rmse"]
    assert difference.interval.high - difference.interval.low < alone.interval.high - alone.interval.low


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(0.01, 0.1, "yes"), (-0.02, 0.05, "unclear"), (-0.03, 0.005, "no")]
)
def test_more_labels_help_when_the_last_doubling_did(low, high, verdict):
    gain = Figure(0.0, Interval(low, high, 0.95, "m"))
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
