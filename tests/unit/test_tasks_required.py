"""A feature that is required when another says so: how it is asked for, and what becomes of answers."""

from typing import Any

import pytest

from goldpan.errors import TaskError
from goldpan.tasks.answers import AnswerReader
from goldpan.tasks.features import parse_feature
from goldpan.tasks.schema import parameters_schema
from goldpan.tasks.task import Task
from tests.unit.test_answers import call, chat

VERDICT = {
    "name": "verdict",
    "type": "classification",
    "description": "Is it one?",
    "labels": ["valid", "invalid", "uncertain"],
}
REASON = {
    "name": "reason",
    "type": "classification",
    "description": "Why it is none.",
    "labels": ["organisation", "document"],
    "abstain": True,
    "required_when": "verdict == 'invalid'",
}


def task(*features: dict[str, Any]) -> Task:
    return Task("judge", "Judge.", tuple(parse_feature(feature, "here") for feature in features), "{{ id }}")


def body(**answer: Any) -> dict[str, Any]:
    return chat({"content": None, "tool_calls": [call(answer, name="judge")]})


READER = AnswerReader(task(VERDICT, REASON))


def test_a_required_value_that_is_there_is_ok():
    reading = READER.read(body(verdict="invalid", reason="document"))
    assert (reading.state, reading.adjusted) == ("ok", [])
    assert reading.predictions is not None
    assert reading.predictions["reason"] == {"type": "ClassificationPrediction", "label": "document"}


def test_a_required_value_that_is_null_makes_the_answer_invalid_and_is_asked_for_again():
    reading = READER.read(body(verdict="invalid", reason=None))
    assert (reading.state, reading.retryable) == ("invalid", True)
    assert reading.reason == "`reason` is null, and required when verdict == 'invalid'"


@pytest.mark.parametrize("verdict", ["valid", "uncertain"])
def test_null_is_right_where_nothing_is_required(verdict):
    assert READER.read(body(verdict=verdict, reason=None)).state == "ok"


def test_a_value_that_nothing_requires_becomes_null_and_that_is_said():
    reading = READER.read(body(verdict="valid", reason="document"))
    assert reading.predictions is not None
    assert reading.predictions["reason"] == {
        "type": "ClassificationPrediction",
        "label": None,
        "abstained": True,
    }
    assert reading.adjusted == ["`reason` set to null: it is for verdict == 'invalid'"]


@pytest.mark.parametrize("empty", ["", " \n"])
def test_an_empty_text_does_not_satisfy(empty):
    why = {"name": "why", "type": "text", "bare": True, "description": "Why.", "abstain": True}
    reader = AnswerReader(task(VERDICT, why | {"required_when": "verdict != 'valid'"}))
    reading = reader.read(body(verdict="uncertain", why=empty))
    assert reading.reason == "`why` is empty, and required when verdict != 'valid'"


def test_many_answers_are_read_as_each_alone_is():
    bodies = [
        body(verdict=verdict, reason=reason)
        for verdict in VERDICT["labels"]
        for reason in ["organisation", "document"]
    ] * 3
    alone = [READER.read(one) for one in bodies]
    assert READER.read_all(bodies) == alone
    assert [verdict.state for verdict in READER.judge_all(bodies)] == [reading.state for reading in alone]


def test_the_annotator_is_told():
    about = parameters_schema(task(VERDICT, REASON))["properties"]["reason"]["description"]
    assert "Required when verdict == 'invalid'; null in all other cases." in about
    assert "does not say" not in about


def test_the_condition_changes_the_hash():
    assert task(VERDICT, REASON).hash != task(VERDICT, REASON | {"required_when": "verdict != 'valid'"}).hash


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"abstain": False}, "add `abstain: true`"),
        ({"required_when": "verdikt == 'invalid'"}, "there is no feature `verdikt`; did you mean `verdict`?"),
        ({"required_when": "verdict == 'bad'"}, "bad"),
        ({"required_when": "verdict =="}, "not a condition"),
        ({"required_when": "reason is None"}, "there is no feature `reason`"),
        ({"required_when": "data.year == 2020"}, "`data` belongs to the record"),
    ],
)
def test_a_condition_that_cannot_be_checked_is_refused_when_the_task_is_read(change, message):
    with pytest.raises(TaskError, match=message):
        task(VERDICT, REASON | change)
