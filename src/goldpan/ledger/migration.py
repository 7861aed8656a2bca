"""What ledgers of formats 1 to 5 lack, in the transaction that opens them."""

from __future__ import annotations

import sqlite3

from goldpan.ledger.rows import FLEX_SUMS, SUMS, UNPAID_STATES
from goldpan.study.stage import FLEX

_COUNT = "INTEGER NOT NULL DEFAULT 0"
_SHARES = dict.fromkeys(("cached_tokens", "cache_write_tokens", "reasoning_tokens", "paid"), _COUNT)
COLUMNS_OF_FORMAT_3 = {
    "submissions": {
        "service": "TEXT NOT NULL DEFAULT ''",
        "endpoint": "TEXT NOT NULL DEFAULT '/v1/chat/completions'",
        "sent_at": "REAL",
        "server_at": "REAL",
        "paid_calls": _COUNT,
        "prompt_tokens": _COUNT,
        "completion_tokens": _COUNT,
        **_SHARES,
        "completion_squares": "REAL NOT NULL DEFAULT 0",
        "estimated_usd": "REAL",
    },
    "answers": _SHARES,
}
COLUMNS_OF_FORMAT_4 = {"asked": {"sent_at": "REAL", "taken": _COUNT}, "submissions": {"free": _COUNT}}
_TIER = "TEXT NOT NULL DEFAULT ''"
COLUMNS_OF_FORMAT_5 = {
    "submissions": {"tier": _TIER, **dict.fromkeys(FLEX_SUMS, _COUNT)},
    "answers": {"tier": _TIER},
}
COLUMNS_OF_FORMAT_6 = {
    "answers": dict.fromkeys(FLEX_SUMS, _COUNT),
    "submissions": {"lost_calls": _COUNT},
}


def add_columns(db: sqlite3.Connection, version: int) -> None:
    """Give a ledger of an earlier format the columns that came later; its lacking tables the statements of
    the schema add."""
    if version < 3:
        _add(db, COLUMNS_OF_FORMAT_3)
        _fill_format_3(db)
    if version < 4:
        _add(db, COLUMNS_OF_FORMAT_4)
        mark_free(db)
    if version < 5:
        _add(db, COLUMNS_OF_FORMAT_5)
    _add(db, COLUMNS_OF_FORMAT_6)
    _fill_format_6(db)


def _fill_format_6(db: sqlite3.Connection) -> None:
    # Format 5 knew of an answer only at which tier its last attempt was made.
    sums = ", ".join(f"{name} = {name.removeprefix('flex_')}" for name in FLEX_SUMS)
    db.execute(f"UPDATE answers SET {sums} WHERE tier = ?", (FLEX,))
    if "flex_paid" in _columns(db, "submissions"):
        db.execute("ALTER TABLE submissions DROP COLUMN flex_paid")


def _columns(db: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in db.execute(f"PRAGMA table_info({table})")}


def _add(db: sqlite3.Connection, tables: dict[str, dict[str, str]]) -> None:
    for table, columns in tables.items():
        present = _columns(db, table)
        for name, declaration in columns.items():
            if name not in present:
                db.execute(f"ALTER TABLE {table} ADD COLUMN {name} {declaration}")


def _fill_format_3(db: sqlite3.Connection) -> None:
    marks = ", ".join(f"'{state}'" for state in sorted(UNPAID_STATES))
    db.execute(f"UPDATE answers SET paid = max(0, attempts - (state IN ({marks}))) WHERE paid = 0")
    # The paid call itself was not noted then: after an upload it may have been sent.
    db.execute(
        "UPDATE submissions SET sent_at = intent_at, paid_calls = 1"
        " WHERE state = 'intent' AND file_id IS NOT NULL"
    )
    sum_tokens(db)


def mark_free(db: sqlite3.Connection) -> None:
    """Write down what `was_free` says of submissions, which ledgers before format 4 did not."""
    db.execute("UPDATE submissions SET free = 1 WHERE (service || ' ') LIKE 'local %'")


def sum_tokens(db: sqlite3.Connection, condition: str = "1") -> None:
    """Give submissions that were settled before format 3 the tokens of the answers that came of them.

    Later ones say themselves what they have cost, be it nothing: an answer's tokens are of all attempts.
    """
    names = ", ".join(SUMS)
    marks = ", ".join("?" * (len(SUMS) + 1))
    totals = ", ".join(f"sum({name})" for name in SUMS)
    squares = "sum(completion_tokens * completion_tokens / max(1, attempts))"
    rows = db.execute(f"SELECT {totals}, {squares}, submission FROM answers GROUP BY submission").fetchall()
    db.executemany(
        f"UPDATE submissions SET ({names}, completion_squares) = ({marks})"
        f" WHERE id = ? AND paid = 0 AND prompt_tokens = 0 AND completion_tokens = 0 AND {condition}",
        rows,
    )
