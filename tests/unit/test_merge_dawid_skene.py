"""Dawid and Skene's estimator on answers whose truth is known."""

import numpy as np
import pytest

from goldpan.statistics.dawid_skene import dawid_skene

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
