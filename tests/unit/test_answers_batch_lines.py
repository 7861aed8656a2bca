"""Lines of batch output and error files, made up after real ones, and the real ones themselves."""

import orjson
import pytest

from goldpan.errors import AnswerError
from goldpan.tasks.answers import RETRYABLE_STATES, AnswerReader, read_batch_line, row_failure
from goldpan.tasks.features import parse_feature
from goldpan.tasks.task import Task

BODY = {"object": "chat.completion", "choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]}


def line(response=None, error=None, **more):
    row = {"id": "batch_req_1", "custom_id": "r1", "response": response, "error": error, **more}
    return read_batch_line(orjson.dumps(row))


def rejected(status, **error):
    """A line of an error file as OpenAI writes it: the top-level error is null."""
    return line({"status_code": status, "request_id": "q", "body": {"error": error}})


def test_an_answered_line_has_its_body_and_no_failure():
    row = line({"status_code": 200, "request_id": "q", "body": BODY})
    assert (row.custom_id, row.status_code, row.body) == ("r1", 200, BODY)
    assert row_failure(row) is None


def test_a_line_without_a_status_is_answered_when_it_has_a_body():
    assert row_failure(line({"body": BODY})) is None


def test_a_rejected_request_has_its_error_in_the_body():
    row = rejected(400, message="max_tokens is too large", type="invalid_request_error", code=None)
    assert (row.error_code, row.error_message) == ("invalid_request_error", "max_tokens is too large")


def test_a_line_of_vllm_has_its_error_outside_and_no_body():
    error = {"object": "error", "message": "prompt too long", "type": "BadRequestError", "code": 400}
    row = line({"status_code": 400, "request_id": "q", "body": None}, error)
    assert row_failure(row) == ("failed", "400: prompt too long", False)


def test_a_status_that_stands_in_the_error_only_is_found():
    row = line(None, {"message": "overloaded", "code": "503"})
    assert row_failure(row) == ("failed", "503: overloaded", True)


def test_an_error_within_an_error_is_found():
    row = line(None, {"error": {"message": "bad", "type": "BadRequestError", "code": 400}})
    assert (row.error_code, row.status_code) == ("400", 400)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (rejected(400, code="invalid_value", message="no"), ("failed", False)),
        (rejected(401, code="invalid_api_key", message="no"), ("failed", False)),
        (rejected(404, code="model_not_found", message="no"), ("failed", False)),
        (rejected(408, code="timeout", message="slow"), ("failed", True)),
        (rejected(429, code="rate_limit_exceeded", message="later"), ("failed", True)),
        (rejected(500, type="server_error", message="oops"), ("failed", True)),
        (rejected(503, message="overloaded"), ("failed", True)),
        (rejected(400, code="content_filter", message="filtered"), ("refused", False)),
        (
            rejected(
                400, code="BadRequest", message="x", innererror={"code": "ResponsibleAIPolicyViolation"}
            ),
            ("refused", False),
        ),
        (line(None, {"code": "batch_expired", "message": "not in time"}), ("expired", True)),
        (line(None, {"code": "batch_cancelled", "message": "cancelled"}), ("failed", False)),
        (line(None, "connection reset"), ("failed", True)),
        (line(None, None), ("failed", True)),
        (line({"status_code": 200, "body": None}), ("failed", True)),
        (line({"status_code": 200, "body": {"error": {"message": "lost"}}}), ("failed", True)),
        (line({"status_code": 502, "body": "<html>Bad gateway</html>"}), ("failed", True)),
    ],
)
def test_each_failure_has_its_state_and_says_whether_to_ask_again(row, expected):
    state, reason, retryable = row_failure(row)
    assert (state, retryable) == expected
    assert reason


def test_a_failure_tells_status_code_and_message():
    failure = row_failure(rejected(429, code="rate_limit_exceeded", message="Try\nlater."))
    assert failure == ("failed", "429 rate_limit_exceeded: Try later.", True)


def test_an_endless_error_message_is_cut():
    assert len(rejected(400, message="x" * 100_000).error_message) < 1_000


@pytest.mark.parametrize("damaged", [b"", b'{"id": "r1", "respo', b"[]", b"null", b'{"id": 1}'])
def test_a_line_that_cannot_be_joined_to_a_request_is_an_error(damaged):
    with pytest.raises(AnswerError):
        read_batch_line(damaged)


def test_a_line_separator_within_a_string_is_kept():
    text = "one\u2028two"
    row = line({"status_code": 200, "body": {**BODY, "note": text}})
    assert row.body["note"] == text


def test_what_is_asked_again_whatever_the_reason():
    assert {"invalid", "expired", "missing"} == RETRYABLE_STATES


@pytest.mark.parametrize(
    ("name", "tokens"),
    [("expansion", (218_243, 442_135, 394_752)), ("expansion.v1", (261_671, 470_927, 407_744))],
)
def test_real_answers_are_all_read_with_the_published_totals(shared_data, name, tokens):
    feature = {"name": "queries", "type": "text", "description": "Five queries.", "bare": True}
    reader = AnswerReader(Task("reformulation", "d", (parse_feature(feature, ""),), "p"), "text")
    totals = [0, 0, 0]
    texts = {}
    path = shared_data / "batch_api" / f"batch-output-{name}.jsonl"
    for raw in path.read_bytes().rstrip(b"\n").split(b"\n"):
        row = read_batch_line(raw)
        assert row_failure(row) is None
        reading = reader.read(row.body)
        assert reading.state == "ok"
        texts[row.custom_id] = reading.predictions["queries"]["text"]
        usage = row.body["usage"]
        totals[0] += usage["prompt_tokens"]
        totals[1] += usage["completion_tokens"]
        totals[2] += usage["completion_tokens_details"]["reasoning_tokens"]
    assert tuple(totals) == tokens
    assert len(texts) == 658
    assert all(len(text.split("\n")) - text.count("\n\n") == 5 for text in map(str.strip, texts.values()))
