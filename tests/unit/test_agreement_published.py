"""Published coefficients, reproduced to the digits they were published with."""

import csv
import json

import numpy as np
import pytest

from goldpan.statistics import multirater
from goldpan.statistics.kappa import cohen_kappa, contingency_table
from goldpan.statistics.scales import Scale
from goldpan.statistics.weights import agreement_weights
from goldpan.waves.agreement.closed_labels import LabelSet, without_table
from goldpan.waves.agreement.measure import FeatureRatings, measure
from goldpan.waves.agreement.ratings import code_ratings

CASES = 27

WEIGHTINGS = {None: "unweighted", '"equal"': "linear", '"squared"': "quadratic"}


@pytest.fixture
def folder(shared_data):
    return shared_data / "agreement"


@pytest.fixture
def cases(folder):
    return json.loads((folder / "expected.json").read_bytes())


def columns_of(case, folder):
    """The raters' answers, each a list with one entry per item."""
    if "y1" in case:
        return [case["y1"], case["y2"]]
    with (folder / case["data"]).open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    return [[row[name] for row in rows] for name in case.get("cols") or rows[0]]


def coded(columns, kind="nominal"):
    """Codes and number of labels of answers given as columns."""
    ratings = {
        f"{number:04}": {str(rater): value for rater, value in enumerate(row) if value is not None}
        for number, row in enumerate(zip(*columns, strict=True))
    }
    return code_ratings(ratings, Scale(kind))


def table_of(case, folder):
    if "data_inline" in case:
        return np.array(case["data_inline"], dtype=float)
    answers = coded(columns_of(case, folder), "ordered")
    return contingency_table(answers.codes[:, 0], answers.codes[:, 1], len(answers.categories))


def credit_of(case, labels):
    weighting = case.get("weights")
    if weighting and weighting.startswith("c("):
        # A penalty for each number of steps between two labels; the largest stands for no credit at all.
        penalties = np.array([float(step) for step in weighting[2:-1].split(",")])
        places = np.arange(len(penalties))
        return 1.0 - penalties[np.abs(places[:, None] - places[None, :])] / penalties.max()
    return agreement_weights(WEIGHTINGS.get(weighting, weighting), range(labels))


def counts_of(case, folder):
    if "data_inline" in case:
        return np.array(case["data_inline"], dtype=float)
    answers = coded(columns_of(case, folder))
    return multirater.label_counts(answers.codes, len(answers.categories))


def alpha_of(case):
    by_item = list(zip(*case["data_inline"], strict=True))
    ratings = {
        f"{number:04}": {str(rater): value for rater, value in enumerate(row) if value is not None}
        for number, row in enumerate(by_item)
    }
    result = measure(FeatureRatings("x", Scale("ordered"), ratings))
    return result.coefficient(f"krippendorff_alpha_{case['level']}")


def digits(case):
    """Half a unit of the last published digit; values without `decimals` are printed to seven digits."""
    return 0.5 * 10.0 ** -case.get("decimals", 6) + 1e-9


@pytest.mark.parametrize("number", range(CASES))
def test_a_published_statistic_is_reproduced(number, cases, folder):
    case = cases[number]
    match case["stat"]:
        case "cohen_kappa":
            table = table_of(case, folder)
            result = cohen_kappa(table, credit_of(case, len(table)))
        case "fleiss_kappa":
            result = multirater.fleiss_kappa(counts_of(case, folder))
        case "randolph_kappa":
            result = multirater.randolph_kappa(counts_of(case, folder))
        case "krippendorff_alpha":
            result = alpha_of(case)
        case "per_item_agreement":
            found = multirater.item_agreement(counts_of(case, folder))
            assert found == pytest.approx(case["value"], abs=digits(case))
            return
    if case["value"] is None:
        assert result.value is None
        assert result.reason
        return
    assert result.value == pytest.approx(case["value"], abs=digits(case))
    if "z" in case:
        assert result.z == pytest.approx(case["z"], abs=digits(case) * 100)
    if "p" in case:
        assert result.p_value == pytest.approx(case["p"], abs=1e-6)
    if "ase" in case:
        assert result.standard_error == pytest.approx(case["ase"], abs=5e-5)
        wald = [result.value + sign * 1.959964 * result.standard_error for sign in (-1, 1)]
        assert wald == pytest.approx(case["ci"], abs=1e-4)


def test_every_case_is_covered(cases):
    assert len(cases) == CASES


def judge_bench(folder, data_set, metric):
    instances = json.loads((folder / f"judge_bench_{data_set}.json").read_bytes())["instances"]
    return {
        str(instance["id"]): {
            f"rater {number:03}": score
            for number, score in enumerate(instance["annotations"][metric]["individual_human_scores"])
            if score is not None
        }
        for instance in instances
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data_set", "metric", "level"),
    [
        ("newsroom", "Informativeness", "ordinal"),
        ("newsroom", "Relevance", "ordinal"),
        ("newsroom", "Fluency", "ordinal"),
        ("newsroom", "Coherence", "ordinal"),
    ],
)
def test_a_judge_bench_alpha_is_reproduced(data_set, metric, level, folder):
    expected = published_alpha(folder, "newsroom.json", metric)
    result = measure(FeatureRatings(metric, Scale("ordered"), judge_bench(folder, data_set, metric)))
    assert result.coefficient(f"krippendorff_alpha_{level}").value == pytest.approx(expected, abs=1e-12)


def test_a_judge_bench_alpha_of_123_raters_is_reproduced(folder):
    """The alpha alone: kappas of 7,503 pairs, with intervals, are asked of fewer raters elsewhere."""
    ratings = code_ratings(judge_bench(folder, "dices_350", "safety"), Scale("nominal"))
    assert ratings.codes.shape[1] == 123
    alpha, *_ = without_table(ratings.codes, LabelSet(len(ratings.categories)))
    assert alpha.name == "krippendorff_alpha_nominal"
    expected = published_alpha(folder, "dices-350-crowdsourced.json", "safety")
    assert alpha.value == pytest.approx(expected, abs=1e-12)


def published_alpha(folder, file, metric):
    published = json.loads((folder / "judge_bench_published" / file).read_text())
    return next(iter(published.values()))[metric]["krippendorff_alpha"]


@pytest.fixture(scope="module")
def sentence_levels(shared_data):
    ratings = {}
    for part in ("dev", "test", "train"):
        text = (shared_data / "two_annotators" / f"CEFR-SP_Wikiauto_{part}.txt").read_text(encoding="utf-8")
        for number, line in enumerate(text.split("\n")):
            if line:
                _, first, second = line.split("\t")
                ratings[f"{part} {number}"] = {"a": first, "b": second}
    assert len(ratings) == 7453
    return measure(FeatureRatings("level", Scale("ordered", tuple("123456")), ratings))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("cohen_kappa", 0.1944), ("cohen_kappa_linear", 0.4530), ("cohen_kappa_quadratic", 0.6952)],
)
def test_the_kappas_of_two_real_annotators_are_reproduced(sentence_levels, name, expected):
    assert sentence_levels.coefficient(name).value == pytest.approx(expected, abs=5e-5)


def test_the_exact_agreement_of_two_real_annotators_is_reproduced(sentence_levels):
    assert sentence_levels.observed.value == pytest.approx(0.4271, abs=5e-5)
