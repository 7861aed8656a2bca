"""Request files come from the spool, or are made again exactly as they were planned."""

import os
import shutil
import time

import pytest

from goldpan.batches.spool import Spool
from goldpan.errors import ReconciliationError
from tests.projects import note_rows
from tests.stage_builders import STAGE, at, make_stage, with_records


@pytest.fixture
def run(tmp_path):
    return make_stage(tmp_path, note_rows(5), limits={"requests": 3})


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "ledger.sqlite")


def requests(run, shard: str) -> bytes:
    run.place(1, shard)
    return at(run, run.paths.requests(STAGE, 1, shard)).read_bytes()


def test_a_request_file_made_again_is_the_one_that_was_planned(run):
    run.plan(1)
    spooled = [requests(run, "0000"), requests(run, "0001")]
    shutil.rmtree(run.project.root / ".goldpan" / "spool")
    assert [requests(run, "0000"), requests(run, "0001")] == spooled


def test_a_request_file_cannot_be_made_again_from_other_records(run):
    run.plan(1)
    shutil.rmtree(run.project.root / ".goldpan" / "spool")
    (run.project.root / "notes" / "a.jsonl").write_text('{"id": "n0", "text": "Another text."}\n')
    with_records(run.project.root)
    with pytest.raises(ReconciliationError, match="shard 0000 cannot be made again as it was planned"):
        run.place(1, "0000")
    assert not at(run, run.paths.requests(STAGE, 1, "0000")).exists()


def test_a_placed_file_is_not_older_than_the_plan_it_belongs_to(run):
    (shard, _) = run.plan(1).shards
    spooled = run.project.root / ".goldpan" / "spool" / f"{shard.hash}.jsonl"
    os.utime(spooled, (1_000_000_000, 1_000_000_000))
    requests(run, "0000")
    plan = at(run, run.paths.plan(STAGE, 1))
    assert at(run, run.paths.requests(STAGE, 1, "0000")).stat().st_mtime >= plan.stat().st_mtime


def test_the_spool_gives_back_what_it_was_given(spool, tmp_path):
    part = spool.new()
    part.write_bytes(b"lines\n")
    spool.put(part, "hash")
    assert spool.copy_to("hash", tmp_path / "deep" / "out.jsonl")
    assert (tmp_path / "deep" / "out.jsonl").read_bytes() == b"lines\n"
    assert not part.exists()


def test_the_spool_says_when_it_has_no_file_and_leaves_nothing_behind(spool, tmp_path):
    assert spool.copy_to("unknown", tmp_path / "out.jsonl") is False
    assert not list(tmp_path.glob("*out*"))


def test_removing_a_spooled_file_leaves_its_copy(spool, tmp_path):
    spool.path("hash").write_bytes(b"lines\n")
    spool.copy_to("hash", tmp_path / "out.jsonl")
    spool.remove("hash")
    spool.remove("hash")
    assert (tmp_path / "out.jsonl").read_bytes() == b"lines\n"


def test_only_old_files_that_nobody_needs_are_tidied_away(spool):
    eight_days_ago = time.time() - 8 * 24 * 3600
    for name, age in (("needed", eight_days_ago), ("old", eight_days_ago), ("new", time.time())):
        spool.path(name).write_bytes(b"lines\n")
        os.utime(spool.path(name), (age, age))
    spool.tidy({"needed"})
    assert sorted(path.stem for path in spool.folder.iterdir()) == ["needed", "new"]


def test_folders_of_a_killed_run_are_tidied_after_a_day(tmp_path):
    spool = Spool(tmp_path / "ledger.sqlite")
    for name, age in (("old", 2 * 86_400), ("new", 3_600)):
        folder = tmp_path / f".fetch-{name}"
        folder.mkdir()
        (folder / "1.jsonl").touch()
        os.utime(folder, (time.time() - age,) * 2)
    spool.tidy(set())
    assert [folder.name for folder in tmp_path.glob(".fetch-*")] == [".fetch-new"]
