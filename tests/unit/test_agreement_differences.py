"""Differences in one direction are tested, shown and said: between two, of each from all, between groups."""

import csv
import itertools
import json
import re

import numpy as np
import pytest

from goldpan.cli import main
from goldpan.statistics.annotator_bias import bias_p_value, differences_from_others
from goldpan.statistics.annotator_groups import annotator_groups, similarity_order
from goldpan.statistics.kappa import cohen_kappa, contingency_table
from goldpan.statistics.marginal_homogeneity import bowker, holm, marginal_tests, mcnemar, stuart_maxwell
from goldpan.statistics.pairwise_kappas import PairwiseKappas, pairwise_kappas
from goldpan.statistics.scales import Scale
from goldpan.statistics.weights import agreement_weights
from goldpan.waves.agreement.measure import FeatureRatings, measure
from goldpan.waves.agreement.page import agreement_page
from goldpan.waves.agreement.report import AgreementReport
from goldpan.waves.agreement.text import report_text

# Unaided vision of the right and the left eye of 7,477 women (Stuart 1955).
EYES = np.array(
    [[1520, 266, 124, 66], [234, 1512, 432, 78], [117, 362, 1772, 205], [36, 82, 179, 492]], float
)


def test_the_published_tests_of_stuart_and_bowker_are_reproduced():
    homogeneity, symmetry = marginal_tests(EYES)
    assert (homogeneity.name, homogeneity.degrees) == ("stuart_maxwell", 3)
    assert homogeneity.statistic == pytest.approx(11.96, abs=0.005)
    assert (symmetry.name, symmetry.degrees) == ("bowker", 6)
    assert symmetry.statistic == pytest.approx(19.11, abs=0.005)


@pytest.mark.parametrize("seed", range(3))
def test_tests_of_tables_are_those_of_statsmodels(seed):
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    table = np.random.default_rng(seed).integers(5, 60, size=(4, 4)).astype(float)
    square = tables.SquareTable(table, shift_zeros=False)
    for ours, theirs in ((stuart_maxwell(table), square.homogeneity()), (bowker(table), square.symmetry())):
        assert ours.statistic == pytest.approx(theirs.statistic)
        assert ours.p_value == pytest.approx(theirs.pvalue)
        assert ours.degrees == theirs.df


@pytest.mark.parametrize(("first", "second"), [(3, 9), (0, 7), (12, 12), (40, 21), (24, 1)])
def test_mcnemar_is_exact_for_few_disagreements_and_that_of_statsmodels(first, second):
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    exact = first + second < 25
    theirs = tables.mcnemar([[50, first], [second, 30]], exact=exact, correction=False)
    ours = mcnemar(first, second)
    assert ours.p_value == pytest.approx(theirs.pvalue)
    assert ours.method == ("exact" if exact else "chi-square")


def test_labels_that_are_never_confused_take_no_degree_of_freedom():
    table = np.zeros((5, 5))
    table[:2, :2] = [[9, 30], [12, 9]]
    table[2:4, 2:4] = [[9, 14], [10, 9]]
    homogeneity, symmetry = marginal_tests(table)
    assert homogeneity.degrees == symmetry.degrees == 2
    assert homogeneity.statistic == pytest.approx(18**2 / 42 + 4**2 / 24)
    assert symmetry.statistic == pytest.approx(homogeneity.statistic)


def test_few_disagreements_are_tested_by_swapping_answers():
    table = np.diag([20.0, 20.0, 20.0])
    table[0, 1] = table[1, 2] = 4
    homogeneity, symmetry = marginal_tests(table)
    # All eight swaps in one direction or all in the other, of each pair of labels: 4 of 256 ways.
    assert symmetry.p_value == pytest.approx(4 / 256, abs=0.005)
    assert (homogeneity.method, symmetry.method) == ("random swaps", "random swaps")
    assert homogeneity.p_value < 0.05


def test_a_test_that_cannot_be_made_says_why():
    for test in [*marginal_tests(np.diag([5.0, 6.0])), *marginal_tests(np.diag([5.0, 6.0, 7.0]))]:
        assert (test.p_value, test.reason) == (None, "the two never differ, so there is nothing to test")


def test_the_correction_of_holm_is_that_of_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p_values = np.random.default_rng(1).random(9) ** 3
    assert holm(p_values) == pytest.approx(multitest.multipletests(p_values, method="holm")[1])
    assert len(holm(np.array([]))) == 0


def test_the_bias_of_each_annotator_is_its_definition():
    values = np.array([[1.0, 2.0, 6.0], [3.0, np.nan, 4.0], [5.0, np.nan, np.nan]])
    found = differences_from_others(values)
    np.testing.assert_allclose(found, [[-3, -1.5, 4.5], [-1, np.nan, 1], [np.nan] * 3])


def test_the_bias_of_two_annotators_on_two_labels_has_the_p_value_of_mcnemar():
    values = np.repeat([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [31, 14, 50], axis=0)
    assert bias_p_value(differences_from_others(values)[:, 0]) == pytest.approx(mcnemar(31, 14).p_value)
    assert bias_p_value(differences_from_others(values)[28:37, 0]) is None


def ratings_of(codes, names, labels):
    return {
        f"item {row:04}": {name: labels[code] for name, code in zip(names, answers, strict=True) if code >= 0}
        for row, answers in enumerate(codes.tolist())
    }


def write_table(path, codes, names, labels):
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["item_id", "annotator", "label"])
        for item, answers in ratings_of(codes, names, labels).items():
            writer.writerows([item, name, label] for name, label in answers.items())
    return path


def command(path, capsys, *options):
    assert main(["agreement", str(path), *options]) == 0
    return capsys.readouterr().out


def severe(items=400, seed=4):
    """Scores from 1 to 5 of two annotators, of whom the first mostly gives one more."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 4, size=items)
    return np.stack(
        [truth + (generator.random(items) < 0.6), truth + (generator.random(items) < 0.1)], axis=1
    )


def test_an_annotator_who_is_higher_in_most_disagreements_is_named(tmp_path, capsys):
    codes = severe()
    path = write_table(tmp_path / "t.csv", codes, ["ann", "ben"], "12345")
    higher, lower = int((codes[:, 0] > codes[:, 1]).sum()), int((codes[:, 0] < codes[:, 1]).sum())
    text = command(path, capsys)
    assert f"ann is higher than ben in {higher} of {higher + lower} disagreements" in text
    assert re.search(r"^Stuart-Maxwell: each label as often +p < 0\.0001 +chi-square", text, re.M)
    assert re.search(r"^Bowker", text, re.M)
    mean = (codes[:, 0] - codes[:, 1]).mean()
    assert re.search(rf"^ann +place on the scale +400 +\+{mean:.4f}  \[", text, re.M)
    feature = json.loads(command(path, capsys, "--json"))["features"][0]
    bias = feature["pairs"][0]["bias"]
    assert (bias["first_higher"], bias["second_higher"]) == (higher, lower)
    assert feature["biases"][0]["interval"]["low"] > 0.3


def test_two_who_differ_at_random_are_not_accused():
    generator = np.random.default_rng(5)
    truth = generator.integers(0, 5, size=400)
    codes = np.clip(truth[:, None] + generator.integers(-1, 2, size=(400, 2)), 0, 4)
    ratings = ratings_of(codes, ["ann", "ben"], "12345")
    result = measure(FeatureRatings("f", Scale("ordered", tuple("12345")), ratings))
    assert not any("higher than" in note or "Settle" in note for note in result.notes)


def test_two_labels_name_who_gives_the_second_one():
    codes = np.repeat([[1, 1], [0, 0], [0, 1], [1, 0]], [20, 40, 14, 2], axis=0)
    result = measure(FeatureRatings("f", Scale("nominal"), ratings_of(codes, ["ann", "ben"], ["no", "yes"])))
    (note,) = [note for note in result.notes if "disagreements" in note]
    assert (
        "it is ben who gives `yes` in 14 of 16 disagreements (88%, 95 % interval 62% to 98%; p = 0.0042): "
        "on balance in 15.8 % of the 76 items ben gives it and ann does not" in note
    )
    assert "asks less" not in note


def test_nominal_labels_name_the_one_that_is_used_least_alike():
    codes = np.repeat([[0, 0], [1, 1], [2, 2], [0, 1], [2, 1], [1, 0]], [20, 20, 20, 18, 2, 3], axis=0)
    result = measure(FeatureRatings("f", Scale("nominal"), ratings_of(codes, ["ann", "ben"], "abc")))
    (note,) = [note for note in result.notes if "Stuart-Maxwell" in note]
    assert "`b` least of all: given 23 and 40 times" in note or "`a` least of all: given 38 and 23" in note


def test_labels_confused_in_a_circle_are_named_though_each_is_as_frequent():
    codes = np.repeat([[0, 0], [1, 1], [2, 2], [0, 1], [1, 2], [2, 0]], [20, 20, 20, 15, 15, 15], axis=0)
    result = measure(FeatureRatings("f", Scale("nominal"), ratings_of(codes, ["ann", "ben"], "abc")))
    (note,) = [note for note in result.notes if "Bowker" in note]
    assert "`a` of ann is `b` of ben 15 times, the reverse 0 times" in note


def test_a_change_between_first_and_second_answers_is_named():
    first = ratings_of(np.zeros((30, 1), dtype=int), ["ann"], ["1"])
    codes = np.repeat([[2], [1], [0]], [12, 8, 10], axis=0)
    result = measure(
        FeatureRatings(
            "f", Scale("ordered", ("1", "2", "3")), first, repeats=ratings_of(codes, ["ann"], "123")
        )
    )
    assert any(
        "ann, second is higher than ann, first in 20 of 20 disagreements" in note for note in result.notes
    )


def in_camps(items=300, annotators=6, follow=0.8, seed=7):
    """Answers of two camps that follow two truths which agree only in part; even columns are one camp."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 3, size=items)
    truths = [np.where(generator.random(items) < 0.55, truth, generator.integers(0, 3, items)) for _ in "ab"]
    return np.stack(
        [
            np.where(generator.random(items) < follow, truths[column % 2], generator.integers(0, 3, items))
            for column in range(annotators)
        ],
        axis=1,
    )


NAMES = ["ann", "ben", "cid", "dora", "eve", "fay", "gus", "hal", "ida", "jo", "kay", "lou"]


def test_two_camps_of_annotators_are_found_named_and_drawn(tmp_path, capsys):
    codes = in_camps()
    path = write_table(tmp_path / "t.csv", codes, NAMES[:6], "xyz")
    page = tmp_path / "t.html"
    report = json.loads(command(path, capsys, "--json", "--html", str(page)))
    matrix = report["features"][0]["matrix"]
    assert sorted(map(sorted, matrix["groups"])) == [["ann", "cid", "eve"], ["ben", "dora", "fay"]]
    assert min(matrix["within"]) > matrix["across"] + 0.2
    names = matrix["annotators"]
    assert {frozenset(names[:3]), frozenset(names[3:])} == set(map(frozenset, matrix["groups"]))
    assert "Annotators fall into 2 groups" in command(path, capsys)
    html = page.read_text()
    expected = cohen_kappa(contingency_table(codes[:, 0], codes[:, 2], 3)).value
    assert f"ann and cid: {expected:.2f}" in html or f"cid and ann: {expected:.2f}" in html
    assert "Groups are framed" in html


def test_an_annotator_who_agrees_with_nobody_does_not_hide_the_camps():
    codes = in_camps()
    codes[:, 5] = np.random.default_rng(1).integers(0, 3, size=300)
    groups = annotator_groups(codes, np.eye(3), pairwise_kappas(codes, np.eye(3)))
    assert sorted(groups.members) == [(0, 2, 4), (1, 3)]


@pytest.mark.slow
@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_annotators_who_are_all_alike_seldom_seem_grouped(missing):
    generator, seen = np.random.default_rng(8), 0
    for _ in range(10):
        truth = generator.integers(0, 3, size=40)
        codes = np.where(generator.random((40, 6)) < 0.6, truth[:, None], generator.integers(0, 3, (40, 6)))
        codes = np.where(generator.random((40, 6)) < missing, -1, codes)
        seen += annotator_groups(codes, np.eye(3), pairwise_kappas(codes, np.eye(3))) is not None
    assert seen <= 2


@pytest.mark.parametrize("weighting", ["unweighted", "quadratic"])
def test_kappas_of_all_pairs_are_those_of_each_pair(weighting):
    codes = np.random.default_rng(3).integers(-1, 3, (40, 5))
    codes[:, 4] = -1
    credit = agreement_weights(weighting, range(3))
    kappas = pairwise_kappas(codes, credit)
    pairs = list(itertools.combinations(range(5), 2))
    each = [cohen_kappa(contingency_table(*codes[:, pair].T, 3), credit).value for pair in pairs]
    assert [kappas[pair] for pair in pairs] == pytest.approx(
        [np.nan if k is None else k for k in each], nan_ok=True
    )
    assert (np.diag(kappas) == 1).all()
    weighted = PairwiseKappas(codes, [credit]).of_pairs(np.ones((1, 40)))[:, 0, 0]
    assert weighted == pytest.approx([kappas[pair] for pair in pairs], nan_ok=True)


def test_one_poor_annotator_is_no_camp():
    generator = np.random.default_rng(9)
    truth = generator.integers(0, 3, size=200)
    follow = np.array([0.9, 0.9, 0.9, 0.9, 0.2])
    codes = np.where(generator.random((200, 5)) < follow, truth[:, None], generator.integers(0, 3, (200, 5)))
    assert annotator_groups(codes, np.eye(3), pairwise_kappas(codes, np.eye(3))) is None


def test_pairs_without_a_kappa_do_not_stop_the_picture():
    codes = np.array([[0, 0, -1, -1], [1, 1, -1, -1], [0, 1, -1, -1], [-1, -1, 0, 0], [-1, -1, 1, 0]] * 6)
    kappas = pairwise_kappas(codes, np.eye(2))
    assert np.isnan(kappas[0, 2])
    assert sorted(similarity_order(kappas)) == [0, 1, 2, 3]
    ratings = ratings_of(codes, NAMES[:4], "xy")
    report = AgreementReport("T", (measure(FeatureRatings("f", Scale("nominal"), ratings)),))
    assert json.loads(json.dumps(report.as_json(), allow_nan=False))
    assert "ann and cid: -" in agreement_page(report) or "cid and ann: -" in agreement_page(report)


def test_the_one_of_several_who_gives_a_label_more_often_is_named():
    generator = np.random.default_rng(10)
    truth = generator.random(300) < 0.3
    shares = [0.05, 0.05, 0.05, 0.35]
    codes = np.stack([truth | (generator.random(300) < share) for share in shares], axis=1).astype(int)
    result = measure(FeatureRatings("f", Scale("nominal"), ratings_of(codes, NAMES[:4], ["no", "yes"])))
    difference = (codes[:, 3] - codes[:, :3].mean(1)).mean()
    note = next(note for note in result.notes if note.startswith("dora gives `yes`"))
    assert f"{100 * difference:.1f} percentage points more often than the others, on the 300 items" in note
    dora = next(bias for bias in result.biases if bias.annotator == "dora")
    assert dora.difference == pytest.approx(difference)
    assert dora.interval.low < difference < dora.interval.high


def test_multilabel_answers_have_a_bias_for_each_label():
    ratings = {
        f"{item}": {"ann": ["x", "y"], "ben": ["x"], "cid": ["x"] if item % 3 else ["x", "y"]}
        for item in range(30)
    }
    result = measure(FeatureRatings("f", Scale("sets", ("x", "y", "never")), ratings))
    rows = {(bias.annotator, bias.label): bias for bias in result.biases}
    assert set(rows) == set(itertools.product(["ann", "ben", "cid"], ["x", "y"]))
    assert rows["ann", "y"].difference == pytest.approx(1 - 1 / 6)
    assert rows["ann", "x"].difference == 0
    assert "fewer than 10 items" in rows["ann", "x"].reason


@pytest.mark.parametrize("annotators", [3, 5])
def test_a_rare_label_is_named_for_any_number_of_annotators_and_labels(annotators):
    generator = np.random.default_rng(11)
    codes = generator.choice(3, p=[0.96, 0.02, 0.02], size=(200, annotators))
    result = measure(FeatureRatings("f", Scale("nominal"), ratings_of(codes, NAMES[:annotators], "abc")))
    (note,) = [note for note in result.notes if "because" in note]
    assert "Fleiss' kappa low" in note
    assert re.search(r"9\d% of the answers are `a`", note)
    assert "`b` 0." in note


def test_notes_cannot_move_the_cursor_of_a_terminal():
    codes = np.repeat([[1, 1], [0, 0], [0, 1]], [20, 40, 14], axis=0)
    ratings = ratings_of(codes, ["ann\x1b[2J", "ben"], ["no", "yes\x1b[1A"])
    report = AgreementReport("T", (measure(FeatureRatings("f", Scale("nominal"), ratings)),))
    assert "disagreements" in report_text(report)
    assert "\x1b" not in report_text(report, verbose=True)


def test_a_handful_of_items_has_differences_without_intervals():
    ratings = ratings_of(np.array([[0, 1, 1]] * 4), NAMES[:3], "xy")
    result = measure(FeatureRatings("f", Scale("nominal"), ratings))
    assert all(bias.interval is None and "fewer than 5 items" in bias.reason for bias in result.biases)
