"""The model of an evaluation in the study file."""

import pytest
from pydantic import ValidationError

from goldpan.study.evaluation import Evaluation


def evaluation(**changes):
    return Evaluation.model_validate({"wave": "first", "predictions": {"big": "critic"}} | changes)


@pytest.mark.parametrize(
    "given", ["critic", ["critic"], {"critic": "critic"}, {"critic": {"stage": "critic"}}]
)
def test_the_name_of_a_stage_will_do(given):
    assert evaluation(predictions=given).predictions["critic"].stage == "critic"


def test_every_pair_is_compared_unless_the_study_says_otherwise():
    three = {"predictions": ["a", "b", "c"]}
    assert evaluation(**three).pairs == [("a", "b"), ("a", "c"), ("b", "c")]
    assert evaluation(**three, compare=[["c", "a"]]).pairs == [("c", "a")]
    assert evaluation(**three, compare=[]).pairs == []


def test_one_split_will_do():
    assert evaluation(split="test").split == ["test"]
    assert evaluation().split == "all"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"predictions": {}}, "at least 1 item"),
        ({"predictions": {"m": {}}}, "either `stage` or `annotated`"),
        ({"predictions": {"m": {"stage": "s", "annotated": "a"}}}, "either `stage` or `annotated`"),
        ({"predictions": {"m": {"stage": "s", "heads": {"f": "h"}}}}, "`heads` goes with `annotated`"),
        ({"predictions": {"m": {"wave": "second"}}}, "go with its own gold set"),
        ({"compare": [["big", "small"]]}, "no predictions `small`; there are: big"),
        ({"compare": [["big", "big"]]}, "compared with itself"),
        ({"split": "holdout"}, "split"),
        ({"epsilon": 1}, "less than 1"),
        ({"mistakes": -1}, "greater than or equal to 0"),
        ({"wavee": "x"}, "Extra inputs"),
    ],
)
def test_mistakes_are_explained(changes, message):
    with pytest.raises(ValidationError, match=message):
        evaluation(**changes)


def test_every_key_says_what_it_means():
    schema = Evaluation.model_json_schema()
    for model in [schema, *schema["$defs"].values()]:
        for name, key in model["properties"].items():
            assert key.get("description"), name
