"""The planner of half-widths.

`python -m tests.unit.test_power 400` prints the table of docs/agreement.md.
"""

import math
import sys

import numpy as np
import pytest

from goldpan.errors import StudyError
from goldpan.statistics.kappa import kappa_standard_errors, kappa_values
from goldpan.waves.planning.expectation import Expectation, expectation
from goldpan.waves.planning.power import (
    interval_of_wave,
    items_for,
    large_sample_half_width,
    plan,
    plan_text,
)


def test_the_expected_table_has_the_kappa_and_the_shares():
    expected = Expectation((0.7, 0.2, 0.1), 0.6)
    table = expected.table
    shares = np.array(expected.shares)
    assert table.sum(0) == pytest.approx(shares)
    chance = (shares**2).sum()
    assert (np.trace(table) - chance) / (1 - chance) == pytest.approx(0.6)


def test_the_large_sample_half_width_of_two_even_labels_is_its_closed_form():
    # With even shares the variance of kappa is (1 - kappa^2) / n.
    found = large_sample_half_width(100, Expectation((0.5, 0.5), 0.6))
    assert found == pytest.approx(1.959964 * math.sqrt(1 - 0.36) / 10, abs=1e-6)


def test_both_half_widths_agree_for_many_items():
    found = plan(2000, Expectation((0.5, 0.5), 0.6), simulations=60)
    assert found.median_half_width == pytest.approx(found.large_sample_half_width, rel=0.06)
    assert found.half_width == pytest.approx(found.large_sample_half_width, rel=0.1)


def test_the_formula_is_too_hopeful_for_a_rare_label_and_few_items():
    found = plan(30, Expectation((0.9, 0.1), 0.9))
    assert found.median_half_width > 1.15 * found.large_sample_half_width


def test_more_items_narrow_the_interval():
    widths = [plan(items, Expectation((0.8, 0.2), 0.6), 60).half_width for items in (30, 100, 300)]
    assert widths == sorted(widths, reverse=True)


def test_waves_without_the_rare_label_are_counted():
    found = plan(30, Expectation((0.99, 0.01), 0.6))
    assert found.undefined == pytest.approx(0.99**30 * (1 - 0.01 * 0.4) ** 30, abs=0.12)


def test_a_kappa_that_is_mostly_undefined_has_no_half_width():
    found = plan(10, Expectation((0.998, 0.002), 0.6))
    assert found.half_width is None
    assert "undefined" in plan_text(Expectation((0.998, 0.002), 0.6), [found])


@pytest.mark.slow
def test_the_items_for_a_half_width_reach_it_and_a_tenth_fewer_do_not():
    expected = Expectation((0.7, 0.3), 0.6)
    found = items_for(0.1, expected)
    assert found.half_width <= 0.1
    assert plan(int(found.items * 0.9), expected).half_width > 0.1


def test_the_same_question_has_the_same_answer():
    assert plan(40, Expectation((0.9, 0.1), 0.5)) == plan(40, Expectation((0.9, 0.1), 0.5))


def test_weighted_kappa_can_be_planned():
    expected = Expectation((0.2,) * 5, 0.5, "quadratic")
    assert plan(100, expected, 60).half_width == pytest.approx(
        large_sample_half_width(100, expected), rel=0.15
    )


@pytest.mark.parametrize(
    ("shares", "kappa"), [((1.0,), 0.5), ((0.5, 0.4), 0.5), ((1.0, 0.0), 0.5), ((0.5, 0.5), 1.0)]
)
def test_what_cannot_be_expected_is_refused(shares, kappa):
    with pytest.raises(StudyError):
        Expectation(shares, kappa)


def test_an_unreachable_half_width_is_refused():
    with pytest.raises(StudyError, match="100,000"):
        items_for(0.001, Expectation((0.5, 0.5), 0.5))


def test_the_text_has_a_line_per_plan():
    expected = Expectation((0.7, 0.3), 0.6)
    lines = plan_text(expected, [plan(30, expected, 20), plan(100, expected, 20)]).splitlines()
    assert "70%, 30%" in lines[0]
    assert [line.split()[0] for line in lines[-2:]] == ["30", "100"]


@pytest.mark.parametrize(
    ("labels", "prevalence", "shares"),
    [(2, 0.1, (0.9, 0.1)), (3, 0.2, (0.4, 0.4, 0.2)), (4, None, (0.25, 0.25, 0.25, 0.25))],
)
def test_shares_follow_from_the_number_of_labels_and_a_prevalence(labels, prevalence, shares):
    assert expectation(labels, 0.5, prevalence).shares == pytest.approx(shares)


def test_one_label_cannot_be_planned():
    with pytest.raises(StudyError, match="2 labels"):
        expectation(1, 0.5)


def waves(expected, items, count=300, seed=11):
    """Half-widths of new waves, undefined ones infinite, and whether the interval holds the true value."""
    generator = np.random.default_rng(seed)
    intervals = [interval_of_wave(expected.simulated(items, generator), expected) for _ in range(count)]
    widths = [math.inf if each is None else (each.high - each.low) / 2 for each in intervals]
    return np.array(widths), np.array([each.low <= expected.value <= each.high for each in intervals if each])


PLANNED = {
    "kappa of 2": (100, expectation(2, 0.6, 0.3)),
    "kappa of 2, rare label": (100, expectation(2, 0.6, 0.05)),
    "quadratic kappa of 2, 6 labels": (100, expectation(6, 0.6, None, "quadratic")),
    "kappa of 3": (100, expectation(2, 0.6, 0.3, annotators=3)),
    "kappa of 5, each item by 2": (100, expectation(2, 0.6, 0.3, annotators=5, overlap=2)),
    "quadratic kappa of 3, 5 labels": (60, expectation(5, 0.6, None, "quadratic", 3)),
    "alpha of 4, 3 labels": (60, expectation(3, 0.6, annotators=4, measure="alpha")),
    "accuracy, 3 labels": (100, expectation(3, measure="accuracy")),
    "recall, label at 10 %": (200, expectation(2, 0.8, 0.1, measure="recall")),
    "F1, label at 10 %": (200, expectation(2, 0.8, 0.1, measure="f1")),
}
"""What is planned for -> items, expectation."""


@pytest.mark.slow
@pytest.mark.parametrize("what", PLANNED)
def test_the_promised_half_width_holds_in_nine_waves_of_ten_and_not_by_far_in_more(what):
    items, expected = PLANNED[what]
    widths, holds = waves(expected, items, 50)
    planned = plan(items, expected, 100)
    assert 0.8 <= (widths <= planned.half_width).mean() <= 0.99
    # Shares of few items have few widths, so that many are the median itself.
    assert (widths < planned.median_half_width).mean() < 0.75
    assert holds.mean() >= 0.88


def test_waves_in_which_nothing_is_known_break_the_promise():
    expected = expectation(2, 0.6, 0.02)
    planned = plan(50, expected, 60)
    assert planned.undefined > 0.1
    assert planned.half_width is None
    assert planned.median_half_width is not None
    assert "undefined" in plan_text(expected, [planned])


def test_an_ordered_scale_has_neighbouring_disagreements_and_needs_half_the_items():
    expected = expectation(6, 0.6, None, "quadratic")
    table = expected.table
    assert table.sum(0) == pytest.approx(np.full(6, 1 / 6))
    assert kappa_values(table, expected.weights) == pytest.approx(0.6, abs=1e-6)
    by_distance = [np.diagonal(table, step).sum() for step in range(1, 6)]
    assert by_distance == sorted(by_distance, reverse=True)
    assert by_distance[0] > 5 * by_distance[3]
    everywhere = 0.6 * np.diag(np.full(6, 1 / 6)) + 0.4 / 36
    errors = [kappa_standard_errors(cells, expected.weights)[0] for cells in (everywhere, table)]
    assert 1.6 < (errors[0] / errors[1]) ** 2 < 2.1


def test_skewed_shares_hold_on_an_ordered_scale_too():
    expected = Expectation((0.6, 0.25, 0.1, 0.05), 0.7, "linear")
    assert expected.table.sum(1) == pytest.approx(expected.shares, abs=1e-6)
    assert kappa_values(expected.table, expected.weights) == pytest.approx(0.7, abs=1e-6)


def test_more_annotators_need_fewer_items():
    widths = [plan(60, expectation(2, 0.6, 0.3, annotators=many), 40).half_width for many in (2, 3, 5)]
    assert widths == sorted(widths, reverse=True)


@pytest.mark.parametrize("weighting", ["unweighted", "quadratic"])
def test_items_are_given_to_some_of_the_annotators_as_waves_deal_them(weighting):
    expected = expectation(3, 0.6, None, weighting, annotators=5, overlap=2)
    codes = expected.simulated(40, np.random.default_rng(0))
    answered = codes >= 0
    assert answered.sum(1).tolist() == [2] * 40
    assert answered.sum(0).tolist() == [16] * 5
    meetings = answered.T.astype(int) @ answered
    assert set(meetings[np.triu_indices(5, 1)]) <= {3, 4, 5}
    assert interval_of_wave(codes, expected) is not None


def test_weighted_kappa_of_nine_annotators_can_be_planned():
    planned = plan(30, expectation(3, 0.6, None, "quadratic", annotators=9), simulations=3)
    assert 0 < planned.half_width < 0.5


@pytest.mark.parametrize("overlap", [1, 4])
def test_an_overlap_without_pairs_or_above_the_annotators_is_refused(overlap):
    with pytest.raises(StudyError, match="2 to 3"):
        expectation(2, annotators=3, overlap=overlap)


def test_a_rare_label_has_its_recall_known_by_the_items_that_have_it():
    often, rare = (plan(150, expectation(2, 0.8, share, measure="recall"), 40) for share in (0.4, 0.05))
    assert rare.median_half_width > 2 * often.median_half_width


@pytest.mark.slow
def test_the_items_for_a_recall_are_found():
    expected = expectation(2, 0.8, 0.3, measure="recall")
    found = items_for(0.2, expected)
    assert found.half_width <= 0.2
    assert found.items < 150


def main(count):
    for what, (items, expected) in PLANNED.items():
        planned, (widths, holds) = plan(items, expected), waves(expected, items, count)
        kept = (widths <= planned.half_width).mean()
        cells = [what, items, *(f"{width:.2f}" for width in (planned.median_half_width, planned.half_width))]
        print("|", " | ".join(map(str, [*cells, f"{kept:.2f}", f"{holds.mean():.2f}"])), "|", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
