"""The answer that a model is to learn: as the task would have it, or a shorter form of the task."""

import pytest

from goldpan.errors import AnswerError
from goldpan.finetune.exports.answers import AnswerWriter, shorter_task
from goldpan.finetune.exports.labels import Reason, RowLabels, row_labels
from goldpan.tasks.features import parse_feature
from goldpan.tasks.schema import parameters_schema
from goldpan.tasks.task import Exclusive, Task
from goldpan.waves.merging.merged import Resolution
from tests.made_features import gold_item


def feature(name, type, **keys):
    return parse_feature({"name": name, "type": type, "description": "What?", **keys}, "here")


VERDICT = feature("verdict", "classification", labels=["valid", "invalid"], rationale=True)
WHY = feature(
    "why", "classification", labels=["paper", "other"], abstain=True, required_when="verdict == 'invalid'"
)
FOUND = feature(
    "found", "extraction", fields=[{"name": "raw"}, {"name": "year", "type": "integer", "nullable": True}]
)
TOPICS = feature("topics", "multilabel", labels=["a", "b", "c"])
SCORE = feature("score", "score", min=0, max=5)
ONE, TWO = feature("one", "binary"), feature("two", "binary", rationale=True)


def task(*features, **keys):
    return Task(name="t", description="d", features=features, user_template="x", **keys)


def test_an_answer_has_the_fields_of_the_schema_in_its_order_with_reasons_before_values():
    whole = task(VERDICT, WHY, FOUND, TOPICS, SCORE)
    values = {
        "score": 2.0,
        "topics": ["c", "a"],
        "found": [{"raw": "x", "year": None}],
        "why": "paper",
        "verdict": "invalid",
    }
    writer = AnswerWriter(whole, set(values), True)
    answer = writer.arguments(values, {"verdict": "because"})
    assert writer.task is whole
    assert list(answer) == list(parameters_schema(whole)["properties"])
    assert answer == {
        "verdict_rationale": "because",
        "verdict": "invalid",
        "why": "paper",
        "found": [{"raw": "x", "year": None}],
        "topics": ["a", "c"],
        "score": 2,
    }
    assert type(answer["score"]) is int


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"why": "other", "verdict": "valid"}, "`why` would be read as None"),
        ({"why": None}, "required when"),
        ({"verdict": "perhaps"}, "not one of the labels"),
        ({"score": 7}, "score"),
        ({"score": True}, "score"),
        ({"topics": ["a", "a"]}, "topics"),
    ],
)
def test_what_is_no_answer_to_the_task_is_refused(changes, what):
    values = {"verdict": "invalid", "why": "paper", "topics": ["a"], "score": 1, **changes}
    writer = AnswerWriter(task(VERDICT, WHY, TOPICS, SCORE), set(values), True)
    with pytest.raises(AnswerError, match=what):
        writer.arguments(values, {"verdict": "because"})


def test_two_features_of_a_group_that_exclude_each_other_are_refused():
    writer = AnswerWriter(task(ONE, TWO, exclusive=(Exclusive(order=["one", "two"]),)), {"one", "two"}, False)
    assert writer.arguments({"one": True, "two": False}, {}) == {"one_detected": True, "two_detected": False}
    with pytest.raises(AnswerError, match="`two_detected` would be read as False"):
        writer.arguments({"one": True, "two": True}, {})


def test_a_shorter_task_keeps_the_rules_of_what_it_keeps():
    whole = task(VERDICT, WHY, ONE, TWO, exclusive=(Exclusive(order=["one", "two"]),))
    short = shorter_task(whole, {"verdict", "why", "one"}, False)
    assert list(parameters_schema(short)["properties"]) == ["verdict", "why", "one_detected"]
    assert short.exclusive == () and short.feature("why").required_when == WHY.required_when
    without = shorter_task(whole, {"why"}, True)
    assert without.feature("why").required_when is None
    assert AnswerWriter(whole, {"why"}, True).arguments({"why": "other"}, {}) == {"why": "other"}
    assert shorter_task(whole, {"one", "two"}, True).exclusive == whole.exclusive


ROW = {
    "id": "r",
    "source": "s",
    "file": "f",
    "state": "ok",
    "features": {
        "verdict": {"type": "ClassificationPrediction", "label": "valid", "rationale": "so"},
        "score": {"type": "ScorePrediction", "score": 3},
    },
}


def test_gold_wins_and_a_reason_goes_with_the_value_it_was_given_for():
    agrees = row_labels([VERDICT, SCORE], ROW, gold_item("r", "train", {"verdict": "valid"}))
    assert isinstance(agrees, RowLabels) and agrees.rationales == {"verdict": "so"}
    assert agrees.origins == {"verdict": "gold", "score": "stage"} and agrees.origin == "gold+stage"
    differs = row_labels([VERDICT, SCORE], ROW, gold_item("r", "train", {"verdict": "invalid"}))
    assert isinstance(differs, Reason) and differs.code == "no_rationale"


def test_where_people_could_not_decide_no_model_decides_for_them():
    for item, code in (
        (gold_item("r", "train", {"score": 1}, verdict="needs_review"), "gold_not_resolved"),
        (gold_item("r", "train", {"verdict": None}), "gold_cannot_tell"),
    ):
        found = row_labels([VERDICT], ROW, item)
        assert isinstance(found, Reason) and found.code == code
    abstained = row_labels([WHY], None, gold_item("r", "train", {"why": None}))
    assert isinstance(abstained, RowLabels) and abstained.values == {"why": None}


def test_labels_that_an_llm_decided_are_told():
    item = gold_item("r", "train", {"score": 1}, score=str(Resolution.MAJORITY_A_LLM))
    found = row_labels([SCORE, ONE], None, gold_item("r", "train", {"score": 1, "one": True}))
    assert isinstance(found, RowLabels) and found.by_llm == ()
    found = row_labels([SCORE], None, item)
    assert isinstance(found, RowLabels) and found.by_llm == ("score",)


@pytest.mark.parametrize(
    "state", ["refused", "truncated", "failed", "invalid", "expired", "missing", "skipped"]
)
def test_a_row_that_came_to_nothing_has_no_labels(state):
    row = {**ROW, "state": state, "reason": "why", "features": {}}
    assert row_labels([SCORE], row, None) == Reason(state, "why")
