"""Services with an API of their own, asked by litellm: what comes of it is as from any other service."""

import base64
import re

import pytest

from goldpan.batches.stage import StageRun
from goldpan.cli import main
from goldpan.crashpoints import Killed, on_reaching
from goldpan.errors import FirstRefusedError, OnlineError, ProviderError, StudyError
from goldpan.files import read_json
from goldpan.ledger import Ledger
from goldpan.study import load_project
from tests.foreign_services import (
    USED,
    AnthropicService,
    AzureResponses,
    AzureService,
    GeminiService,
    anthropic_error,
    message,
)
from tests.online_service import ANSWER, OnlineService, Say, error_body, online_service
from tests.projects import WorkflowProject, note_rows, notes_study
from tests.stage_builders import STAGE, answer_all, at, make_stage, records_made, states

ROWS = 8
KEY = "sk-test-0123456789abcdef/+"
CLAUDE = "claude-sonnet-4-5"
KEYS = ("ANTHROPIC_API_KEY", "GEMINI_API_KEY", "AZURE_API_KEY")


def make(root, service: OnlineService, rows=ROWS, *, stage=None, name="anthropic", **provider) -> StageRun:
    settings = {"kind": "litellm", "custom_llm_provider": name, "base_url": service.base_url, **provider}
    (root / ".env").write_text(f"{name.upper()}_API_KEY={KEY}\n")
    return make_stage(root, note_rows(rows), settings, **{"model": CLAUDE, "mode": "online", **(stage or {})})


def again(run: StageRun, settings, **stage) -> StageRun:
    """The stage after a change of its study, by another process as it were."""
    WorkflowProject(run.project.root).write_study(
        notes_study(settings, **{"model": CLAUDE, "mode": "online", **stage})
    )
    return records_made(StageRun(load_project("notes", root=run.project.root), STAGE))


def settings_of(run: StageRun, **changes):
    return {**run.project.study.providers["main"].model_dump(exclude_unset=True), **changes}


def said_in(root, capfd) -> bytes:
    """All that a run has written, but for the file with the keys."""
    files = [path for path in root.rglob("*") if path.is_file() and path.name != ".env"]
    assert any("online" in path.parts for path in files)
    return b"".join(path.read_bytes() for path in files) + "".join(capfd.readouterr()).encode()


# USD by litellm's table for a fresh, a cached and a written prompt token, and one of the answer.
@pytest.mark.parametrize(
    ("name", "speaks", "model", "rates"),
    [
        ("anthropic", AnthropicService, CLAUDE, (3e-6, 0.3e-6, 3.75e-6, 15e-6)),
        ("gemini", GeminiService, "gemini/gemini-2.5-flash", (0.3e-6, 0.03e-6, None, 2.5e-6)),
    ],
)
def test_features_counts_and_cost_are_as_from_any_service(name, speaks, model, rates, tmp_path):
    with online_service(speaks=speaks) as service:
        run = make(tmp_path, service, name=name, stage={"model": model})
        answer_all(run)
        assert states(run) == {"ok": ROWS} and set(service.answered.values()) == {1}
    summary = read_json(at(run, run.paths.summary(STAGE)))
    assert summary["labels"]["topic"] == {"animals": ROWS} and summary["requests_paid"] == ROWS
    fresh, cached, written, completion = rates
    cost = USED["fresh"] * fresh + USED["cached"] * cached + USED["completion"] * completion
    has_writes = written is not None
    cost += USED["written"] * written if has_writes else 0
    assert summary["cost_usd"] == pytest.approx(ROWS * cost, abs=1e-6)
    prompt = USED["fresh"] + USED["cached"] + (USED["written"] if has_writes else 0)
    assert summary["tokens"] == {
        "prompt": ROWS * prompt,
        "completion": ROWS * USED["completion"],
        "cached": ROWS * USED["cached"],
        "cache_write": ROWS * USED["written"] if has_writes else 0,
        "reasoning": 0,
    }


def test_azure_is_asked_at_its_deployment_in_the_version_that_the_environment_names(tmp_path):
    with online_service(speaks=AzureService) as service:
        run = make(tmp_path, service, name="azure", stage={"model": "my-deployment"})
        with (tmp_path / ".env").open("a") as variables:
            variables.write("AZURE_API_VERSION=2024-10-21\n")
        answer_all(run)
        assert states(run) == {"ok": ROWS}
        assert {call.headers["api-key"] for call in service.calls} == {KEY}
        assert {call.url for call in service.calls} == {
            "/openai/deployments/my-deployment/chat/completions?api-version=2024-10-21"
        }


def test_azure_is_asked_at_its_responses_endpoint(tmp_path):
    with online_service(speaks=AzureResponses) as service:
        run = make(tmp_path, service, name="azure", stage={"model": "gpt-5-mini", "endpoint": "responses"})
        answer_all(run)
        assert states(run) == {"ok": ROWS} and set(service.answered.values()) == {1}
        assert all("/responses" in call.url for call in service.calls)
    assert read_json(at(run, run.paths.summary(STAGE)))["tokens"]["cached"] == ROWS * USED["cached"]


PASSING = [
    Say(500),
    Say(529),
    Say(429, headers={"retry-after": "0"}),
    Say(503, headers={"retry-after-ms": "50"}),
    Say(502, body="<html>bad gateway</html>"),
    Say(cut=40),
    Say(after=30),
]


@pytest.mark.parametrize(
    ("name", "speaks", "model"),
    [
        ("anthropic", AnthropicService, CLAUDE),
        ("gemini", GeminiService, "gemini/gemini-2.5-flash"),
        ("azure", AzureService, "my-deployment"),
    ],
)
def test_what_may_pass_is_asked_again_and_no_call_is_repeated_by_litellm(name, speaks, model, tmp_path):
    """The first call about each note goes wrong, but for the first of all."""

    def script(call):
        number = int(call.text.removeprefix("Note ").partition(":")[0])
        return Say() if number == 0 or call.of_text > 1 else PASSING[number % len(PASSING)]

    with online_service(script, speaks) as service:
        run = make(tmp_path, service, name=name, timeout_seconds=2, stage={"model": model})
        answer_all(run)
        assert states(run) == {"ok": ROWS}
        assert set(service.answered.values()) == {1} and len(service.answered) == ROWS
        assert len(service.calls) == 2 * ROWS - 1


@pytest.mark.parametrize("status", [429, 529])
def test_retry_after_is_waited_for(status, tmp_path):
    def script(call):
        return Say(status, headers={"retry-after": "1"}) if call.number == 1 else Say()

    with online_service(script, AnthropicService) as service:
        run = make(tmp_path, service)
        answer_all(run)
        first, *others = service.calls
        assert min(call.at for call in others) - first.at >= 1.0
        assert states(run) == {"ok": ROWS} and len(service.calls) == ROWS + 1


def test_a_key_that_is_refused_and_echoed_stops_the_run_and_is_kept_nowhere(tmp_path, capfd):
    spelled = (KEY, base64.b64encode(f"Bearer {KEY}".encode()).decode())

    def script(call):
        assert call.headers["x-api-key"] == KEY
        body = anthropic_error(401, f"invalid x-api-key {spelled}")
        return Say(401, body=body) if call.number == 4 else Say()

    with online_service(script, AnthropicService) as service:
        run = make(tmp_path, service, concurrency=1)
        with pytest.raises(OnlineError, match=r"authentication_error.*x-api-key .*\[key\]") as caught:
            answer_all(run)
        assert states(run) == {"ok": 3}
        said = said_in(tmp_path, capfd) + str(caught.value).encode() + repr(caught.value).encode()
        assert not any(form.encode() in said for form in spelled)
        service._script = lambda call: Say()
        answer_all(again(run, settings_of(run)))
        assert states(run) == {"ok": ROWS} and set(service.answered.values()) == {1}


def test_a_key_that_a_service_repeats_in_its_answer_is_taken_out(tmp_path, capfd):
    told = {**ANSWER, "topic_rationale": f"because of {KEY}"}
    with online_service(lambda call: Say(answer=told), AnthropicService) as service:
        answer_all(make(tmp_path, service))
    said = said_in(tmp_path, capfd)
    assert KEY.encode() not in said and b"because of [key]" in said


@pytest.mark.parametrize(("reason", "state"), [("refusal", "refused"), ("max_tokens", "truncated")])
def test_why_an_answer_ended_is_understood(reason, state, tmp_path):
    def script(call):
        said = message([{"type": "text", "text": "I "}], reason, CLAUDE)
        return Say(body=said) if call.text.startswith("Note 3:") else Say()

    with online_service(script, AnthropicService) as service:
        run = make(tmp_path, service)
        answer_all(run)
        assert states(run) == {"ok": ROWS - 1, state: 1}


@pytest.mark.parametrize(
    ("name", "speaks", "body", "state"),
    [
        ("anthropic", AnthropicService, anthropic_error(400, "prompt is too long: 9 tokens > 8"), "failed"),
        (
            "anthropic",
            AnthropicService,
            anthropic_error(400, "Output blocked by content filtering policy"),
            "refused",
        ),
        ("azure", AzureService, error_body(400, "content_filter", "management policy"), "refused"),
    ],
)
def test_a_refusal_of_the_first_note_alone_is_no_reason_to_stop(name, speaks, body, state, tmp_path):
    def script(call):
        return Say(400, body=body) if call.text.startswith("Note 0:") else Say()

    with online_service(script, speaks) as service:
        run = make(tmp_path, service, name=name)
        answer_all(run)
        assert states(run) == {"ok": ROWS - 1, state: 1} and len(service.calls) == ROWS


def test_a_parameter_that_the_service_does_not_take_is_told_before_anything_is_sent(tmp_path):
    with online_service(speaks=AnthropicService) as service:
        run = make(tmp_path, service, stage={"params": {"seed": 1}})
        with pytest.raises(FirstRefusedError, match=r"unsupported_parameter.*seed"):
            answer_all(run)
        assert not service.calls and states(run) == {}


def test_a_service_that_is_refused_the_schema_says_so_after_one_request(tmp_path):
    def script(call):
        return Say(400, body=anthropic_error(400, "tools.0.custom.input_schema: invalid"))

    with online_service(script, AnthropicService) as service:
        run = make(tmp_path, service)
        with pytest.raises(FirstRefusedError, match=r"400 \(invalid_request_error\): tools.0.custom"):
            answer_all(run)
        assert len(service.calls) == 1


def test_a_service_that_is_not_there_is_said_to_be_out_of_reach(tmp_path):
    with online_service(speaks=AnthropicService) as service:
        run = make(tmp_path, service, patience_seconds=0.2)
    with pytest.raises(OnlineError, match="could not be reached"):
        answer_all(run)


def test_an_answer_that_is_none_is_asked_for_again(tmp_path):
    def script(call):
        return Say(body="<p>busy</p>") if call.number == 3 else Say()

    with online_service(script, AnthropicService) as service:
        run = make(tmp_path, service)
        answer_all(run)
        assert states(run) == {"ok": ROWS} and len(service.calls) == ROWS + 1


CUT, UNREADABLE = Say(cut=40), Say(body="<p>busy</p>")


@pytest.mark.parametrize(
    ("broken", "name", "speaks", "model"),
    [
        (CUT, "anthropic", AnthropicService, CLAUDE),
        (UNREADABLE, "anthropic", AnthropicService, CLAUDE),
        (CUT, "gemini", GeminiService, "gemini/gemini-2.5-flash"),
        (CUT, "azure", AzureService, "my-deployment"),
        (UNREADABLE, "azure", AzureService, "my-deployment"),
    ],
)
def test_a_success_that_breaks_off_is_asked_for_three_times_whatever_the_patience(
    broken, name, speaks, model, tmp_path
):
    with online_service(lambda call: broken if call.text.startswith("Note 3:") else Say(), speaks) as service:
        run = make(
            tmp_path, service, name=name, rows=4, patience_seconds=8, stage={"model": model, "max_rounds": 1}
        )
        answer_all(run)
        assert max(service.texts().values()) == 3
        with Ledger(run.project.ledger) as ledger:
            assert ledger.counts()["ok"] == 3 and ledger.submissions()[0].lost_calls == 3


def test_a_connection_that_breaks_off_before_an_answer_is_asked_for_as_long_as_patience(tmp_path):
    def script(call):
        return Say(cut=0) if call.text.startswith("Note 3:") and call.of_text <= 4 else Say()

    with online_service(script, AnthropicService) as service:
        run = make(tmp_path, service, rows=4, stage={"max_rounds": 1})
        answer_all(run)
        assert states(run) == {"ok": 4}


def test_an_account_without_credit_stops_the_run(tmp_path):
    def script(call):
        body = anthropic_error(400, "Your credit balance is too low to access the API.")
        return Say(400, body=body) if call.number == 3 else Say()

    with online_service(script, AnthropicService) as service:
        run = make(tmp_path, service, concurrency=1)
        with pytest.raises(OnlineError, match="add credit"):
            answer_all(run)
        assert states(run) == {"ok": 2}


@pytest.mark.parametrize("kept", [1, 4, 7])
def test_a_run_that_was_killed_goes_on_and_asks_nothing_twice_that_was_answered(kept, tmp_path):
    written = 0

    def kill(point):
        nonlocal written
        written += point == "answer_written"
        if written >= kept:
            raise Killed

    with online_service(speaks=AnthropicService) as service:
        run = make(tmp_path, service, concurrency=1)
        with on_reaching(kill), pytest.raises(Killed):
            answer_all(run)
        answer_all(again(run, settings_of(run)))
        assert states(run) == {"ok": ROWS} and len(service.answered) == ROWS
        assert service.answered.total() <= ROWS + 2, "what was under way at the kill"
        answer_all(again(run, settings_of(run)))
        assert service.answered.total() <= ROWS + 2


def test_what_litellm_has_brought_is_not_asked_of_another_address_of_the_model(tmp_path):
    with online_service(speaks=AnthropicService) as service:
        run = make(tmp_path, service)
        answer_all(run)
    with online_service() as service:
        other = {"kind": "litellm", "custom_llm_provider": "hosted_vllm", "base_url": service.base_url}
        answer_all(again(run, other))
        assert not service.calls and states(run) == {"ok": ROWS}


@pytest.mark.parametrize(
    ("provider", "stage", "words"),
    [
        ({"custom_llm_provider": "antropic"}, {}, "did you mean `anthropic`"),
        ({}, {"mode": "batch"}, r"no batches with `custom_llm_provider: anthropic`[^`]*`mode: online`"),
        ({}, {"tier": "flex"}, "no requests at a tier of `custom_llm_provider: anthropic`"),
        (
            {},
            {"endpoint": "responses"},
            r"no requests to /v1/responses of [^`]*`[^`]*anthropic`[^`]*`endpoint: chat`",
        ),
    ],
)
def test_what_cannot_be_asked_is_said_by_name_before_anything_is_sent(
    provider, stage, words, tmp_path, monkeypatch, capfd
):
    with online_service(speaks=AnthropicService) as service:
        run = make(tmp_path, service, stage=stage, **provider)
        with pytest.raises(StudyError, match=words):
            answer_all(run)
        assert not service.calls
    monkeypatch.chdir(tmp_path)
    assert main(["validate", "notes"]) == 1
    assert re.search(words, "".join(capfd.readouterr()))


def test_a_missing_key_is_named_with_its_usual_variable(tmp_path, monkeypatch):
    for variable in KEYS:
        monkeypatch.delenv(variable, raising=False)
    run = make_stage(
        tmp_path,
        note_rows(1),
        {"kind": "litellm", "custom_llm_provider": "anthropic"},
        model=CLAUDE,
        mode="online",
    )
    with pytest.raises(ProviderError, match=r"ANTHROPIC_API_KEY.*api_key_env"):
        answer_all(run)
