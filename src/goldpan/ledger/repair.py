"""Saving what can be read of a damaged ledger, row by row, into a new one."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from goldpan.errors import LedgerError
from goldpan.files import put_in_place
from goldpan.ledger.backup import problems_of
from goldpan.ledger.database import PAGE_BYTES
from goldpan.ledger.lock import alone_with
from goldpan.ledger.migration import mark_free, sum_tokens
from goldpan.ledger.pages import Row, stored_rows
from goldpan.ledger.rows import FLEX_SUMS, Asked, Submission, is_sound
from goldpan.ledger.store import Ledger
from goldpan.ledger.submissions import REQUESTS_LOST
from goldpan.study.provider import IMPORTED
from goldpan.study.stage import FLEX

# Dictionaries first, for they are needed to read the lines of answers.
_TABLES = ("dictionaries", "submissions", "asked", "answers", "orphans")
_ORDER = {"asked": "submission {0}, custom_id {0}"}
_STATES = ("intent", "created", "settled", "void")


@dataclass(frozen=True)
class Salvage:
    """What became of one table: rows saved, and how many are known to be lost (None where nobody can say)."""

    table: str
    saved: int
    lost: int | None


@dataclass(frozen=True)
class Repaired:
    """What a repair has come to; `kept` is where the damaged file lies now."""

    problems: list[str]
    kept: Path
    tables: list[Salvage]


def repair(path: Path) -> Repaired | None:
    """Put a new ledger with all that can be read of a damaged one in its place.

    The damaged file is kept under another name, with the log beside it. Killed at any step, the same call
    goes on: the ledger's place holds either the damaged file or the whole new one.

    Returns:
        None when the ledger is whole, which is then left as it is.

    Raises:
        LedgerError: there is none, or a run uses it.
    """
    if not path.exists():
        raise LedgerError("there is no ledger here", where=str(path), remedy="put a backup back")
    with alone_with(path):
        kept = _kept_before(path)
        source = kept or path
        problems = problems_of(source)
        if not problems and kept is None:
            return None
        for stale in path.parent.glob(f".{path.name}.*.part*"):
            # Of a repair that was killed.
            stale.unlink()
        new = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with Ledger(new) as ledger:
                tables = _Salvager(ledger, source).run()
            if left := problems_of(new):
                raise LedgerError(f"the repaired ledger is not whole: {left[0]}", where=str(new))
            kept = kept or _keep(path)
            put_in_place(new, path)
        finally:
            for suffix in ("", "-wal", "-shm"):
                new.with_name(new.name + suffix).unlink(missing_ok=True)
    return Repaired(problems, kept, tables)


def _kept_before(path: Path) -> Path | None:
    """The second name of the damaged file, where an earlier repair was stopped half way."""
    for other in sorted(path.parent.glob(f"{path.name}.damaged-*")):
        if other.suffix not in ("-wal", "-shm") and other.samefile(path):
            return other
    return None


def _keep(path: Path) -> Path:
    """Give the damaged file and its log a second name. What is left in its place has no log."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    kept = path.with_name(f"{path.name}.damaged-{stamp}")
    try:
        os.link(path, kept)
    except FileExistsError:
        raise LedgerError("exists already", where=str(kept), remedy="run again in a second") from None
    except OSError:
        shutil.copyfile(path, kept)
    # A log that lay beside the new file would be taken for its own.
    with contextlib.suppress(FileNotFoundError):
        path.with_name(path.name + "-wal").replace(kept.with_name(kept.name + "-wal"))
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    return kept


class _Salvager:
    """Copies rows from a damaged ledger into a new one: those that SQLite finds, then what else is there."""

    def __init__(self, ledger: Ledger, source: Path):
        self._ledger, self._db, self._source = ledger, ledger.db, source
        self._columns = {
            name: [row[1:5] for row in self._db.execute(f"PRAGMA table_info({name})")] for name in _TABLES
        }
        self._last = dict.fromkeys(_TABLES, 0)
        self._broken: set[str] = set()
        self._answers_lost = 0

    def run(self) -> list[Salvage]:
        """Fill the new ledger, in one transaction."""
        with self._ledger.transaction():
            for table in _TABLES:
                for row in self._found_by_sqlite(table):
                    self._take(table, *row)
            # Answers last: a line cannot be read before its dictionary is there.
            for wanted in (("dictionaries", "submissions", "orphans"), ("asked", "answers")):
                for rowid, values in self._stored():
                    kind = self._table_of(rowid, values)
                    if kind in wanted and kind in self._broken:
                        self._take(kind, rowid, values)
            self._compare_with_indexes()
            self._stand_in_for_lost_submissions()
            self._db.execute(
                "DELETE FROM asked WHERE submission NOT IN"
                " (SELECT id FROM submissions WHERE state IN ('intent', 'created'))"
            )
            self._db.execute(
                "UPDATE submissions SET note = ? WHERE state IN ('intent', 'created')"
                " AND requests > (SELECT count(*) FROM asked WHERE submission = submissions.id)",
                (REQUESTS_LOST,),
            )
            mark_free(self._db)
            # Only format 3 counts the paid calls. What was imported was paid for elsewhere.
            sum_tokens(
                self._db,
                f"(paid_calls = 0 OR nonce LIKE 'lost-%') AND NOT coalesce(batch_id GLOB '{IMPORTED}*', 0)",
            )
            return [Salvage(table, self._count(table), self._lost(table)) for table in _TABLES]

    def _stored(self) -> Iterator[Row]:
        return stored_rows(self._source, PAGE_BYTES)

    def _compare_with_indexes(self) -> None:
        """Let the indexes say which requests are under way, and how many answers are lost.

        Their entries lie on other pages than the rows. An entry without a row stands for one that is lost;
        where the two contradict each other one was changed, nobody knows which, and neither is taken.
        """
        entries: dict[int, set[tuple[bytes, str]]] = {}
        saved = "SELECT 1 FROM answers WHERE key = ? OR rowid = ?"
        for rowid, values in self._stored():
            match rowid, values:
                case None, [bytes(key), int(number)] if len(key) == 32:
                    self._answers_lost += self._db.execute(saved, (key, number)).fetchone() is None
                case None, [bytes(key), int(submission), str(custom_id)] if len(key) == 32:
                    entries.setdefault(submission, set()).add((key, custom_id))
        for open_one in self._ledger.submissions(only_open=True):
            self._compare_requests(open_one, entries.get(open_one.id, set()))

    def _compare_requests(self, submission: Submission, entries: set[tuple[bytes, str]]) -> None:
        asked = self._ledger.asked_by(submission.id)
        rows = {(key, custom_id) for custom_id, (key, _) in asked.items()}
        unsure = rows ^ entries
        keys = Counter(key for key, _ in unsure)
        custom_ids = Counter(custom_id for _, custom_id in unsure)
        contradictory = {(key, name) for key, name in unsure if keys[key] > 1 or custom_ids[name] > 1}
        self._db.executemany(
            "DELETE FROM asked WHERE submission = ? AND custom_id = ?",
            ((submission.id, custom_id) for _, custom_id in contradictory & rows),
        )
        if " " not in submission.task:
            # Only an entry does not say which of several tasks was asked.
            self._db.execute(
                "UPDATE asked SET task = ? WHERE submission = ?", (submission.task, submission.id)
            )
            lost = sorted(entries - rows - contradictory)
            self._ledger.insert_asked(
                submission.id, (Asked(custom_id, key, submission.task) for key, custom_id in lost)
            )

    def _found_by_sqlite(self, table: str) -> Iterator[tuple[int | None, list[Any]]]:
        """Rows from the first to where it breaks off, then from the last."""
        has_rowid = table != "asked"
        names = self._names_there(table)
        if names is None:
            return
        for direction in ("ASC", "DESC"):
            order = _ORDER.get(table, "rowid {0}").format(direction)
            columns = ", ".join((["rowid"] if has_rowid else []) + names)
            with self._reader() as db:
                try:
                    for row in db.execute(f"SELECT {columns} FROM {table} NOT INDEXED ORDER BY {order}"):
                        yield (row[0], list(row[1:])) if has_rowid else (None, list(row))
                except (sqlite3.Error, UnicodeDecodeError):
                    self._broken.add(table)
                else:
                    return

    def _names_there(self, table: str) -> list[str] | None:
        """Those of the table's columns that the damaged file has; None when it cannot say."""
        known = [name for name, *_ in self._columns[table]]
        with self._reader() as db:
            try:
                there = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
            except (sqlite3.Error, UnicodeDecodeError):
                there = []
        names = [name for name in known if name in there]
        if not names or names != known[: len(names)]:
            self._broken.add(table)
            return None
        return names

    @contextlib.contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(
            sqlite3.connect(f"{self._source.resolve().as_uri()}?mode=ro", uri=True)
        ) as db:
            yield db

    def _table_of(self, rowid: int | None, values: list[Any]) -> str | None:
        """Which table a row belongs to, by its shape. Index entries belong to none."""
        if rowid is None:
            return "asked" if 4 <= len(values) <= len(self._columns["asked"]) else None
        least = {"dictionaries": 2, "orphans": 6, "answers": 10, "submissions": 23}
        for table, count in least.items():
            if count <= len(values) <= len(self._columns[table]):
                return table
        return None

    def _take(self, table: str, rowid: int | None, values: list[Any]) -> None:
        """Enter a row unless it makes no sense or is there already."""
        columns = self._columns[table]
        lacking = columns[len(values) :]
        values = values + [_default(default) for _, _, _, default in lacking]
        if table in ("submissions", "dictionaries"):
            # The column is another name of the row's number, and not stored.
            values[0] = rowid
        if rowid is not None:
            self._last[table] = max(self._last[table], rowid)
        fits = all(
            (value is None and not required) or _fits(value, kind)
            for value, (_, kind, required, _) in zip(values, columns, strict=True)
        )
        if not fits or not _CHECKS[table](values) or not self._can_be_read(table, values):
            self._broken.add(table)
            return
        names = [name for name, *_ in columns]
        if table == "answers" and lacking:
            values = _with_flex_of_tier(names, values)
        if table in ("answers", "orphans"):
            names, values = ["rowid", *names], [rowid, *values]
        marks = ", ".join("?" * len(names))
        self._db.execute(f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({marks})", values)

    def _can_be_read(self, table: str, values: list[Any]) -> bool:
        if table != "answers" or values[_LINE] is None:
            return True
        try:
            self._ledger.lines.unpack(values[_LINE])
        except LedgerError:
            return False
        return True

    def _stand_in_for_lost_submissions(self) -> None:
        """Let answers point to something: which study paid for them is lost, until results tell it again."""
        lost = self._db.execute(
            "SELECT DISTINCT submission FROM answers WHERE submission NOT IN (SELECT id FROM submissions)"
        ).fetchall()
        for (number,) in lost:
            self._ledger.insert_submission(lost_submission(number), number)

    def _count(self, table: str) -> int:
        where = " WHERE nonce NOT LIKE 'lost-%'" if table == "submissions" else ""
        return self._db.execute(f"SELECT count(*) FROM {table}{where}").fetchone()[0]

    def _lost(self, table: str) -> int | None:
        if table == "asked":
            open_ones = "SELECT sum(requests) FROM submissions WHERE state IN ('intent', 'created')"
            return max(0, (self._db.execute(open_ones).fetchone()[0] or 0) - self._count(table))
        if table in ("answers", "submissions"):
            # Rows are numbered one after the other, and never deleted.
            named = self._db.execute("SELECT max(submission) FROM answers").fetchone()[0] or 0
            last = max(self._last[table], named if table == "submissions" else 0)
            known = self._answers_lost if table == "answers" else 0
            return max(known, last - self._count(table), 0)
        return None if table in self._broken else 0


def lost_submission(number: int) -> Submission:
    """What stands for a submission whose row is lost."""
    return Submission(
        id=number, shard=f"lost-{number}", nonce=f"lost-{number}", state="settled", provider="?", study="?",
        stage="?", round=0, task="?", task_hash="?", model="?", requests=0, bytes=0, intent_at=0.0,
    )  # fmt: skip


_LINE = 9
_SUBMISSION = {field.name: at for at, field in enumerate(fields(Submission))}
_CHECKS: dict[str, Callable[[list[Any]], bool]] = {
    "dictionaries": lambda row: len(row[1]) > 8,
    "submissions": lambda row: row[_SUBMISSION["state"]] in _STATES and is_sound(row),
    "asked": lambda row: len(row[2]) == 32,
    "answers": lambda row: len(row[0]) == 32 and row[3] in (0, 1) and row[1].isalpha() and row[8] > 0,
    "orphans": lambda row: bool(row[0]),
}


_KINDS: dict[str, tuple[type, ...]] = {
    "INTEGER": (int,),
    "REAL": (int, float),
    "TEXT": (str,),
    "BLOB": (bytes,),
}


def _with_flex_of_tier(names: list[str], values: list[Any]) -> list[Any]:
    """An answer of before format 6, which knew only at which tier the last attempt was made."""
    row = dict(zip(names, values, strict=True))
    if row["tier"] == FLEX:
        row |= {name: row[name.removeprefix("flex_")] for name in FLEX_SUMS}
    return list(row.values())


def _fits(value: Any, kind: str) -> bool:
    return isinstance(value, _KINDS[kind])


def _default(text: str | None) -> Any:
    """A column's default as it stands in the schema."""
    if text is None:
        return None
    return text[1:-1] if text.startswith("'") else int(text)
