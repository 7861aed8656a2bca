"""The endpoint over real HTTP: the official client, litellm, plain calls, restarts and the command."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import openai
import pytest

from goldpan.serve import running_server
from tests.chat_batches import (
    arguments_of,
    batch_row,
    chat_body,
    echo,
    ids_of,
    lines_of,
    write_requests,
    write_rows,
)


@pytest.fixture
def server(tmp_path):
    with running_server(tmp_path / "engine", answerer=echo) as running:
        yield running


@pytest.fixture
def client(server):
    return client_of(server.base_url)


def client_of(base_url, key="any key"):
    return openai.OpenAI(base_url=base_url, api_key=key, max_retries=0)


def call(server, method, path, body=None, headers=None):
    """(status, headers, bytes) of one plain HTTP call; `path` is below /v1."""
    request = urllib.request.Request(server.base_url + path, data=body, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def upload(client, path):
    with path.open("rb") as handle:
        return client.files.create(file=handle, purpose="batch")


def create(client, path, **metadata):
    return client.batches.create(
        input_file_id=upload(client, path).id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        metadata=metadata,
    )


def ended(client, batch_id, timeout=30.0):
    deadline = time.monotonic() + timeout
    while (batch := client.batches.retrieve(batch_id)).status not in ("completed", "failed", "cancelled"):
        assert time.monotonic() < deadline, f"still {batch.status}"
        time.sleep(0.02)
    return batch


# The official client.


def test_the_official_client_runs_a_batch_from_upload_to_answers(client, tmp_path):
    batch = create(client, write_requests(tmp_path / "requests.jsonl", 3), goldpan_key="k")
    assert (batch.status, batch.metadata) == ("validating", {"goldpan_key": "k"})
    batch = ended(client, batch.id)
    assert (batch.status, batch.request_counts.completed, batch.model) == ("completed", 3, "some-model")
    lines = lines_of(client.files.content(batch.output_file_id).read())
    assert ids_of(lines) == ["row-1", "row-2", "row-3"]
    assert arguments_of(lines[1]) == {"mood": "calm", "reason": "row-2"}


def test_failed_rows_are_in_the_error_file(client, tmp_path):
    rows = [batch_row("good"), batch_row("bad", body=chat_body("x", max_tokens=1_000_000))]
    batch = ended(client, create(client, write_rows(tmp_path / "requests.jsonl", rows)).id)
    assert ids_of(lines_of(client.files.content(batch.output_file_id).read())) == ["good"]
    assert ids_of(lines_of(client.files.content(batch.error_file_id).read())) == ["bad"]


def test_a_bad_input_makes_the_batch_failed_with_its_errors(client, tmp_path):
    batch = ended(client, create(client, write_rows(tmp_path / "requests.jsonl", [b"no json"])).id)
    assert batch.status == "failed"
    assert [(error.code, error.line) for error in batch.errors.data] == [("invalid_json_line", 1)]


def test_the_client_pages_through_all_batches_newest_first(client, server, tmp_path):
    source = upload(client, write_requests(tmp_path / "requests.jsonl", 1))
    made = [server.engine.create_batch(source.id).id for _ in range(7)]
    assert [batch.id for batch in client.batches.list(limit=3)] == made[::-1]
    assert server.calls["GET", "/v1/batches"] == 3


def test_a_page_of_batches_says_whether_there_are_more(client, server, tmp_path):
    source = upload(client, write_requests(tmp_path / "requests.jsonl", 1))
    made = [server.engine.create_batch(source.id).id for _ in range(3)]
    first = json.loads(call(server, "GET", "/batches?limit=2")[2])
    assert (first["first_id"], first["last_id"], first["has_more"]) == (made[2], made[1], True)
    second = json.loads(call(server, "GET", f"/batches?limit=2&after={made[1]}")[2])
    assert ([batch["id"] for batch in second["data"]], second["has_more"]) == ([made[0]], False)


@pytest.mark.parametrize("limit", ["0", "101", "many", "-1"])
def test_a_page_of_batches_holds_at_most_a_hundred(server, limit):
    status, _, body = call(server, "GET", f"/batches?limit={limit}")
    assert (status, json.loads(body)["error"]["param"]) == (400, "limit")


def test_the_client_cancels_a_batch(tmp_path):
    with running_server(tmp_path / "engine", answerer=echo, seconds_per_batch=3600) as server:
        client = client_of(server.base_url)
        batch = create(client, write_requests(tmp_path / "requests.jsonl", 3))
        assert client.batches.cancel(batch.id).status == "cancelling"
        assert ended(client, batch.id).status == "cancelled"


def test_files_are_listed_by_purpose_order_and_page(client, tmp_path):
    path = write_requests(tmp_path / "requests.jsonl", 1)
    made = [upload(client, path).id for _ in range(3)]
    ended(client, create(client, path).id)
    listed = [file.id for file in client.files.list(purpose="batch", limit=2)]
    assert listed[1:] == made[::-1]
    assert [file.id for file in client.files.list(purpose="batch", order="asc", limit=2)][:3] == made
    assert len(client.files.list(purpose="batch_output").data) == 1


def test_a_file_is_described_and_deleted(client, tmp_path):
    path = write_requests(tmp_path / "requests.jsonl", 1)
    stored = upload(client, path)
    described = client.files.retrieve(stored.id)
    assert (described.filename, described.bytes, described.purpose) == (
        "requests.jsonl",
        path.stat().st_size,
        "batch",
    )
    assert client.files.delete(stored.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(stored.id)


def test_content_states_its_length_and_can_be_had_in_ranges(client, server, tmp_path):
    path = write_requests(tmp_path / "requests.jsonl", 3)
    where = f"/files/{upload(client, path).id}/content"
    status, headers, body = call(server, "GET", where)
    assert (status, headers["Content-Length"], body) == (200, str(len(body)), path.read_bytes())
    status, headers, rest = call(server, "GET", where, headers={"Range": "bytes=10-"})
    assert (status, rest) == (206, body[10:])
    assert headers["Content-Range"] == f"bytes 10-{len(body) - 1}/{len(body)}"


def test_form_fields_may_come_in_any_order(server):
    boundary = b"--cut\r\nContent-Disposition: form-data; name="
    form = (
        boundary + b'"file"; filename="a"\r\n\r\n{}\r\n' + boundary + b'"purpose"\r\n\r\nbatch\r\n--cut--\r\n'
    )
    headers = {"Content-Type": "multipart/form-data; boundary=cut"}
    status, _, body = call(server, "POST", "/files", form, headers)
    assert (status, json.loads(body)["purpose"]) == (200, "batch")


def test_a_chat_completion_is_answered_at_once(client):
    body = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}])
    assert json.loads(body.choices[0].message.content) == {"mood": "calm", "reason": "hello"}


def test_a_bad_chat_request_is_refused_as_openai_refuses(client):
    with pytest.raises(openai.BadRequestError) as refusal:
        client.chat.completions.create(model="m", messages=[], max_tokens=5)
    assert (refusal.value.param, refusal.value.code) == ("messages", "invalid_value")


def test_the_baseline_is_listed_as_a_model(client):
    assert [model.id for model in client.models.list()] == ["goldpan-baseline-1"]


# litellm.


@pytest.fixture
def litellm_call(server, monkeypatch):
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm

    def call_litellm(name, **arguments):
        options = {"custom_llm_provider": "openai", "api_base": server.base_url, "api_key": "any key"}
        return getattr(litellm, name)(**arguments, **options)

    return call_litellm


def test_litellm_runs_a_batch_from_upload_to_answers(litellm_call, tmp_path):
    path = write_requests(tmp_path / "requests.jsonl", 2)
    with path.open("rb") as handle:
        stored = litellm_call("create_file", file=handle, purpose="batch")
    batch = litellm_call(
        "create_batch",
        input_file_id=stored.id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        metadata={"goldpan_key": "k"},
    )
    deadline = time.monotonic() + 30
    while (batch := litellm_call("retrieve_batch", batch_id=batch.id)).status != "completed":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    content = litellm_call("file_content", file_id=batch.output_file_id).content
    assert ids_of(lines_of(content)) == ["row-1", "row-2"]
    assert [one.metadata for one in litellm_call("list_batches", limit=5).data] == [{"goldpan_key": "k"}]


def test_litellm_cancels_a_batch(tmp_path, monkeypatch):
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm

    with running_server(tmp_path / "engine", answerer=echo, seconds_per_batch=3600) as server:
        client = client_of(server.base_url)
        batch = create(client, write_requests(tmp_path / "requests.jsonl", 1))
        options = {"custom_llm_provider": "openai", "api_base": server.base_url, "api_key": "any key"}
        assert litellm.cancel_batch(batch_id=batch.id, **options).status == "cancelling"
        assert ended(client, batch.id).status == "cancelled"


# Refusals.


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/batches/batch_18ea02c89394e1897e565413", None, 404, None),
        ("GET", "/files/file-18ea02c89394e1897e565413", None, 404, None),
        ("GET", "/files/..%2F..%2Fsecret/content", None, 404, None),
        ("DELETE", "/files/file-18ea02c89394e1897e565413", None, 404, None),
        ("GET", "/nowhere", None, 404, "unknown_url"),
        ("PUT", "/batches", b"{}", 405, "unknown_url"),
        ("POST", "/batches", b"no json", 400, None),
        ("POST", "/batches", b"[]", 400, None),
        ("POST", "/batches", b"{}", 400, "missing_required_parameter"),
        ("POST", "/files", b"{}", 400, None),
        ("POST", "/chat/completions", b'{"model": "m"}', 400, "missing_required_parameter"),
    ],
)
def test_a_refusal_has_openai_s_shape(server, method, path, body, status, code):
    answered, _, text = call(server, method, path, body)
    error = json.loads(text)["error"]
    assert (answered, error["code"]) == (status, code)
    assert set(error) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("key", ["wrong", "schlüssel"])
def test_a_call_without_the_right_key_is_refused(tmp_path, key):
    with running_server(tmp_path / "engine", answerer=echo, api_key="right") as server:
        header = {"Authorization": f"Bearer {key}".encode().decode("latin-1")}
        status, _, text = call(server, "GET", "/models", headers=header)
        assert (status, json.loads(text)["error"]["code"]) == (401, "invalid_api_key")
        assert len(client_of(server.base_url, "right").models.list().data) == 1


def test_health_needs_no_key(tmp_path):
    with running_server(tmp_path / "engine", api_key="right") as server:
        address = server.base_url.removesuffix("/v1")
        with urllib.request.urlopen(f"{address}/healthz", timeout=10) as response:
            assert json.load(response)["status"] == "ok"


# Counting and restarting.


def test_calls_are_counted_by_method_and_path_pattern(client, server, tmp_path):
    create(client, write_requests(tmp_path / "requests.jsonl", 1))
    create(client, tmp_path / "requests.jsonl")
    assert server.calls["POST", "/v1/batches"] == 2
    for batch in server.engine.list_batches():
        client.batches.retrieve(batch.id)
    assert server.calls["GET", "/v1/batches/{batch_id}"] == 2


def test_a_restarted_server_goes_on_at_the_same_address(client, server, tmp_path):
    batch = create(client, write_requests(tmp_path / "requests.jsonl", 3), goldpan_key="k")
    server.stop()
    with pytest.raises(openai.APIConnectionError):
        client.batches.retrieve(batch.id)
    server.start()
    assert ended(client, batch.id).metadata == {"goldpan_key": "k"}


# The command.

RUN = """
import json, sys
from goldpan.serve import run
run(**json.loads(sys.argv[1]))
"""


@contextmanager
def command(tmp_path, project, environment=None, **options):
    """The server in a process of its own; yields (process, base URL)."""
    port_file = tmp_path / "port"
    port_file.unlink(missing_ok=True)
    options |= {"folder": str(tmp_path / "engine"), "port": 0, "port_file": str(port_file)}
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, json.dumps(options)],
        cwd=project,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        yield process, line.removeprefix("goldpan serve: ").strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_the_command_prints_its_address_and_writes_its_port(tmp_path, project):
    with command(tmp_path, project) as (_, address):
        port = (tmp_path / "port").read_text().strip()
        assert address == f"http://127.0.0.1:{port}/v1"
        assert len(client_of(address).models.list().data) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_the_command_ends_well_when_told_to(tmp_path, project, number):
    with command(tmp_path, project) as (process, _):
        process.send_signal(number)
        assert process.wait(timeout=20) == 0


def test_batches_survive_a_killed_server(tmp_path, project):
    path = write_requests(tmp_path / "requests.jsonl", 100)
    with command(tmp_path, project, seconds_per_batch=3600) as (process, address):
        batch = create(client_of(address), path)
        process.kill()
    with command(tmp_path, project) as (_, address):
        batch = ended(client_of(address), batch.id)
        lines = lines_of(client_of(address).files.content(batch.output_file_id).read())
    assert ids_of(lines) == [f"row-{number}" for number in range(1, 101)]


def test_the_command_takes_a_function_that_answers(tmp_path, project):
    script = tmp_path / "answers.py"
    script.write_text(
        "from goldpan.providers.engine import completion\n"
        "def shout(body, custom_id):\n"
        "    return completion(body, body['messages'][-1]['content'].upper(), custom_id)\n"
    )
    with command(tmp_path, project, answers=f"{script}:shout") as (_, address):
        body = client_of(address).chat.completions.create(
            model="m", messages=[{"role": "user", "content": "hello"}]
        )
    assert body.choices[0].message.content == "HELLO"
    assert body.model == "m"


def test_the_command_takes_a_table_of_answers(tmp_path, project):
    table = write_rows(tmp_path / "answers.jsonl", [{"custom_id": "row-1", "answer": {"mood": "angry"}}])
    with command(tmp_path, project, answers=str(table)) as (_, address):
        client = client_of(address)
        batch = ended(client, create(client, write_requests(tmp_path / "requests.jsonl", 2)).id)
        [line] = lines_of(client.files.content(batch.output_file_id).read())
        [unknown] = lines_of(client.files.content(batch.error_file_id).read())
    assert arguments_of(line) == {"mood": "angry"}
    assert unknown["response"]["body"]["error"]["code"] == "no_known_answer"


def test_the_command_takes_its_key_from_the_environment(tmp_path, project):
    environment = {"SERVE_KEY": "right"}
    with command(tmp_path, project, environment, api_key_env="SERVE_KEY") as (_, address):
        with pytest.raises(openai.AuthenticationError):
            client_of(address, "wrong").models.list()
        assert len(client_of(address, "right").models.list().data) == 1


def test_the_command_takes_a_fault_plan(tmp_path, project):
    plan = tmp_path / "faults.yaml"
    plan.write_text("faults:\n  - {fault: server_error, calls: models, status: 503}\n")
    with command(tmp_path, project, fault_plan=str(plan)) as (_, address):
        with pytest.raises(openai.InternalServerError) as refusal:
            client_of(address).models.list()
        assert refusal.value.status_code == 503
