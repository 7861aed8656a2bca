"""What the bootstrap draws: as many units as there are of each stratum, each time others."""

import numpy as np

from goldpan.statistics.bootstrap import Sample, Stratum, replicate
from goldpan.statistics.samples import sample_of_answers


def test_each_replicate_draws_as_many_items_as_were_answered():
    codes = np.random.default_rng(1).integers(0, 3, size=(40, 2))
    sizes = replicate(sample_of_answers(codes, 3), lambda weights: weights.sum(1, keepdims=True), 50)
    assert sizes.shape == (50, 1)
    assert (sizes == 40).all()


def test_strata_are_drawn_apart_and_counted_by_their_weights():
    strata = (
        Stratum(slice(0, 2), np.array([0.5, 0.5]), draws=4, weight=1.0),
        Stratum(slice(2, 5), np.array([0.2, 0.8, 0.0]), draws=6, weight=0.5),
    )
    sample = Sample(np.zeros((5, 1)), np.ones(5), np.ones(5), strata, drawn=5, seed=3, method="test")
    drawn = replicate(sample, lambda weights: weights, 200)
    assert (drawn[:, :2].sum(1) == 4).all() and (drawn[:, 2:].sum(1) == 3).all()
    assert (drawn[:, 4] == 0).all()
    assert len(np.unique(drawn, axis=0)) > 20
    assert np.array_equal(drawn, replicate(sample, lambda weights: weights, 200))
    assert 2.2 < drawn[:, 3].mean() < 2.6, "0.8 of six draws that count half"
