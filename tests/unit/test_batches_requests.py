"""The request key is what its documentation says, and the line holds the request that was hashed."""

import hashlib
import json
from random import Random

import orjson
import pytest

from goldpan.batches.questions import Question, Questioner, Skip
from goldpan.batches.requests import MessagesWriter
from goldpan.errors import PromptError
from goldpan.study.stage import Stage
from tests.projects import TOPIC_TASK, WorkflowProject

TEXTS = {
    "plain": "The cat sleeps.",
    "other scripts": "Grüße, 猫, кот, \U0001f408",
    "quotes and backslashes": 'He said "no" \\ and / left.',
    "control characters": "a\tb\r\nc\x07d",
    "separators": "a\u2028b\u2029c\u0085d",
    "percent": "100 %d %s %% of it",
    "the mark of the place of messages": "\x00messages\x00",
}


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    project = WorkflowProject.create(tmp_path_factory.mktemp("tasks") / "project")
    return project.root / "config" / "tasks"


def stage(**settings) -> Stage:
    given = {"input": {"source": "notes"}, "task": "topic", "provider": "main", "model": "m-1", **settings}
    return Stage.model_validate(given)


def record(text: str, identity: str = "n1", **more) -> dict:
    return {"id": identity, "source": "notes", "file": "a", "line": 1, "data": {"text": text}, **more}


def ask(tasks, text: str, identity: str = "n1", **settings) -> list[Question]:
    questions = Questioner(stage(**settings), tasks, None).ask(record(text, identity))
    assert isinstance(questions, list)
    return questions


def line_of(question: Question, tasks, **settings) -> bytes:
    return b"".join(Questioner(stage(**settings), tasks, None).line_parts(question))


def documented_key(line: bytes, sample: int = 0) -> bytes:
    """The key by the documentation alone, with other tools than goldpan's."""
    request = json.loads(line)
    canonical = {"body": request["body"], "endpoint": request["url"], "sample": sample}
    text = json.dumps(canonical, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).digest()


@pytest.mark.parametrize("name", TEXTS)
def test_the_key_is_the_sha_256_of_the_documented_canonical_request(name, tasks):
    (question,) = ask(tasks, TEXTS[name], params={"temperature": 0.5, "seed": 7})
    assert question.key == documented_key(line_of(question, tasks, params={"temperature": 0.5, "seed": 7}))


@pytest.mark.parametrize("name", TEXTS)
def test_the_line_is_one_line_and_holds_the_text(name, tasks):
    (question,) = ask(tasks, TEXTS[name])
    line = line_of(question, tasks)
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    request = json.loads(line)
    assert request["custom_id"] == "req__n1"
    assert (request["method"], request["url"]) == ("POST", "/v1/chat/completions")
    assert request["body"]["messages"] == [
        {"role": "system", "content": "You label notes."},
        {"role": "user", "content": f"Note:\n{TEXTS[name]}"},
    ]


@pytest.mark.parametrize("name", TEXTS)
def test_the_size_is_that_of_the_line(name, tasks):
    (question,) = ask(tasks, TEXTS[name])
    assert question.size == len(line_of(question, tasks))


def test_fields_are_asked_in_the_order_of_the_features(tasks):
    (question,) = ask(tasks, "text")
    (tool,) = json.loads(line_of(question, tasks))["body"]["tools"]
    parameters = tool["function"]["parameters"]
    names = [feature["name"] for feature in TOPIC_TASK["features"]]
    firsts = [next(key for key in parameters["properties"] if key.startswith(name)) for name in names]
    assert sorted(firsts, key=list(parameters["properties"]).index) == firsts
    assert set(parameters["required"]) == set(parameters["properties"])


def test_each_sample_is_a_request_of_its_own(tasks):
    questions = ask(tasks, "text", samples=3)
    assert [question.custom_id for question in questions] == ["req__n1", "req__n1__s1", "req__n1__s2"]
    assert len({question.key for question in questions}) == 3
    bodies = [json.loads(line_of(question, tasks))["body"] for question in questions]
    assert bodies[0] == bodies[1] == bodies[2]
    for sample, question in enumerate(questions):
        assert question.key == documented_key(line_of(question, tasks), sample)


def test_records_of_one_text_share_a_key(tasks):
    (one,), (other,) = ask(tasks, "text", "n1"), ask(tasks, "text", "n2")
    assert one.key == other.key
    assert one.custom_id != other.custom_id


@pytest.mark.parametrize(
    "changed",
    [{"model": "m-2"}, {"params": {"temperature": 0}}, {"output": "json_schema"}, {"task": "detail"}],
)
def test_another_request_has_another_key(changed, tasks):
    given = record("text", answers={"topics": {"topic": "animals"}})
    keys = []
    for settings in ({}, changed):
        questions = Questioner(stage(**settings), tasks, None).ask(given)
        assert isinstance(questions, list)
        keys.append(questions[0].key)
    assert keys[0] != keys[1]


def test_the_order_in_which_parameters_are_given_does_not_matter(tasks):
    (one,) = ask(tasks, "text", params={"seed": 7, "temperature": 0.5})
    (other,) = ask(tasks, "text", params={"temperature": 0.5, "seed": 7})
    assert one.key == other.key


def test_settings_that_do_not_change_the_request_do_not_change_the_key(tasks):
    (one,) = ask(tasks, "text")
    (other,) = ask(tasks, "text", max_rounds=1, budget_usd=3, limits={"requests": 5}, wait=False)
    assert one.key == other.key


def test_a_record_that_is_skipped_already_asks_nothing(tasks):
    given = Questioner(stage(), tasks, None).ask(record("text", skip="blank: the field `text` is empty"))
    assert given == Skip("n1", "blank: the field `text` is empty")


def test_the_first_task_whose_condition_holds_is_asked(tasks):
    choices = [
        {"task": "detail", "when": "data.text == 'deep'"},
        {"task": "topic", "when": "data.text == 'x'"},
    ]
    questioner = Questioner(stage(task=choices), tasks, None)
    given = [
        questioner.ask(record(text, answers={"topics": {"topic": "animals"}})) for text in ("deep", "x", "y")
    ]
    assert [one if isinstance(one, Skip) else one[0].task for one in given] == [
        "detail",
        "topic",
        Skip("n1", "filtered: no task of the stage is meant for this record"),
    ]


def test_a_prompt_that_fails_names_the_record(tasks):
    with pytest.raises(PromptError, match="record 'n1'"):
        ask(tasks, "text", task="detail")


def test_pieces_that_recur_are_written_as_they_would_be_alone():
    writer, draw = MessagesWriter(), Random(3)
    for _ in range(500):
        pieces = [draw.choices(list(TEXTS.values()), k=draw.randrange(1, 5)) for _ in range(2)]
        roles = draw.choice([["user"], ["system", "user"]])
        messages = [
            {"role": role, "content": "".join(texts)} for role, texts in zip(roles, pieces, strict=False)
        ]
        parts = writer.json_parts(zip(roles, pieces, strict=False))
        assert b"".join(parts) == orjson.dumps(messages)
