"""Ledgers of formats 1 to 5 get what format 6 has more, and lose nothing."""

import contextlib
import os
import sqlite3
import subprocess
import sys

import pytest

from goldpan.errors import LedgerError
from goldpan.ledger import Ledger, Orphan, Outcome, Spent
from goldpan.ledger.database import SCHEMA_VERSION
from goldpan.ledger.migration import (
    COLUMNS_OF_FORMAT_3,
    COLUMNS_OF_FORMAT_4,
    COLUMNS_OF_FORMAT_5,
    COLUMNS_OF_FORMAT_6,
)
from tests.projects import until
from tests.unit.test_ledger import intend, settle

UNPAID = ("failed", "expired", "missing")


def outcome(number: int, **tokens: int) -> Outcome:
    return Outcome(bytes([number]) * 32, "ok", None, False, b"{}", **tokens)


def to_format(version, path, tables) -> None:
    """Take away from a ledger the columns that came later."""
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        for table, columns in tables.items():
            for column in columns:
                database.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        database.execute(f"PRAGMA user_version = {version}")


def to_format_5(path) -> None:
    to_format(5, path, COLUMNS_OF_FORMAT_6)
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("ALTER TABLE submissions ADD COLUMN flex_paid INTEGER NOT NULL DEFAULT 0")


def to_format_4(path) -> None:
    to_format(5, path, COLUMNS_OF_FORMAT_6)
    to_format(4, path, COLUMNS_OF_FORMAT_5)


def to_format_3(path) -> None:
    to_format_4(path)
    to_format(3, path, COLUMNS_OF_FORMAT_4)


def to_format_2(path) -> None:
    to_format_3(path)
    to_format(2, path, COLUMNS_OF_FORMAT_3)
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("DROP TABLE orphans")


@pytest.mark.parametrize("to_earlier", [to_format_2, to_format_3, to_format_4, to_format_5])
def test_a_process_that_is_killed_while_it_migrates_leaves_the_next_one_to_do_it(to_earlier, tmp_path):
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        settle(ledger, intend(ledger, shard="first", rows=1), [outcome(1, prompt_tokens=10)])
        open_one = intend(ledger, shard="second", rows=2)
        before = ledger.submissions(), dict(ledger.all_answers()), ledger.asked_by(open_one.id)
    to_earlier(path)
    marker = tmp_path / "reached"
    code = "import sys, pathlib; from goldpan.ledger import Ledger; Ledger(pathlib.Path(sys.argv[1]))"
    stopped = {**os.environ, "GOLDPAN_STOP_AT": "migrating", "GOLDPAN_STOP_FILE": str(marker)}
    with subprocess.Popen([sys.executable, "-c", code, path], env=stopped) as process:
        until(lambda: marker.exists() and bool(marker.read_text()))
        process.kill()
    with Ledger(path) as ledger:
        assert (ledger.submissions(), dict(ledger.all_answers()), ledger.asked_by(open_one.id)) == before
        assert ledger.take(open_one.id, [outcome(2)]) == 0, "it does not carry this request"
        ledger.record_sent(open_one.id, ["req__1"])
        assert list(ledger.sent(open_one.id)) == ["req__1"]


def test_a_ledger_of_format_2_is_read_and_knows_what_was_spent(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        number = intend(ledger, shard="first", rows=2)
        settle(
            ledger, number, [outcome(1, prompt_tokens=10, completion_tokens=3), outcome(2, prompt_tokens=7)]
        )
        before = ledger.submissions()[0]
        answers = dict(ledger.all_answers())
    to_format_2(path)

    with Ledger(path) as ledger:
        assert ledger.submissions() == [before]
        assert dict(ledger.all_answers()) == answers
        assert ledger.spent(before.study, before.stage) == [Spent(before.model, 17, 3, 0, 0, 0, 2, 9)]
        assert ledger.orphans() == []
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)


def test_answers_of_a_ledger_of_format_5_were_made_at_the_tier_that_they_name(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        at_flex = Outcome(bytes([1]) * 32, "ok", None, False, b"{}", 100, 10, 40, 5, 3, tier="flex")
        settle(ledger, intend(ledger, shard="a", rows=2), [at_flex, outcome(2, prompt_tokens=7)])
        before = ledger.submissions(), dict(ledger.all_answers())
    to_format_5(path)
    with Ledger(path) as ledger:
        assert (ledger.submissions(), dict(ledger.all_answers())) == before
        first, second = ledger.answers([bytes([1]) * 32, bytes([2]) * 32]).values()
        assert (first.flex_prompt_tokens, first.flex_cached_tokens, second.flex_prompt_tokens) == (100, 40, 0)


def test_an_upload_of_a_ledger_of_format_2_may_have_been_followed_by_a_paid_call(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        uploaded, written = intend(ledger, shard="uploaded"), intend(ledger, shard="written")
        ledger.record_upload(uploaded.id, "file-1")
    to_format_2(path)
    with Ledger(path) as ledger:
        in_doubt = ledger.submission(uploaded.id)
        assert (in_doubt.sent_at, in_doubt.server_at, in_doubt.paid_calls) == (uploaded.intent_at, None, 1)
        assert ledger.submission(written.id).sent_at is None


def test_a_migration_that_is_cut_short_leaves_the_ledger_as_it_was(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        settle(ledger, intend(ledger, shard="first", rows=1), [outcome(1, prompt_tokens=10)])
    to_format_2(path)
    # The columns are added before the sums are written.
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "CREATE TRIGGER stop BEFORE UPDATE ON submissions BEGIN SELECT RAISE(ABORT, 'x'); END"
        )
        shape = database.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
    with pytest.raises(LedgerError, match="contradicts itself"):
        Ledger(path)
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        assert database.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall() == shape
        database.execute("DROP TRIGGER stop")
    with Ledger(path) as ledger:
        assert ledger.submissions()[0].prompt_tokens == 10


def test_what_is_spent_adds_up_over_attempts_and_stages_apart(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        first = intend(ledger, shard="a", rows=1)
        bad = Outcome(b"k" * 32, "invalid", "no", True, b"{}", 10, 5, 4, 2, 1)
        settle(ledger, first, [bad])
        settle(
            ledger,
            intend(ledger, shard="b", rows=1),
            [Outcome(b"k" * 32, "ok", None, False, b"{}", 10, 6, 8)],
        )
        submission = ledger.submissions()[0]
        total = Spent(submission.model, 20, 11, 12, 2, 1, 2, 61)
        assert ledger.spent(submission.study, submission.stage) == [total]
        assert ledger.spent(submission.study, "another") == []
        answer = ledger.outcomes([b"k" * 32])[b"k" * 32]
        assert (answer.prompt_tokens, answer.cached_tokens, answer.reasoning_tokens) == (20, 12, 1)


def test_what_was_not_answered_was_not_paid(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        lost = [Outcome(bytes([at]) * 32, state, "x", True, None) for at, state in enumerate(UNPAID)]
        settle(ledger, intend(ledger, shard="a", rows=3), lost)
        submission = ledger.submissions()[0]
        assert ledger.spent(submission.study, submission.stage) == [Spent("m", 0, 0, 0, 0, 0, 0, 0)]
        settle(
            ledger, intend(ledger, shard="b", rows=1), [Outcome(bytes(32), "ok", None, False, b"{}", 5, 1)]
        )
        answer = ledger.outcomes([bytes(32)])[bytes(32)]
        assert (answer.attempts, answer.paid) == (2, 1)


def test_a_paid_call_is_known_from_before_it_is_sent_until_it_is_refused(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        number = intend(ledger, shard="a", rows=1).id
        assert ledger.submission(number).sent_at is None
        ledger.record_paid_call(number, 1_700_000_000.0)
        sent = ledger.submission(number)
        assert sent.sent_at is not None and (sent.server_at, sent.paid_calls) == (1_700_000_000.0, 1)
        ledger.record_no_payment(number)
        refused = ledger.submission(number)
        assert (refused.sent_at, refused.server_at, refused.paid_calls) == (None, None, 0)


def test_orphans_are_kept_once_each(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        number = intend(ledger, shard="a", rows=1).id
        ledger.record_orphan(Orphan("batch_1", number, "in_progress", 1, 5, 1.0))
        ledger.record_orphan(Orphan("batch_1", number, "completed", 1, 5, 9.0))
        assert ledger.orphans() == [Orphan("batch_1", number, "completed", 1, 5, 1.0)]
