"""How frequent labels really are: corrected by the gold sample, against the model's answers alone."""

import numpy as np
import orjson
import pytest

from goldpan.evaluation.coding import FeatureValues
from goldpan.evaluation.corpus import corpus_prevalence
from goldpan.evaluation.predictions import FeatureCounts, Predictions, read_drawn
from goldpan.evaluation.prevalence import METHOD, corrected_mean, corrected_share, post_strata
from goldpan.statistics.figures import Estimate
from goldpan.statistics.sampling_design import design_of
from tests.evaluation_builders import gold_item
from tests.wave_builders import COMPLAINT, STARS, TONE, TOPICS

SIZE = 10_000
P, N, U = "Positive", "Negative", "Neutral"


def drawn(predicted, generator, each=None):
    """Places of 200 items and their inclusion probabilities: at random, or by predicted label alike."""
    if each is None:
        return generator.choice(SIZE, 200, replace=False), np.full(200, 200 / SIZE)
    places, chances = [], []
    for label in (True, False):
        own = np.flatnonzero(predicted == label)
        places.append(generator.choice(own, each, replace=False))
        chances.append(np.full(each, each / len(own)))
    return np.concatenate(places), np.concatenate(chances)


@pytest.mark.parametrize("each", [None, 100], ids=["at random", "balanced"])
@pytest.mark.parametrize(
    ("prevalence", "sensitivity", "specificity"), [(0.05, 0.6, 0.97), (0.02, 0.9, 0.99), (0.3, 0.99, 0.8)]
)
def test_the_corrected_share_is_right_and_its_interval_holds(each, prevalence, sensitivity, specificity):
    generator = np.random.default_rng(4)
    gold = np.arange(SIZE) < prevalence * SIZE
    values, held, naive = [], [], []
    for _ in range(300):
        predicted = np.where(gold, generator.random(SIZE) < sensitivity, generator.random(SIZE) > specificity)
        places, chances = drawn(predicted, generator, each)
        counts = {True: int(predicted.sum()), False: int((~predicted).sum())}
        strata = post_strata(predicted[places].tolist(), counts)
        found = corrected_share(gold[places], 1 / chances, strata)
        values.append(found.value)
        held.append(found.interval.low <= prevalence <= found.interval.high)
        naive.append(predicted.mean())
    assert np.mean(values) == pytest.approx(prevalence, abs=0.004)
    assert np.mean(held) > 0.92
    assert abs(np.mean(naive) - prevalence) > 2 * abs(np.mean(values) - prevalence)


def test_a_census_leaves_no_doubt():
    has = np.array([True, False, False, True] * 5)
    strata = post_strata(has.tolist(), {True: 10, False: 10})
    found = corrected_share(has, np.ones(20), strata)
    assert (found.value, found.interval.low, found.interval.high) == (0.5, 0.5, 0.5)


def test_a_sample_without_an_error_still_leaves_doubt():
    has = np.array([True] * 20 + [False] * 20)
    strata = post_strata(has.tolist(), {True: 500, False: 9500})
    found = corrected_share(has, np.ones(40), strata)
    assert found.value == pytest.approx(0.05)
    assert found.interval.high > 0.1


def test_predicted_labels_with_few_gold_items_are_taken_together():
    strata = post_strata(["a"] * 8 + ["b"] * 3 + ["c"] * 2, {"a": 80, "b": 30, "c": 20, "d": 5})
    assert [len(some) for some in strata.members] == [8, 5]
    assert strata.sizes.tolist() == [80, 55]
    assert post_strata(["a"] * 4, {"a": 10}) is None


def setting(feature, gold, predicted, corpus):
    """Values, model, codes, design and sample of gold items drawn at random from a corpus."""
    values = FeatureValues(feature)
    counts = FeatureCounts()
    for value in corpus:
        counts.add(values, value)
    model = Predictions("m", counts={feature.name: counts})
    items = [
        gold_item(n, {feature.name: value}, inclusion_probability=len(gold) / len(corpus))
        for n, value in enumerate(gold)
    ]
    coded = values.code([values.key(one) for one in gold], [[values.key(one) for one in predicted]])
    return values, model, coded, design_of(items, items), items


def test_the_mean_score_is_corrected_by_the_models_bias():
    gold, predicted = [1, 2, 3, 4, 5, 3], [2, 3, 4, 5, 5, 3]
    found = corpus_prevalence(*setting(STARS, gold, predicted, predicted * 10))
    assert found.predicted_mean == pytest.approx(22 / 6)
    assert found.corrected_mean.value == pytest.approx(18 / 6)
    interval = found.corrected_mean.interval
    assert interval.low < 18 / 6 < interval.high
    assert sum(one.corrected.value for one in found.labels) == pytest.approx(1)


def test_a_mean_is_corrected_also_where_nobody_knows_how_surely():
    assert corrected_mean(3.0, Estimate(0.5, reason="why")) == Estimate(2.5, None, "why")


def test_each_label_of_sets_has_its_own_prevalence():
    gold, predicted = [["price"], ["price", "quality"], [], ["price"], []] * 2, [["price"]] * 10
    found = corpus_prevalence(*setting(TOPICS, gold, predicted, predicted * 3))
    assert {one.label: one.predicted for one in found.labels} == {"price": 1, "quality": 0}
    assert {one.label: one.corrected.value for one in found.labels} == pytest.approx(
        {"price": 0.6, "quality": 0.2}
    )


def test_a_corpus_of_which_some_failed_is_not_called_another_one():
    values, model, coded, design, items = setting(COMPLAINT, [True] * 10, [True] * 10, [True] * 100)
    model.counts["complaint"].records = 80
    model.states.update(failed=20)
    found = corpus_prevalence(values, model, coded, design, items)
    assert not found.labels and found.reason == "the model answered only 80 of 100 records"


def test_a_corpus_that_the_sample_was_not_drawn_from_is_not_corrected():
    values, model, coded, design, items = setting(COMPLAINT, [True] * 10, [True] * 10, [True] * 100)
    model.counts["complaint"].records = 200
    found = corpus_prevalence(values, model, coded, design, items)
    assert not found.labels and "not the same corpus" in found.reason


def test_of_the_answers_a_wave_was_drawn_by_it_is_said_that_the_others_are_not_known(tmp_path):
    values, _, coded, design, items = setting(COMPLAINT, [True] * 10, [True] * 10, [True] * 60)
    answer = {"complaint": {"type": "BinaryPrediction", "detected": True}}
    rows = [{"item_id": item.item_id, "id": f"r{at}", "features": answer} for at, item in enumerate(items)]
    path = tmp_path / "llm.jsonl"
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    model = read_drawn("m", path, {"complaint": values}, ())
    found = corpus_prevalence(values, model, coded, design, items)
    assert found.reason == (
        "only the answers to the items of the wave are known, not those to the other records"
    )


def test_labels_that_are_corrected_together_are_named():
    predicted = [P] * 8 + [N] * 2 + [U] * 3
    found = corpus_prevalence(*setting(TONE, predicted, predicted, predicted * 10))
    assert found.notes == (
        "Gold items predicted Negative or Neutral are taken together, as some of these predictions have fewer"
        " than 5 gold items.",
    )
    assert {one.corrected.interval.method for one in found.labels} == {METHOD}


def test_a_figure_that_no_prediction_corrects_says_that_it_is_the_plain_share():
    gold, predicted = [P] * 3 + [N] * 3 + [U] * 4, [P] * 4 + [N] * 4 + [U] * 2
    found = corpus_prevalence(*setting(TONE, gold, predicted, predicted * 10))
    assert [one.corrected.value for one in found.labels] == pytest.approx(
        [gold.count(one.label) / 10 for one in found.labels]
    )
    (note,) = found.notes
    assert "what the model predicts plays no part" in note and all(label in note for label in (P, N, U))
    assert "post-stratification" not in found.labels[0].corrected.interval.method


def test_of_sets_the_labels_that_no_prediction_corrects_are_named():
    gold = [["price"], [], ["price", "quality"], [], []] * 2
    predicted = [["price"]] * 5 + [["quality"]] + [[]] * 4
    (note,) = corpus_prevalence(*setting(TOPICS, gold, predicted, predicted * 3)).notes
    assert "to have, or not to have, quality:" in note


def test_each_label_with_gold_items_enough_is_corrected_without_a_note():
    predicted = [P] * 8 + [N] * 5
    assert corpus_prevalence(*setting(TONE, predicted, predicted, predicted * 10)).notes == ()
