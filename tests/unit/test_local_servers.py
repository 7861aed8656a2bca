"""`kind: openai` with a `base_url` on loopback: what serves a model there is asked online, without a key."""

import pytest

from goldpan.errors import ProviderError
from goldpan.stages.rows import read_features
from tests.local_servers import LlamaCppServer, OllamaServer, VllmServer
from tests.online_service import Say, online_service
from tests.projects import note_rows
from tests.stage_builders import answer_all, at, make_online, make_stage, send

ROWS = 4
FREE = {"price_usd_per_million": [0, 0]}


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def answered(run):
    answer_all(run)
    return [row for _, row in read_features(at(run, run.paths.features(run.name)))]


@pytest.mark.parametrize(
    ("server", "output", "model"),
    [
        (VllmServer, "tool", "m"),
        (VllmServer, "json_schema", "m"),
        (LlamaCppServer, "tool", "/models/qwen2.5-0.5b-instruct-q4_k_m.gguf"),
        (LlamaCppServer, "json_schema", "/models/qwen2.5-0.5b-instruct-q4_k_m.gguf"),
        (OllamaServer, "json_schema", "m:latest"),
    ],
)
def test_all_rows_are_answered_and_say_which_model_the_server_named(tmp_path, server, output, model):
    with online_service(speaks=server) as service:
        rows = answered(make_online(tmp_path, service, ROWS, stage={"output": output, **FREE}))
        assert all("authorization" not in {name.lower() for name in call.headers} for call in service.calls)
    assert [(row["state"], row["model"]) for row in rows] == [("ok", model)] * ROWS
    assert {row["features"]["topic"]["label"] for row in rows} == {"animals"}


def test_a_server_that_forces_no_function_is_told_by_the_state_and_not_taken_for_an_answer(tmp_path):
    with online_service(speaks=OllamaServer) as service:
        rows = answered(
            make_online(tmp_path, service, ROWS, stage={"output": "tool", "max_rounds": 1, **FREE})
        )
    assert {row["state"] for row in rows} <= {"ok", "invalid"} and len(rows) == ROWS


def test_a_refusal_without_an_error_around_it_is_read(tmp_path):
    with online_service(lambda call: Say(status=400 if call.number == 2 else 200), VllmServer) as service:
        rows = answered(make_online(tmp_path, service, ROWS, stage=FREE))
    assert sorted(row["state"] for row in rows) == ["failed", *["ok"] * (ROWS - 1)]


TOO_LONG = {
    "llama.cpp": {
        "code": 400,
        "message": "request (9000 tokens) exceeds the available context size (4096 tokens)",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": 9000,
        "n_ctx": 4096,
    },
    "TGI": {
        "code": 422,
        "message": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 9000",
        "type": "validation",
    },
    "vLLM": {
        "code": 400,
        "message": "The decoder prompt (length 9000) is longer than the maximum model length of 4096.",
        "type": "BadRequestError",
    },
    "an older vLLM": {
        "code": 400,
        "message": "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens.",
        "type": "BadRequestError",
    },
    "a proxy": {"code": 400, "message": "prompt is too long: 9000 tokens > 4096 maximum", "type": "invalid"},
}


@pytest.mark.parametrize("server", TOO_LONG)
def test_a_record_that_is_too_long_is_an_outcome_of_its_own_also_where_it_is_asked_first(tmp_path, server):
    said = {"error": TOO_LONG[server]}

    def script(call):
        return Say(said["error"]["code"], body=said) if call.number == 1 else Say()

    with online_service(script, LlamaCppServer) as service:
        rows = answered(make_online(tmp_path, service, ROWS, stage=FREE))
    assert sorted(row["state"] for row in rows) == ["failed", *["ok"] * (ROWS - 1)]


def test_answers_that_are_no_json_are_told_in_one_line_for_all(tmp_path):
    def script(call):
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {LONG}\r\n\r\n"
        return Say(raw=(head + f": keep-alive\n\n{call.number}".ljust(LONG, "x")).encode())

    LONG = 900
    with online_service(script) as service:
        rows = answered(make_online(tmp_path, service, ROWS, stage={**FREE, "max_rounds": 1}))
    assert {row["state"] for row in rows} == {"failed"}
    assert all("the body is no JSON; it begins with: : keep-alive" in row["reason"] for row in rows)
    assert max(len(row["reason"]) for row in rows) < 160


def test_without_a_batch_api_the_error_of_mode_batch_names_the_other_mode(tmp_path):
    with online_service(speaks=VllmServer) as service:
        settings = {"kind": "openai", "base_url": service.base_url, "patience_seconds": 0.1}
        run = make_stage(tmp_path, note_rows(ROWS), settings, model="m", **FREE)
        with pytest.raises(ProviderError) as caught:
            send(run, run.plan(1))
    assert "mode: online" in str(caught.value)
