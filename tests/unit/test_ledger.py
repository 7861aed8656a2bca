"""The ledger remembers what was paid, whatever happens around it."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from goldpan.errors import LedgerError
from goldpan.ledger import Asked, Ledger, Outcome, RunLock
from goldpan.ledger.exchange import export_ledger, import_ledger
from goldpan.ledger.lock import ShardLock, alone_with


def key(number: int) -> bytes:
    return number.to_bytes(32, "big")


def intend(ledger: Ledger, shard: str = "shard", rows: int = 2):
    asked = [Asked(f"req__{number}", key(number), "task") for number in range(rows)]
    return ledger.record_intent(
        asked, shard=shard, provider="local", study="s", stage="t", round=1, task="task",
        task_hash="hash", model="m", requests=rows, bytes=100,
    )  # fmt: skip


def outcome(number: int, state: str = "ok", *, retryable: bool = False, line: bytes = b"{}") -> Outcome:
    return Outcome(key(number), state, None, retryable, line, prompt_tokens=10, completion_tokens=2)


def settle(ledger: Ledger, submission, outcomes) -> bool:
    return ledger.settle(submission.id, outcomes, status="completed", note=lambda: "note")


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as opened:
        yield opened


def test_an_intent_is_found_again_with_the_requests_it_carries(ledger):
    submission = intend(ledger)
    with Ledger(ledger.path) as other:
        assert other.open_submission("shard") == submission
        assert other.asked_by(submission.id) == {"req__0": (key(0), "task"), "req__1": (key(1), "task")}


def test_a_shard_has_at_most_one_open_submission(ledger):
    intend(ledger)
    with pytest.raises(LedgerError, match="cannot be submitted"):
        intend(ledger)


def test_a_void_submission_makes_room_for_another(ledger):
    first = intend(ledger)
    ledger.void(first.id, "refused")
    second = intend(ledger)
    assert second.nonce != first.nonce
    assert ledger.asked_by(first.id) == {}


def test_requests_under_way_are_known_by_key(ledger):
    intend(ledger, rows=2)
    assert ledger.under_way([key(0), key(7)]) == {key(0): "shard"}


def test_settling_twice_changes_nothing_the_second_time(ledger):
    submission = intend(ledger)
    assert settle(ledger, submission, [outcome(0, "invalid", retryable=True)])
    assert not settle(ledger, submission, [outcome(0, "ok")])
    answer = ledger.answers([key(0)])[key(0)]
    assert (answer.state, answer.attempts) == ("invalid", 1)


def test_parts_of_a_submission_are_taken_as_they_come_each_request_once(ledger):
    submission = intend(ledger, rows=3)
    assert ledger.take(submission.id, [outcome(1), outcome(1, "invalid")]) == 1
    assert ledger.take(submission.id, [outcome(1), outcome(0), outcome(9)]) == 1
    assert ledger.under_way([key(number) for number in range(3)]) == {key(2): "shard"}
    so_far = ledger.submission(submission.id)
    assert (so_far.is_open, so_far.paid, so_far.prompt_tokens, so_far.completion_squares) == (
        True,
        2,
        20,
        8.0,
    )
    assert [row.paid for row in ledger.spent("s", "t")] == [2]
    late = [outcome(0, "failed"), outcome(1, "failed"), outcome(2, "refused")]
    assert settle(ledger, submission, late)
    assert ledger.take(submission.id, [outcome(2)]) == 0
    whole = ledger.submission(submission.id)
    assert (whole.state, whole.paid, whole.prompt_tokens, whole.note) == ("settled", 3, 30, "note")
    answers = ledger.outcomes([key(number) for number in range(3)])
    assert [(a.state, a.attempts) for a in answers.values()] == [("ok", 1), ("ok", 1), ("refused", 1)]


def test_a_request_taken_with_a_failure_may_be_asked_by_another_before_its_submission_is_closed(ledger):
    submission = intend(ledger, "a", rows=2)
    ledger.take(submission.id, [outcome(0, "failed", retryable=True)])
    other = intend(ledger, "b", rows=2)
    assert list(ledger.asked_by(other.id)) == ["req__0"]
    settle(ledger, other, [outcome(0)])
    settle(ledger, submission, [outcome(0, "failed", retryable=True), outcome(1)])
    answer = ledger.outcomes([key(0)])[key(0)]
    assert (answer.state, answer.attempts, answer.submission) == ("ok", 2, other.id)


def test_calls_for_single_requests_are_marked_until_their_outcome_is_known(ledger):
    submission = intend(ledger, rows=3)
    assert ledger.sent(submission.id) == {}
    ledger.record_sent(submission.id, ["req__0", "req__2"])
    with Ledger(ledger.path) as after_a_kill:
        assert set(after_a_kill.sent(submission.id)) == {"req__0", "req__2"}
    ledger.take(submission.id, [outcome(2)])
    assert set(ledger.sent(submission.id)) == {"req__0"}


def test_a_final_answer_is_never_replaced(ledger):
    settle(ledger, intend(ledger, "a"), [outcome(0, "ok", line=b"first")])
    settle(ledger, intend(ledger, "b"), [outcome(0, "failed", line=b"second")])
    answer = ledger.answers([key(0)])[key(0)]
    assert (answer.state, answer.line) == ("ok", b"first")


def test_attempts_and_tokens_add_up_over_rounds(ledger):
    settle(ledger, intend(ledger, "a"), [outcome(0, "invalid", retryable=True)])
    settle(ledger, intend(ledger, "b"), [outcome(0, "ok")])
    answer = ledger.outcomes([key(0)])[key(0)]
    assert (answer.state, answer.attempts, answer.prompt_tokens, answer.completion_tokens) == ("ok", 2, 20, 4)


def test_a_failed_settlement_leaves_the_submission_open(ledger):
    submission = intend(ledger)

    def broken():
        yield outcome(0)
        raise OSError("the raw file is gone")

    with pytest.raises(OSError):
        settle(ledger, submission, broken())
    assert ledger.open_submission("shard") is not None
    assert ledger.outcomes([key(0)]) == {}


def test_forgiven_requests_may_be_asked_again_and_answers_stay(ledger):
    settle(ledger, intend(ledger), [outcome(0, "ok"), outcome(1, "refused")])
    assert ledger.forgive([key(0), key(1)]) == 1
    found = ledger.outcomes([key(0), key(1)])
    assert not found[key(0)].may_be_asked(1)
    assert found[key(1)].may_be_asked(1)


def test_an_exported_ledger_gives_the_same_answers_elsewhere(ledger, tmp_path):
    line = '{"text":"a\u2028b"}'.encode()
    settle(ledger, intend(ledger), [outcome(0, line=line), outcome(1, "refused")])
    file = tmp_path / "published.jsonl.zst"
    assert export_ledger(ledger, file) == (2, 0)
    with Ledger(tmp_path / "other" / "ledger.sqlite") as other:
        assert import_ledger(other, file) == 2
        assert import_ledger(other, file) == 0
        assert other.answers([key(0)])[key(0)].line == line
        assert other.outcomes([key(1)])[key(1)].state == "refused"


def test_an_import_keeps_a_better_answer_that_is_here(ledger, tmp_path):
    settle(ledger, intend(ledger), [outcome(0, "invalid", retryable=True)])
    export_ledger(ledger, tmp_path / "worse.zst")
    with Ledger(tmp_path / "other" / "ledger.sqlite") as other:
        settle(other, intend(other), [outcome(0, "ok")])
        import_ledger(other, tmp_path / "worse.zst")
        assert other.outcomes([key(0)])[key(0)].state == "ok"


def test_a_file_that_is_no_export_is_refused_by_name(ledger, tmp_path):
    (tmp_path / "other.jsonl").write_text('{"rows": 1}\n')
    with pytest.raises(LedgerError, match=r"other\.jsonl: is not a ledger export"):
        import_ledger(ledger, tmp_path / "other.jsonl")


def test_a_damaged_export_adds_nothing(ledger, tmp_path):
    settle(ledger, intend(ledger), [outcome(0), outcome(1)])
    export_ledger(ledger, tmp_path / "good.zst")
    data = subprocess.run(
        [sys.executable, "-c", "import sys,zstandard;sys.stdout.buffer.write("
         "zstandard.ZstdDecompressor().stream_reader(open(sys.argv[1],'rb')).read())", tmp_path / "good.zst"],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    (tmp_path / "bad.jsonl").write_bytes(data[:-30] + b"\n")
    with Ledger(tmp_path / "other" / "ledger.sqlite") as other:
        with pytest.raises(LedgerError, match="line 4"):
            import_ledger(other, tmp_path / "bad.jsonl")
        assert other.counts() == {}


def test_a_file_that_is_no_database_is_refused_by_name(tmp_path):
    (tmp_path / "ledger.sqlite").write_text("not a database, but long enough to be taken for one\n" * 40)
    with pytest.raises(LedgerError, match=r"ledger\.sqlite: cannot be used as a ledger"):
        Ledger(tmp_path / "ledger.sqlite")


def test_a_database_of_something_else_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "ledger.sqlite") as other:
        other.execute("CREATE TABLE customers (id INTEGER)")
    other.close()
    with pytest.raises(LedgerError, match="something else"):
        Ledger(tmp_path / "ledger.sqlite")


def test_a_ledger_of_a_newer_version_is_refused(ledger):
    ledger.db.execute("PRAGMA user_version = 99")
    with pytest.raises(LedgerError, match="newer goldpan"):
        Ledger(ledger.path)


def run_lock(folder: Path, study: str = "s") -> RunLock:
    return RunLock(folder / "ledger.sqlite", folder / "results" / study)


def test_a_second_run_of_a_study_is_refused_and_told_who_holds_the_lock(tmp_path):
    lock = run_lock(tmp_path)
    lock.acquire()
    with pytest.raises(LedgerError, match=r"another run works on .*results/s \(process \d+\)"):
        run_lock(tmp_path).acquire()
    lock.release()
    run_lock(tmp_path).acquire()


def test_studies_of_one_ledger_run_side_by_side_and_nobody_replaces_it_meanwhile(tmp_path):
    first, second = run_lock(tmp_path, "first"), run_lock(tmp_path, "second")
    first.acquire()
    second.acquire()
    first.release()
    with pytest.raises(LedgerError, match="a run uses this ledger"), alone_with(tmp_path / "ledger.sqlite"):
        pass
    second.release()
    with (
        alone_with(tmp_path / "ledger.sqlite"),
        pytest.raises(LedgerError, match=r"works on the ledger itself.*\(process \d+\)"),
    ):
        first.acquire()
    first.acquire()


def test_a_killed_run_leaves_no_lock(tmp_path):
    code = (
        "import os,signal,sys;from pathlib import Path;from tests.unit.test_ledger import run_lock;"
        "run_lock(Path(sys.argv[1])).acquire();os.kill(os.getpid(),signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path], check=False)
    assert run_lock(tmp_path).path.exists()
    run_lock(tmp_path).acquire()


def test_who_waits_too_long_for_a_shard_is_told_who_submits_it(tmp_path):
    path, passed = tmp_path / "ledger.sqlite", []
    with ShardLock(path, "abc"):
        with pytest.raises(LedgerError, match=r"submitting this shard for too long \(process \d+\)"):
            ShardLock(path, "abc", patience=60, sleep=passed.append).__enter__()
        with ShardLock(path, "another"):
            pass
    assert 60 <= sum(passed) < 62
    with ShardLock(path, "abc"):
        pass


def test_what_another_run_has_settled_meanwhile_is_neither_opened_nor_voided(ledger):
    submission = intend(ledger)
    ledger.record_batch(submission.id, "batch_1", 5, "in_progress")
    settle(ledger, submission, [outcome(0), outcome(1)])
    settled = ledger.submission(submission.id)
    ledger.record_status(submission.id, "in_progress", 0, 0)
    ledger.record_batch(submission.id, "batch_2", 6, "validating")
    ledger.void(submission.id, "no room")
    assert ledger.submission(submission.id) == settled
