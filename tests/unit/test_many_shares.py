"""P-values of many overlapping sets: exact for one, not above Holm's, and false no more often than said."""

import numpy as np
import pytest
from scipy.stats import hypergeom

from goldpan.statistics.many_shares import higher_shares


def fields(generator, rows, number, values):
    """Sets of rows by the values of some fields, as slices are."""
    sets = []
    for _ in range(number):
        codes = generator.integers(0, values, rows)
        sets += [np.flatnonzero(codes == value) for value in range(values)]
    return sets


def exact(sets, marked):
    return [hypergeom.sf(marked[of].sum() - 1, len(marked), marked.sum(), len(of)) for of in sets]


def holm(p_values):
    order = np.argsort(p_values)
    steps = np.maximum.accumulate(np.array(p_values)[order] * (len(p_values) - np.arange(len(p_values))))
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(steps, 1)
    return corrected


def test_one_set_has_the_p_value_of_the_exact_test():
    generator = np.random.default_rng(3)
    marked = generator.random(200) < 0.2
    one = np.sort(generator.choice(200, 40, replace=False))
    marked[one[:14]] = True
    (p_value,), drawn = higher_shares([one], marked, None, 0.01, seed=1)
    assert drawn == 5_000
    assert p_value == pytest.approx(exact([one], marked)[0], abs=4 * np.sqrt(0.01 / drawn))


def test_a_correction_that_knows_of_overlaps_is_no_larger_than_holms():
    generator = np.random.default_rng(5)
    marked = generator.random(300) < 0.2
    sets = fields(generator, 300, 6, 6)
    marked[sets[4][:25]] = True
    # Each set is there three times: Holm pays for that, permutation does not.
    corrected, drawn = higher_shares(sets * 3, marked, None, 0.05, seed=1)
    assert np.all(corrected <= holm(exact(sets * 3, marked)) + 4 * np.sqrt(0.05 / drawn))
    assert np.ptp([corrected[4 + at * len(sets)] for at in range(3)]) < 1e-9


def test_counts_of_ten_thousands_of_rows_are_tested_as_well():
    generator = np.random.default_rng(5)
    marked = generator.random(40_000) < 0.1
    sets = fields(generator, 40_000, 2, 8)
    extra = sets[3]
    marked[extra] = generator.random(len(extra)) < 0.15
    corrected, _ = higher_shares(sets, marked, None, 0.05, seed=1)
    assert np.flatnonzero(corrected <= 0.05).tolist() == [3]


def test_the_same_seed_gives_the_same_and_no_sets_none():
    generator = np.random.default_rng(5)
    marked = generator.random(100) < 0.3
    sets = fields(generator, 100, 2, 3)
    first, again = (higher_shares(sets, marked, None, 0.05, seed=9)[0] for _ in range(2))
    assert first.tolist() == again.tolist()
    assert higher_shares([], marked, None, 0.05, seed=9)[0].shape == (0,)


@pytest.mark.parametrize("size", [1, 8], ids=["rows", "groups"])
def test_where_no_set_differs_one_is_found_no_more_often_than_alpha(size):
    """Of 200 data sets at alpha 0.1: at most 20 and what chance adds to that. Rows of a group are much alike,
    and some sets hold whole groups."""
    found = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        groups = np.arange(320) // size
        level = generator.normal(-1.5, 1.5 if size > 1 else 0, groups.max() + 1)
        marked = generator.random(320) < 1 / (1 + np.exp(-level[groups]))
        whole = generator.integers(0, 4, groups.max() + 1)[groups]
        sets = [*fields(generator, 320, 2, 5), *(np.flatnonzero(whole == value) for value in range(4))]
        p_values, _ = higher_shares(sets, marked, groups if size > 1 else None, 0.1, seed)
        found += bool((p_values <= 0.1).any())
    assert found <= 20 + 2.5 * np.sqrt(200 * 0.1 * 0.9)


def test_permuting_rows_of_groups_that_are_alike_would_find_groups():
    """So that the test above would fail if groups were not looked at."""
    found = 0
    for seed in range(100):
        generator = np.random.default_rng(seed)
        groups = np.arange(320) // 8
        level = generator.normal(-1.5, 1.5, 40)
        marked = generator.random(320) < 1 / (1 + np.exp(-level[groups]))
        whole = generator.integers(0, 4, 40)[groups]
        sets = [np.flatnonzero(whole == value) for value in range(4)]
        found += bool((higher_shares(sets, marked, None, 0.1, seed)[0] <= 0.1).any())
    assert found > 20


def test_a_bad_set_of_whole_groups_is_found():
    generator = np.random.default_rng(1)
    groups = np.arange(600) // 6
    whole = (np.arange(100) % 5)[groups]
    marked = generator.random(600) < np.where(whole == 2, 0.6, 0.15)
    sets = [np.flatnonzero(whole == value) for value in range(5)]
    p_values, _ = higher_shares(sets, marked, groups, 0.01, seed=1)
    assert np.flatnonzero(p_values <= 0.01).tolist() == [2]
