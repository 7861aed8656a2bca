"""What one gets without a model, where several answers are equally frequent."""

import pytest

from goldpan.evaluation.baselines import constant_answers
from goldpan.evaluation.coding import FeatureValues
from goldpan.statistics.sampling_design import equal_design
from tests.wave_builders import ORDER, STARS, TONE, TOPICS


def majority_of(feature, gold):
    values = FeatureValues(feature)
    keys = [values.key(value) for value in gold]
    return constant_answers(keys, values, equal_design(len(keys)))[0][1]


@pytest.mark.parametrize("order", [1, -1])
def test_of_sets_that_are_equally_frequent_the_majority_baseline_gives_the_one_of_the_best_f1(order):
    many = TOPICS.label_list[:2]
    assert majority_of(TOPICS, [[], [], many, many][::order]) == tuple(sorted(many))


def test_of_scores_that_are_equally_frequent_it_gives_the_one_nearest_to_all():
    assert majority_of(STARS, [1, 1, 3, 3, 4, 5, 5]) == "3"


def test_of_orders_that_are_equally_frequent_it_gives_the_one_most_like_the_others():
    first, second, third = ORDER.items[:3]
    rest = list(ORDER.items[3:])
    orders = [[third, second, first], [first, third, second], [first, second, third]]
    gold = [orders[0], orders[0], orders[2], orders[2], orders[1]]
    assert majority_of(ORDER, [[*order, *rest] for order in gold]) == (*orders[2], *rest)


def test_of_labels_that_are_equally_frequent_it_gives_the_first_by_name():
    assert majority_of(TONE, ["Positive", "Negative", "Positive", "Negative"]) == "Negative"
