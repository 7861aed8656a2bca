"""A ledger that is gone, full, locked, read-only or damaged: an error that says what to do, no traceback."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

import pytest

from goldpan.cli import main
from goldpan.errors import LedgerError, storage_error
from goldpan.ledger import Ledger
from goldpan.ledger.connection import fault
from goldpan.ledger.database import PAGE_BYTES
from tests.faults.test_embeddings_faults import small_disk
from tests.projects import WorkflowProject, note_rows
from tests.stage_builders import answer, make_stage
from tests.unit.test_ledger import intend, outcome, settle
from tests.unit.test_ledger_repair import overwrite, pages_of, zero


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.sqlite"


def deleted(path: Path) -> None:
    path.unlink()


def replaced(path: Path) -> None:
    other = path.with_name("other")
    shutil.copy(path, other)
    other.replace(path)


def without_its_log(path: Path) -> None:
    path.with_name(path.name + "-wal").unlink()


@pytest.mark.parametrize("happens", [deleted, replaced, without_its_log])
@pytest.mark.parametrize("write", [
    lambda ledger: intend(ledger, "another"),
    lambda ledger: ledger.record_upload(1, "file"),
    lambda ledger: ledger.record_paid_call(1, None),
    lambda ledger: ledger.record_batch(1, "batch", 1, "in_progress"),
    lambda ledger: settle(ledger, ledger.submission(1), [outcome(0)]),
])  # fmt: skip
def test_nothing_is_written_to_a_ledger_that_is_no_longer_in_its_place(path, happens, write):
    with Ledger(path) as ledger:
        intend(ledger)
        happens(path)
        with pytest.raises(LedgerError, match="deleted or replaced while it was in use") as caught:
            write(ledger)
    assert "goldpan ledger take-in" in str(caught.value)


def test_a_ledger_that_goes_in_the_middle_of_a_transaction_is_noticed_before_it_ends(path):
    with Ledger(path) as ledger:
        submission = intend(ledger)

        def outcomes():
            yield outcome(0)
            path.unlink()

        with pytest.raises(LedgerError, match="deleted or replaced"):
            settle(ledger, submission, outcomes())


def test_a_shard_is_not_paid_for_when_the_ledger_is_deleted_after_its_intent(tmp_path, monkeypatch):
    run = make_stage(tmp_path, note_rows(3))
    run.plan(1)
    run.place(1, "0000")
    marker = tmp_path / "stopped"
    monkeypatch.setenv("GOLDPAN_STOP_AT", "intent_written")
    monkeypatch.setenv("GOLDPAN_STOP_FILE", str(marker))

    def delete() -> None:
        while not (marker.exists() and marker.read_text()):
            time.sleep(0.01)
        run.project.ledger.unlink()
        marker.write_text("go on")

    thread = threading.Thread(target=delete)
    thread.start()
    with pytest.raises(LedgerError, match="deleted or replaced"):
        run.submit(1, "0000")
    thread.join()
    assert not list((tmp_path / ".goldpan" / "local" / "batches").glob("*"))


def test_a_process_that_holds_the_ledger_for_too_long_is_told_of(path):
    Ledger(path).close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as stuck:
        stuck.execute("BEGIN IMMEDIATE")
        with Ledger(path, patience=0.02) as ledger:
            with pytest.raises(LedgerError, match="another process has held the ledger for too long") as e:
                intend(ledger)
            assert "fuser" in str(e.value)
            stuck.execute("ROLLBACK")
            intend(ledger)


def test_a_full_disk_is_an_error_after_which_the_ledger_goes_on(tmp_path):
    with small_disk(tmp_path / "disk", "700k") as disk, Ledger(disk / "ledger.sqlite") as ledger:
        submission = intend(ledger)
        big = [outcome(0, line=os.urandom(900_000)), outcome(1)]
        with pytest.raises(LedgerError, match="the disk is full") as caught:
            settle(ledger, submission, big)
        assert "make room" in str(caught.value)
        assert ledger.open_submission("shard") == submission
        subprocess.run(["mount", "-o", "remount,size=10m", str(disk)], check=True)
        assert settle(ledger, submission, big)
        assert ledger.counts() == {"ok": 2}


def test_a_place_that_cannot_be_written_is_told_by_name(tmp_path):
    with small_disk(tmp_path / "disk", "1m") as disk:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(LedgerError, match="cannot be opened"):
            Ledger(disk / "ledger.sqlite")
        with pytest.raises(LedgerError, match="cannot lie here: Read-only file system"):
            Ledger(disk / "folder" / "ledger.sqlite")
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        Ledger(disk / "ledger.sqlite").close()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(LedgerError, match=r"may not be written|cannot be opened"):
            Ledger(disk / "ledger.sqlite")
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="cannot lie here"):
        Ledger(tmp_path / "file" / "ledger.sqlite")
    (tmp_path / "a folder").mkdir()
    with pytest.raises(LedgerError, match="check that the path is a file"):
        Ledger(tmp_path / "a folder")


@pytest.mark.parametrize(("name", "says"), [
    ("SQLITE_IOERR_LOCK", "put the ledger on a local disk"),
    ("SQLITE_IOERR_SHMMAP", "put the ledger on a local disk"),
    ("SQLITE_PROTOCOL", "put the ledger on a local disk"),
    ("SQLITE_READONLY_DIRECTORY", "make the file and its folder writable"),
    ("SQLITE_FULL", "make room"),
    ("SQLITE_IOERR_WRITE", "check the disk and your quota"),
    ("SQLITE_CORRUPT_INDEX", "goldpan ledger repair"),
    ("SQLITE_NOTADB", "goldpan ledger repair"),
    ("", "name another file"),
])  # fmt: skip
def test_what_sqlite_says_has_a_remedy(path, name, says):
    error = sqlite3.OperationalError("it said so")
    error.sqlite_errorname = name
    named = fault(path, error)
    assert says in named.remedy
    assert "it said so" in named.what
    assert named.where == str(path)


def test_an_error_that_is_not_about_the_disk_is_not_taken_for_one():
    assert storage_error(FileNotFoundError(2, "No such file")) is None
    assert "make room" in str(storage_error(OSError(28, "No space left on device")))


def test_of_a_file_that_was_to_be_copied_the_one_that_was_written_is_named():
    error = OSError(28, "No space left on device", "/roomy/spool/a.jsonl", None, "/full/requests/a.jsonl")
    named = storage_error(error)
    assert named is not None and named.where == "/full/requests/a.jsonl"


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """A finished project whose ledger has lost its answers' and its submissions' first pages."""
    root = tmp_path_factory.mktemp("damaged") / "project"
    run = make_stage(root, note_rows(3))
    answer(run)
    run.consolidate()
    for page in pages_of(run.project.ledger, "answers", "submissions", "answers_by_key"):
        overwrite(run.project.ledger, page, zero)
    return root


COMMANDS = {
    "ledger show": ["ledger", "show"],
    "ledger export": ["ledger", "export", "out.zst"],
    "ledger backup": ["ledger", "backup"],
    "ledger take-in": ["ledger", "take-in"],
    "batches list": ["batches", "list"],
    "batches status": ["batches", "status"],
    "batches wait": ["batches", "wait"],
    "batches cancel": ["batches", "cancel", "all", "--yes"],
    "batches adopt": ["batches", "adopt", "1", "none"],
    "retry": ["retry", "topics"],
    "plan": ["plan"],
    **{f"step {step}": ["step", step, "topics"] for step in ("plan", "wait", "settle", "features")},
    **{f"step {step}": ["step", step, "topics", "--shard", "0000"] for step in ("submit", "fetch")},
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_that_a_ledger_is_damaged(damaged, name, capsys, monkeypatch):
    monkeypatch.chdir(damaged)
    assert main([*COMMANDS[name]]) == 1
    said = capsys.readouterr().err
    assert "LedgerError" in said
    assert "goldpan ledger repair" in said


def test_a_full_disk_below_the_results_is_an_error_with_the_file(tmp_path):
    run = make_stage(tmp_path / "project", note_rows(300))
    project = WorkflowProject(tmp_path / "project")
    records = run.paths.stage_records("topics")
    # One page is left to what is written, which needs some more.
    pages = -(-(project.root / records).stat().st_size // 4096) + 1
    with small_disk(tmp_path / "disk", f"{4 * pages}k") as disk:
        place = disk / Path(records).relative_to("results")
        place.parent.mkdir(parents=True)
        shutil.copy(project.root / records, place)
        done = project.goldpan("step", "plan", "topics", "--results", str(disk), check=False)
        assert done.returncode == 1
        assert "StorageError" in done.stdout and "No space left on device" in done.stdout
        assert "asked.jsonl" in done.stdout and "make room" in done.stdout
        assert "Traceback" not in done.stdout
        subprocess.run(["mount", "-o", "remount,size=10m", str(disk)], check=True)
        project.goldpan("step", "plan", "topics", "--results", str(disk))


def test_a_damaged_page_in_the_middle_of_an_answer_is_named(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        settle(ledger, intend(ledger), [outcome(0, line=os.urandom(40_000)), outcome(1)])
    for page in range(path.stat().st_size // PAGE_BYTES, 8, -1):
        overwrite(path, page, lambda data: b"\xff" * len(data))
    with Ledger(path) as ledger, pytest.raises(LedgerError, match="the ledger is damaged"):
        list(ledger.all_answers())


def test_a_new_ledger_that_somebody_reads_at_that_moment_is_waited_for(tmp_path):
    path = tmp_path / "ledger.sqlite"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE x (y)")
    other.execute("DROP TABLE x")
    # As the process that makes it at the same time: SQLite waits for no reader when it changes to a log.
    other.execute("BEGIN")
    other.execute("SELECT * FROM sqlite_master").fetchall()
    with pytest.raises(LedgerError, match="another process has held"):
        Ledger(path, patience=0.2)
    ended = threading.Timer(0.5, other.close)
    ended.start()
    with Ledger(path, patience=60) as ledger:
        assert ledger.submissions() == []
    ended.join()
