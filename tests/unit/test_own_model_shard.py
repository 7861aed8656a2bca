"""A shard of the 28-feature rubric, answered by a tiny random model: whole answers, whatever stops it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import orjson
import pytest

from goldpan.providers.engine.engine import Engine
from goldpan.tasks.critic import parse_tool_call
from tests.chat_batches import lines_of
from tests.own_models import TASKS, answered, answerer, rubric_llm, rubric_requests, said
from tests.projects import CHECKOUT

LIMIT = 640
BATCH = 12_000

ANSWER = """
import sys
from pathlib import Path
from goldpan.providers.engine.engine import Engine
from tests.own_models import answerer
model, folder, batch, tokens = sys.argv[1:]
engine = Engine(Path(folder), answerer(Path(model), batch_tokens=int(tokens)))
while engine.advance(batch, 3600).is_open:
    pass
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return rubric_llm(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def requests():
    return rubric_requests(200, LIMIT)


@pytest.fixture(scope="module")
def replies(model, requests):
    return answered(model, requests)


def test_a_shard_of_200_is_answered_with_what_fits_the_schema_and_the_reader_takes(requests, replies):
    (schema,) = {orjson.dumps(request.body["tools"][0]["function"]["parameters"]) for request in requests}
    validator = jsonschema.Draft202012Validator(orjson.loads(schema))
    assert len(replies) == 200
    for request in requests:
        reply = replies[request.custom_id]
        validator.validate(orjson.loads(said(reply)))
        (choice,) = reply["choices"]
        (call,) = choice["message"]["tool_calls"]
        assert len(parse_tool_call(call, TASKS)) == 28
        assert choice["finish_reason"] == "stop"
        assert reply["usage"]["completion_tokens"] <= LIMIT


def test_near_the_limit_texts_are_ended_and_labels_are_still_the_models(replies):
    answers = [orjson.loads(said(reply)) for reply in replies.values()]
    assert all(reply["choices"][0]["stop_reason"] == "near_limit" for reply in replies.values())
    # The way to the end takes the first label and `false`; a model of random weights takes others, too.
    assert any(value is True for answer in answers for value in answer.values())
    assert len({answer["task_type"] for answer in answers}) > 1


def test_the_features_are_the_same_for_any_batch_size_and_order(model, requests, replies):
    some = requests[:9]
    alone = answered(model, some[:2], batch_tokens=1)
    by_seven = answered(model, some[::-1], batch_tokens=7 * 2_400)
    assert {name: said(reply) for name, reply in alone.items()} == {
        request.custom_id: said(replies[request.custom_id]) for request in some[:2]
    }
    assert {name: said(reply) for name, reply in by_seven.items()} == {
        request.custom_id: said(replies[request.custom_id]) for request in some
    }


class Counting:
    """An answerer that remembers what was asked."""

    def __init__(self, inner):
        self.inner, self.asked = inner, []

    def answers(self, requests):
        return self.inner.answers(self._noted(requests))

    def _noted(self, requests):
        for request in requests:
            self.asked.append(request.custom_id)
            yield request


def test_kill_9_half_way_costs_at_most_one_batch(model, requests, replies, tmp_path):
    some = requests[:16]
    source = tmp_path / "requests.jsonl"
    with source.open("wb") as out:
        for request in some:
            row = {"custom_id": request.custom_id, "method": "POST", "url": "/v1/chat/completions"}
            out.write(orjson.dumps({**row, "body": request.body}, option=orjson.OPT_APPEND_NEWLINE))
    counting = Counting(answerer(model, batch_tokens=BATCH))
    engine = Engine(tmp_path / "engine", counting)
    batch = engine.create_batch(engine.upload(source, "requests.jsonl").id)
    command = [sys.executable, "-c", ANSWER, str(model), str(tmp_path / "engine"), batch.id, str(BATCH)]
    environment = {**os.environ, "PYTHONPATH": f"{CHECKOUT / 'src'}:{CHECKOUT}"}
    process = subprocess.Popen(command, env=environment)
    deadline = time.monotonic() + 600
    while not _written(tmp_path / "engine"):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    written = _written(tmp_path / "engine")
    assert 0 < written < len(some)
    while engine.advance(batch.id, 3600).is_open:
        pass
    # What was written is not asked again: lost is the batch that was under way, and no more.
    assert len(counting.asked) == len(some) - written
    rows = lines_of(engine.store.content(engine.batch(batch.id).output_file_id))
    assert [row["custom_id"] for row in rows] == [request.custom_id for request in some]
    for row in rows:
        assert said(row["response"]["body"]) == said(replies[row["custom_id"]])


def _written(folder: Path) -> int:
    """Answers that an engine has written down."""
    return sum(path.read_bytes().count(b"\n") for path in folder.rglob("*.answers"))
