"""Every fault of a plan, once, through the real HTTP server."""

import itertools
import time

import httpx
import openai
import orjson
import pytest

from goldpan.serve import running_server
from goldpan.serve.fault_plan import FaultPlan
from tests.chat_batches import LABELS, arguments_of, echo, ids_of, lines_of, write_requests

ROWS = ["row-1", "row-2", "row-3"]
TERMINAL = ("completed", "failed", "expired", "cancelled")


class Player:
    """A client of a server that plays `faults`."""

    def __init__(self, server, tmp_path):
        self.server = server
        self.client = openai.OpenAI(base_url=server.base_url, api_key="any key", max_retries=0)
        self.path = write_requests(tmp_path / "requests.jsonl", len(ROWS))

    def upload(self):
        with self.path.open("rb") as handle:
            return self.client.files.create(file=handle, purpose="batch")

    def create(self):
        return self.client.batches.create(
            input_file_id=self.upload().id, endpoint="/v1/chat/completions", completion_window="24h"
        )

    def run(self):
        """The batch at its end."""
        return self.ended(self.create().id)

    def ended(self, batch_id):
        deadline = time.monotonic() + 30
        while (batch := self.client.batches.retrieve(batch_id)).status not in TERMINAL:
            assert time.monotonic() < deadline, f"still {batch.status}"
            time.sleep(0.02)
        return batch

    def content(self, file_id):
        return self.client.files.content(file_id).read()

    def lines(self, file_id):
        return lines_of(self.content(file_id))

    def answer_to_row_2(self):
        """(request counts, message and finish reason of row 2) after a run."""
        batch = self.run()
        assert batch.status == "completed"
        [line] = [line for line in self.lines(batch.output_file_id) if line["custom_id"] == "row-2"]
        choice = line["response"]["body"]["choices"][0]
        return choice["message"], choice["finish_reason"]


@pytest.fixture
def play(tmp_path):
    """Start a server that plays the given faults; once a test."""
    running = []

    def start(*faults):
        manager = running_server(tmp_path / "engine", answerer=echo, faults=FaultPlan.of(*faults))
        server = manager.__enter__()
        running.append(manager)
        return Player(server, tmp_path)

    yield start
    for manager in running:
        manager.__exit__(None, None, None)


# The connection.


def test_lost_answer(play):
    player = play({"fault": "lost_answer"})
    with pytest.raises(openai.APIConnectionError):
        player.create()
    assert len(player.server.engine.list_batches()) == 1
    player.create()
    assert len(player.server.engine.list_batches()) == 2


def test_lost_request(play):
    player = play({"fault": "lost_request"})
    with pytest.raises(openai.APIConnectionError):
        player.create()
    assert player.server.engine.list_batches() == []


def test_rate_limited(play):
    player = play({"fault": "rate_limited", "retry_after": 7, "times": 2})
    for _ in range(2):
        with pytest.raises(openai.RateLimitError) as refusal:
            player.create()
        assert refusal.value.response.headers["Retry-After"] == "7"
    assert player.create().status == "validating"
    assert len(player.server.engine.list_batches()) == 1


@pytest.mark.parametrize("status", [500, 503])
def test_server_error(play, status):
    player = play({"fault": "server_error", "status": status})
    with pytest.raises(openai.InternalServerError) as refusal:
        player.create()
    assert refusal.value.status_code == status
    assert player.server.engine.list_batches() == []


def test_server_error_after_the_effect(play):
    player = play({"fault": "server_error", "after_effect": True})
    with pytest.raises(openai.InternalServerError):
        player.create()
    assert len(player.server.engine.list_batches()) == 1


def test_slow(play):
    player = play({"fault": "slow", "calls": "models", "seconds": 5})
    with pytest.raises(openai.APITimeoutError):
        player.client.with_options(timeout=0.2).models.list()
    assert len(player.client.models.list().data) == 1


def test_not_found_right_after_create(play):
    player = play({"fault": "not_found", "calls": ["retrieve", "list_batches"], "times": 2})
    batch = player.create()
    for _ in range(2):
        with pytest.raises(openai.NotFoundError):
            player.client.batches.retrieve(batch.id)
        assert player.client.batches.list().data == []
    assert player.client.batches.retrieve(batch.id).id == batch.id
    assert [one.id for one in player.client.batches.list()] == [batch.id]


def test_truncated_download(play):
    player = play({"fault": "truncated_download", "keep": 0.5})
    batch = player.run()
    with pytest.raises((openai.APIConnectionError, httpx.RemoteProtocolError)):
        player.content(batch.output_file_id)
    assert ids_of(player.lines(batch.output_file_id)) == ROWS


def test_a_truncated_download_can_be_gone_on_with_by_range(play):
    player = play({"fault": "truncated_download", "keep": 0.5, "times": 2})
    batch = player.run()
    url = f"{player.server.base_url}/files/{batch.output_file_id}/content"
    received = b""
    for _ in range(3):
        headers = {"Range": f"bytes={len(received)}-"} if received else {}
        with httpx.stream("GET", url, headers=headers) as response:
            assert response.status_code == (206 if received else 200)
            try:
                for chunk in response.iter_raw():
                    received += chunk
            except httpx.RemoteProtocolError:
                continue
    assert ids_of(lines_of(received)) == ROWS


def test_short_download(play):
    player = play({"fault": "short_download", "keep": 0.5})
    batch = player.run()
    short = player.content(batch.output_file_id)
    whole = player.content(batch.output_file_id)
    assert short == whole[: len(whole) // 2]


def test_skip_lets_calls_go_well_first(play):
    player = play({"fault": "server_error", "calls": "models", "skip": 1})
    player.client.models.list()
    with pytest.raises(openai.InternalServerError):
        player.client.models.list()
    player.client.models.list()


def test_one_fault_strikes_a_call_and_the_next_waits(play):
    player = play({"fault": "rate_limited"}, {"fault": "lost_answer"})
    with pytest.raises(openai.RateLimitError):
        player.create()
    with pytest.raises(openai.APIConnectionError):
        player.create()
    player.create()


def test_a_spent_fault_stays_spent_after_a_restart(play):
    player = play({"fault": "server_error", "calls": "models"})
    with pytest.raises(openai.InternalServerError):
        player.client.models.list()
    player.server.stop()
    player.server.start()
    player.client.models.list()


# Whole batches.


def test_failed_validation(play):
    player = play({"fault": "failed_validation", "times": 2})
    for _ in range(2):
        batch = player.run()
        assert batch.status == "failed"
        assert [error.code for error in batch.errors.data] == ["token_limit_exceeded"]
    assert player.run().status == "completed"


def test_expired(play):
    player = play({"fault": "expired", "after": 2})
    batch = player.run()
    assert (batch.status, batch.request_counts.completed) == ("expired", 2)
    assert ids_of(player.lines(batch.output_file_id)) == ROWS[:2]
    [line] = player.lines(batch.error_file_id)
    assert (line["custom_id"], line["response"], line["error"]["code"]) == ("row-3", None, "batch_expired")


def test_cancelled_by_the_service(play):
    player = play({"fault": "cancelled", "after": 1})
    batch = player.run()
    assert batch.status == "cancelled"
    assert ids_of(player.lines(batch.output_file_id)) == ROWS[:1]
    assert ids_of(player.lines(batch.error_file_id)) == ROWS[1:]


def test_stalled_until_cancelled(play):
    player = play({"fault": "stalled", "after": 1})
    batch = player.create()
    for _ in range(20):
        batch = player.client.batches.retrieve(batch.id)
        assert batch.status in ("validating", "in_progress")
        time.sleep(0.02)
    player.client.batches.cancel(batch.id)
    batch = player.ended(batch.id)
    assert (batch.status, ids_of(player.lines(batch.output_file_id))) == ("cancelled", ROWS[:1])


def test_shuffled(play):
    player = play({"fault": "shuffled"})
    ids = ids_of(player.lines(player.run().output_file_id))
    assert ids != ROWS
    assert sorted(ids) == ROWS


def test_empty_error_file_id(play):
    player = play({"fault": "empty_error_file_id"})
    assert player.run().error_file_id == ""


def test_a_batch_fault_strikes_only_the_batches_it_names(play):
    player = play({"fault": "failed_validation", "batches": [2]})
    assert [player.run().status for _ in range(3)] == ["completed", "failed", "completed"]


# Single rows.


def test_missing(play):
    player = play({"fault": "missing", "rows": "row-2"})
    batch = player.run()
    assert (batch.status, batch.error_file_id) == ("completed", None)
    assert ids_of(player.lines(batch.output_file_id)) == ["row-1", "row-3"]


def test_duplicate(play):
    player = play({"fault": "duplicate", "every": 2})
    assert ids_of(player.lines(player.run().output_file_id)) == ["row-1", "row-2", "row-2", "row-3"]


def test_row_error(play):
    player = play({"fault": "row_error", "rows": "row-2", "status": 429, "code": "rate_limit_exceeded"})
    batch = player.run()
    assert (batch.status, batch.request_counts.failed) == ("completed", 1)
    [line] = player.lines(batch.error_file_id)
    assert (line["error"], line["response"]["status_code"]) == (None, 429)
    assert line["response"]["body"]["error"]["code"] == "rate_limit_exceeded"


def test_all_rows_failed(play):
    player = play({"fault": "row_error"})
    batch = player.run()
    assert (batch.status, batch.output_file_id) == ("completed", None)
    assert [line["response"]["status_code"] for line in player.lines(batch.error_file_id)] == [500] * 3


def test_line_separator(play):
    player = play({"fault": "line_separator", "rows": "row-2"})
    batch = player.run()
    content = player.content(batch.output_file_id)
    assert "\u2028".encode() in content
    assert arguments_of(lines_of(content)[1]) == {"mood": "calm", "reason": "r\u2028ow-2"}


def test_truncated(play):
    message, finish_reason = play({"fault": "truncated", "rows": "row-2"}).answer_to_row_2()
    assert finish_reason == "length"
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(message["tool_calls"][0]["function"]["arguments"])


def test_refused(play):
    message, finish_reason = play({"fault": "refused", "rows": "row-2"}).answer_to_row_2()
    assert finish_reason == "stop"
    assert message["refusal"]
    assert "tool_calls" not in message


def test_content_filter(play):
    message, finish_reason = play({"fault": "content_filter", "rows": "row-2"}).answer_to_row_2()
    assert finish_reason == "content_filter"
    assert "tool_calls" not in message


def test_not_json(play):
    message, finish_reason = play({"fault": "not_json", "rows": "row-2"}).answer_to_row_2()
    assert finish_reason == "stop"
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(message["tool_calls"][0]["function"]["arguments"])


def test_wrong_function(play):
    message, _ = play({"fault": "wrong_function", "rows": "row-2"}).answer_to_row_2()
    assert message["tool_calls"][0]["function"]["name"] == "record_mood_other"


def test_missing_field(play):
    message, _ = play({"fault": "missing_field", "rows": "row-2"}).answer_to_row_2()
    assert orjson.loads(message["tool_calls"][0]["function"]["arguments"]) == {"reason": "row-2"}


def test_unknown_label(play):
    message, _ = play({"fault": "unknown_label", "rows": "row-2"}).answer_to_row_2()
    assert orjson.loads(message["tool_calls"][0]["function"]["arguments"])["mood"] not in LABELS


def test_an_answer_fault_leaves_other_rows_alone(play):
    player = play({"fault": "refused", "rows": "row-2"})
    lines = player.lines(player.run().output_file_id)
    assert [arguments_of(line)["reason"] for line in (lines[0], lines[2])] == ["row-1", "row-3"]


def test_a_row_fault_strikes_so_many_times_in_all(play):
    player = play({"fault": "missing", "times": 4})
    lost = [
        3 - (len(player.lines(batch.output_file_id)) if batch.output_file_id else 0) for batch in runs(player)
    ]
    assert lost == [3, 1, 0]


def runs(player):
    return (player.run() for _ in itertools.repeat(None, 3))
