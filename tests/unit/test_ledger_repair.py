"""What is left of a damaged ledger is saved row by row; a whole one can be copied at any time."""

import contextlib
import os
import random
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from goldpan.errors import LedgerError
from goldpan.ledger import Asked, Ledger, Orphan, Outcome
from goldpan.ledger.backup import back_up, problems_of
from goldpan.ledger.database import PAGE_BYTES
from goldpan.ledger.lock import alone_with
from goldpan.ledger.pages import stored_rows
from goldpan.ledger.repair import repair
from goldpan.ledger.submissions import REQUESTS_LOST
from tests.unit.test_ledger import run_lock
from tests.unit.test_ledger_formats import to_format_5

ROWS = 400


def key(number: int) -> bytes:
    return random.Random(number).randbytes(32)


def line(number: int) -> bytes:
    words = random.Random(-number).choices(["soil", "water", "depth", "blame", "praise"], k=400)
    return orjson.dumps({"custom_id": f"req__{number}", "text": " ".join(words), "id": key(number).hex()})


def intend(ledger: Ledger, shard: str, numbers: range):
    rows = [Asked(f"req__{number}", key(number), "task") for number in numbers]
    return ledger.record_intent(
        rows, shard=shard, provider="p", study="s", stage="t", round=1, task="task",
        task_hash="h", model="m", requests=len(rows), bytes=1,
    )  # fmt: skip


def fill(ledger: Ledger) -> None:
    """Two settled shards, one with a dictionary, and an open one."""
    for shard, numbers in (("a", range(300)), ("b", range(300, ROWS))):
        submission = intend(ledger, shard, numbers)
        ledger.record_batch(submission.id, f"batch_{shard}", 1, "in_progress")
        outcomes = (Outcome(key(n), "ok", None, False, line(n), 10, 2) for n in numbers)
        ledger.settle(submission.id, outcomes, status="completed", note=lambda: "{}")
    ledger.record_batch(intend(ledger, "c", range(ROWS, ROWS + 300)).id, "batch_c", 2, "in_progress")
    ledger.record_orphan(Orphan("batch_x", 1, None, 3, 1, 1.0))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "ledger.sqlite"
    with Ledger(path) as ledger:
        fill(ledger)
        # A state of a request that is no longer true lies about in the file.
        assert ledger.counts() == {"ok": ROWS}
    assert not path.with_name("ledger.sqlite-wal").exists()
    return path


@pytest.fixture
def path(whole, tmp_path):
    return Path(shutil.copy(whole, tmp_path / "ledger.sqlite"))


def content(path: Path) -> tuple:
    with Ledger(path) as ledger:
        submissions = ledger.submissions()
        asked = {given.id: ledger.asked_by(given.id) for given in submissions}
        return submissions, asked, dict(ledger.all_answers()), ledger.orphans()


def pages_of(path: Path, *names: str) -> list[int]:
    """Numbers of the pages that tables and indexes are made of, their roots first."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        marks = ", ".join("?" * len(names))
        rows = db.execute(f"SELECT rootpage FROM sqlite_master WHERE name IN ({marks})", names)
        return [row[0] for row in rows]


def overwrite(path: Path, page: int, change) -> None:
    data = bytearray(path.read_bytes())
    start = (page - 1) * PAGE_BYTES
    data[start : start + PAGE_BYTES] = change(bytes(data[start : start + PAGE_BYTES]))
    path.write_bytes(data)


def zero(page: bytes) -> bytes:
    return bytes(len(page))


def flip(page: bytes) -> bytes:
    """Every 97th byte is another."""
    return bytes(byte ^ 0x5A if at % 97 == 13 else byte for at, byte in enumerate(page))


def by_table(repaired) -> dict[str, tuple]:
    return {table.table: (table.saved, table.lost) for table in repaired.tables}


def check_saved(path: Path, whole: Path, repaired) -> dict[bytes, object]:
    """Check that all that is in a repaired ledger was in the whole one; returns its answers."""
    assert problems_of(path) == []
    assert repaired.kept.exists()
    submissions, asked, answers, orphans = content(path)
    true_submissions, true_asked, true_answers, true_orphans = content(whole)
    assert all(answers[key] == true_answers[key] for key in answers)
    true_ones = {given.id: given for given in true_submissions}
    for given in submissions:
        if given.note == REQUESTS_LOST:
            assert by_table(repaired)["asked"][1] > 0
            given = replace(given, note=None)
        assert given.nonce.startswith("lost-") or given == true_ones[given.id]
    assert all(rows.items() <= true_asked[number].items() for number, rows in asked.items())
    assert set(orphans) <= set(true_orphans)
    saved, lost = by_table(repaired)["answers"]
    assert saved == len(answers)
    assert lost <= ROWS - len(answers)
    return answers


NAMES = ["answers", "answers_by_key", "submissions", "asked", "asked_by_key", "dictionaries", "orphans"]


# Bytes that change within a row go unnoticed where nothing is known to compare them with.
CHANGES = [(name, zero) for name in NAMES] + [
    (name, flip) for name in NAMES if name not in ("submissions", "orphans")
]


@pytest.mark.parametrize(("name", "change"), CHANGES)
def test_whatever_tree_loses_its_root_nearly_all_rows_are_saved(path, whole, name, change):
    (root,) = pages_of(path, name)
    overwrite(path, root, change)
    answers = check_saved(path, whole, repaired := repair(path))
    # Only a line whose dictionary is gone cannot be read.
    assert len(answers) >= (ROWS - 300 if name == "dictionaries" else ROWS)
    if name in ("asked", "asked_by_key") and change is zero:
        assert content(path)[1] == content(whole)[1]
    assert repaired.problems
    assert repair(path) is None


@pytest.mark.parametrize("change", [zero, flip])
def test_without_the_first_page_and_its_schema_the_rows_are_saved(path, whole, change):
    overwrite(path, 1, change)
    with pytest.raises(LedgerError, match="goldpan ledger repair"):
        Ledger(path)
    assert len(check_saved(path, whole, repair(path))) == ROWS
    assert content(path)[:2] == content(whole)[:2]


def test_each_page_in_turn_costs_no_more_than_what_it_holds(whole, tmp_path):
    count = whole.stat().st_size // PAGE_BYTES
    lost = []
    for page in range(2, count + 1, 5):
        path = tmp_path / str(page) / "ledger.sqlite"
        path.parent.mkdir()
        shutil.copy(whole, path)
        overwrite(path, page, zero)
        if (repaired := repair(path)) is not None:
            lost.append(ROWS - len(check_saved(path, whole, repaired)))
    assert len(lost) > count // 10
    assert max(lost) < 40


def test_a_ledger_that_was_cut_keeps_what_is_before_the_cut(path, whole):
    size = path.stat().st_size
    os.truncate(path, size // 2 + 100)
    answers = check_saved(path, whole, repaired := repair(path))
    assert 0 < len(answers) < ROWS
    assert by_table(repaired)["answers"][1] > 0


def test_rows_that_are_in_the_log_only_are_saved_too(tmp_path):
    path = tmp_path / "live" / "ledger.sqlite"
    damaged = tmp_path / "damaged" / "ledger.sqlite"
    damaged.parent.mkdir()
    with Ledger(path) as ledger:
        fill(ledger)
        # As a killed process leaves them.
        for suffix in ("", "-wal"):
            shutil.copy(f"{path}{suffix}", f"{damaged}{suffix}")
        true_answers = dict(ledger.all_answers())
    assert Path(f"{damaged}-wal").stat().st_size > 300_000
    overwrite(damaged, 1, zero)
    repaired = repair(damaged)
    if repaired is not None:
        assert Path(f"{repaired.kept}-wal").exists()
    with Ledger(damaged) as ledger:
        assert dict(ledger.all_answers()) == true_answers


def test_a_line_that_was_changed_is_noticed_and_not_saved(path, whole):
    """SQLite takes the row for whole: only the checksum in its frame knows better."""
    with Ledger(path) as ledger:
        packed = ledger.db.execute("SELECT line FROM answers WHERE key = ?", (key(5),)).fetchone()[0]
        ledger.db.execute(
            "UPDATE answers SET line = ? WHERE key = ?", (packed[:-1] + bytes([packed[-1] ^ 1]), key(5))
        )
        with pytest.raises(LedgerError, match="the ledger is damaged: a provider's line cannot be read"):
            ledger.answers([key(5)])
    answers = check_saved(path, whole, repaired := repair(path))
    assert key(5) not in answers
    assert by_table(repaired)["answers"] == (ROWS - 1, 1)


@pytest.mark.parametrize("rubbish", ["'in_progress' || char(0)", "x'0000'"])
def test_a_submission_of_rubbish_is_noticed_and_not_saved(path, rubbish):
    """SQLite takes zeros, and any kind of value, for the text of a column."""
    with Ledger(path) as ledger:
        ledger.db.execute(f"UPDATE submissions SET study = {rubbish} WHERE id = 1")
        with pytest.raises(LedgerError, match="the row of submission 1 holds what nobody writes"):
            ledger.submissions()
    assert by_table(repair(path))["submissions"][1] == 1
    with Ledger(path) as ledger:
        assert ledger.submission(1).study == "?"


def test_a_whole_ledger_is_left_as_it_is(path):
    before = path.read_bytes()
    assert repair(path) is None
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir() if "damaged" in file.name] == []


def test_a_repair_that_was_stopped_between_its_steps_is_finished_by_the_next(path, whole):
    overwrite(path, pages_of(path, "answers")[0], zero)
    kept = path.with_name("ledger.sqlite.damaged-20260101-000000")
    os.link(path, kept)
    # The log had its second name already.
    repaired = repair(path)
    assert repaired.kept == kept
    assert len(check_saved(path, whole, repaired)) == ROWS


def test_nobody_repairs_under_a_run(path):
    overwrite(path, pages_of(path, "answers")[0], zero)
    lock = run_lock(path.parent)
    lock.acquire()
    with pytest.raises(LedgerError, match="a run uses this ledger"):
        repair(path)
    lock.release()
    with alone_with(path), pytest.raises(LedgerError, match="works on the ledger itself"):
        lock.acquire()


def test_a_ledger_of_an_earlier_format_is_repaired(path, whole):
    from tests.unit.test_ledger_formats import to_format_2

    to_format_2(path)
    overwrite(path, pages_of(path, "answers")[0], zero)
    repair(path)
    with Ledger(path) as ledger:
        assert ledger.counts() == {"ok": ROWS}
        assert [given.prompt_tokens for given in ledger.submissions()] == [3000, 1000, 0]


def test_of_a_damaged_ledger_of_format_3_it_is_known_what_cost_nothing(path, whole):
    from tests.unit.test_ledger_formats import to_format_3

    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE submissions SET service = 'local .goldpan/local' WHERE id = 1")
    to_format_3(path)
    overwrite(path, pages_of(path, "answers")[0], zero)
    repair(path)
    with Ledger(path) as ledger:
        assert [submission.is_free for submission in ledger.submissions()] == [True, False, False]


def test_pages_are_read_as_sqlite_reads_them(whole):
    with contextlib.closing(sqlite3.connect(whole)) as db:
        rows = {row[0]: list(row[1:]) for row in db.execute("SELECT rowid, * FROM answers")}
    columns = len(rows[1])
    stored = {rowid: row for rowid, row in stored_rows(whole, PAGE_BYTES) if rowid and len(row) == columns}
    assert stored == rows


# Backups


def test_a_backup_is_the_ledger_as_it_was_and_is_never_written_over(path, tmp_path):
    copy = tmp_path / "far" / "copy.sqlite"
    with Ledger(path) as ledger:
        back_up(ledger, copy)
        before = content(path)
        intend(ledger, "later", range(2000, 2003))
        with pytest.raises(LedgerError, match="exists already, and is not written over"):
            back_up(ledger, copy)
    assert [file.name for file in copy.parent.iterdir()] == ["copy.sqlite"]
    with contextlib.closing(sqlite3.connect(f"file:{copy}?mode=ro&immutable=1", uri=True)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert content(copy) == before


def test_a_backup_under_a_transaction_holds_none_of_it(path, tmp_path):
    with Ledger(path) as writing, Ledger(path) as ledger, writing.transaction():
        writing.db.execute("DELETE FROM answers")
        back_up(ledger, tmp_path / "copy.sqlite")
    with Ledger(tmp_path / "copy.sqlite") as copy:
        assert copy.counts() == {"ok": ROWS}


def test_a_damaged_ledger_is_not_passed_on_as_a_backup(path, tmp_path):
    overwrite(path, pages_of(path, "answers_by_key")[0], flip)
    with Ledger(path) as ledger, pytest.raises(LedgerError, match="damaged") as caught:
        back_up(ledger, tmp_path / "copy.sqlite")
    assert "goldpan ledger repair" in str(caught.value)
    assert not (tmp_path / "copy.sqlite").exists()


@pytest.mark.parametrize("table", ["answers_by_key", "answers"])
def test_answers_of_a_damaged_ledger_of_format_5_were_made_at_the_tier_that_they_name(tmp_path, table):
    """Whether SQLite still finds the rows, or only their pages are read."""
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        outcomes = (
            Outcome(key(n), "ok", None, False, line(n), 10, 2, 4, tier="flex" if n % 2 else "")
            for n in range(ROWS)
        )
        ledger.settle(intend(ledger, "a", range(ROWS)).id, outcomes, status="completed", note=lambda: "{}")
        whole = dict(ledger.all_answers())
    to_format_5(path)
    (root,) = pages_of(path, table)
    overwrite(path, root, zero)
    repair(path)
    with Ledger(path) as ledger:
        saved = dict(ledger.all_answers())
    assert len(saved) > ROWS / 2 and all(saved[one] == whole[one] for one in saved)
    assert {answer.flex_prompt_tokens for answer in saved.values()} == {0, 10}
