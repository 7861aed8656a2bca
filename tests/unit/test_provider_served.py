"""Both network providers against `goldpan serve`, unchanged: the whole life of a batch, and its accidents."""

import contextlib
from pathlib import Path

import pytest

from goldpan.errors import ProviderError
from goldpan.providers.base import Batch, BatchProvider
from goldpan.providers.litellm import LiteLLMProvider
from goldpan.providers.model_facts import CHAT_URL
from goldpan.providers.openai import OpenAIProvider
from goldpan.serve import running_server
from goldpan.serve.fault_plan import FaultPlan
from tests.chat_batches import echo, ids_of, lines_of, write_requests

KEY = "sk-test-key"
ROWS = 50


def providers(base_url: str) -> dict[str, BatchProvider]:
    return {
        "openai": OpenAIProvider(base_url, KEY, timeout=10),
        "litellm": LiteLLMProvider("openai", base_url, KEY, timeout=10),
        "vllm": LiteLLMProvider("hosted_vllm", base_url, KEY, timeout=10),
    }


each_provider = pytest.mark.parametrize("name", ["openai", "litellm", "vllm"])


@pytest.fixture
def serve(tmp_path):
    """A function that starts a server with the faults it is given; it is stopped after the test."""
    with contextlib.ExitStack() as stack:

        def start(*faults: dict, api_key: str | None = KEY):
            plan = FaultPlan.of(*faults)
            return stack.enter_context(
                running_server(tmp_path / "engine", answerer=echo, faults=plan, api_key=api_key)
            )

        yield start


def submit(provider: BatchProvider, folder: Path, nonce: str = "n1") -> Batch:
    path = write_requests(folder / "requests.jsonl", ROWS)
    stored = provider.upload(path, f"{nonce}.jsonl")
    return provider.create(stored.id, CHAT_URL, {"nonce": nonce})


def finish(provider: BatchProvider, batch: Batch) -> Batch:
    while not batch.is_terminal:
        batch = provider.retrieve(batch.id)
    return batch


@each_provider
def test_a_batch_is_uploaded_answered_and_downloaded(serve, tmp_path, name):
    provider = providers(serve().base_url)[name]
    done = finish(provider, submit(provider, tmp_path))
    assert (done.status, done.completed, done.metadata) == ("completed", ROWS, {"nonce": "n1"})
    assert done.output_file_id is not None
    provider.download(done.output_file_id, tmp_path / "out.jsonl")
    assert sorted(ids_of(lines_of(tmp_path / "out.jsonl"))) == sorted(f"row-{n}" for n in range(1, ROWS + 1))


@each_provider
def test_a_batch_whose_answer_was_lost_is_found_in_the_list(serve, tmp_path, name):
    server = serve({"fault": "lost_answer", "calls": "create"})
    provider = providers(server.base_url)[name]
    with pytest.raises(ProviderError) as caught:
        submit(provider, tmp_path, "lost")
    assert caught.value.in_doubt and server.calls["POST", "/v1/batches"] == 1
    assert [batch.metadata for batch in provider.batches()] == [{"nonce": "lost"}]


@each_provider
def test_a_server_error_after_the_batch_was_made_is_in_doubt(serve, tmp_path, name):
    server = serve({"fault": "server_error", "calls": "create", "after_effect": True, "times": None})
    provider = providers(server.base_url)[name]
    with pytest.raises(ProviderError) as caught:
        submit(provider, tmp_path)
    assert caught.value.in_doubt
    assert (server.calls["POST", "/v1/batches"], len(list(provider.batches()))) == (1, 1)


@each_provider
def test_a_limit_on_creating_says_when_to_come_again(serve, tmp_path, name):
    server = serve({"fault": "rate_limited", "calls": "create", "retry_after": 3})
    with pytest.raises(ProviderError) as caught:
        submit(providers(server.base_url)[name], tmp_path)
    error = caught.value
    assert (error.status, error.retry_after, error.in_doubt) == (429, 3.0, False)


@each_provider
def test_an_upload_is_found_again_by_name_and_size(serve, tmp_path, name):
    provider = providers(serve().base_url)[name]
    path = write_requests(tmp_path / "requests.jsonl", 3)
    stored = provider.upload(path, "once.jsonl")
    assert provider.find_upload("once.jsonl", path.stat().st_size) == stored
    assert provider.find_upload("once.jsonl", 1) is None


@each_provider
@pytest.mark.parametrize("fault", ["truncated_download", "short_download"])
def test_a_download_that_is_cut_short_comes_whole_in_the_end(serve, tmp_path, name, fault):
    provider = providers(serve({"fault": fault, "times": 2}).base_url)[name]
    done = finish(provider, submit(provider, tmp_path))
    assert done.output_file_id is not None
    provider.download(done.output_file_id, tmp_path / "out.jsonl")
    assert len(ids_of(lines_of(tmp_path / "out.jsonl"))) == ROWS


@each_provider
def test_all_pages_of_the_list_are_read(serve, tmp_path, name):
    server = serve()
    path = write_requests(tmp_path / "requests.jsonl", 1)
    file = server.engine.upload(path, "r.jsonl")
    made = [server.engine.create_batch(file.id).id for _ in range(120)]
    assert [batch.id for batch in providers(server.base_url)[name].batches()] == made[::-1]


@each_provider
def test_a_batch_is_cancelled(serve, tmp_path, name):
    provider = providers(serve({"fault": "stalled", "after": 5}).base_url)[name]
    batch = submit(provider, tmp_path)
    assert provider.cancel(batch.id).status in ("cancelling", "cancelled")
    assert finish(provider, batch).status == "cancelled"


@each_provider
def test_a_wrong_key_is_refused_without_being_shown(serve, tmp_path, name):
    provider = providers(serve(api_key="sk-another-key").base_url)[name]
    with pytest.raises(ProviderError) as caught:
        submit(provider, tmp_path)
    assert caught.value.status == 401 and KEY not in str(caught.value)
    assert "api_key_env" in str(caught.value)
