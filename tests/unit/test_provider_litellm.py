"""The litellm provider as OpenAI, Azure and vLLM, against a real server on loopback that behaves badly."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from email.utils import formatdate

import pytest

from goldpan.errors import ProviderError
from goldpan.providers.litellm import LiteLLMProvider
from goldpan.providers.model_facts import CHAT_URL
from tests.scripted_service import (
    DROPPED,
    Answer,
    ScriptedService,
    answer,
    batch_object,
    by_ranges,
    file_object,
    listing,
    refusal,
    scripted_service,
)

KEY = "sk-secret-0123456789"
CONTENT = b"".join(b'{"custom_id": "%d"}\n' % number for number in range(3000))


@pytest.fixture
def service() -> Iterator[ScriptedService]:
    with scripted_service() as running:
        yield running


@pytest.fixture(params=["openai", "azure", "hosted_vllm"])
def provider(request, service: ScriptedService) -> LiteLLMProvider:
    return connected(request.param, service)


def connected(name: str, service: ScriptedService) -> LiteLLMProvider:
    base_url = service.base_url.removesuffix("/v1") if name == "azure" else service.base_url
    return LiteLLMProvider(name, base_url, KEY, timeout=5)  # type: ignore[arg-type]


def create(provider: LiteLLMProvider) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        provider.create("file-1", CHAT_URL, {"nonce": "n"})
    return caught.value


def test_create_sends_the_file_the_endpoint_the_window_and_the_metadata(service, provider):
    service.on("POST", "/batches", answer(batch_object(metadata={"nonce": "n"})))
    batch = provider.create("file-1", CHAT_URL, {"nonce": "n"})
    assert batch.metadata == {"nonce": "n"}
    assert service.heard("POST", "/batches")[0].json == {
        "input_file_id": "file-1",
        "endpoint": CHAT_URL,
        "completion_window": "24h",
        "metadata": {"nonce": "n"},
    }


@pytest.mark.parametrize("failure", [DROPPED, refusal(500, "oops"), refusal(429, "slow")])
def test_create_is_sent_exactly_once_whatever_goes_wrong(service, provider, failure):
    service.on("POST", "/batches", failure)
    create(provider)
    assert service.count("POST", "/batches") == 1


@pytest.mark.parametrize("name", ["openai", "azure", "hosted_vllm"])
def test_create_is_sent_exactly_once_also_after_calls_that_are_repeated(service, name, tmp_path):
    service.on("GET", "/files", listing())
    service.on("GET", "/files/file-1", answer(file_object(bytes=2)))
    service.on("GET", "/files/file-1/content", Answer(200, b"{}"))
    service.on("GET", "/batches", listing())
    service.on("POST", "/batches", refusal(500, "oops"))
    provider = connected(name, service)
    provider.find_upload("r.jsonl", 10)
    provider.download("file-1", tmp_path / "out")
    list(provider.batches())
    create(provider)
    assert service.count("POST", "/batches") == 1


def test_create_without_an_answer_is_in_doubt(service, provider):
    service.on("POST", "/batches", DROPPED)
    error = create(provider)
    assert error.in_doubt and error.retryable


def test_create_answered_with_500_is_in_doubt(service, provider):
    service.on("POST", "/batches", refusal(500, "oops"))
    error = create(provider)
    assert error.in_doubt and error.status == 500


@pytest.mark.parametrize("unreadable", [answer({"object": "batch"}), Answer(200, b"<html>")])
def test_create_with_an_unreadable_answer_is_in_doubt(service, provider, unreadable):
    service.on("POST", "/batches", unreadable)
    assert create(provider).in_doubt


def test_a_definite_refusal_is_neither_in_doubt_nor_retryable(service, provider):
    service.on("POST", "/batches", refusal(400, "no such endpoint", "invalid_value"))
    error = create(provider)
    assert (error.status, error.code, error.in_doubt, error.retryable) == (400, "invalid_value", False, False)


@pytest.mark.parametrize("name", ["openai", "azure", "hosted_vllm"])
def test_a_refused_connection_is_not_in_doubt(name):
    with scripted_service() as gone:
        pass
    error = create(connected(name, gone))
    assert error.retryable and not error.in_doubt


def test_429_says_how_long_to_wait_in_seconds_or_by_a_date(service, provider):
    date = formatdate(time.time() + 3600, usegmt=True)
    service.on(
        "POST", "/batches", refusal(429, "slow", Retry_After="7"), refusal(429, "slow", Retry_After=date)
    )
    assert create(provider).retry_after == 7.0
    assert create(provider).retry_after == pytest.approx(3600, abs=60)


def test_the_services_clock_is_known_from_refusals(service, provider):
    service.on("POST", "/batches", refusal(400, "no", Date="Sun, 06 Nov 1994 12:00:00 GMT"))
    create(provider)
    assert provider.server_time == 784_123_200.0


def test_the_key_is_taken_out_of_what_the_service_echoes(service, provider):
    service.on("POST", "/batches", refusal(401, f"Incorrect API key provided: {KEY}."))
    assert KEY not in str(create(provider))


@pytest.mark.parametrize("before", [479, 490, 499])
def test_a_key_across_the_end_of_what_is_kept_leaves_no_piece(service, provider, before):
    service.on("POST", "/batches", refusal(400, "x" * before + KEY, f"code {KEY}"))
    error = create(provider)
    assert "sk-s" not in f"{error} {error.code}"


def test_the_key_is_taken_out_of_what_is_said_of_a_batch(service, provider):
    echoed = {"data": [{"code": f"c {KEY}", "message": f"sent Bearer {KEY}", "param": KEY}]}
    described = batch_object(status="failed", errors=echoed, metadata={"echo": KEY})
    service.on("GET", "/batches/batch_1", answer(described))
    batch = provider.retrieve("batch_1")
    assert KEY not in str(batch) and batch.errors[0].message == "sent Bearer [key]"


def test_the_key_is_taken_out_of_a_file_that_still_comes_whole(service, provider, tmp_path):
    content = b'{"custom_id": "1", "echo": "Bearer %s"}\n' % KEY.encode() * 3
    service.on("GET", "/files/file-1", answer(file_object(bytes=len(content))))
    service.on("GET", "/files/file-1/content", Answer(200, content))
    provider.download("file-1", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == content.replace(KEY.encode(), b"[key]")


def test_retrieve_is_repeated_after_a_server_error(service, provider):
    service.on("GET", "/batches/batch_1", refusal(500, "oops"), answer(batch_object(status="completed")))
    assert provider.retrieve("batch_1").status == "completed"


def test_a_batch_that_is_not_found_yet_may_be_asked_for_again(service, provider):
    service.on("GET", "/batches/batch_1", refusal(404, "No batch found"))
    with pytest.raises(ProviderError) as caught:
        provider.retrieve("batch_1")
    assert (caught.value.status, caught.value.retryable) == (404, True)


def test_polling_a_finished_batch_does_not_download_its_results(service, provider):
    done = batch_object(status="completed", output_file_id="file-out")
    service.on("GET", "/batches/batch_1", answer(done))
    for _ in range(3):
        provider.retrieve("batch_1")
    assert {request.path for request in service.requests} == {"/batches/batch_1"}


def test_cancel_returns_the_batch_as_it_then_is(service, provider):
    service.on("POST", "/batches/batch_1/cancel", answer(batch_object(status="cancelling")))
    assert provider.cancel("batch_1").status == "cancelling"


def test_batches_go_on_page_after_page(service, provider):
    service.on(
        "GET",
        "/batches",
        listing(batch_object("c"), batch_object("b"), has_more=True),
        listing(batch_object("a")),
    )
    assert [batch.id for batch in provider.batches()] == ["c", "b", "a"]
    assert service.heard("GET", "/batches")[1].query["after"] == "b"


def test_an_upload_that_is_repeated_sends_the_whole_file_again(service, provider, tmp_path):
    service.on("POST", "/files", refusal(500, "oops"), answer(file_object("file-9", bytes=len(CONTENT))))
    path = tmp_path / "requests.jsonl"
    path.write_bytes(CONTENT)
    assert provider.upload(path, "r.jsonl").id == "file-9"
    bodies = [request.body for request in service.heard("POST", "/files")]
    assert all(CONTENT in body and b'filename="r.jsonl"' in body for body in bodies) and len(bodies) == 2


def test_upload_waits_until_the_file_is_processed(service, provider, tmp_path):
    path = tmp_path / "requests.jsonl"
    path.write_bytes(CONTENT)
    service.on("POST", "/files", answer(file_object(status="pending")))
    service.on("GET", "/files/file-1", answer(file_object(status="pending")), answer(file_object()))
    provider.upload(path, "r.jsonl")
    assert service.count("GET", "/files/file-1") == 2


def test_a_service_that_cannot_list_files_has_none_to_find(service, provider):
    service.on("GET", "/files", refusal(405, "method not allowed"))
    assert provider.find_upload("requests.jsonl", 10) is None


def test_find_upload_goes_by_name_and_size_and_takes_the_newest(service, provider):
    service.on(
        "GET",
        "/files",
        listing(
            file_object("file-1", created_at=1),
            file_object("file-2", created_at=2),
            file_object("file-3", created_at=3, bytes=11),
        ),
    )
    found = provider.find_upload("requests.jsonl", 10)
    assert found is not None and found.id == "file-2"


def test_a_download_that_breaks_off_is_taken_up_or_read_again_until_it_is_whole(service, tmp_path):
    service.on("GET", "/files/file-1", answer(file_object(bytes=len(CONTENT))))
    service.on("GET", "/files/file-1/content", by_ranges(CONTENT, longest=40_000))
    connected("openai", service).download("file-1", tmp_path / "out")
    asked = [request.headers.get("range") for request in service.heard("GET", "/files/file-1/content")]
    assert (tmp_path / "out").read_bytes() == CONTENT
    assert asked == [None, "bytes=32768-"]


def test_a_short_download_is_found_out_by_the_files_size(service, provider, tmp_path):
    service.on("GET", "/files/file-1", answer(file_object(bytes=len(CONTENT))))
    service.on("GET", "/files/file-1/content", Answer(200, CONTENT[:40_000]), Answer(200, CONTENT))
    provider.download("file-1", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == CONTENT


def test_a_file_that_never_comes_whole_is_an_error(service, provider, tmp_path):
    service.on("GET", "/files/file-1", answer(file_object(bytes=len(CONTENT))))
    service.on("GET", "/files/file-1/content", Answer(200, CONTENT[:40_000]))
    with pytest.raises(ProviderError, match="does not come whole: 40000 of"):
        provider.download("file-1", tmp_path / "out")


def test_a_service_without_a_key_is_not_sent_the_key_of_openai(service, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    service.on("GET", "/batches/batch_1", answer(batch_object()))
    LiteLLMProvider("hosted_vllm", service.base_url, None).retrieve("batch_1")
    assert KEY not in str(service.requests[0].headers)


def test_vertex_ai_does_not_pretend_that_it_can_recognise_a_batch():
    with pytest.raises(ProviderError, match="Vertex AI"):
        LiteLLMProvider("vertex_ai", None, None).batches()


@pytest.mark.slow
def test_a_dotenv_file_in_the_working_folder_is_not_read(tmp_path):
    (tmp_path / ".env").write_text("FROM_DOTENV=yes\n")
    code = (
        "import os; from goldpan.providers.litellm import LiteLLMProvider\n"
        "LiteLLMProvider('openai', 'http://127.0.0.1:9/v1', 'k')._litellm\n"
        "print(os.environ.get('FROM_DOTENV'))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "LITELLM_MODE"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.stdout == "None\n"
