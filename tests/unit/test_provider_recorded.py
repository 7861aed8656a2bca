"""Real exchanges with OpenAI, and real batch objects, through the provider's code."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest

from goldpan.errors import ProviderError
from goldpan.providers.base import Batch, BatchError, batch_from_dict
from goldpan.providers.openai import OpenAIProvider
from tests.scripted_service import Answer, ScriptedService, batch_object, scripted_service


@contextmanager
def recorded(folder: Path, name: str) -> Iterator[tuple[ScriptedService, OpenAIProvider]]:
    """A server that answers each call as OpenAI did, in the recorded order, and a provider for it."""
    with scripted_service() as service:
        for exchange in jsonl(folder / "batch_api" / f"openai__{name}.jsonl"):
            path = urlsplit(exchange["uri"]).path.removeprefix("/v1")
            body = exchange["response_body"].encode()
            service.on(
                exchange["method"],
                path,
                Answer(exchange["status"], body, {"Content-Type": "application/json"}),
            )
        yield service, OpenAIProvider(service.base_url, "sk-test", timeout=5)


def jsonl(path: Path) -> list[dict]:
    return [orjson.loads(line) for line in path.read_bytes().split(b"\n") if line]


def until_terminal(provider: OpenAIProvider, batch: Batch) -> list[str]:
    """Statuses in the order they are first met, from the answer to `create` on."""
    statuses = [batch.status]
    while not batch.is_terminal:
        batch = provider.retrieve(batch.id)
        if batch.status != statuses[-1]:
            statuses.append(batch.status)
    return statuses


def submit(provider: OpenAIProvider, service: ScriptedService, tmp_path: Path, metadata: dict) -> Batch:
    requests = tmp_path / "requests.jsonl"
    requests.write_bytes(b'{"custom_id": "0"}\n')
    stored = provider.upload(requests, "upload")
    return provider.create(stored.id, "/v1/chat/completions", metadata)


def test_a_batch_goes_through_its_statuses_to_completed(shared_data, tmp_path):
    with recorded(shared_data, "basic_batch_completion") as (service, provider):
        batch = submit(provider, service, tmp_path, {})
        assert until_terminal(provider, batch) == ["validating", "in_progress", "finalizing", "completed"]


def test_create_sends_what_the_recorded_client_sent(shared_data, tmp_path):
    exchanges = jsonl(shared_data / "batch_api" / "openai__basic_batch_completion.jsonl")
    sent = next(orjson.loads(e["request_body"]) for e in exchanges if e["uri"].endswith("/batches"))
    with recorded(shared_data, "basic_batch_completion") as (service, provider):
        submit(provider, service, tmp_path, sent["metadata"])
        assert service.heard("POST", "/batches")[0].json == sent


def test_the_output_of_a_recorded_batch_comes_whole(shared_data, tmp_path):
    with recorded(shared_data, "basic_batch_completion") as (service, provider):
        batch = submit(provider, service, tmp_path, {})
        until_terminal(provider, batch)
        done = provider.retrieve(batch.id)
        assert done.output_file_id is not None
        provider.download(done.output_file_id, tmp_path / "out.jsonl")
    rows = jsonl(tmp_path / "out.jsonl")
    assert (done.total, done.completed, done.failed) == (3, 3, 0)
    assert [row["custom_id"] for row in rows] == ["0", "1", "2"]


def test_the_rest_of_a_partly_failed_batch_is_asked_and_comes_whole(shared_data, tmp_path):
    with recorded(shared_data, "failed_request_batch_resume") as (service, provider):
        batch = submit(provider, service, tmp_path, {})
        assert until_terminal(provider, batch) == ["validating", "in_progress", "finalizing", "completed"]
        done = provider.retrieve(batch.id)
        provider.download(done.output_file_id, tmp_path / "out.jsonl")
    assert [row["custom_id"] for row in jsonl(tmp_path / "out.jsonl")] == ["2"]


def test_a_recorded_batch_is_cancelled(shared_data, tmp_path):
    with recorded(shared_data, "batch_cancel") as (service, provider):
        batch = submit(provider, service, tmp_path, {})
        assert provider.retrieve(batch.id).status == "validating"
        assert provider.cancel(batch.id).status == "cancelling"


def test_all_recorded_batch_objects_are_understood(shared_data):
    raw = jsonl(shared_data / "batch_api" / "openai_batch_objects.jsonl")
    batches = [batch_from_dict(item) for item in raw]
    assert len(batches) == 40
    for item, batch in zip(raw, batches, strict=True):
        assert (batch.id, batch.status, batch.created_at) == (item["id"], item["status"], item["created_at"])
        counts = item["request_counts"]
        assert (batch.total, batch.completed, batch.failed) == tuple(counts.values())
        assert batch.metadata == item["metadata"]


# Oddities of real objects, from public threads.


def test_a_batch_may_be_completed_without_an_output_file():
    counts = {"completed": 0, "failed": 9, "total": 9}
    batch = batch_from_dict(
        batch_object(status="completed", output_file_id=None, error_file_id="file-e", request_counts=counts)
    )
    assert (batch.output_file_id, batch.error_file_id, batch.failed) == (None, "file-e", 9)


def test_an_empty_file_id_means_none():
    batch = batch_from_dict(batch_object(status="completed", output_file_id="file-o", error_file_id=""))
    assert (batch.output_file_id, batch.error_file_id) == ("file-o", None)


def test_errors_of_a_failed_batch_keep_code_line_and_message():
    error = {"code": "duplicate_custom_id", "line": 3, "message": "twice", "param": "custom_id"}
    batch = batch_from_dict(batch_object(status="failed", errors={"object": "list", "data": [error]}))
    assert batch.errors == (BatchError("duplicate_custom_id", "twice", 3, "custom_id"),)


@pytest.mark.parametrize("errors", [None, {}, {"data": None}, {"data": []}])
def test_errors_may_be_absent_in_several_ways(errors):
    assert batch_from_dict(batch_object(errors=errors)).errors == ()


@pytest.mark.parametrize("counts", [None, {}, {"total": None, "completed": None, "failed": None}])
def test_counts_may_be_absent_in_several_ways(counts):
    batch = batch_from_dict(batch_object(request_counts=counts))
    assert (batch.total, batch.completed, batch.failed) == (0, 0, 0)


@pytest.mark.parametrize("count", [2**64 - 1, 1e30, -1, float("nan"), True])
def test_a_count_beyond_belief_is_left_out(count):
    error = {"code": "c", "message": "m", "line": count}
    counts = {"total": count, "completed": count, "failed": count}
    batch = batch_from_dict(batch_object(request_counts=counts, errors={"data": [error]}))
    assert (batch.total, batch.completed, batch.failed, batch.errors[0].line) == (0, 0, 0, None)


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
def test_a_time_may_be_in_smaller_units_than_seconds(unit):
    batch = batch_from_dict(batch_object() | {"created_at": 1_764_000_000 * unit + unit // 2})
    assert batch.created_at == 1_764_000_000


@pytest.mark.parametrize("moment", [1e30, -5, float("nan"), "2025-11-24", True])
def test_a_time_beyond_belief_is_left_out(moment):
    times = dict.fromkeys(("created_at", "completed_at", "expires_at"), moment)
    batch = batch_from_dict(batch_object() | times)
    assert (batch.created_at, batch.completed_at, batch.expires_at) == (None, None, None)


@pytest.mark.parametrize("metadata", [None, {}, {"nonce": None}])
def test_metadata_may_be_absent(metadata):
    assert batch_from_dict(batch_object(metadata=metadata)).metadata == {}


@pytest.mark.parametrize("id_", ["", None, 7])
def test_an_object_without_an_id_is_an_error(id_):
    with pytest.raises(ProviderError, match="the service described a batch"):
        batch_from_dict(batch_object() | {"id": id_})


@pytest.mark.parametrize("status", ["paused", None, "", 7, {}])
def test_a_status_that_is_not_known_is_open_and_no_error(status):
    batch = batch_from_dict(batch_object() | {"status": status})
    assert not batch.is_terminal and not batch.has_known_status
    assert batch.status == ("paused" if status == "paused" else "unknown")


@pytest.mark.parametrize(
    ("written", "status"),
    [("COMPLETED", "completed"), ("In_Progress", "in_progress"), ("canceled", "cancelled")],
)
def test_a_status_may_be_written_otherwise(written, status):
    assert batch_from_dict(batch_object(status=written)).status == status


@pytest.mark.parametrize(
    "odd",
    [
        {"request_counts": [1, 2]},
        {"request_counts": {"total": "10", "completed": -1, "failed": True}},
        {"errors": "it went wrong"},
        {"errors": {"data": ["it went wrong", None]}},
        {"metadata": ["a"]},
        {"created_at": "yesterday", "expires_at": 1.5e9},
        {"output_file_id": 7, "error_file_id": {}},
    ],
)
def test_what_is_of_another_kind_is_passed_over(odd):
    batch = batch_from_dict(batch_object(status="completed") | odd)
    assert batch.is_terminal
    assert (batch.completed, batch.output_file_id, batch.errors) == (0, None, ())
