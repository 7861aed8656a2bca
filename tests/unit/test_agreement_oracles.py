"""Our coefficients against independent implementations, on random answers with fixed seeds."""

import itertools

import numpy as np
import pytest

from goldpan.statistics import distances, multirater
from goldpan.statistics.alpha import AlphaByMetric, AlphaOnScale, krippendorff_alpha
from goldpan.statistics.interval import wilson_interval
from goldpan.statistics.kappa import cohen_kappa, contingency_table, prevalence_and_bias, scott_pi
from goldpan.statistics.weights import agreement_weights

SEEDS = range(5)


def answers(seed, items=60, annotators=2, labels=4, missing=0.0):
    """Codes (items, annotators) of annotators who agree more than by chance."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, labels, size=items)
    noise = generator.integers(0, labels, size=(items, annotators))
    codes = np.where(generator.random((items, annotators)) < 0.6, truth[:, None], noise)
    return np.where(generator.random((items, annotators)) < missing, -1, codes)


@pytest.mark.parametrize("weighting", ["unweighted", "linear", "quadratic"])
@pytest.mark.parametrize("seed", SEEDS)
def test_cohen_kappa_is_that_of_scikit_learn(seed, weighting):
    metrics = pytest.importorskip("sklearn.metrics")
    first, second = answers(seed).T
    expected = metrics.cohen_kappa_score(
        first, second, labels=range(4), weights=None if weighting == "unweighted" else weighting
    )
    table = contingency_table(first, second, 4)
    assert cohen_kappa(table, agreement_weights(weighting, range(4))).value == pytest.approx(expected)


@pytest.mark.parametrize("weighting", ["unweighted", "linear", "quadratic"])
@pytest.mark.parametrize("seed", SEEDS)
def test_standard_errors_are_those_of_statsmodels(seed, weighting):
    inter_rater = pytest.importorskip("statsmodels.stats.inter_rater")
    table = contingency_table(*answers(seed).T, 4)
    name = {"unweighted": None, "linear": "linear", "quadratic": "quadratic"}[weighting]
    expected = inter_rater.cohens_kappa(table, wt=name)
    found = cohen_kappa(table, agreement_weights(weighting, range(4)))
    assert found.standard_error == pytest.approx(expected.std_kappa)
    assert found.standard_error_null == pytest.approx(expected.std_kappa0)


@pytest.mark.parametrize("method", ["fleiss", "randolph"])
@pytest.mark.parametrize("seed", SEEDS)
def test_kappas_of_many_are_those_of_statsmodels(seed, method):
    inter_rater = pytest.importorskip("statsmodels.stats.inter_rater")
    counts = multirater.label_counts(answers(seed, annotators=5), 4)
    coefficient = {"fleiss": multirater.fleiss_kappa, "randolph": multirater.randolph_kappa}[method]
    assert coefficient(counts).value == pytest.approx(inter_rater.fleiss_kappa(counts, method=method))


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
@pytest.mark.parametrize("seed", SEEDS)
def test_alpha_is_that_of_the_krippendorff_package(seed, level):
    package = pytest.importorskip("krippendorff")
    codes = answers(seed, annotators=4, labels=5, missing=0.3)
    numbers = np.array([1.0, 2.0, 4.0, 7.0, 7.5])
    data = np.where(codes >= 0, numbers[codes], np.nan).T
    expected = package.alpha(reliability_data=data, level_of_measurement=level, value_domain=numbers)
    alpha = {
        "nominal": lambda: AlphaByMetric(codes, 5, distances.nominal(5)),
        "ordinal": lambda: AlphaOnScale(codes, 5),
        "interval": lambda: AlphaOnScale(codes, 5, numbers),
        "ratio": lambda: AlphaByMetric(codes, 5, distances.ratio(numbers)),
    }[level]()
    assert krippendorff_alpha(alpha, level).value == pytest.approx(expected)


def test_interval_alpha_by_metric_and_on_scale_are_the_same():
    codes, numbers = answers(3, annotators=3, labels=5, missing=0.2), np.array([1.0, 2.0, 4.0, 7.0, 9.0])
    squared = (numbers[:, None] - numbers[None, :]) ** 2
    by_metric = krippendorff_alpha(AlphaByMetric(codes, 5, lambda part: squared[part]), "x").value
    assert krippendorff_alpha(AlphaOnScale(codes, 5, numbers), "x").value == pytest.approx(by_metric)


SETS = [frozenset(members) for size in range(5) for members in itertools.combinations("abcd", size)]


def test_jaccard_distances_are_those_of_nltk():
    nltk = pytest.importorskip("nltk.metrics.distance")
    pairs = itertools.product(range(1, len(SETS)), repeat=2)
    found = distances.jaccard(SETS)(slice(0, len(SETS)))
    assert all(found[i, j] == pytest.approx(nltk.jaccard_distance(SETS[i], SETS[j])) for i, j in pairs)


def test_masi_distances_are_those_of_nltk():
    nltk = pytest.importorskip("nltk.metrics.distance")
    found = distances.masi(SETS)(slice(0, len(SETS)))
    # nltk writes 2/3 as 0.67 and 1/3 as 0.33.
    for i, j in itertools.product(range(1, len(SETS)), repeat=2):
        assert found[i, j] == pytest.approx(nltk.masi_distance(SETS[i], SETS[j]), abs=0.004)


def test_empty_sets_are_equal_to_each_other_and_far_from_all_others():
    for metric in (distances.masi(SETS), distances.jaccard(SETS)):
        assert metric(slice(0, 1))[0].tolist() == [0.0] + [1.0] * (len(SETS) - 1)


def test_masi_of_the_three_relations_of_sets():
    sets = [frozenset("ab"), frozenset("a"), frozenset("bc"), frozenset("xy"), frozenset("ab")]
    assert distances.masi(sets)(slice(0, 1))[0] == pytest.approx(
        [0, 1 - 1 / 2 * 2 / 3, 1 - 1 / 3 * 1 / 3, 1, 0]
    )


def test_alpha_of_sets_is_that_of_its_definition():
    sets = [frozenset("ab"), frozenset("a"), frozenset("bc"), frozenset()]
    codes = answers(1, items=12, annotators=3, missing=0.2)
    rows = [[code for code in row if code >= 0] for row in codes.tolist()]
    rows = [row for row in rows if len(row) > 1]
    between = distances.masi(sets)(slice(0, 4))
    everything = [code for row in rows for code in row]
    observed = sum(
        between[a, b] / (len(row) - 1) for row in rows for a, b in itertools.permutations(row, 2)
    ) / len(everything)
    expected = np.mean([between[a, b] for a, b in itertools.permutations(everything, 2)])
    alpha = AlphaByMetric(codes, 4, distances.masi(sets))
    assert krippendorff_alpha(alpha, "x").value == pytest.approx(1 - observed / expected)


def test_alpha_does_not_depend_on_the_size_of_its_blocks():
    sets = [frozenset(str(number).zfill(3)) for number in range(40)]
    codes = answers(2, items=80, annotators=3, labels=40)
    whole = AlphaByMetric(codes, 40, distances.masi(sets))
    in_blocks = AlphaByMetric(codes, 40, distances.masi(sets), block_cells=200)
    assert krippendorff_alpha(in_blocks, "x").value == pytest.approx(krippendorff_alpha(whole, "x").value)


@pytest.mark.parametrize("seed", SEEDS)
def test_kendall_distances_are_those_of_scipy(seed):
    stats = pytest.importorskip("scipy.stats")
    generator = np.random.default_rng(seed)
    rankings = [tuple(str(item) for item in generator.permutation(6)) for _ in range(5)]
    found = distances.kendall(rankings)(slice(0, 5))
    for i, j in itertools.combinations(range(5), 2):
        places = [[ranking.index(str(item)) for item in range(6)] for ranking in (rankings[i], rankings[j])]
        assert found[i, j] == pytest.approx((1 - stats.kendalltau(*places).statistic) / 2)


def test_rankings_of_different_items_cannot_be_compared():
    with pytest.raises(ValueError, match="same items"):
        distances.kendall([("a", "b"), ("a", "c")])


def test_wilson_is_that_of_statsmodels():
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    for successes, trials in ((0, 30), (1, 30), (29, 30), (30, 30), (213, 500)):
        found = wilson_interval(successes, trials)
        expected = proportion.proportion_confint(successes, trials, method="wilson")
        assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)


# Krippendorff's example C; the values are those that R's irrCAC prints for it.
EXAMPLE_C = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 0],
        [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 3],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
    ]
).T


def test_gwet_and_fleiss_with_missing_answers_are_those_of_irrcac():
    counts = multirater.label_counts(EXAMPLE_C - 1, 5)
    assert multirater.gwet_ac(counts).value == pytest.approx(0.77544, abs=5e-6)
    assert multirater.fleiss_kappa(counts).value == pytest.approx(0.76117, abs=5e-6)


def test_scott_pi_is_fleiss_kappa_of_two():
    codes = answers(4)
    table, counts = contingency_table(*codes.T, 4), multirater.label_counts(codes, 4)
    assert scott_pi(table).value == pytest.approx(multirater.fleiss_kappa(counts).value)


def test_ac1_and_pabak_by_hand():
    # Both yes 118, only one yes 5 and 2, both no 0: kappa is near 0 though people agree.
    table = np.array([[0.0, 2.0], [5.0, 118.0]])
    counts = multirater.label_counts(np.repeat([[0, 1], [1, 0], [1, 1]], [2, 5, 118], axis=0), 2)
    yes = (2 * 118 + 5 + 2) / 250
    chance = 2 * yes * (1 - yes)
    assert multirater.gwet_ac(counts).value == pytest.approx((118 / 125 - chance) / (1 - chance))
    assert multirater.randolph_kappa(counts).value == pytest.approx(2 * 118 / 125 - 1)
    assert cohen_kappa(table).value < 0
    indices = prevalence_and_bias(table, 1)
    assert (indices.prevalence_index, indices.bias_index) == pytest.approx((118 / 125, 3 / 125))


def test_specific_agreement_of_two_is_its_textbook_form():
    codes = answers(2)
    table, counts = contingency_table(*codes.T, 4), multirater.label_counts(codes, 4)
    expected = 2 * np.diag(table) / (table.sum(0) + table.sum(1))
    found = multirater.specific_agreement_values(counts, np.ones((1, len(counts))))[0]
    assert found == pytest.approx(expected)


def test_agreement_by_codes_is_that_by_counts():
    codes = answers(1, annotators=5, missing=0.4)
    by_counts = multirater.item_agreement(multirater.label_counts(codes, 4))
    np.testing.assert_allclose(multirater.exact_agreement(codes), by_counts)


@pytest.mark.parametrize("name", ["cohen", "scott", "fleiss", "gwet", "randolph", "alpha"])
def test_one_label_only_is_undefined_with_a_reason(name):
    codes = np.full((10, 2), 2)
    table, counts = contingency_table(*codes.T, 4), multirater.label_counts(codes, 4)
    result = {
        "cohen": lambda: cohen_kappa(table),
        "scott": lambda: scott_pi(table),
        "fleiss": lambda: multirater.fleiss_kappa(counts),
        "gwet": lambda: multirater.gwet_ac(counts[:, 2:3]),
        "randolph": lambda: multirater.randolph_kappa(counts[:, 2:3]),
        "alpha": lambda: krippendorff_alpha(AlphaOnScale(codes, 4), "alpha"),
    }[name]()
    assert result.value is None
    assert "one label" in result.reason


@pytest.mark.parametrize("name", ["cohen", "scott", "fleiss", "gwet", "alpha"])
def test_no_item_answered_twice_is_undefined_with_a_reason(name):
    codes = np.array([[0, -1], [-1, 1]])
    table, counts = contingency_table(*codes.T, 2), multirater.label_counts(codes, 2)
    result = {
        "cohen": lambda: cohen_kappa(table),
        "scott": lambda: scott_pi(table),
        "fleiss": lambda: multirater.fleiss_kappa(counts),
        "gwet": lambda: multirater.gwet_ac(counts),
        "alpha": lambda: krippendorff_alpha(AlphaOnScale(codes, 2), "alpha"),
    }[name]()
    assert result.value is None
    assert "no item" in result.reason
