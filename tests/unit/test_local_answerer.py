"""The baseline annotator: named, deterministic, and always within the schema it is given."""

import random
import re
import subprocess
import sys

import jsonschema
import orjson
import pytest

from goldpan.providers.engine.refusal import ServiceError
from goldpan.providers.local.answerer import answer, summarise
from goldpan.providers.local.evidence import MAX_SENTENCES, sentences_of
from goldpan.providers.local.schema_answers import SchemaAnswerer
from tests.chat_batches import TOOL, chat_body

TEXT = (
    "The customer wanted to change the flight to Boston. "
    "The agent refused because the ticket was basic economy. "
    "Then the customer got angry and shouted. "
    "Finally the agent booked a refund of 120 dollars and apologised."
)
TEXTS = {"some text": TEXT, "no text": "", "no words": "... !!! \n\n 。", "long text": f"{TEXT}\n" * 200}


def assert_fits(schema, text=TEXT):
    value = SchemaAnswerer(schema).answer(text)
    jsonschema.Draft202012Validator(schema).validate(value)
    return value


SCHEMAS = {
    "boolean": {"type": "boolean"},
    "nullable boolean": {"type": ["boolean", "null"]},
    "string": {"type": "string"},
    "enum": {"type": "string", "enum": ["a", "b"]},
    "nullable enum": {"type": ["string", "null"], "enum": ["a", "b", None]},
    "integer": {"type": "integer"},
    "bounded integer": {"type": "integer", "minimum": 3, "maximum": 4},
    "negative": {"type": "integer", "maximum": -5},
    "number": {"type": "number", "minimum": -0.25, "maximum": 0.5},
    "from": {"type": "number", "minimum": 1e6},
    "multilabel": {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 1, "maxItems": 2},
    "integers": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 2, "maxItems": 3},
    "object without properties": {"type": "object", "properties": {}},
    "objects": {
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "properties": {
                "who": {"type": "string", "description": "Person"},
                "amounts": {"type": "array", "items": {"type": "number"}, "maxItems": 1},
                "place": {"type": ["object", "null"], "properties": {"city": {"type": "string"}}},
            },
            "required": ["who", "amounts", "place"],
            "additionalProperties": False,
        },
    },
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_an_answer_fits_its_schema(schema, text):
    assert_fits(schema, text)


def random_schema(source, depth=0):
    kinds = ["boolean", "string", "integer", "number", "enum"] + ["array", "object"] * (depth < 3)
    kind = source.choice(kinds)
    words = ["refund", "customer", "angry", "flight", "city", "nothing"]
    schema = {"type": kind, "description": " ".join(source.choices(words, k=4))}
    match kind:
        case "enum":
            schema |= {"type": "string", "enum": source.sample(words, k=source.randint(1, 6))}
        case "integer" | "number":
            low = source.randint(-9, 9)
            schema |= source.choice(
                [
                    {},
                    {"minimum": low},
                    {"maximum": low},
                    {"minimum": low, "maximum": low + source.randint(0, 3)},
                ]
            )
        case "array":
            least = source.randint(0, 2)
            schema |= {"items": random_schema(source, depth + 1)}
            schema |= source.choice([{}, {"minItems": least}, {"minItems": least, "maxItems": least + 1}])
        case "object":
            names = source.sample(words, k=source.randint(1, 4))
            properties = {name: random_schema(source, depth + 1) for name in names}
            schema |= {"properties": properties, "required": names, "additionalProperties": False}
    if source.random() < 0.2:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"].append(None)
    return schema


@pytest.mark.parametrize("seed", range(150))
def test_an_answer_fits_a_random_schema(seed):
    assert_fits(random_schema(random.Random(seed)))


@pytest.mark.parametrize(
    ("schema", "keyword"),
    [
        ({"type": "string", "pattern": "^[A-Z]"}, "the keyword `pattern`"),
        ({"type": "object", "properties": {"x": {"$ref": "#/$defs/x"}}}, "the keyword `$ref`"),
        ({"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]}}, "`anyOf`"),
        ({"type": "date"}, "the type 'date'"),
        ({}, "the type None"),
    ],
)
def test_a_schema_that_no_task_makes_is_refused_with_what_is_not_understood(schema, keyword):
    with pytest.raises(ServiceError, match=re.escape(keyword)) as refusal:
        SchemaAnswerer(schema)
    assert (refusal.value.status, refusal.value.code) == (400, "invalid_schema")


def test_a_ranking_is_a_permutation_with_the_nearest_first():
    items = ["weather", "refund of a ticket", "cooking"]
    schema = {"type": "array", "items": {"enum": items}, "minItems": 3, "maxItems": 3}
    ranking = assert_fits(schema)
    assert sorted(ranking) == sorted(items)
    assert ranking[0] == "refund of a ticket"


def test_the_label_nearest_to_the_text_is_chosen():
    about = "What it is about.\nLabels:\n- A: cooking and recipes\n- B: tickets, refunds, flights"
    assert assert_fits({"type": "string", "enum": ["A", "B"], "description": about}) == "B"


def test_a_boolean_holds_where_the_text_speaks_of_it():
    properties = {
        "angry_customer": {"type": "boolean", "description": "The customer is angry and shouted."},
        "bug": {"type": "boolean", "description": "A program crashed with a stack trace."},
    }
    value = assert_fits({"type": "object", "properties": properties})
    assert value == {"angry_customer": True, "bug": False}


def test_a_number_grows_with_what_the_text_says():
    schema = {"type": "integer", "minimum": 0, "maximum": 3, "description": "Refund booked by the agent"}
    answerer = SchemaAnswerer(schema)
    unrelated = answerer.answer("Rain is expected tomorrow.")
    assert (unrelated, answerer.answer(TEXT)) == (0, 3)


def test_a_text_is_a_sentence_of_the_text():
    value = assert_fits({"type": "string", "description": "Why the ticket could not be changed by the agent"})
    assert value == "The agent refused because the ticket was basic economy."


def test_a_length_stated_in_the_description_is_kept():
    assert len(assert_fits({"type": "string", "description": "Summary. At most 12 characters."})) <= 12


def test_null_is_given_where_the_text_has_nothing_to_do_with_it():
    schema = {"type": ["string", "null"], "description": "Name of the mathematical theorem"}
    assert assert_fits(schema) is None


def test_properties_keep_the_order_of_the_schema():
    properties = {name: {"type": "boolean"} for name in ("zebra", "apple", "mango")}
    body = chat_body(TEXT, tools=None, tool_choice=None)
    body["response_format"] = {
        "type": "json_schema",
        "json_schema": {"name": "x", "schema": {"type": "object", "properties": properties}},
    }
    content = answer(body, "x")["choices"][0]["message"]["content"]
    assert list(orjson.loads(content)) == ["zebra", "apple", "mango"]


def test_a_forced_tool_is_called():
    body = answer(chat_body(TEXT), "x")
    message = body["choices"][0]["message"]
    assert message["content"] is None
    [call] = message["tool_calls"]
    assert call["function"]["name"] == "record_mood"
    jsonschema.validate(orjson.loads(call["function"]["arguments"]), TOOL["function"]["parameters"])


def test_without_a_schema_the_answer_is_a_summary_from_the_text():
    body = answer(chat_body(TEXT, tools=None, tool_choice=None), "x")
    summary = body["choices"][0]["message"]["content"]
    assert summary == summarise(TEXT)
    assert sum(sentence in summary for sentence in sentences_of(TEXT)) == 3


def test_text_parts_of_a_message_are_read():
    parts = [{"type": "text", "text": "Hello there."}, {"type": "image_url", "image_url": {"url": "x"}}]
    request = {"model": "m", "messages": [{"role": "user", "content": parts}]}
    assert answer(request, "x")["choices"][0]["message"]["content"] == "Hello there."


def test_every_answer_names_the_baseline():
    body = answer(chat_body(TEXT, model="gpt-something"), "x")
    assert (body["model"], body["system_fingerprint"]) == ("goldpan-baseline-1", "goldpan-baseline")


def test_usage_counts_a_token_for_each_four_bytes():
    request = {"model": "m", "messages": [{"role": "user", "content": "x" * 400}]}
    usage = answer(request, "x")["usage"]
    assert usage["prompt_tokens"] == -(-len(orjson.dumps(request["messages"])) // 4)
    assert usage["completion_tokens"] == 100
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_long_texts_are_read_in_evenly_spaced_sentences():
    sentences = sentences_of("\n".join(f"Line {number}" for number in range(10 * MAX_SENTENCES)))
    assert len(sentences) == MAX_SENTENCES
    assert sentences[:2] == ["Line 0", "Line 10"]


ANSWER_ONCE = """
import json, sys
from goldpan.providers.local.answerer import answer
print(answer(json.loads(sys.argv[1]), "x")["choices"])
"""


def test_answers_are_the_same_in_every_process(project):
    outputs = [
        subprocess.run(
            [sys.executable, "-c", ANSWER_ONCE, orjson.dumps(chat_body(TEXT)).decode()],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(project / "src")},
            cwd=project,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1] != ""


@pytest.mark.parametrize("name", ["trace_critic", "trace_critic_follow_up"])
def test_the_trace_critic_gets_answers_that_fit(project, name):
    from goldpan.tasks.schema import parameters_schema
    from goldpan.tasks.task import load_task

    assert_fits(parameters_schema(load_task(name, project / "config" / "tasks")))
