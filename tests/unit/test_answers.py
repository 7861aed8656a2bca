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
from goldpan.tasks.lenient_json import answer_object
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


@pytest.mark.parametrize("other", [{**ANSWER, "depth": 1}, {}, "{", [1]])
def test_two_calls_that_differ_are_invalid(other):
    reading = READER.read(chat({"tool_calls": [call(ANSWER), call(other)]}))
    assert reading.state == "invalid" and reading.retryable
    assert reading.reason == "2 tool calls that differ, where one was asked for"


def test_a_second_call_of_another_function_is_invalid():
    reading = READER.read(chat({"tool_calls": [call(ANSWER), call(ANSWER, "other")]}))
    assert reading.reason == "2 tool calls that differ, where one was asked for"


@pytest.mark.parametrize(
    "again", [ANSWER, json.dumps(ANSWER, indent=1), f"```json\n{json.dumps(ANSWER)}\n```"]
)
def test_calls_that_say_the_same_are_one(again):
    reading = READER.read(chat({"tool_calls": [call(ANSWER), call(again), call(ANSWER)]}))
    assert reading.predictions == read().predictions
    assert reading.adjusted == ["took one of 3 tool calls, which are all the same"]


TEXT = json.dumps(ANSWER)
NEARLY = {
    "a code fence": (f"```json\n{TEXT}\n```", "took the JSON out of a code fence"),
    "a code fence with words around": (
        f"Here:\n```\n{TEXT}\n```\nDone.",
        "took the JSON out of a code fence",
    ),
    "a code fence in one line": (f"```{TEXT}```", "took the JSON out of a code fence"),
    "JSON within a JSON text": (json.dumps(TEXT), "took the JSON out of a JSON text"),
    "reasoning before it": (
        f"<think>It is {{}}.</think>\n{TEXT}",
        "passed over the reasoning before the JSON",
    ),
    "reasoning whose opening tag stood in the prompt": (
        f"It is {{}}.\n</think>\n\n{TEXT}",
        "passed over the reasoning before the JSON",
    ),
    "half an emoji": (
        TEXT.replace("two ex", "").replace("Two ex", "\\ud83d ex"),
        "put U+FFFD for half a character",
    ),
    "a bare line break": (TEXT.replace("It names", "It\nnames"), "took a control character within a text"),
}


@pytest.mark.parametrize("what", NEARLY)
def test_arguments_that_can_be_read_in_one_way_only_are_taken_with_a_note(what):
    text, note = NEARLY[what]
    reading = READER.read(chat({"tool_calls": [call(text)]}))
    assert (reading.state, reading.adjusted) == ("ok", [note])
    assert AnswerReader(TASK, "json_schema").read(chat({"content": text})).adjusted == [note]


@pytest.mark.parametrize(
    "text",
    [
        TEXT[:-1] + ",}",
        TEXT + TEXT,
        TEXT + "}",
        f"The answer is {TEXT}",
        f"```\n{TEXT}\n```\n```\n{TEXT}\n```",
        TEXT.replace("0.25", "NaN"),
        TEXT.replace("0.25", "1e999"),
        TEXT.replace('"', "'"),
        "[" * 100_000,
        json.dumps(json.dumps(TEXT)),
    ],
)
def test_what_may_mean_several_things_is_not_taken(text):
    for body in (chat({"tool_calls": [call(text)]}), chat({"content": text})):
        reading = READER.read(body)
        assert (reading.state, reading.retryable) == ("invalid", True)


def test_arguments_that_a_service_has_parsed_are_taken():
    item = {"function": {"name": "record_paragraph", "arguments": ANSWER}}
    assert READER.read(chat({"tool_calls": [item]})) == read()


WITHOUT_A_CALL = {
    "bare": TEXT,
    "fenced": f"```json\n{TEXT}\n```",
    "as a call": json.dumps({"name": "record_paragraph", "arguments": ANSWER}),
    "as a call with parameters": json.dumps({"name": "record_paragraph", "parameters": TEXT}),
    "between tags": f'<tool_call>{{"name": "record_paragraph", "arguments": {TEXT}}}</tool_call>',
}


@pytest.mark.parametrize("how", WITHOUT_A_CALL)
def test_the_right_json_without_a_call_is_taken_with_a_note(how):
    reading = READER.read(chat({"content": WITHOUT_A_CALL[how]}))
    assert reading.predictions == read().predictions
    assert reading.adjusted[0] == "took the answer out of the text, as there is no tool call"


def test_an_old_function_call_is_a_call():
    old = {"name": "record_paragraph", "arguments": TEXT}
    assert READER.read(chat({"content": None, "function_call": old})) == read()


def test_the_choice_of_index_0_is_the_answer_wherever_it_stands():
    body = chat({"tool_calls": [call(ANSWER)]})
    other = chat({"tool_calls": [call({})]})["choices"][0]
    body["choices"].insert(0, {**other, "index": 1})
    assert READER.read(body).state == "ok"


def test_of_several_choices_the_first_is_taken_with_a_note():
    body = chat({"tool_calls": [call(ANSWER)]})
    body["choices"].append(chat({"tool_calls": [call({})]})["choices"][0])
    assert READER.read(body).adjusted == ["took the first of 2 choices"]


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
    assert reading.retryable


@pytest.mark.parametrize(
    ("word", "state", "again"),
    [
        ("length", "truncated", False),
        ("MAX_TOKENS", "truncated", False),
        ("max_tokens", "truncated", False),
        ("model_length", "truncated", False),
        ("model_context_window_exceeded", "truncated", False),
        ("FinishReason.MAX_TOKENS", "truncated", False),
        ("SAFETY", "refused", False),
        ("content-filter", "refused", False),
        ("RECITATION", "refused", False),
        ("PROHIBITED_CONTENT", "refused", False),
        ("sensitive", "refused", False),
        ("refusal", "refused", False),
        ("guardrail_intervened", "refused", False),
        ("error", "failed", True),
        ("network_error", "failed", True),
        ("insufficient_system_resource", "failed", True),
        ("abort", "failed", True),
        ("MALFORMED_FUNCTION_CALL", "invalid", True),
        ("TOO_MANY_TOOL_CALLS", "invalid", True),
        ("a new word", "invalid", True),
    ],
)
def test_the_finish_reasons_of_other_services_are_understood(word, state, again):
    reading = READER.read(chat({"content": None}, word))
    assert (reading.state, reading.retryable) == (state, again)
    assert word in reading.reason or word in ("length",)


@pytest.mark.parametrize(
    "word", ["STOP", "end_turn", "tool_use", "eos_token", "COMPLETE", "a new word", None, 7]
)
def test_a_finish_reason_that_says_nothing_leaves_the_answer_to_be_read(word):
    assert READER.read(chat({"tool_calls": [call(ANSWER)]}, word)).state == "ok"


def test_a_gateway_that_says_nothing_is_asked_for_the_reason_behind_it():
    body = chat({"content": ""})
    body["choices"][0]["native_finish_reason"] = "SAFETY"
    assert READER.read(body).state == "refused"


def test_the_words_of_a_filter_are_told():
    body = chat({"content": None}, "content_filter")
    body["choices"][0]["content_filter_results"] = {
        "hate": {"filtered": False},
        "violence": {"filtered": True},
    }
    assert READER.read(body).reason == "the service's content filter withheld the answer: violence"
    body["choices"][0] = {"finish_reason": "SAFETY", "finish_message": "Blocked as unsafe."}
    assert READER.read(body).reason.endswith("(SAFETY): Blocked as unsafe.")


def test_a_prompt_that_was_blocked_is_refused():
    assert READER.read({"choices": [], "promptFeedback": {"blockReason": "SAFETY"}}).state == "refused"


@pytest.mark.parametrize(
    ("error", "state", "again"),
    [
        ({"code": 502, "message": "Upstream lost"}, "failed", True),
        ({"code": 400, "message": "Upstream lost: bad schema"}, "failed", False),
        ({"code": "content_filter", "message": "Upstream lost"}, "refused", False),
        ("Upstream lost", "failed", True),
    ],
)
def test_an_error_on_the_choice_is_the_answers(error, state, again):
    body = chat({"content": "half an ans"}, "error")
    body["choices"][0]["error"] = error
    reading = READER.read(body)
    assert (reading.state, reading.retryable) == (state, again)
    assert "Upstream lost" in reading.reason


@pytest.mark.parametrize("error", [{}, {"code": None, "message": None}, "", {"code": 0, "message": ""}, []])
def test_an_error_without_content_is_none(error):
    body = chat({"tool_calls": [call(ANSWER)]})
    assert READER.read({**body, "error": error}).state == "ok"


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


def test_the_right_json_in_a_message_of_the_responses_endpoint_is_taken_with_a_note():
    item = {"type": "message", "content": [{"type": "output_text", "text": TEXT}, {"type": "other"}]}
    reading = READER.read(response({"type": "reasoning", "summary": []}, {"type": "web_search_call"}, item))
    assert reading.predictions == read().predictions
    assert reading.adjusted == ["took the answer out of the text, as there is no tool call"]


def test_the_same_function_call_of_the_responses_endpoint_twice_is_one():
    item = {"type": "function_call", "name": "record_paragraph", "arguments": TEXT}
    assert READER.read(response(item, item)).state == "ok"
    assert READER.read(response(item, {**item, "arguments": "{}"})).state == "invalid"


def test_a_message_in_the_form_of_anthropic_is_read():
    parts = [
        {"type": "text", "text": "So:"},
        {"type": "tool_use", "name": "record_paragraph", "input": ANSWER},
    ]
    body = {"type": "message", "stop_reason": "tool_use", "content": parts}
    assert READER.read(body) == read()
    assert READER.read({**body, "stop_reason": "max_tokens"}).state == "truncated"
    assert READER.read({**body, "stop_reason": "refusal"}).state == "refused"


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


def test_what_follows_broken_json_that_names_the_tag_is_not_taken_for_the_answer():
    broken = f'{{"comment": "a tag </think>{TEXT}'
    assert AnswerReader(TASK, "json_schema").read(chat({"content": broken})).state == "invalid"


def test_an_answer_that_stands_in_the_reasoning_alone_is_told_as_such():
    for key in ("reasoning_content", "reasoning"):
        reading = AnswerReader(TASK, "json_schema").read(chat({"content": "", key: TEXT}))
        assert (reading.state, reading.retryable) == ("invalid", True)
        assert "stands in its reasoning" in reading.reason and "--reasoning-parser" in reading.reason


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


@pytest.mark.parametrize("number", ["99999999999999999999999999", "1e26", "9223372036854775808"])
def test_a_whole_number_beyond_64_bits_is_invalid_and_stops_nothing(number):
    text = orjson.dumps(ANSWER).decode().replace('"population":null', f'"population":{number}')
    reading = AnswerReader(TASK, "json_schema").read(chat({"content": text}))
    assert (reading.state, "64 bits" in (reading.reason or "")) == ("invalid", True)


def test_a_field_given_twice_with_different_values_is_not_chosen_for_the_model():
    text = orjson.dumps(ANSWER).decode()
    same = AnswerReader(TASK, "json_schema").read(chat({"content": text[:-1] + ', "topic": "Water"}'}))
    other = AnswerReader(TASK, "json_schema").read(chat({"content": text[:-1] + ', "topic": "Soil"}'}))
    assert (same.state, other.state) == ("ok", "invalid")
    assert "`topic` is given twice, with different values" in (other.reason or "")
    twice = text[:-1] + ', "topic": "Soil"}'
    for wrapped in (f"```json\n{twice}\n```", orjson.dumps(twice).decode(), f"<think>hm</think>{twice}"):
        reading = AnswerReader(TASK, "json_schema").read(chat({"content": wrapped}))
        assert (reading.state, "given twice" in (reading.reason or "")) == ("invalid", True), wrapped
    for spaced in (twice.replace('":', '" :'), twice.replace('":', '"\n:')):
        assert AnswerReader(TASK, "json_schema").read(chat({"content": spaced})).state == "invalid"
    nested = text.replace('"kind":"city"', '"kind":"city","kind":"river"')
    assert nested != text
    assert "`kind` is given twice" in (
        AnswerReader(TASK, "json_schema").read(chat({"content": nested})).reason or ""
    )


@pytest.mark.parametrize(
    "text",
    [
        r'{"a\\":1,"b":1,"b":2}',
        r'{"a\\":"\":","a\\":"x"}',
        '{"a":{"b":[{"c":1,"c":2}]}}',
        '{"a" :1,"a" :2}',
        r'{"a":"say \"b\": so","a":1}',
        r'{"\":":1,"\":":2}',
    ],
)
def test_a_key_that_stands_twice_is_found_however_the_text_is_written(text):
    with pytest.raises(AnswerError, match="given twice"):
        answer_object(text, [])
    once = orjson.dumps(orjson.loads(text)).decode()
    assert answer_object(once, []) == orjson.loads(text)
