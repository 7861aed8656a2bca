"""Correlations, errors, Conger's kappa and standard errors, against published values and other libraries."""

import csv
import json
import re

import numpy as np
import pytest

from goldpan.cli import main
from goldpan.statistics import multirater
from goldpan.statistics.kappa import cohen_kappa, contingency_table
from goldpan.statistics.number_agreement import icc_agreement, icc_consistency, icc_one_way, pearson_values
from goldpan.statistics.scales import Scale
from goldpan.statistics.weights import agreement_weights
from goldpan.waves.agreement.measure import FeatureRatings, measure
from goldpan.waves.agreement.page import agreement_page
from goldpan.waves.agreement.report import AgreementReport
from goldpan.waves.agreement.text import report_text

# Six targets and four judges (Shrout and Fleiss 1979, table 2), and what their tables 3 and 4 print for them.
SHROUT_AND_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
PUBLISHED_ICC = {"icc_one_way": 0.17, "icc_agreement": 0.29, "icc_consistency": 0.71}


def ratings_of(rows):
    """Ratings from one list of answers per item; None is no answer."""
    return {
        f"item {number:04}": {f"p{column:02}": value for column, value in enumerate(row) if value is not None}
        for number, row in enumerate(rows)
    }


def scores(rows, labels=None):
    return measure(FeatureRatings("score", Scale("ordered", labels), ratings_of(rows)))


def nominal(rows, labels=None):
    return measure(FeatureRatings("topic", Scale("nominal", labels), ratings_of(rows)))


@pytest.fixture(scope="module")
def judged():
    return scores(SHROUT_AND_FLEISS)


@pytest.mark.parametrize("name", PUBLISHED_ICC)
def test_the_intraclass_correlations_of_shrout_and_fleiss_are_reproduced(name, judged):
    coefficient = judged.coefficient(name)
    assert coefficient.value == pytest.approx(PUBLISHED_ICC[name], abs=0.005)
    assert coefficient.band is None
    assert coefficient.interval.low < coefficient.value < coefficient.interval.high


def test_one_way_correlation_with_unequal_answers_is_that_of_its_analysis_of_variance():
    rows = [[1, 2, None], [4, None, 5], [3, 3, 4], [None, 1, 1], [5, 4, 5], [2, None, None]]
    answers = [[value for value in row if value is not None] for row in rows]
    answers = [row for row in answers if len(row) > 1]
    total, n = sum(map(len, answers)), len(answers)
    grand = sum(map(sum, answers)) / total
    between = sum(len(row) * (np.mean(row) - grand) ** 2 for row in answers) / (n - 1)
    within = sum(((np.array(row) - np.mean(row)) ** 2).sum() for row in answers) / (total - n)
    size = (total - sum(len(row) ** 2 for row in answers) / total) / (n - 1)
    expected = (between - within) / (between + (size - 1) * within)
    assert scores(rows).coefficient("icc_one_way").value == pytest.approx(expected)


def test_annotators_who_take_turns_have_the_one_way_correlation_only():
    result = scores([[1, 2, None], [4, None, 5], [None, 3, 4], [None, 1, 1], [5, 4, None], [2, 2, None]])
    assert result.coefficient("icc_agreement").value is None
    assert "fewer than two items were answered by all" in result.coefficient("icc_agreement").reason
    assert result.coefficient("icc_one_way").value > 0.5


def test_an_intraclass_correlation_says_how_many_items_it_is_from():
    result = scores([*SHROUT_AND_FLEISS, [3, 4, None, None]])
    assert result.coefficient("icc_agreement").value == pytest.approx(0.29, abs=0.005)
    assert result.coefficient("icc_agreement").reason == "of the 6 items that all annotators answered"


def test_pearson_is_that_of_numpy_and_the_error_its_definition():
    generator = np.random.default_rng(1)
    rows = 1e6 + generator.integers(0, 9, (30, 1)) + generator.integers(0, 4, (30, 3))
    two, three = scores(rows[:, :2].tolist()), scores(rows.tolist())
    correlations = np.corrcoef(rows.T)[np.triu_indices(3, 1)]
    assert two.coefficient("pearson").value == pytest.approx(correlations[0])
    assert three.coefficient("mean_pairwise_pearson").value == pytest.approx(correlations.mean())
    errors = [np.abs(rows[:, first] - rows[:, second]).mean() for first, second in ((0, 1), (0, 2), (1, 2))]
    assert three.coefficient("mean_absolute_error").value == pytest.approx(np.mean(errors))
    assert two.coefficient("mean_absolute_error").value == pytest.approx(errors[0])


@pytest.mark.parametrize(
    ("rows", "name"),
    [
        ([[3, 1], [3, 2], [3, 3], [3, 4], [3, 5], [3, 2]], "pearson"),
        ([[0.1, 0.1]] * 6 + [[0.1, None]], "icc_agreement"),
        ([[0.1, 0.1]] * 6, "icc_one_way"),
        ([[1, None], [None, 2]], "mean_absolute_error"),
        ([[1, None], [None, 2]], "pearson"),
    ],
)
def test_what_is_undefined_has_a_reason(rows, name):
    coefficient = scores(rows).coefficient(name)
    assert (coefficient.value, bool(coefficient.reason)) == (None, True)


def test_ordered_labels_that_are_no_numbers_are_not_subtracted():
    result = scores([["low", "low"], ["low", "high"], ["high", "high"]] * 4, ("low", "middle", "high"))
    names = [one.name for one in result.coefficients]
    assert "cohen_kappa_quadratic" in names
    assert not {"pearson", "icc_agreement", "mean_absolute_error"} & set(names)


def test_very_many_numbers_have_correlations_and_errors_too():
    numbers = np.arange(300) / 7
    result = scores(np.stack([numbers, numbers + 0.5], axis=1).tolist())
    assert result.coefficient("pearson").value == pytest.approx(1)
    assert result.coefficient("mean_absolute_error").value == pytest.approx(0.5)
    assert result.coefficient("icc_agreement").value < result.coefficient("icc_consistency").value


def test_values_do_not_depend_on_the_unit_of_the_scale():
    rows = np.array(SHROUT_AND_FLEISS, dtype=float)
    for function in (icc_agreement, icc_consistency, icc_one_way, pearson_values):
        values = [function(rows * unit + unit, np.ones((1, 6)))[0] for unit in (1.0, 1e-9, 1e9)]
        assert values == pytest.approx([values[0]] * 3)


# cac.raw4raters and distrib.6raters of R's irrCAC, and what its manual prints for them.
RAW_4_RATERS = [
    "11.1", "2232", "3333", "3333", "2222", "1234", "4444", "1121", "2222", ".555", "..11", "..3.",
]  # fmt: skip
DISTRIBUTION_6_RATERS = (
    "00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031"
)


def rows_of(texts):
    return [[None if letter == "." else letter for letter in text] for text in texts]


def test_the_kappa_of_conger_is_that_of_irrcac():
    result = nominal(rows_of(RAW_4_RATERS))
    assert result.coefficient("conger_kappa").value == pytest.approx(0.76282, abs=5e-6)


@pytest.mark.parametrize("weighting", ["unweighted", "linear", "quadratic"])
def test_the_kappa_of_conger_is_cohens_for_two_and_its_definition_for_three(weighting):
    codes = np.random.default_rng(2).integers(0, 4, size=(50, 3))
    credit, once = agreement_weights(weighting, range(4)), np.ones((1, 50))
    two = multirater.conger_values(codes[:, :2], once, credit)[0]
    assert two == pytest.approx(cohen_kappa(contingency_table(*codes[:, :2].T, 4), credit).value)
    kappas = [
        cohen_kappa(contingency_table(*codes[:, pair].T, 4), credit) for pair in ([0, 1], [0, 2], [1, 2])
    ]
    observed, expected = (
        np.mean([getattr(one, name) for one in kappas]) for name in ("observed", "expected")
    )
    three = multirater.conger_values(codes, once, credit)[0]
    assert three == pytest.approx((observed - expected) / (1 - expected))


@pytest.fixture(scope="module")
def of_six_raters():
    return nominal(
        [
            [str(label) for label in range(5) for _ in range(int(counts[label]))]
            for counts in DISTRIBUTION_6_RATERS.split()
        ]
    )


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("gwet_ac1", 0.4448007, 0.08418757),
        ("fleiss_kappa", 0.4139265, 0.08119291),
        ("randolph_kappa", 0.4388889, 0.08312142),
    ],
)
def test_standard_errors_are_those_of_irrcac(name, value, error, of_six_raters):
    coefficient = of_six_raters.coefficient(name)
    assert (coefficient.value, coefficient.standard_error) == pytest.approx((value, error), abs=1e-7)


def test_standard_errors_of_two_annotators_are_those_of_irrcac():
    table = [[13, 0, 0], [0, 20, 7], [0, 4, 56]]
    rows = [[f"{i}", f"{j}"] for i in range(3) for j in range(3) for _ in range(table[i][j])]
    result = nominal(rows)
    assert result.coefficient("cohen_kappa").standard_error == pytest.approx(0.05891072, abs=1e-7)
    # irrCAC divides by n here, not by n - 1.
    for name, error in (("scott_pi", 0.05905473), ("gwet_ac1", 0.04321747), ("pabak", 0.04693346)):
        expected = error * (100 / 99) ** 0.5
        assert result.coefficient(name).standard_error == pytest.approx(expected, abs=1e-7)
    assert result.observed.standard_error == pytest.approx(0.03128898 * (100 / 99) ** 0.5, abs=2e-4)


def test_the_standard_error_of_alpha_is_near_that_of_the_bootstrap():
    generator = np.random.default_rng(3)
    truth = generator.integers(0, 3, size=200)
    codes = np.where(generator.random((200, 3)) < 0.7, truth[:, None], generator.integers(0, 3, (200, 3)))
    result = nominal(codes.tolist())
    alpha = result.coefficient("krippendorff_alpha_nominal")
    assert alpha.standard_error == pytest.approx((alpha.interval.high - alpha.interval.low) / 3.92, rel=0.1)


def test_there_is_no_standard_error_of_zero_nor_of_a_handful_of_items():
    perfect, few = nominal([["x", "x"], ["y", "y"]] * 10), nominal([["x", "y"], ["y", "y"], ["x", "x"]])
    for result in (perfect, few):
        assert all(one.standard_error is None for one in result.coefficients)


NAMES = [f"annotator {number:02}" for number in range(12)]


@pytest.fixture
def table_of_twelve(tmp_path):
    generator = np.random.default_rng(4)
    truth = generator.integers(0, 4, size=60)
    codes = np.where(generator.random((60, 12)) < 0.6, truth[:, None], generator.integers(0, 4, (60, 12)))
    path = tmp_path / "twelve.csv"
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["item_id", "annotator", "label"])
        for row, answers in enumerate(codes):
            writer.writerows([row, name, code + 1] for name, code in zip(NAMES, answers, strict=True))
    return path


def test_twelve_annotators_are_all_there_in_json_text_and_page(table_of_twelve, tmp_path, capsys):
    page = tmp_path / "t.html"
    assert main(["agreement", str(table_of_twelve), "--json", "--html", str(page)]) == 0
    feature = json.loads(capsys.readouterr().out)["features"][0]
    defined = [one for one in feature["coefficients"] if one["value"] is not None]
    assert all(one["interval"] and one["standard_error"] for one in defined)
    assert {"conger_kappa", "mean_pairwise_kappa", "icc_agreement"} <= {one["name"] for one in defined}
    assert len(feature["pairs"]) == 66
    assert all(pair["coefficients"][1]["standard_error"] for pair in feature["pairs"])
    assert len(feature["biases"]) == 12
    assert len(feature["matrix"]["values"]) == 12
    html = page.read_text()
    assert html.count("<svg") == 1
    assert html.count("annotator 03 and annotator 07") == 1 or "annotator 07 and annotator 03" in html
    assert main(["agreement", str(table_of_twelve), "--verbose"]) == 0
    text = capsys.readouterr().out
    assert re.search(
        r"^annotator 03 and annotator 07 +\d+ and \d+ times higher, p [=<] 0\.\d+ +60 ", text, re.M
    )
    table = [line for line in text.splitlines() if not line.startswith("Note:")]
    assert max(map(len, table[:-4])) < 160


def test_both_reports_show_standard_errors(judged):
    report = AgreementReport("T", (judged,))
    error = f"{report.features[0].coefficient('icc_agreement').standard_error:.4f}"
    assert error in report_text(report)
    assert error in agreement_page(report)
