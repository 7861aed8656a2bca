"""A whole analysis of whatever rows there are: it always ends with a page, a JSON and a reason."""

import orjson
import pytest

from goldpan.error_analysis.items import ErrorItem, ErrorItems
from goldpan.error_analysis.page import errors_page
from goldpan.error_analysis.reading import AnalysedEvaluation, AnalysedModel
from goldpan.error_analysis.report import FORMAT, alpha_of_each_test
from goldpan.error_analysis.run import analyse_errors
from goldpan.error_analysis.targets import target_lists
from goldpan.evaluation.coding import FeatureValues
from goldpan.evaluation.feature import GoldData
from goldpan.evaluation.read import EvaluationData
from goldpan.study.error_analysis import ErrorAnalysis
from goldpan.study.evaluation import Evaluation
from goldpan.tasks.features import parse_feature

VALUES = FeatureValues(
    parse_feature(
        {"name": "tone", "type": "classification", "description": "d", "labels": ["a", "b"]}, "test"
    )
)


def row(number, gold, predicted, confidence=None, data=None):
    return ErrorItem(
        item_id=f"i{number:05}",
        id=f"r{number}",
        source="s",
        file="f",
        data={"text": f"some text of row {number} here", "k": number % 3} if data is None else data,
        gold=str(gold),
        predicted=str(predicted or ""),
        gold_key=gold,
        predicted_key=predicted,
        state="ok" if predicted else "refused",
        is_right=gold == predicted,
        confidence=confidence,
        split="test",
    )


def analysed(*models):
    settings = Evaluation.model_validate(
        {"source": ["s"], "gold": {"tone": "label"}, "predictions": {"m": "m"}}
    )
    data = EvaluationData({"tone": VALUES}, [], GoldData([], {}, []), [], None)
    of_models = [
        AnalysedModel(
            ErrorItems("tone", "classification", ("a", "b"), f"m{place}", tuple(rows)), VALUES, None, ()
        )
        for place, rows in enumerate(models)
    ]
    return AnalysedEvaluation(settings, data, {}, (), {"tone": of_models}, (), "")


def wrong_each(step, rows=100, **changes):
    return [row(number, "a", "a" if number % step else "b", **changes) for number in range(rows)]


CASES = {
    "no model": (),
    "no row": ([],),
    "one row": ([row(0, "a", "b", 0.5)],),
    "all right": ([row(number, "a", "a") for number in range(100)],),
    "all failed": ([row(number, "a", None) for number in range(100)],),
    "no field": (wrong_each(7, data={}),),
    "fields that some have": (
        [
            row(n, "a", "a" if n % 7 else "b", 0.9, {"x": None} if n % 2 else {"y": [{"z": []}]})
            for n in range(100)
        ],
    ),
    "two models": (wrong_each(7, confidence=0.7), wrong_each(5, confidence=0.7)),
    "one label": (wrong_each(7),),
}


@pytest.mark.parametrize("models", CASES.values(), ids=CASES.keys())
def test_whatever_the_rows_each_part_says_what_it_found_or_why_not(models):
    report = analyse_errors("known", ErrorAnalysis(), analysed(*models))
    (feature,) = report.features
    parts = [part for model in feature.models for part in model.parts]
    assert all(part.finding for part in (*parts, feature.suspects))
    made = orjson.loads(orjson.dumps(report.as_json() | {"targets": target_lists(report)}))
    assert made["format"] == FORMAT
    assert len(made["targets"]) == 4 * len(models) + 1
    assert "NaN" not in orjson.dumps(made).decode()
    assert errors_page(report) == errors_page(analyse_errors("known", ErrorAnalysis(), analysed(*models)))
    assert not feature.suspects.suspects


def test_alpha_is_shared_by_all_tests_of_an_analysis():
    assert alpha_of_each_test(0.05, models=1, features=1) == 0.0125
    report = analyse_errors("known", ErrorAnalysis(alpha=0.1), analysed(wrong_each(7), wrong_each(5)))
    assert report.each_alpha == pytest.approx(0.1 / 7)
    assert {model.slices.alpha for model in report.features[0].models} == {report.each_alpha}


def test_text_of_rows_is_escaped_on_the_page():
    report = analyse_errors(
        "known", ErrorAnalysis(), analysed(wrong_each(7, data={"text": "<script>alert(1)</script>"}))
    )
    assert "<script>alert" not in errors_page(report)
    assert "&lt;script&gt;alert" in errors_page(report)
