"""Dawid and Skene's estimator on answers whose truth is known."""

import numpy as np
import pytest

from goldpan.statistics.annotator_model_choice import calibrated_posteriors, choose_model
from goldpan.statistics.dawid_skene import dawid_skene, free_parameters, one_coin, shrunk

SHARES = np.array([0.5, 0.3, 0.2])
CONFUSIONS = np.array(
    [
        [[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.05, 0.05, 0.9]],
        [[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.1, 0.1, 0.8]],
        [[0.6, 0.2, 0.2], [0.1, 0.8, 0.1], [0.3, 0.1, 0.6]],
        [[0.4, 0.3, 0.3], [0.3, 0.4, 0.3], [0.3, 0.3, 0.4]],
        [[0.4, 0.3, 0.3], [0.3, 0.4, 0.3], [0.3, 0.3, 0.4]],
    ]
)


def simulated(items=3000, missing=0.0, seed=7):
    generator = np.random.default_rng(seed)
    truth = generator.choice(3, p=SHARES, size=items)
    draws = generator.random((items, len(CONFUSIONS), 1))
    codes = (draws > CONFUSIONS[:, truth].transpose(1, 0, 2).cumsum(2)).sum(2)
    return truth, np.where(generator.random(codes.shape) < missing, -1, codes)


def majority(codes):
    return np.stack([(codes == label).sum(1) for label in range(3)], axis=1).argmax(1)


@pytest.mark.slow
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_the_confusion_matrices_and_shares_are_recovered(missing):
    _, codes = simulated(missing=missing)
    found = dawid_skene(codes, 3)
    assert found.converged
    assert found.shares == pytest.approx(SHARES, abs=0.04)
    assert np.abs(found.confusions - CONFUSIONS).max() < 0.09
    assert np.abs(found.confusions - CONFUSIONS).mean() < 0.03


def test_more_items_are_right_than_by_majority():
    truth, codes = simulated()
    by_model = (dawid_skene(codes, 3).posteriors.argmax(1) == truth).mean()
    assert by_model > (majority(codes) == truth).mean() + 0.05


def test_posteriors_are_as_sure_as_they_are_right():
    truth, codes = simulated()
    posteriors = dawid_skene(codes, 3).posteriors
    assert posteriors.max(1).mean() == pytest.approx((posteriors.argmax(1) == truth).mean(), abs=0.03)
    assert posteriors.sum(1) == pytest.approx(np.ones(len(truth)))


def test_hundreds_of_answers_to_an_item_do_not_underflow():
    codes = np.repeat(np.array([[0], [1]] * 20), 900, axis=1)
    found = dawid_skene(codes, 2)
    assert np.isfinite(found.posteriors).all()
    assert found.posteriors.argmax(1).tolist() == codes[:, 0].tolist()


def test_an_item_without_answers_gets_the_shares_of_the_labels():
    _, codes = simulated(500)
    found = dawid_skene(np.vstack([codes, np.full((1, 5), -1)]), 3)
    assert found.posteriors[-1] == pytest.approx(found.shares, abs=1e-3)


def test_one_annotator_with_one_answer_is_not_taken_for_infallible():
    codes = np.array([[0, 0, -1]] * 10 + [[1, 1, -1]] * 10 + [[0, 0, 1]])
    found = dawid_skene(codes, 2)
    assert found.posteriors[-1, 0] > 0.9


def test_no_items_give_an_empty_result():
    assert dawid_skene(np.empty((0, 3), dtype=int), 2).posteriors.shape == (0, 2)


def equals(items=240, labels=16, annotators=4, seed=3):
    """Answers of annotators who are as good as each other; labels are as frequent as each other."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(labels, size=items)
    guesses = generator.integers(labels, size=(items, annotators))
    return truth, np.where(generator.random((items, annotators)) < 0.5, truth[:, None], guesses)


def test_two_against_two_is_a_tie_for_one_coin_and_none_for_the_full_model():
    _, codes = equals()
    codes[:20] = [[label % 16, label % 16, (label + 1) % 16, (label + 1) % 16] for label in range(20)]
    assert dawid_skene(codes, 16).posteriors[:20].max(1).mean() > 0.9
    assert one_coin(codes, 16).posteriors[:20].max(1).mean() < 0.75


def test_with_one_answer_a_parameter_the_full_model_is_not_chosen():
    _, codes = equals()
    choice = choose_model([codes], 16)
    assert (choice.model, choice.answers, choice.parameters) == ("one_coin", 960, 19)
    assert free_parameters("full", 8, 16) == 15 + 8 * 16 * 15


def test_with_hundreds_of_labels_only_one_coin_is_fitted():
    codes = np.random.default_rng(3).integers(0, 300, (40, 3))
    choice = choose_model([codes], 300)
    assert choice.model == "one_coin"
    assert "fewer than 0.1 answers for each free parameter" in choice.reason


def test_with_many_answers_a_parameter_the_full_model_is_chosen():
    _, codes = simulated()
    choice = choose_model([codes], 3)
    assert (choice.model, choice.parameters) == ("full", 2 + 5 * 6)


def test_neither_the_order_of_items_nor_that_of_the_model_moves_the_choice_or_a_posterior():
    _, codes = simulated(90, missing=0.2)
    order = np.random.default_rng(1).permutation(len(codes))
    assert choose_model([codes], 3) == choose_model([codes[order]], 3)
    for model in ("one_coin", "shrunk", "full"):
        there, back = calibrated_posteriors(model, codes, 3), calibrated_posteriors(model, codes[order], 3)
        assert there[order] == pytest.approx(back, abs=1e-4)


def test_one_coin_finds_who_is_good_and_guesses_by_the_labels_shares():
    generator = np.random.default_rng(5)
    truth = generator.choice(2, p=[0.9, 0.1], size=2000)
    sees = generator.random((2000, 4)) < [0.9, 0.8, 0.5, 0.2]
    codes = np.where(sees, truth[:, None], generator.choice(2, p=[0.9, 0.1], size=(2000, 4)))
    fit = one_coin(codes, 2)
    assert fit.converged
    # The prior of 50 answers draws the worst of four towards their mean.
    assert fit.confusions[:, 1, 1] == pytest.approx([0.91, 0.82, 0.55, 0.28], abs=0.12)
    assert fit.confusions[:, 0, 0] == pytest.approx([0.99, 0.98, 0.95, 0.92], abs=0.03)


def test_shrinkage_lies_between_one_coin_and_the_full_model():
    _, codes = simulated(150)
    far, near, none = (model(codes, 3).confusions for model in (one_coin, shrunk, dawid_skene))
    assert 0 < np.abs(near - far).mean() < np.abs(none - far).mean()
    assert np.abs(near - none).mean() < np.abs(far - none).mean()


@pytest.mark.parametrize("model", [one_coin, shrunk])
def test_models_with_priors_bear_missing_answers_and_none_at_all(model):
    _, codes = simulated(60, missing=0.5)
    codes[0] = -1
    assert model(codes, 3).posteriors.sum(1) == pytest.approx(np.ones(60))
    assert model(np.empty((0, 3), dtype=int), 2).posteriors.shape == (0, 2)
