"""What the engine refuses at upload, at creation, late for the whole batch, and row by row."""

import pytest

from goldpan.providers.engine import validation
from goldpan.providers.engine.engine import Engine
from goldpan.providers.engine.refusal import ServiceError
from goldpan.providers.engine.store import MAX_FILE_BYTES
from tests.chat_batches import batch_row, chat_body, echo, lines_of, write_requests, write_rows

GOOD = batch_row("first")


@pytest.fixture
def engine(tmp_path):
    return Engine(tmp_path / "engine", echo)


def ended(engine, path):
    record = engine.create_batch(engine.upload(path, path.name).id)
    while record.is_open:
        record = engine.advance(record.id, 5.0)
    return record


@pytest.mark.parametrize(
    ("row", "code", "param"),
    [
        pytest.param(b'{"custom_id": "x",', "invalid_json_line", None, id="broken JSON"),
        pytest.param(b'["not an object"]', "invalid_json_line", None, id="not an object"),
        pytest.param(b'{"custom_id": "\xff"}', "invalid_json_line", None, id="not UTF-8"),
        pytest.param(batch_row("first"), "duplicate_custom_id", "custom_id", id="id twice"),
        pytest.param(batch_row(7), "missing_required_parameter", "custom_id", id="id not a string"),
        pytest.param(batch_row("x", method="GET"), "invalid_method", "method", id="method"),
        pytest.param(batch_row("x", url="/v1/embeddings"), "url_mismatch", "url", id="url"),
        pytest.param(batch_row("x", body=None), "missing_required_parameter", "body", id="no body"),
        pytest.param(
            batch_row("x", body={"messages": []}), "missing_required_parameter", "body.model", id="no model"
        ),
        pytest.param(
            batch_row("x", body=chat_body("x", model="other")),
            "model_mismatch",
            "body.model",
            id="other model",
        ),
    ],
)
def test_a_bad_line_fails_the_batch_late_and_is_named(engine, tmp_path, row, code, param):
    record = ended(engine, write_rows(tmp_path / "requests.jsonl", [GOOD, row]))
    assert record.status == "failed"
    [error] = record.as_openai()["errors"]["data"]
    assert (error["code"], error["line"], error["param"]) == (code, 2, param)


def test_an_empty_file_fails_the_batch(engine, tmp_path):
    record = ended(engine, write_rows(tmp_path / "requests.jsonl", []))
    assert (record.status, [error.code for error in record.errors]) == ("failed", ["empty_file"])


def test_too_many_requests_fail_the_batch(engine, tmp_path):
    path = write_requests(tmp_path / "requests.jsonl", validation.MAX_REQUESTS + 1)
    record = ended(engine, path)
    assert (record.status, [error.code for error in record.errors]) == ("failed", ["too_many_tasks"])


def test_at_most_a_hundred_errors_are_reported(engine, tmp_path):
    record = ended(engine, write_rows(tmp_path / "requests.jsonl", [b"no json"] * 250))
    assert len(record.errors) == 100


def test_a_line_separator_within_a_string_ends_no_line(engine, tmp_path):
    row = batch_row("x", body=chat_body("one\u2028two\u0085three"))
    record = ended(engine, write_rows(tmp_path / "requests.jsonl", [row]))
    assert (record.status, record.total) == ("completed", 1)


def test_a_file_over_200_million_bytes_is_refused_at_upload(engine, tmp_path):
    path = tmp_path / "requests.jsonl"
    with path.open("wb") as handle:
        handle.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(ServiceError, match="File is too large") as refusal:
        engine.upload(path, "requests.jsonl")
    assert refusal.value.status == 400
    assert list(engine.store.files()) == []


def test_an_unknown_purpose_is_refused(engine, tmp_path):
    with pytest.raises(ServiceError) as refusal:
        engine.upload(write_requests(tmp_path / "requests.jsonl", 1), "x", purpose="nonsense")
    assert (refusal.value.status, refusal.value.param) == (400, "purpose")


def test_a_missing_input_file_is_a_404(engine):
    with pytest.raises(ServiceError) as refusal:
        engine.create_batch("file-18ea02c89394e1897e565413")
    assert refusal.value.status == 404


@pytest.mark.parametrize(
    "arguments",
    [{"endpoint": "/v1/embeddings"}, {"completion_window": "1h"}],
    ids=lambda arguments: next(iter(arguments)),
)
def test_arguments_of_create_are_checked_at_once(engine, tmp_path, arguments):
    source = engine.upload(write_requests(tmp_path / "requests.jsonl", 1), "requests.jsonl")
    with pytest.raises(ServiceError) as refusal:
        engine.create_batch(source.id, **arguments)
    assert (refusal.value.status, [refusal.value.param]) == (400, list(arguments))
    assert engine.list_batches() == []


def test_a_file_of_another_purpose_is_no_batch_input(engine, tmp_path):
    source = engine.upload(write_requests(tmp_path / "requests.jsonl", 1), "x")
    engine.store.describe_file(source.id, "x", "batch_output")
    with pytest.raises(ServiceError, match="purpose"):
        engine.create_batch(source.id)


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({f"k{number}": "v" for number in range(17)}, id="17 pairs"),
        pytest.param({"k" * 65: "v"}, id="long key"),
        pytest.param({"k": "v" * 513}, id="long value"),
        pytest.param({"k": 1}, id="not a string"),
        pytest.param(["k"], id="not an object"),
    ],
)
def test_metadata_beyond_the_limits_is_refused(metadata):
    with pytest.raises(ServiceError) as refusal:
        validation.check_metadata(metadata)
    assert refusal.value.status == 400
    assert refusal.value.param.startswith("metadata")


def test_metadata_at_the_limits_is_kept(engine, tmp_path):
    metadata = {f"{number:02}{'k' * 62}": "v" * 512 for number in range(16)}
    source = engine.upload(write_requests(tmp_path / "requests.jsonl", 1), "requests.jsonl")
    record = engine.create_batch(source.id, metadata=metadata)
    assert engine.batch(record.id).as_openai()["metadata"] == metadata


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [{"role": "narrator", "content": "x"}]}, "messages[0].role"),
        ({"max_tokens": 1_000_000}, "max_tokens"),
        ({"max_completion_tokens": 2_000_000}, "max_completion_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"n": 2}, "n"),
        ({"stream": True}, "stream"),
        ({"tools": {"name": "x"}}, "tools"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"tool_choice": {"type": "function", "function": {"name": "other"}}}, "tool_choice"),
        ({"response_format": {"type": "yaml"}}, "response_format"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
    ],
    ids=str,
)
def test_a_bad_request_is_refused_with_its_parameter(changes, param):
    with pytest.raises(ServiceError) as refusal:
        validation.check_request(chat_body("x", **changes))
    assert (refusal.value.status, refusal.value.param) == (400, param)


def test_a_bad_request_in_a_batch_has_its_error_where_openai_puts_it(engine, tmp_path):
    rows = [GOOD, batch_row("greedy", body=chat_body("x", max_tokens=1_000_000))]
    record = ended(engine, write_rows(tmp_path / "requests.jsonl", rows))
    assert (record.status, record.completed, record.failed) == ("completed", 1, 1)
    [line] = lines_of(engine.store.content(record.error_file_id))
    assert line["error"] is None
    assert line["response"]["status_code"] == 400
    assert line["response"]["body"]["error"]["param"] == "max_tokens"
