"""The responses endpoint of the local engine: what it takes, what it answers, and that a client reads it."""

import openai
import pytest

from goldpan.providers.engine import completion, responses
from goldpan.providers.engine.engine import Engine
from goldpan.providers.engine.refusal import ServiceError
from goldpan.providers.local.answerer import answer
from goldpan.providers.model_facts import RESPONSES_URL
from goldpan.serve import running_server
from goldpan.serve.batch_faults import hook_of
from goldpan.serve.fault_plan import FaultPlan
from goldpan.tasks.replies import reply_of
from tests.chat_batches import TOOL, echo, lines_of, write_rows

SCHEMA = TOOL["function"]["parameters"]
FLAT_TOOL = {"type": "function", **TOOL["function"], "strict": True}
FORCED = {"tools": [FLAT_TOOL], "tool_choice": {"type": "function", "name": "record_mood"}}
FORMAT = {"text": {"format": {"type": "json_schema", "name": "mood", "strict": True, "schema": SCHEMA}}}


def body(**changes):
    return {"model": "m", "store": False, "input": [{"role": "user", "content": "So angry."}], **changes}


def complete(tmp_path, request):
    return Engine(tmp_path, answer).complete(request, RESPONSES_URL)


def test_a_forced_function_is_called(tmp_path):
    answer = complete(tmp_path, body(**FORCED))
    (item,) = answer["output"]
    assert (item["type"], item["name"]) == ("function_call", "record_mood")
    assert answer["status"] == "completed"
    assert (
        answer["usage"]["total_tokens"] == answer["usage"]["input_tokens"] + answer["usage"]["output_tokens"]
    )
    assert reply_of(answer).calls == [("record_mood", item["arguments"])]


def test_a_schema_is_answered_by_text(tmp_path):
    reply = reply_of(complete(tmp_path, body(**FORMAT)))
    assert reply.calls == []
    assert reply.text is not None and '"mood":"angry"' in reply.text


def test_instructions_and_a_plain_input_are_messages():
    chat = responses.chat_of_responses(body(instructions="Be brief.", input="Hello"))
    assert chat["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
    ]


def test_parameters_get_the_names_of_chat_completions():
    chat = responses.chat_of_responses(
        body(max_output_tokens=9, reasoning={"effort": "low"}, text={"verbosity": "low"}, temperature=1)
    )
    wanted = {"max_completion_tokens": 9, "reasoning_effort": "low", "verbosity": "low", "temperature": 1}
    assert {name: chat[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"messages": []}, "messages"),
        ({"input": None}, "input"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0]"),
        ({"tools": [TOOL]}, "tools"),
        ({"text": {"format": {"type": "json_schema", "json_schema": {}}}}, "text.format"),
        ({"max_output_tokens": 0}, "max_completion_tokens"),
    ],
)
def test_a_request_of_another_form_is_refused(changes, param, tmp_path):
    with pytest.raises(ServiceError) as refused:
        complete(tmp_path, body(**changes))
    assert (refused.value.status, refused.value.param) == (400, param)


@pytest.mark.parametrize(
    ("fault", "state"), [("truncated", "truncated"), ("refused", "refused"), ("content_filter", "refused")]
)
def test_faults_of_answers_are_those_of_this_endpoint(fault, state, tmp_path):
    engine = Engine(tmp_path / "engine", echo, hook=hook_of(FaultPlan.of({"fault": fault})))
    rows = [{"custom_id": "a", "method": "POST", "url": RESPONSES_URL, "body": body(**FORCED)}]
    stored = engine.upload(write_rows(tmp_path / "rows.jsonl", rows), "rows.jsonl")
    record = engine.create_batch(stored.id, RESPONSES_URL)
    while record.is_open:
        record = engine.advance(record.id)
    (line,) = lines_of(engine.store.content(record.output_file_id or ""))
    assert line["response"]["body"]["object"] == "response"
    assert reply_of(line["response"]["body"]).state == state


def test_rows_of_another_endpoint_fail_the_batch(tmp_path):
    engine = Engine(tmp_path / "engine", answer)
    rows = [{"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": body()}]
    stored = engine.upload(write_rows(tmp_path / "rows.jsonl", rows), "rows.jsonl")
    record = engine.create_batch(stored.id, RESPONSES_URL)
    while record.is_open:
        record = engine.advance(record.id)
    assert (record.status, record.errors[0].code) == ("failed", "url_mismatch")


def test_an_answer_in_the_form_of_a_response_stays_as_it_is():
    given = {"object": "response", "output": []}
    assert responses.response(body(), given) is given


def test_the_sdk_reads_the_answer(tmp_path):
    def annotate(request, custom_id):
        return completion(request, {"mood": "calm", "reason": "It says so."}, custom_id)

    with running_server(tmp_path, answerer=annotate) as server:
        client = openai.OpenAI(base_url=server.base_url, api_key="any", max_retries=0)
        called = client.responses.create(model="m", input="Quiet.", **FORCED)
        written = client.responses.create(model="m", input="Quiet.", **FORMAT)
        assert server.calls["POST", "/v1/responses"] == 2
    assert called.output[0].type == "function_call"
    assert '"mood":"calm"' in called.output[0].arguments
    assert written.output_text == '{"mood":"calm","reason":"It says so."}'
