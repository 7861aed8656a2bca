"""What a stage that has ended keeps of its requests and raw lines, and how they come back."""

import shutil
from dataclasses import replace

import pytest

from goldpan.batches.completion import read_completion
from goldpan.batches.put_away import kept_raw
from goldpan.batches.stage import StageRun
from goldpan.batches.take_in import take_in
from goldpan.compressed import ZSTD_MAGIC
from goldpan.files import read_whole_unpacked, write_bytes
from goldpan.ledger import Ledger
from goldpan.stages.plan import read_plan
from tests.projects import note_rows
from tests.stage_builders import STAGE, answer, asked_of, at, make_stage, send, with_records

SHARDS = ("0000", "0001")


@pytest.fixture
def run(tmp_path):
    return make_stage(tmp_path / "project", note_rows(5), limits={"requests": 3})


@pytest.fixture
def ended(run):
    """(the stage, its request files and raw lines as they were before it had ended)."""
    answer(run)
    plain = {path: path.read_bytes() for path in places(run)}
    run.consolidate()
    return run, plain


def places(run: StageRun):
    return [
        at(run, name(STAGE, 1, shard)) for shard in SHARDS for name in (run.paths.requests, run.paths.raw)
    ]


def put_away(path):
    return list(path.parent.glob(f"{path.stem}.*.jsonl.zst"))


def test_requests_and_raw_lines_lie_plain_until_the_stage_has_ended(run):
    answer(run)
    assert all(path.exists() and not put_away(path) for path in places(run))
    run.consolidate_so_far()
    assert all(path.exists() and not put_away(path) for path in places(run))


def test_of_a_stage_that_has_ended_they_are_kept_compressed(ended):
    _, plain = ended
    for path, content in plain.items():
        (packed,) = put_away(path)
        assert not path.exists()
        assert packed.read_bytes().startswith(ZSTD_MAGIC)
        assert read_whole_unpacked(packed) == content


def test_each_comes_back_as_it_was_without_anybody_being_asked(ended):
    run, plain = ended
    # Neither the engine's files nor the records are needed.
    shutil.rmtree(run.project.root / ".goldpan" / "local")
    at(run, run.paths.stage_records(STAGE)).unlink()
    for shard in SHARDS:
        run.place(1, shard)
        run.fetch(1, shard)
    assert {path: path.read_bytes() for path in plain} == plain


def test_a_round_can_be_settled_again_by_what_is_put_away(ended):
    run, _ = ended
    settled = at(run, run.paths.settled(STAGE, 1))
    before = settled.read_bytes()
    settled.unlink()
    run.settle(1)
    assert settled.read_bytes() == before


def test_the_features_are_the_same_when_they_are_made_once_more(ended):
    run, plain = ended
    features = at(run, run.paths.features(STAGE)).read_bytes()
    packed = {path: put_away(path)[0].read_bytes() for path in plain}
    run.consolidate()
    assert at(run, run.paths.features(STAGE)).read_bytes() == features
    assert {path: put_away(path)[0].read_bytes() for path in plain} == packed


def test_a_ledger_that_lost_the_answers_takes_them_in_from_what_is_put_away(ended):
    run, _ = ended
    shutil.rmtree(run.project.ledger.parent)
    with Ledger(run.project.ledger) as ledger:
        done = [taken.done for taken in take_in(ledger, run.project, STAGE)]
        assert done == ["settled from the raw lines that are here"] * 2
        assert ledger.counts() == {"ok": 5}


def test_requests_of_another_plan_are_not_taken_for_those_of_this_one(ended):
    run, _ = ended
    template = run.project.root / "config" / "tasks" / "topic.user.j2"
    template.write_text("Another question:\n{{ data.text }}")
    run = with_records(run.project.root)
    run.plan(1)
    shutil.rmtree(run.project.ledger.parent / "spool")
    run.place(1, "0000")
    assert b"Another question" in at(run, run.paths.requests(STAGE, 1, "0000")).read_bytes()


def test_raw_lines_of_another_batch_are_not_taken_for_those_of_this_one(ended):
    run, plain = ended
    template = run.project.root / "config" / "tasks" / "topic.user.j2"
    template.write_text("Another question:\n{{ data.text }}")
    run = with_records(run.project.root)
    send(run, run.plan(1))
    run.wait(1, lambda progress: None)
    run.fetch(1, "0000")
    raw = at(run, run.paths.raw(STAGE, 1, "0000"))
    assert raw.read_bytes() != plain[raw]


def test_nor_are_those_of_another_batch_of_the_same_requests(ended):
    run, plain = ended
    plan = read_plan(at(run, run.paths.plan(STAGE, 1)), STAGE, 1)
    _, batch = read_completion(at(run, run.paths.completion(STAGE, 1)), STAGE, 1)["0000"]
    raw = at(run, run.paths.raw(STAGE, 1, "0000"))
    asked_again = replace(batch, id="another")
    assert not kept_raw(run.project, raw, plan.shard("0000").hash, asked_again).bring_back()
    assert kept_raw(run.project, raw, plan.shard("0000").hash, batch).bring_back()
    assert raw.read_bytes() == plain[raw]


def test_what_is_damaged_is_made_again(ended):
    run, plain = ended
    for path in plain:
        (packed,) = put_away(path)
        write_bytes(packed, packed.read_bytes()[:-20])
    for shard in SHARDS:
        run.place(1, shard)
        run.fetch(1, shard)
    assert [path.read_bytes().splitlines() for path in plain] == [
        content.splitlines() for content in plain.values()
    ]


def test_the_engine_keeps_no_files_of_batches_whose_answers_the_ledger_has(ended):
    run, _ = ended
    engine = run.connect().engine.store
    assert list(engine.files()) == []
    assert len(engine.batch_ids()) == 2


def test_the_engine_keeps_the_files_of_what_is_not_settled(run):
    first = run.plan(1)
    send(run, first)
    with Ledger(run.project.ledger) as ledger:
        store = run.connect().engine.store
        store.forget(ledger.has_settled)
        run.wait(1, lambda progress: None)
        store.forget(ledger.has_settled)
    assert len(list(store.files())) == 4


def test_what_was_asked_is_read_compressed_and_as_an_earlier_version_left_it(ended):
    run, _ = ended
    asked, features = at(run, run.paths.asked(STAGE, 1)), at(run, run.paths.features(STAGE))
    rows, made = asked_of(run), features.read_bytes()
    assert asked.read_bytes().startswith(ZSTD_MAGIC)
    write_bytes(asked, read_whole_unpacked(asked))
    assert asked_of(run) == rows
    run.consolidate()
    assert features.read_bytes() == made


def test_a_batch_that_the_ledger_does_not_know_is_not_settled(run):
    with Ledger(run.project.ledger) as ledger:
        assert not ledger.has_settled("batch_of_a_lost_ledger")
