"""Reading answers: what is accepted, what is not, and what is said about it."""

import copy
import json
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from goldpan.errors import AnswerError, PredictionMissingFieldError, TaskError, WrongFunctionNameError
from goldpan.tasks.answers import AnswerReader, Reading
from goldpan.tasks.features import parse_feature, value_of
from goldpan.tasks.schema import parameters_schema
from goldpan.tasks.task import Task, load_task

TASKS = Path(__file__).parent / "tasks"
TASK = load_task("every_type", TASKS)
READER = AnswerReader(TASK)
ANSWER: dict[str, Any] = {
    "relevant_detected": True,
    "relevant_rationale": "It names a river.",
    "topic": "Water",
    "tools": ["grant", "law"],
    "depth": 2,
    "depth_rationale": "Two examples.",
    "share": 0.25,
    "summary_text": "A river is restored.",
    "places": [
        {
            "name": "Oslo",
            "kind": "city",
            "population": None,
            "owners": [{"owner": "the town", "share": 1}],
        }
    ],
    "urgency": ["soon", "now", "later"],
    "praise_detected": False,
    "blame_detected": False,
}


def chat(message: dict[str, Any], finish_reason: str = "stop") -> dict[str, Any]:
    """The body of a chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish_reason}
    return {"object": "chat.completion", "model": "m", "choices": [choice]}


def call(arguments: Any, name: str = "record_paragraph") -> dict[str, Any]:
    text = arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": text}}


def read(**changes: Any) -> Reading:
    """Read the good answer with some fields changed; a field set to `...` is left out."""
    arguments = {key: value for key, value in {**ANSWER, **changes}.items() if value is not ...}
    return READER.read(chat({"content": None, "tool_calls": [call(arguments)]}))


def place(**changes: Any) -> list[dict[str, Any]]:
    return [{**copy.deepcopy(ANSWER["places"][0]), **changes}]


def test_a_good_answer_is_ok():
    reading = read()
    assert (reading.state, reading.reason, reading.adjusted) == ("ok", None, [])


def test_predictions_stand_in_the_order_of_the_features():
    predictions = read().predictions
    assert predictions is not None
    assert list(predictions) == [feature.name for feature in TASK.features]


def test_each_type_has_its_prediction_object():
    assert read().predictions == {
        "relevant": {"type": "BinaryPrediction", "detected": True, "rationale": "It names a river."},
        "topic": {"type": "ClassificationPrediction", "label": "Water"},
        "tools": {"type": "MultilabelPrediction", "labels": ["law", "grant"]},
        "depth": {"type": "ScorePrediction", "score": 2, "rationale": "Two examples."},
        "share": {"type": "ScorePrediction", "score": 0.25},
        "summary": {"type": "TextPrediction", "text": "A river is restored."},
        "places": {"type": "ExtractionPrediction", "items": ANSWER["places"]},
        "urgency": {"type": "RankingPrediction", "ranking": ["soon", "now", "later"]},
        "praise": {"type": "BinaryPrediction", "detected": False},
        "blame": {"type": "BinaryPrediction", "detected": False},
    }


def test_abstention_is_a_null_value_that_says_so():
    predictions = read(topic=None).predictions
    assert predictions is not None
    assert predictions["topic"] == {"type": "ClassificationPrediction", "label": None, "abstained": True}
    assert value_of(predictions["topic"]) is None


def test_a_whole_number_written_as_a_decimal_becomes_whole():
    predictions = read(depth=2.0).predictions
    assert predictions is not None
    assert predictions["depth"]["score"] == 2 and isinstance(predictions["depth"]["score"], int)


def test_fields_that_were_not_asked_for_are_ignored_and_noted():
    reading = read(confidence=0.9)
    assert reading.state == "ok"
    assert reading.adjusted == ["ignored what was not asked for: 'confidence'"]


def test_only_the_first_of_an_exclusive_group_stays_detected():
    reading = read(praise_detected=True, blame_detected=True)
    assert reading.predictions is not None
    assert reading.predictions["blame"]["detected"] is True
    assert reading.predictions["praise"]["detected"] is False
    assert reading.adjusted == ["`praise` set to false: `blame` holds too and comes first"]


def test_the_rubric_breaks_ties_as_documented(project):
    task = load_task("trace_critic_follow_up", project / "config" / "tasks")
    exclusive = ["direction_change", "vcs_update_requests", "clarification_or_restatement", "correction"]
    arguments: dict[str, Any] = {}
    for feature in task.features:
        label = feature.label_list[0] if feature.type == "classification" else "Some text."
        arguments[feature.key] = feature.name in exclusive[1:] if feature.type == "binary" else label
        if feature.rationale_key:
            arguments[feature.rationale_key] = "Step 1."
    predictions = AnswerReader(task).predictions_from_tool_call(task.function_name, arguments)
    assert [predictions[name]["detected"] for name in exclusive] == [False, True, False, False]


INVALID = [
    ({"relevant_detected": ...}, "the field `relevant_detected` is missing"),
    ({"depth_rationale": ...}, "the field `depth_rationale` is missing"),
    ({"relevant_detected": "true"}, "`relevant_detected` is 'true', not true or false"),
    ({"relevant_detected": 1}, "`relevant_detected` is 1, not true or false"),
    ({"relevant_detected": None}, "`relevant_detected` is null, and the task does not allow to abstain"),
    ({"relevant_rationale": None}, "`relevant_rationale` is null, not text"),
    ({"topic": "water"}, "`topic` is 'water', not one of the labels; did you mean `Water`?"),
    ({"topic": "Water, Soil"}, "not one of the labels"),
    ({"topic": ["Water"]}, "`topic` is a list of 1, not a label"),
    ({"tools": "law"}, "`tools` is 'law', not a list of labels"),
    ({"tools": ["law", "law"]}, "`tools` names 'law' twice"),
    ({"tools": ["law", "tax", "grant"]}, "`tools` has 3 labels, not 0 to 2"),
    ({"tools": ["fine"]}, "`tools` is 'fine', not one of the labels; there are: `law`, `tax`, `grant`"),
    ({"depth": 4}, "`depth` is 4, outside 0 to 3"),
    ({"depth": -1}, "`depth` is -1, outside 0 to 3"),
    ({"depth": 2.5}, "`depth` is 2.5, not a whole number"),
    ({"depth": "2"}, "`depth` is '2', not a whole number"),
    ({"depth": True}, "`depth` is true, not a whole number"),
    ({"share": 1.01}, "`share` is 1.01, outside 0 to 1"),
    ({"share": "half"}, "`share` is 'half', not a number"),
    ({"summary_text": 5}, "`summary_text` is 5, not text"),
    ({"summary_text": "x" * 41}, "`summary_text` has 41 characters; at most 40"),
    ({"places": {}}, "`places` is an object of 0, not a list of objects"),
    ({"places": ["Oslo"]}, "`places[0]`: is 'Oslo', not an object"),
    ({"places": place() * 4}, "`places` has 4 items; at most 3"),
    ({"places": place(kind="town")}, "`places[0]`: `kind` is 'town', not one of the labels"),
    ({"places": place(population="many")}, "`places[0]`: `population` is 'many', not a whole number"),
    ({"places": place(name=None)}, "`places[0]`: `name` is null, not text"),
    ({"places": place(owners=[{"owner": "x"}])}, "`places[0]`: `owners[0]`: `share` is missing"),
    ({"urgency": ["now", "soon"]}, "`urgency` leaves out `later`; it must rank all 3 items"),
    ({"urgency": ["now", "soon", "soon"]}, "`urgency` names 'soon' twice"),
    ({"urgency": ["now", "soon", "never"]}, "`urgency` is 'never', not one of the labels"),
]


@pytest.mark.parametrize(("changes", "reason"), INVALID)
def test_an_answer_that_does_not_fit_is_invalid_with_its_reason(changes, reason):
    reading = read(**changes)
    assert (reading.state, reading.predictions) == ("invalid", None)
    assert reason in (reading.reason or "")


# What JSON schema's strict subset cannot say; all else it refuses as the reader does.
BEYOND_SCHEMA = ("twice", "characters; at most")


@pytest.mark.parametrize(("changes", "reason"), INVALID)
def test_reader_and_schema_refuse_the_same(changes, reason):
    arguments = {key: value for key, value in {**ANSWER, **changes}.items() if value is not ...}
    valid = Draft202012Validator(parameters_schema(TASK)).is_valid(arguments)
    assert valid is any(part in reason for part in BEYOND_SCHEMA)


@pytest.mark.parametrize("changes", [{}, {"topic": None}, {"depth": 2.0}, {"tools": []}, {"places": []}])
def test_reader_and_schema_accept_the_same(changes):
    assert Draft202012Validator(parameters_schema(TASK)).is_valid({**ANSWER, **changes})
    assert read(**changes).state == "ok"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ('{"relevant_detected": tr', "not valid JSON"),
        ('{"share": NaN}', "not valid JSON"),
        ('{"share": 1e999}', "not valid JSON"),
        ('{"summary_text": "\\ud800"}', "not valid JSON"),
        ("[1, 2]", "the answer is a list of 2, not a JSON object"),
        ("null", "the answer is null, not a JSON object"),
        ("", "not valid JSON"),
    ],
)
def test_arguments_that_are_no_json_object_are_invalid(arguments, reason):
    reading = READER.read(chat({"tool_calls": [call(arguments)]}))
    assert reading.state == "invalid" and reason in (reading.reason or "")


def test_a_call_of_another_function_is_invalid():
    reading = READER.read(chat({"tool_calls": [call(ANSWER, "other")]}))
    assert reading.reason == "the function called is 'other', not `record_paragraph`"


def test_a_text_where_a_call_was_asked_for_is_invalid():
    reading = READER.read(chat({"content": "It is about water."}))
    assert reading.reason == "no tool call; the text is 'It is about water.'"


def test_two_calls_are_invalid():
    reading = READER.read(chat({"tool_calls": [call(ANSWER), call(ANSWER)]}))
    assert reading.reason == "2 tool calls where one was asked for"


def test_an_answer_cut_off_at_the_limit_is_truncated():
    assert READER.read(chat({"tool_calls": [call('{"relev')]}, "length")).state == "truncated"


@pytest.mark.parametrize(
    "body", [chat({"content": None, "refusal": "I cannot."}), chat({"content": ""}, "content_filter")]
)
def test_a_refusal_is_refused(body):
    assert READER.read(body).state == "refused"


def test_an_error_in_place_of_an_answer_is_failed():
    reading = READER.read({"error": {"message": "overloaded", "code": 503}})
    assert (reading.state, reading.reason) == ("failed", "the service reports: overloaded")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"choices": []},
        {"choices": None},
        {"choices": "text"},
        {"choices": [None]},
        {"choices": [{"message": None}]},
        {"choices": [{"message": {"tool_calls": [{"type": "custom"}]}}]},
        {"object": "response", "output": None},
        {"object": "response", "output": [{"type": "message"}]},
        [],
        None,
    ],
)
def test_a_body_without_a_message_is_invalid(body):
    assert READER.read(body).reason == "the body holds no message in the form of the endpoint"


def response(*output: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The body of an answer of `/v1/responses`."""
    return {"object": "response", "status": "completed", "error": None, "output": list(output), **more}


def test_a_function_call_of_the_responses_endpoint_is_read():
    item = {
        "type": "function_call",
        "name": "record_paragraph",
        "arguments": orjson.dumps(ANSWER).decode(),
    }
    reading = READER.read(response({"type": "reasoning", "summary": []}, item))
    assert reading == read()


def test_text_of_the_responses_endpoint_is_read():
    part = {"type": "output_text", "text": orjson.dumps(ANSWER).decode()}
    body = response({"type": "message", "content": [part]})
    assert AnswerReader(TASK, "json_schema").read(body) == read()


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (
            response(status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            "truncated",
        ),
        (response(status="incomplete", incomplete_details={"reason": "content_filter"}), "refused"),
        (response({"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}), "refused"),
        (response(status="failed", error={"message": "server error"}), "failed"),
        (response(status="cancelled"), "failed"),
    ],
)
def test_the_responses_endpoint_has_the_same_states(body, state):
    assert READER.read(body).state == state


def test_json_text_is_read_like_a_tool_call():
    body = chat({"content": orjson.dumps(ANSWER).decode()})
    assert AnswerReader(TASK, "json_schema").read(body) == read()


def test_json_text_in_parts_is_put_together():
    text = orjson.dumps(ANSWER).decode()
    parts = [{"type": "text", "text": text[:50]}, {"type": "text", "text": text[50:]}]
    assert AnswerReader(TASK, "json_schema").read(chat({"content": parts})).state == "ok"


def test_json_text_in_a_code_fence_is_taken_out_and_noted():
    text = f"```json\n{orjson.dumps(ANSWER).decode()}\n```"
    reading = AnswerReader(TASK, "json_schema").read(chat({"content": text}))
    assert (reading.state, reading.adjusted) == ("ok", ["took the JSON out of a code fence"])


@pytest.mark.parametrize("content", [None, "", "  \n"])
def test_an_empty_text_is_invalid(content):
    assert AnswerReader(TASK, "json_schema").read(chat({"content": content})).reason == "the answer is empty"


PLAIN = Task(
    "t", "d", (parse_feature({"name": "q", "type": "text", "description": "Q.", "bare": True}, ""),), "p"
)


def test_plain_text_is_the_one_text_feature():
    reading = AnswerReader(PLAIN, "text").read(chat({"content": "One\nTwo"}))
    assert reading.predictions == {"q": {"type": "TextPrediction", "text": "One\nTwo"}}


def test_plain_text_needs_a_task_with_one_text_feature():
    with pytest.raises(TaskError, match="exactly one text feature"):
        AnswerReader(TASK, "text")


def test_a_tool_call_is_parsed_directly():
    assert READER.predictions_from_tool_call("record_paragraph", orjson.dumps(ANSWER)) == read().predictions


def test_a_missing_field_has_its_own_error():
    with pytest.raises(PredictionMissingFieldError, match="`topic` is missing"):
        READER.predictions_from_tool_call(
            "record_paragraph", {"relevant_detected": True, "relevant_rationale": ""}
        )


def test_a_wrong_function_name_has_its_own_error():
    with pytest.raises(WrongFunctionNameError):
        READER.predictions_from_tool_call("other", ANSWER)
    with pytest.raises(ValueError, match="record_paragraph"):
        READER.predictions_from_tool_call("other", ANSWER)


def test_a_value_that_does_not_fit_is_an_answer_error():
    with pytest.raises(AnswerError, match="outside 0 to 3"):
        READER.predictions_from_tool_call("record_paragraph", {**ANSWER, "depth": 9})


def test_an_answer_is_read_the_same_each_time():
    body = chat({"tool_calls": [call({**ANSWER, "praise_detected": True, "blame_detected": True})]})
    before = copy.deepcopy(body)
    assert READER.read(body) == READER.read(body)
    assert body == before


JUNK = [None, True, 0, -1.5, "", "x", [], ["x"], {}, {"x": None}, "\u2028", 10**30]


def spoiled(value: Any, random: Random) -> Any:
    """A copy of some JSON with one thing in it replaced by junk."""
    if not isinstance(value, dict | list) or not value or random.random() < 0.2:
        return random.choice(JUNK)
    value = copy.copy(value)
    place = random.choice(list(value) if isinstance(value, dict) else range(len(value)))
    value[place] = spoiled(value[place], random)
    return value


@pytest.mark.parametrize("seed", range(3))
def test_no_hostile_body_is_more_than_a_state_with_a_reason(seed):
    random = Random(seed)
    body = chat({"content": None, "refusal": None, "tool_calls": [call(ANSWER)]})
    item = {"type": "function_call", "name": "record_paragraph", "arguments": orjson.dumps(ANSWER).decode()}
    bodies = [body, response(item, {"type": "message", "content": [{"type": "output_text", "text": "x"}]})]
    for _ in range(1_000):
        arguments = json.dumps(spoiled(ANSWER, random))
        for hostile in (spoiled(random.choice(bodies), random), chat({"tool_calls": [call(arguments)]})):
            reading = READER.read(hostile)
            assert reading.state in ("ok", "invalid", "refused", "truncated", "failed")
            assert (reading.predictions is None) is bool(reading.reason)
