"""Confidence against what is right."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from goldpan.evaluation.calibration import calibration
from goldpan.evaluation.pictures import calibration_plot
from goldpan.statistics.sampling_design import Design


def equal(items):
    return Design(np.zeros(items, dtype=int), np.ones(items))


def test_bins_and_error_by_hand():
    confidence = np.array([0.95, 0.95, 0.55, 0.55, 1.0])
    right = np.array([True, False, True, False, True])
    found = calibration(confidence, right, equal(5))
    assert [(one.low, one.items) for one in found.bins] == [(0.5, 2), (0.9, 3)]
    assert found.bins[1].confidence == pytest.approx(2.9 / 3)
    assert found.bins[1].accuracy.value == pytest.approx(2 / 3)
    assert found.ece == pytest.approx((2 * 0.05 + 3 * (2.9 - 2) / 3) / 5)


def test_a_bin_of_fewer_than_five_items_has_no_interval_and_says_so():
    confidence = np.array([0.95] * 3 + [0.55] * 5)
    found = calibration(confidence, np.ones(8, dtype=bool), equal(8))
    many, few = (one.accuracy for one in found.bins)
    assert (few.interval, few.reason) == (None, "no interval: 3 items, 5 are needed")
    assert (many.interval.low, many.interval.high) == pytest.approx((0.025**0.2, 1))
    assert "no interval: 3 items, 5 are needed" in str(calibration_plot(found.bins))


def test_the_brier_score_is_that_of_scikit_learn():
    generator = np.random.default_rng(0)
    confidence = generator.random(100).round(4)
    right = generator.random(100) < confidence
    found = calibration(confidence, right, equal(100)).brier.raw
    assert found.value == pytest.approx(brier_score_loss(right, confidence))
    assert found.interval.low < found.value < found.interval.high


@pytest.mark.slow
def test_a_calibrated_model_is_not_accused_and_an_overconfident_one_is():
    generator = np.random.default_rng(1)
    p_values = {"calibrated": [], "overconfident": []}
    for _ in range(25):
        confidence = generator.uniform(0.5, 1, 100)
        p_values["calibrated"].append(
            calibration(confidence, generator.random(100) < confidence, equal(100)).ece_p_value
        )
        p_values["overconfident"].append(
            calibration(confidence, generator.random(100) < confidence - 0.25, equal(100)).ece_p_value
        )
    assert np.mean(np.array(p_values["calibrated"]) < 0.05) <= 0.125
    assert np.mean(np.array(p_values["overconfident"]) < 0.05) > 0.95


def test_few_items_show_an_error_even_of_a_calibrated_model():
    confidence = np.full(20, 0.75)
    found = calibration(confidence, np.arange(20) < 15, equal(20))
    assert found.ece == pytest.approx(0)
    assert 0.05 < found.ece_if_calibrated < 0.11
    assert found.ece_p_value == 1


def test_weights_count():
    confidence, right = np.array([0.8, 0.8]), np.array([True, False])
    found = calibration(confidence, right, Design(np.array([0, 1]), np.array([1.6, 0.4])))
    assert found.bins[0].accuracy.value == pytest.approx(0.8)
    assert found.ece == pytest.approx(0)


def test_a_confidence_of_90_percent_must_not_be_written_as_90():
    with pytest.raises(ValueError, match="between 0 and 1"):
        calibration(np.array([90.0]), np.array([True]), equal(1))
