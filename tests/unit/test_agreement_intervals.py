"""Intervals cover the true value as often as they say, where the usual ones do not."""

import json

import numpy as np
import pytest

from goldpan.statistics import bootstrap, multirater
from goldpan.statistics.coefficient_intervals import from_tables, recomputable_alpha, with_intervals
from goldpan.statistics.kappa import cohen_kappa, contingency_table, kappa_values, pair_tables
from goldpan.statistics.posterior import posterior_interval, posterior_replicates
from goldpan.statistics.samples import sample_of_answers
from goldpan.statistics.scales import Scale
from goldpan.waves.agreement.closed_labels import LabelSet, two_annotators
from goldpan.waves.agreement.measure import FeatureRatings, measure
from goldpan.waves.agreement.page import agreement_page
from goldpan.waves.agreement.report import AgreementReport
from goldpan.waves.agreement.text import report_text

SIMULATIONS, REPLICATES = 300, 500


def simulated(generator, items, annotators, shares, kappa):
    """Answers of a known pairwise kappa: each follows the item's truth with probability its root."""
    truth = generator.choice(len(shares), p=shares, size=items)
    noise = generator.choice(len(shares), p=shares, size=(items, annotators))
    follows = generator.random((items, annotators)) < np.sqrt(kappa)
    return np.where(follows, truth[:, None], noise)


def statistic(codes, labels):
    """Values of kappa (two annotators) or Fleiss' kappa of profiles under weights."""
    if codes.shape[1] == 2:
        return from_tables(pair_tables(codes, labels), kappa_values, np.eye(labels))
    counts = multirater.label_counts(codes, labels)
    return lambda weights: multirater.corrected_values(
        counts, weights, np.eye(labels), multirater.fleiss_expected
    )


def plain_interval(codes, labels, generator):
    """The usual percentile bootstrap over items."""
    values = statistic(codes, labels)
    draws = generator.multinomial(len(codes), np.full(len(codes), 1 / len(codes)), size=REPLICATES)
    found = values(draws.astype(float))
    found = found[~np.isnan(found)]
    return np.percentile(found, [2.5, 97.5]) if len(found) else (np.nan, np.nan)


def wald_interval(codes, labels):
    result = cohen_kappa(contingency_table(codes[:, 0], codes[:, 1], labels))
    error = result.standard_error or 0.0
    return result.value - 1.96 * error, result.value + 1.96 * error


def our_intervals(codes, labels, replicates=REPLICATES):
    """The interval that reports have, and that of the bootstrap alone; None where kappa is undefined."""
    sample = sample_of_answers(codes, labels)
    values = statistic(sample.codes, labels)
    estimate = values(sample.counts[None])[0]
    if np.isnan(estimate):
        return None
    draws = bootstrap.replicate(sample, lambda weights: values(weights)[:, None], replicates)[:, 0]
    usual = sample.interval(draws, estimate)
    if codes.shape[1] > 2 or labels > 2:
        return usual, usual
    posterior = posterior_replicates(sample, lambda weights: values(weights)[:, None], replicates)[:, 0]
    return posterior_interval(sample, posterior, draws, estimate), usual


def coverage(items, annotators, shares, kappa, seed, simulations=SIMULATIONS, replicates=REPLICATES):
    """Share of intervals that hold the true value: ours, plain bootstrap, Wald (two annotators only)."""
    generator, labels = np.random.default_rng(seed), len(shares)
    hits = []
    for _ in range(simulations):
        codes = simulated(generator, items, annotators, shares, kappa)
        intervals = our_intervals(codes, labels, replicates)
        if intervals is None:
            continue
        ours, _ = intervals
        plain = plain_interval(codes, labels, generator)
        wald = wald_interval(codes, labels) if annotators == 2 else plain
        hits.append([low <= kappa <= high for low, high in ((ours.low, ours.high), plain, wald)])
    assert len(hits) > simulations / 2
    return np.mean(hits, axis=0)


RARE = [
    (30, 2, (0.95, 0.05), 0.5),
    (50, 2, (0.98, 0.02), 0.5),
    (50, 2, (0.95, 0.05), 0.2),
    (100, 2, (0.98, 0.02), 0.8),
    (30, 2, (0.94, 0.04, 0.02), 0.5),
    (30, 3, (0.95, 0.05), 0.5),
    (30, 5, (0.95, 0.05), 0.8),
]


@pytest.mark.slow
@pytest.mark.parametrize(("items", "annotators", "shares", "kappa"), RARE)
def test_intervals_cover_where_a_label_is_rare_and_the_usual_ones_do_not(items, annotators, shares, kappa):
    ours, plain, wald = coverage(items, annotators, shares, kappa, seed=20)
    assert ours >= 0.93
    assert plain < 0.75
    assert wald < 0.75


COMMON = [
    (30, 2, (0.5, 0.5), 0.5),
    (100, 2, (0.6, 0.3, 0.1), 0.8),
    (500, 2, (0.95, 0.05), 0.5),
    (50, 4, (0.5, 0.3, 0.2), 0.5),
]


@pytest.mark.slow
@pytest.mark.parametrize(("items", "annotators", "shares", "kappa"), COMMON)
def test_intervals_are_not_needlessly_wide_where_no_label_is_rare(items, annotators, shares, kappa):
    ours, _, _ = coverage(items, annotators, shares, kappa, seed=21)
    assert 0.92 <= ours <= 0.985


def tables_of_two(items, prevalence, kappa, seed, simulations):
    """Codes of waves of two annotators and two labels, each table once with how often it was drawn."""
    apart = (1 - kappa) * prevalence * (1 - prevalence)
    cells = [1 - prevalence - apart, apart, apart, prevalence - apart]
    drawn = np.random.default_rng(seed).multinomial(items, cells, size=simulations)
    pairs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    for table, count in zip(*np.unique(drawn, axis=0, return_counts=True), strict=True):
        yield np.repeat(pairs, table, axis=0), count


def two_by_two(items, prevalence, kappa, seed, simulations=1000):
    """Coverage of intervals for two annotators and two labels, and their width by that of the bootstrap.

    The same table has the same interval, so that few have to be made.
    """
    hits, widths, weights = [], [], []
    for codes, count in tables_of_two(items, prevalence, kappa, seed, simulations):
        intervals = our_intervals(codes, 2)
        if intervals is not None:
            hits.append(intervals[0].low <= kappa <= intervals[0].high)
            widths.append([interval.high - interval.low for interval in intervals])
            weights.append(count)
    ours, usual = np.average(widths, axis=0, weights=weights)
    return np.average(hits, weights=weights), ours / usual


SMALL_TABLES = [
    (30, 0.05, 0.5),
    (50, 0.02, 0.8),
    (50, 0.05, 0.8),
    (50, 0.05, 0.95),
    (50, 0.3, 0.5),
    (100, 0.02, 0.9),
    (100, 0.05, 0.2),
    (100, 0.1, 0.5),
]


@pytest.mark.slow
@pytest.mark.parametrize(("items", "prevalence", "kappa"), SMALL_TABLES)
def test_two_annotators_and_two_labels_have_the_narrower_interval_that_holds(items, prevalence, kappa):
    covered, width = two_by_two(items, prevalence, kappa, seed=22)
    assert covered >= 0.93
    assert width <= (0.98 if prevalence > 0.1 else 0.93)


@pytest.mark.slow
@pytest.mark.parametrize(("items", "prevalence", "kappa"), [(50, 0.05, 0.8), (200, 0.05, 0.95)])
def test_intervals_of_ac1_and_pabak_hold(items, prevalence, kappa):
    same = 1 - 2 * (1 - kappa) * prevalence * (1 - prevalence)
    by_chance = {"gwet_ac1": 2 * prevalence * (1 - prevalence), "pabak": 0.5}
    true = {name: (same - chance) / (1 - chance) for name, chance in by_chance.items()}
    held = dict.fromkeys(true, 0)
    for codes, count in tables_of_two(items, prevalence, kappa, seed=25, simulations=300):
        for one in two_annotators(codes, LabelSet(2)):
            if one.name in true:
                held[one.name] += count * (one.interval.low <= true[one.name] <= one.interval.high)
    assert min(held.values()) >= 0.91 * 300, held


def scores_of(generator, items, annotators, shift):
    """Codes of scores from 1 to 5; each annotator is `shift` higher than the one before."""
    truth = 3 + 1.1 * generator.normal(size=(items, 1))
    noise = 0.7 * generator.normal(size=(items, annotators))
    return np.clip(np.rint(truth + noise + shift * np.arange(annotators)), 1, 5).astype(int) - 1


@pytest.mark.slow
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_intervals_of_correlations_errors_and_alpha_of_scores_hold(shift):
    generator, labels = np.random.default_rng(24), LabelSet(5, np.arange(1.0, 6.0), are_numbers=True)

    def figures(codes):
        sample = sample_of_answers(codes, 5)
        make = dict(labels.alphas())["krippendorff_alpha_interval"]
        alpha = recomputable_alpha("krippendorff_alpha_interval", make, codes, sample)
        return sample, [*labels.of_numbers(sample), alpha]

    _, many = figures(scores_of(generator, 100_000, 3, shift))
    true = {one.coefficient.name: one.coefficient.value for one in many}
    held = dict.fromkeys(true, 0)
    for _ in range(150):
        for one in with_intervals(*figures(scores_of(generator, 30, 3, shift))):
            held[one.name] += one.interval.low <= true[one.name] <= one.interval.high
    assert min(held.values()) >= 0.91 * 150, held


def test_an_upper_limit_near_perfect_agreement_is_that_of_the_bootstrap():
    codes = np.repeat([[0, 0], [1, 1], [0, 1]], [46, 3, 1], axis=0)
    (ours, usual), (other, _) = our_intervals(codes, 2), our_intervals(np.concatenate([codes, [[1, 0]]]), 2)
    assert ours.high == usual.high > 0.99
    assert ours.low > usual.low
    assert other.high < 0.97
    assert ("upper limit" in ours.method, "upper limit" in other.method) == (True, False)


def test_the_reported_interval_of_two_labels_is_the_narrower_one_and_ac1_keeps_its_own():
    pairs = [("no", "no")] * 90 + [("yes", "yes")] * 5 + [("no", "yes")] * 3 + [("yes", "no")] * 2
    result = measure(FeatureRatings("x", Scale("nominal"), two(pairs)))
    methods = {one.name: one.interval.method for one in result.coefficients}
    assert {name for name, method in methods.items() if method.startswith("Dirichlet")} == {
        "cohen_kappa",
        "scott_pi",
        "krippendorff_alpha_nominal",
    }
    assert result.labels[1].kappa.interval.method.startswith("Dirichlet")
    assert measure(FeatureRatings("x", Scale("nominal"), two(pairs))).as_json() == result.as_json()


def two(pairs):
    return {f"item {number}": {"a": first, "b": second} for number, (first, second) in enumerate(pairs)}


def test_perfect_agreement_on_a_few_items_is_not_reported_as_certain():
    result = measure(FeatureRatings("x", Scale("nominal"), two([("yes", "yes")] * 15 + [("no", "no")] * 15)))
    interval = result.coefficient("cohen_kappa").interval
    assert interval.high == 1.0
    assert 0.6 < interval.low < 0.95


FEW = [
    ("nominal", "xy", ["xy", "xx", "yx", "yy"]),
    ("ordered", "123", ["12", "31", "22", "33"]),
]


@pytest.mark.parametrize("items", [1, 2, 4])
@pytest.mark.parametrize("annotators", [2, 3])
@pytest.mark.parametrize(("kind", "labels", "pairs"), FEW)
def test_a_handful_of_items_has_no_interval_but_a_reason(kind, labels, pairs, annotators, items):
    ratings = {
        f"i{number}": dict(zip("abc", pair + pair[:1] * (annotators - 2), strict=False))
        for number, pair in enumerate(pairs[:items])
    } | {f"alone {number}": {"a": labels[0]} for number in range(9)}
    result = measure(FeatureRatings("f", Scale(kind, tuple(labels)), ratings))
    defined = [one for one in result.coefficients if one.value is not None]
    assert defined
    assert all(one.interval is None and "fewer than 5 items" in one.reason for one in defined)
    assert any(f"Only {items} item" in note for note in result.notes)
    report = AgreementReport("T", (result,))
    assert "fewer than 5" in report_text(report)
    assert "fewer than 5" in agreement_page(report)
    assert json.loads(json.dumps(result.as_json()))["coefficients"][0]["interval"] is None


def test_five_items_have_an_interval():
    result = measure(FeatureRatings("f", Scale("nominal"), two(["xx", "xy", "yy", "yy", "yx"])))
    assert all(one.interval.high > one.interval.low and not one.reason for one in result.coefficients)


def test_the_interval_of_observed_agreement_holds_with_one_item_too():
    observed = measure(FeatureRatings("f", Scale("nominal"), two(["xy"]))).observed
    assert (observed.interval.method, observed.interval.high > 0.7) == ("Wilson", True)


def test_pseudo_items_leave_the_estimate_alone():
    codes = simulated(np.random.default_rng(1), 40, 3, (0.9, 0.1), 0.5)
    sample = sample_of_answers(codes, 2)
    with_pool = statistic(sample.codes, 2)(sample.counts[None])[0]
    assert with_pool == pytest.approx(statistic(codes, 2)(np.ones((1, 40)))[0])


@pytest.mark.parametrize("labels", [2, 3, 5])
def test_two_annotators_get_two_over_k_squared_in_each_cell(labels):
    codes = np.array([[0, 0], [1, 1], [0, 1]])
    sample = sample_of_answers(codes, labels)
    expected_items = sample.strata[0].chances * (len(codes) + 2)
    table = pair_tables(sample.codes, labels)(expected_items[None])[0]
    observed = pair_tables(codes, labels)(np.ones((1, 3)))[0]
    assert table - observed == pytest.approx(np.full((labels, labels), 2 / labels**2))


@pytest.mark.parametrize("annotators", [3, 12])
def test_pseudo_items_are_answered_as_often_as_real_items(annotators):
    generator = np.random.default_rng(3)
    codes = np.full((50, annotators), -1)
    for row in codes:
        row[generator.permutation(annotators)[:2]] = generator.integers(0, 4, size=2)
    sample = sample_of_answers(codes, 4)
    pool = sample.codes[sample.counts == 0]
    assert len(pool)
    assert ((pool >= 0).sum(1) == 2).all()


def test_the_same_answers_in_another_order_give_the_same_interval():
    pairs = [("x", "x")] * 20 + [("y", "y")] * 9 + [("x", "y")] * 5 + [("y", "x")] * 2
    forward = measure(FeatureRatings("f", Scale("nominal"), two(pairs)))
    ratings = two(pairs)
    backward = measure(FeatureRatings("f", Scale("nominal"), dict(reversed(ratings.items()))))
    assert forward.as_json() == backward.as_json()


def test_the_interval_does_not_depend_on_how_replicates_are_cut_up():
    codes = simulated(np.random.default_rng(2), 60, 3, (0.5, 0.5), 0.5)
    sample = sample_of_answers(codes, 2)
    values = statistic(sample.codes, 2)
    whole = bootstrap.replicate(sample, lambda weights: values(weights)[:, None], 200)
    parts = bootstrap.replicate(sample, lambda weights: values(weights)[:, None], 200, width=100_000)
    np.testing.assert_allclose(whole, parts)


def test_an_interval_of_undefined_replicates_is_none():
    assert bootstrap.percentile_interval(np.full(10, np.nan), 0.5, 30, "m") is None
