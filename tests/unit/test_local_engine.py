"""The engine: life cycle, partial work, restarts and crashes."""

import os
import shutil
import signal
import subprocess
import sys
import time
from itertools import islice
from types import SimpleNamespace

import orjson
import pytest

from goldpan.providers.engine.engine import Engine
from goldpan.providers.engine.journals import Journals
from goldpan.providers.engine.refusal import ServiceError
from goldpan.serve.batch_faults import hook_of
from goldpan.serve.fault_plan import FaultPlan
from tests.chat_batches import batch_row, chat_body, echo, ids_of, lines_of, write_requests, write_rows


def create(engine, tmp_path, count=3, **arguments):
    source = engine.upload(write_requests(tmp_path / "requests.jsonl", count), "requests.jsonl")
    return engine.create_batch(source.id, **arguments)


def finish(engine, batch_id, timeout=30.0):
    deadline = time.monotonic() + timeout
    while (record := engine.advance(batch_id, 5.0)).is_open:
        assert time.monotonic() < deadline, f"still {record.status}"
    return record


def output_of(engine, record):
    return lines_of(engine.store.content(record.output_file_id))


def errors_of(engine, record):
    return lines_of(engine.store.content(record.error_file_id))


@pytest.fixture
def engine(tmp_path):
    return Engine(tmp_path / "engine", echo)


def test_a_batch_goes_through_every_status_of_the_life_cycle(engine, tmp_path):
    record = create(engine, tmp_path, count=1)
    seen = [record.status]
    while record.is_open:
        record = engine.advance(record.id, 0)
        seen.append(record.status)
    assert seen == ["validating", "in_progress", "finalizing", "completed"]


def test_counts_grow_while_a_batch_is_in_progress(engine, tmp_path):
    record = create(engine, tmp_path, count=3)
    counts = []
    while record.is_open:
        record = engine.advance(record.id, 0)
        counts.append((record.status, record.total, record.completed))
    assert counts == [
        ("in_progress", 3, 0),
        ("in_progress", 3, 1),
        ("in_progress", 3, 2),
        ("finalizing", 3, 3),
        ("completed", 3, 3),
    ]


def test_output_appears_only_when_the_batch_has_ended(engine, tmp_path):
    record = create(engine, tmp_path)
    while record.is_open:
        assert record.output_file_id is None
        assert [file.purpose for file in engine.store.files()] == ["batch"]
        record = engine.advance(record.id, 0)
    assert ids_of(output_of(engine, record)) == ["row-1", "row-2", "row-3"]


def test_the_batch_object_has_the_keys_of_openai_s(engine, tmp_path, shared_data):
    real = lines_of(shared_data / "batch_api" / "openai_batch_objects.jsonl")[0]
    ours = create(engine, tmp_path).as_openai()
    assert set(real) <= set(ours)


def test_a_result_line_has_the_keys_of_openai_s(engine, tmp_path, shared_data):
    real = lines_of(shared_data / "batch_api" / "batch-output-expansion.jsonl")[0]
    ours = output_of(engine, finish(engine, create(engine, tmp_path).id))[0]
    assert set(real) == set(ours)
    assert set(real["response"]) == set(ours["response"])
    assert set(real["response"]["body"]) - {"service_tier"} <= set(ours["response"]["body"])


def test_another_engine_goes_on_where_the_first_one_stopped(engine, tmp_path):
    record = create(engine, tmp_path, count=5)
    while record.completed < 2:
        record = engine.advance(record.id, 0)
    asked = []
    second = Engine(
        tmp_path / "engine", lambda body, custom_id: asked.append(custom_id) or echo(body, custom_id)
    )
    record = finish(second, record.id)
    assert asked == ["row-3", "row-4", "row-5"]
    assert ids_of(output_of(second, record)) == [f"row-{number}" for number in range(1, 6)]


KILLED = """
import os, sys
from pathlib import Path
from goldpan.providers.engine.engine import Engine
from tests.chat_batches import echo

def dying(body, custom_id):
    if custom_id == "row-1500":
        os.kill(os.getpid(), 9)
    return echo(body, custom_id)

engine = Engine(Path(sys.argv[1]), dying)
while engine.advance(sys.argv[2], 0.01).is_open:
    pass
"""


def test_a_killed_process_costs_no_row_and_doubles_none(engine, tmp_path, project):
    record = create(engine, tmp_path, count=2000)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path / "engine", record.id], cwd=project, timeout=60
    )
    assert killed.returncode == -signal.SIGKILL
    record = finish(engine, record.id)
    assert ids_of(output_of(engine, record)) == [f"row-{number}" for number in range(1, 2001)]
    assert (record.total, record.completed, record.failed) == (2000, 2000, 0)


def under_way(engine, tmp_path, done):
    """A batch of three rows, of which some are done, and the entries of its index."""
    record = create(engine, tmp_path, count=3)
    while record.completed < done:
        record = engine.advance(record.id, 0)
    return (
        record,
        engine.store.journals / f"{record.id}.answers",
        engine.store.journals / f"{record.id}.index",
    )


@pytest.mark.parametrize("half", ["answer", "entry"])
def test_what_was_written_in_part_is_cut_off(engine, tmp_path, half):
    record, answers, index = under_way(engine, tmp_path, 1)
    with (answers if half == "answer" else index).open("ab") as journal:
        journal.write(b'{"id": "')
    record = finish(engine, record.id)
    assert ids_of(output_of(engine, record)) == ["row-1", "row-2", "row-3"]


@pytest.mark.parametrize("lost", ["answer", "entry"])
def test_what_a_power_cut_took_is_asked_again(engine, tmp_path, lost):
    record, answers, index = under_way(engine, tmp_path, 2)
    journal = answers if lost == "answer" else index
    journal.write_bytes(journal.read_bytes()[:-1])
    record = finish(engine, record.id)
    assert (record.completed, ids_of(output_of(engine, record))) == (3, ["row-1", "row-2", "row-3"])


def test_a_batch_that_an_earlier_goldpan_was_at_work_on_is_asked_anew(engine, tmp_path):
    record, answers, index = under_way(engine, tmp_path, 2)
    answers.unlink()
    index.unlink()
    path = engine.store.folder / "batches" / f"{record.id}.json"
    earlier = {"input_offset": 700, "rows_done": 2, "output_bytes": 900, "error_bytes": 0, "hits": {}}
    path.write_bytes(orjson.dumps(orjson.loads(path.read_bytes()) | earlier))
    record = finish(engine, record.id)
    assert (record.completed, ids_of(output_of(engine, record))) == (3, ["row-1", "row-2", "row-3"])


def test_a_crash_between_publishing_and_saving_loses_nothing(engine, tmp_path):
    rows = [batch_row("good"), batch_row("bad", body=chat_body("", messages=[]))]
    source = engine.upload(write_rows(tmp_path / "requests.jsonl", rows), "requests.jsonl")
    record = engine.create_batch(source.id)
    while record.status != "finalizing":
        record = engine.advance(record.id, 0)
    Journals(engine.store, engine.store.batch(record.id)).publish(
        engine.store.content(record.input_file_id), order=list
    )
    record = finish(engine, record.id)
    assert ids_of(output_of(engine, record)) == ["good"]
    assert ids_of(errors_of(engine, record)) == ["bad"]


class SeveralUnderWay:
    """Keeps up to seven requests under way and answers the one in their middle; notes what it answers.

    Args:
        note: a file that gets a line for each answer, which is complete before the answer is given.
        dies_after: so many answers.
    """

    def __init__(self, note, dies_after=None):
        self.note, self.dies_after = note, dies_after

    def answers(self, requests):
        taken = enumerate(requests)
        waiting, answered = list(islice(taken, 7)), 0
        while waiting:
            if answered == self.dies_after:
                os.kill(os.getpid(), signal.SIGKILL)
            place, request = waiting.pop(len(waiting) // 2)
            with self.note.open("a") as note:
                note.write(f"{request.custom_id}\n")
            yield place, echo(request.body, request.custom_id)
            answered += 1
            waiting += islice(taken, 1)


KILLED_WITH_SEVERAL_UNDER_WAY = """
import sys
from pathlib import Path
from goldpan.providers.engine.engine import Engine
from tests.unit.test_local_engine import SeveralUnderWay

engine = Engine(Path(sys.argv[1]), SeveralUnderWay(Path(sys.argv[3]), dies_after=1000))
while engine.advance(sys.argv[2], 30.0).is_open:
    pass
"""


def test_each_row_is_answered_once_over_a_kill_with_several_under_way_and_comes_in_order(tmp_path, project):
    note = tmp_path / "answered"
    engine = Engine(tmp_path / "engine", SeveralUnderWay(note))
    record = create(engine, tmp_path, count=2000)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_WITH_SEVERAL_UNDER_WAY, tmp_path / "engine", record.id, note],
        cwd=project,
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL
    before = note.read_text().split()
    rows = [f"row-{number}" for number in range(1, 2001)]
    assert before != rows[:1000] and len(before) == 1000
    record = finish(engine, record.id)
    answered = note.read_text().split()
    assert answered != rows and sorted(answered) == sorted(rows)
    assert ids_of(output_of(engine, record)) == rows
    assert (record.total, record.completed, record.failed) == (2000, 2000, 0)


def test_rows_under_way_are_answered_when_the_time_is_up(tmp_path):
    engine = Engine(tmp_path / "engine", SeveralUnderWay(tmp_path / "answered"))
    record = create(engine, tmp_path, count=3)
    engine.advance(record.id, 0)
    assert engine.advance(record.id, 0).completed == 1
    assert finish(engine, record.id).completed == 3


class Last:
    """Takes all requests, and answers none but the last."""

    def answers(self, requests):
        *_, (place, request) = enumerate(requests)
        yield place, echo(request.body, request.custom_id)


def test_a_request_that_was_taken_and_not_answered_fails(tmp_path):
    engine = Engine(tmp_path / "engine", Last())
    record = create(engine, tmp_path, count=3)
    engine.advance(record.id, 0)
    record = finish(engine, record.id)
    assert (record.completed, record.failed) == (1, 2)
    assert ids_of(output_of(engine, record)) == ["row-3"]
    assert ids_of(errors_of(engine, record)) == ["row-1", "row-2"]


def test_two_processes_working_on_one_batch_answer_each_row_once(engine, tmp_path, project):
    record = create(engine, tmp_path, count=3000)
    script = KILLED.replace("row-1500", "nobody")
    command = [sys.executable, "-c", script, tmp_path / "engine", record.id]
    workers = [subprocess.Popen(command, cwd=project) for _ in range(2)]
    assert [worker.wait(timeout=60) for worker in workers] == [0, 0]
    record = engine.batch(record.id)
    assert record.status == "completed"
    assert ids_of(output_of(engine, record)) == [f"row-{number}" for number in range(1, 3001)]


def test_a_batch_that_someone_else_works_on_is_described_at_once(engine, tmp_path):
    record = create(engine, tmp_path)
    with engine.store.locked(record.id):
        assert engine.advance(record.id, 5.0).status == "validating"
    assert engine.advance(record.id, 0).status == "in_progress"


def test_a_cancelled_batch_keeps_its_answers_and_names_the_rest(engine, tmp_path):
    record = create(engine, tmp_path, count=3)
    while record.completed < 2:
        record = engine.advance(record.id, 0)
    assert engine.cancel_batch(record.id).status == "cancelling"
    record = finish(engine, record.id)
    assert record.status == "cancelled"
    assert ids_of(output_of(engine, record)) == ["row-1", "row-2"]
    [rest] = errors_of(engine, record)
    assert (rest["custom_id"], rest["response"], rest["error"]["code"]) == ("row-3", None, "batch_cancelled")


def test_a_batch_cancelled_before_validation_has_no_files(engine, tmp_path):
    record = create(engine, tmp_path)
    engine.cancel_batch(record.id)
    record = finish(engine, record.id)
    assert (record.status, record.output_file_id, record.error_file_id) == ("cancelled", None, None)


def test_a_batch_that_has_ended_cannot_be_cancelled(engine, tmp_path):
    record = finish(engine, create(engine, tmp_path).id)
    with pytest.raises(ServiceError) as refusal:
        engine.cancel_batch(record.id)
    assert refusal.value.status == 409


def test_a_batch_past_its_window_expires_with_what_it_has(engine, tmp_path):
    record = create(engine, tmp_path, count=3)
    while record.completed < 1:
        record = engine.advance(record.id, 0)
    record.expires_at = 1
    engine.store.save(record)
    record = finish(engine, record.id)
    assert (record.status, record.completed, record.failed) == ("expired", 1, 2)
    assert ids_of(output_of(engine, record)) == ["row-1"]
    rest = errors_of(engine, record)
    assert [(line["custom_id"], line["error"]["code"]) for line in rest] == [
        ("row-2", "batch_expired"),
        ("row-3", "batch_expired"),
    ]


def test_a_paced_batch_answers_rows_evenly_over_its_time(tmp_path):
    engine = Engine(tmp_path / "engine", echo, seconds_per_batch=3600)
    record = create(engine, tmp_path, count=3)
    engine.advance(record.id, 0)
    record = engine.advance(record.id, 5.0)
    assert (record.status, record.completed) == ("in_progress", 0)


def test_batches_are_listed_newest_first(engine, tmp_path):
    made = [create(engine, tmp_path).id for _ in range(3)]
    assert [record.id for record in engine.list_batches()] == made[::-1]


def test_a_broken_answerer_fails_the_row_and_not_the_batch(tmp_path):
    def broken(body, custom_id):
        if custom_id == "row-2":
            raise KeyError("reason")
        return echo(body, custom_id)

    engine = Engine(tmp_path / "engine", broken)
    record = finish(engine, create(engine, tmp_path).id)
    assert (record.status, record.completed, record.failed) == ("completed", 2, 1)
    [line] = errors_of(engine, record)
    assert (line["custom_id"], line["response"]["status_code"]) == ("row-2", 500)


def test_a_deleted_input_makes_the_batch_failed(engine, tmp_path):
    record = create(engine, tmp_path)
    engine.store.delete_file(record.input_file_id)
    record = finish(engine, record.id)
    assert (record.status, [error.code for error in record.errors]) == ("failed", ["input_file_not_found"])


def test_an_upload_needs_room_for_itself_and_a_little_more_and_says_how_much_and_where(
    engine, tmp_path, monkeypatch
):
    path = write_requests(tmp_path / "requests.jsonl", 3)
    size = path.stat().st_size
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=20 << 20))
    assert engine.upload(path, "requests.jsonl").bytes == size
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    with pytest.raises(ServiceError) as refusal:
        engine.upload(path, "requests.jsonl")
    says = str(refusal.value)
    assert refusal.value.status == 507 and f"{size + (16 << 20):,} bytes" in says and "1,048,576" in says
    assert str(engine.store.folder) in says and "make room" in says
    # Whoever sends a file over the network is not told where it would lie.
    assert str(engine.store.folder) not in refusal.value.as_openai()["message"]


def test_an_interrupted_upload_leaves_nothing_behind(engine):
    with pytest.raises(ConnectionResetError), engine.store.receiving("requests.jsonl", "batch") as upload:
        upload.write(b"{}")
        raise ConnectionResetError
    assert list(engine.store.files()) == []
    assert list((engine.store.folder / "files").iterdir()) == []


@pytest.mark.parametrize("name", ["../../secret", "file-..", "batch_18ea02c89394e1897e565413/../x"])
def test_an_id_never_becomes_a_path_outside_the_folder(engine, name):
    with pytest.raises(ServiceError) as refusal:
        engine.store.file(name)
    assert refusal.value.status == 404


def test_times_of_a_row_fault_are_counted_over_batches_and_restarts(tmp_path):
    plan = FaultPlan.of({"fault": "missing", "rows": "row-2", "times": 1})
    outputs = []
    for _ in range(2):
        engine = Engine(tmp_path / "engine", echo, hook=hook_of(plan))
        record = finish(engine, create(engine, tmp_path).id)
        outputs.append(ids_of(output_of(engine, record)))
    assert outputs == [["row-1", "row-3"], ["row-1", "row-2", "row-3"]]


def test_a_crash_does_not_use_up_a_row_fault(tmp_path):
    plan = FaultPlan.of({"fault": "missing", "rows": "row-2", "times": 1})
    engine = Engine(tmp_path / "engine", echo, hook=hook_of(plan))
    record = create(engine, tmp_path)
    while record.completed < 2:
        before, record = record, engine.advance(record.id, 0)
    engine.store.save(before)  # as if the process had died before its last checkpoint
    record = finish(engine, record.id)
    assert ids_of(output_of(engine, record)) == ["row-1", "row-3"]
