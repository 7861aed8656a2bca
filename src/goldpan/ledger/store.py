"""The ledger's SQLite file: what was asked, where it is, and what came back."""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, fields
from itertools import chain, islice
from operator import add, attrgetter
from pathlib import Path
from typing import Any, TypeVar

from goldpan.clock import SYSTEM_CLOCK, Clock
from goldpan.errors import LedgerError
from goldpan.ledger.connection import PATIENCE, connect, damaged, fault
from goldpan.ledger.lines import SAMPLE, Lines
from goldpan.ledger.migration import add_columns
from goldpan.ledger.rows import (
    SUMS,
    Answer,
    Asked,
    BatchName,
    Orphan,
    Outcome,
    Spent,
    Submission,
    is_sound,
)

SCHEMA_VERSION = 3
# The note of an open submission that has lost some of the requests it carries: see `repair`.
REQUESTS_LOST = "the ledger was damaged, and which requests this batch carries is lost in part"
_LOOKUP_SIZE = 500
# An answer's line has some thousand bytes compressed: in SQLite's usual pages of 4,096 bytes it would be a
# chain of overflow pages, which takes twice the time. Keys are random, so their index is kept in the cache.
PAGE_BYTES, _CACHE_KIB = 16_384, 8_192


_sums_of = attrgetter(*SUMS)


def _take_answer(attempts: str, attempts_now: str, condition: str) -> str:
    """SQL that enters an outcome in `answers`, or puts it in the place of one that is not final."""
    return (
        f"INSERT INTO answers (key, state, reason, retryable, attempts, {', '.join(SUMS)}, submission, line)"
        f" VALUES (?, ?, ?, ?, {attempts}, {', '.join('?' * len(SUMS))}, ?, ?)"
        " ON CONFLICT (key) DO UPDATE SET state = excluded.state, reason = excluded.reason,"
        f" retryable = excluded.retryable, attempts = {attempts_now},"
        f" {', '.join(f'{name} = {name} + excluded.{name}' for name in SUMS)},"
        f" submission = excluded.submission, line = excluded.line WHERE {condition}"
    )


_SETTLE_ANSWER = _take_answer("1", "attempts + 1", "retryable")
_RESTORE_ANSWER = _take_answer("?", "excluded.attempts", "retryable AND attempts < excluded.attempts")
_IS_OPEN = "state IN ('intent', 'created')"
_Key = TypeVar("_Key")
_SUBMISSION_COLUMNS = ", ".join(field.name for field in fields(Submission))
_OUTCOME_COLUMNS = ", ".join(field.name for field in fields(Answer) if field.name != "line")


class Ledger:
    """An open ledger. Use as a context manager; every public method is one transaction.

    Args:
        path: the SQLite file; made, with its folder, when it is absent.
        patience: how long to wait for another process that writes, in seconds.
        clock: for time stamps.

    Raises:
        LedgerError: the file is not a goldpan ledger, or was made by a newer version. Every method raises it
            when the file is damaged, gone, locked or not to be written, with what to do.
    """

    def __init__(self, path: Path, *, patience: float = PATIENCE, clock: Clock = SYSTEM_CLOCK):
        self.path, self._clock = Path(path), clock
        self._db = connect(self.path, patience=patience)
        try:
            self._db.execute(f"PRAGMA page_size={PAGE_BYTES}")
            self._db.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._prepare()
            self._db.check_in_place()
        except BaseException:
            self._db.close()
            raise
        self._lines = Lines(self._db)

    def _prepare(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise LedgerError(
                f"was made by a newer goldpan (format {version}, this one knows {SCHEMA_VERSION})",
                where=str(self.path),
                remedy="update goldpan",
            )
        if version < SCHEMA_VERSION:
            known = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if known and not self._has_table("submissions"):
                raise LedgerError("is a database of something else", where=str(self.path))
            with self._transaction():
                if known:
                    add_columns(self._db)
                for statement in (Path(__file__).with_name("schema.sql")).read_text().split(";\n"):
                    if statement.strip():
                        self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _has_table(self, name: str) -> bool:
        found = self._db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,))
        return found.fetchone() is not None

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.begin()
        try:
            yield
            self._db.commit_in_place()
        except BaseException:
            self._db.rollback_quietly()
            raise

    def copy_to(self, path: Path) -> None:
        """Write all that the ledger holds at this moment to an empty file, which needs no other beside it."""
        try:
            with contextlib.closing(sqlite3.connect(path)) as copy:
                self._db.backup(copy)
                # A copy that kept the ledger's way of logging would need two files more.
                copy.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.Error as error:
            raise fault(self.path, error) from None

    # Submissions

    def record_intent(
        self,
        asked: Iterable[Asked],
        *,
        shard: str,
        provider: str,
        study: str,
        stage: str,
        round: int,
        task: str,
        task_hash: str,
        model: str,
        requests: int,
        bytes: int,
        service: str = "",
        endpoint: str = "/v1/chat/completions",
        estimated_usd: float | None = None,
    ) -> Submission:
        """Write down that a shard is about to be submitted, and which request each of its rows carries.

        What another submission carries by now, or has answered for good, since the plan was made is left out
        (two studies may share rows): a request is under way once. `asked_by` says which rows remain.

        Args:
            asked: the rows of the shard.
            requests: how many they are.

        Returns:
            The submission, with the number of requests that remain. Where none does, it is void.

        Raises:
            LedgerError: the shard has an open submission already.
        """
        values = {
            "shard": shard, "nonce": secrets.token_hex(8), "state": "intent", "provider": provider,
            "study": study, "stage": stage, "round": round, "task": task, "task_hash": task_hash,
            "model": model, "requests": requests, "bytes": bytes, "intent_at": self._clock.now(),
            "service": service, "endpoint": endpoint, "estimated_usd": estimated_usd, "note": None,
        }  # fmt: skip
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        with self._transaction():
            if self.open_submission(shard) is not None:
                raise LedgerError(
                    f"shard {shard[:12]} cannot be submitted: it has an open submission",
                    where=str(self.path),
                    remedy="run again: the open submission will be found and used",
                )
            remaining, left_out = self._not_asked_elsewhere(asked)
            if left_out:
                values["requests"] = requests - left_out
                if estimated_usd is not None:
                    values["estimated_usd"] = estimated_usd * len(remaining) / (len(remaining) + left_out)
            if left_out and not remaining:
                note = f"{left_out} requests are under way or answered elsewhere; nothing was left to ask"
                values.update(state="void", note=note)
            number = self._db.execute(f"INSERT INTO submissions ({names}) VALUES ({marks})", values).lastrowid
            self._db.executemany(
                "INSERT INTO asked (submission, custom_id, key, task) VALUES (?, ?, ?, ?)",
                ((number, row.custom_id, row.key, row.task) for row in remaining),
            )
        assert number is not None
        return self.submission(number)

    def _not_asked_elsewhere(self, asked: Iterable[Asked]) -> tuple[list[Asked], int]:
        """The rows whose requests are neither under way nor answered for good, each request once; and how
        many there were besides."""
        rows = iter(asked)
        remaining: list[Asked] = []
        left_out, seen = 0, set[bytes]()
        while part := list(islice(rows, _LOOKUP_SIZE)):
            keys = [row.key for row in part]
            elsewhere = self.under_way(keys).keys() | self._answered_for_good(keys)
            for row in part:
                if row.key in elsewhere or row.key in seen:
                    left_out += 1
                else:
                    seen.add(row.key)
                    remaining.append(row)
        return remaining, left_out

    def _answered_for_good(self, keys: Sequence[bytes]) -> set[bytes]:
        rows = self._db.execute(
            f"SELECT key FROM answers WHERE key IN ({_marks(keys)}) AND NOT retryable", keys
        )
        return {key for (key,) in rows}

    def submission(self, number: int) -> Submission:
        """The submission with this number (column `id`). Raises LedgerError when there is none."""
        submissions = self._submissions("id = ?", (number,))
        if not submissions:
            raise LedgerError(
                f"the ledger knows no submission {number}: it is an older one, or another",
                where=str(self.path),
                remedy="put the newest ledger back, or take in what results/ know: `goldpan ledger take-in`",
            )
        return submissions[0]

    def open_submission(self, shard: str) -> Submission | None:
        """The open submission of a shard, if there is one."""
        found = self._submissions(f"shard = ? AND {_IS_OPEN}", (shard,))
        return found[0] if found else None

    def latest_submission(self, shard: str) -> Submission | None:
        """The newest submission of a shard in any state."""
        found = self._submissions("shard = ? ORDER BY id DESC LIMIT 1", (shard,))
        return found[0] if found else None

    def submission_of_batch(self, name: BatchName) -> Submission | None:
        """The submission that a batch belongs to; of several that it may be, the closest and newest."""
        candidates = self._submissions("batch_id = ? ORDER BY id DESC", (name.batch_id,))
        closest = max(candidates, key=name.closeness, default=None)
        return closest if closest is not None and name.closeness(closest) else None

    def known_batches(self, names: Sequence[BatchName]) -> set[BatchName]:
        """Those of these batches that the ledger knows with all their requests, be it as orphans."""
        submissions: dict[str, list[Submission]] = {}
        orphans: dict[str, set[str]] = {}
        for part in _parts([name.batch_id for name in names]):
            rows = self._submissions(
                f"batch_id IN ({_marks(part)}) AND note IS NOT ?", [*part, REQUESTS_LOST]
            )
            for submission in rows:
                submissions.setdefault(str(submission.batch_id), []).append(submission)
            services = self._db.execute(
                "SELECT orphans.batch_id, service FROM orphans JOIN submissions ON id = submission"
                f" WHERE orphans.batch_id IN ({_marks(part)})",
                part,
            )
            for batch_id, service in services:
                orphans.setdefault(batch_id, set()).add(service)
        return {
            name
            for name in names
            if any(map(name.closeness, submissions.get(name.batch_id, ())))
            or any(
                not name.service or service in ("", name.service)
                for service in orphans.get(name.batch_id, ())
            )
        }

    def submissions(
        self, *, study: str | None = None, stage: str | None = None, only_open: bool = False
    ) -> list[Submission]:
        """Submissions in the order they were made, optionally of one study or stage or only open ones."""
        conditions, values = ["1"], []
        for column, value in (("study", study), ("stage", stage)):
            if value is not None:
                conditions.append(f"{column} = ?")
                values.append(value)
        if only_open:
            conditions.append(_IS_OPEN)
        return self._submissions(" AND ".join(conditions) + " ORDER BY id", values)

    def _submissions(self, condition: str, values: Sequence[Any]) -> list[Submission]:
        rows = self._db.execute(f"SELECT {_SUBMISSION_COLUMNS} FROM submissions WHERE {condition}", values)
        return [self._submission(row) for row in rows]

    def _submission(self, row: Sequence[Any]) -> Submission:
        if not is_sound(row):
            raise damaged(self.path, f"the row of submission {row[0]} holds what nobody writes")
        return Submission(*row)

    def record_upload(self, number: int, file_id: str) -> None:
        """The request file of a submission lies at the provider."""
        self._update(number, file_id=file_id)

    def record_paid_call(self, number: int, server_at: float | None) -> None:
        """The paid call is about to be sent: from here on a batch may exist.

        Args:
            server_at: the service's clock in Unix seconds, by its latest answer, where it says it.
        """
        with self._transaction():
            self._db.execute(
                "UPDATE submissions SET sent_at = ?, server_at = ?, paid_calls = paid_calls + 1 WHERE id = ?",
                (self._clock.now(), server_at, number),
            )

    def record_no_payment(self, number: int) -> None:
        """The paid call certainly had no effect: the service refused it or was never reached."""
        with self._transaction():
            self._db.execute(
                "UPDATE submissions SET sent_at = NULL, server_at = NULL, paid_calls = max(0, paid_calls - 1)"
                " WHERE id = ?",
                (number,),
            )

    def record_orphan(self, orphan: Orphan) -> None:
        """A batch turned up for an intent that already has another; seen again, its state is renewed."""
        with self._transaction():
            self._db.execute(
                "INSERT INTO orphans (batch_id, submission, status, requests, created_at, seen_at)"
                " VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (batch_id, submission) DO UPDATE SET status = excluded.status",
                astuple(orphan),
            )

    def orphans(self) -> list[Orphan]:
        """Batches that turned up for intents which already had one, oldest first."""
        names = ", ".join(field.name for field in fields(Orphan))
        return [Orphan(*row) for row in self._db.execute(f"SELECT {names} FROM orphans ORDER BY seen_at")]

    def spent(self, study: str, stage: str, task_hash: str | None = None) -> list[Spent]:
        """What a stage has cost in tokens over all its runs and rounds, by model.

        Answers that another stage or study has paid for are not in it.

        Args:
            task_hash: only what was asked with these tasks (as in `submissions`); default with any.
        """
        names = [field.name for field in fields(Spent)][1:-1]
        sums = ", ".join(f"sum({name})" for name in names)
        rows = self._db.execute(
            f"SELECT model, {sums}, (service || ' ') LIKE 'local %' AS is_local FROM submissions"
            " WHERE study = ? AND stage = ? AND state = 'settled' AND task_hash = coalesce(?, task_hash)"
            " GROUP BY model, is_local ORDER BY model, is_local",
            (study, stage, task_hash),
        )
        # SQLite has no type of its own for what is true.
        return [Spent(*(*row[:-1], bool(row[-1]))) for row in rows]

    def record_batch(self, number: int, batch_id: str, created_at: int | None, status: str) -> None:
        """The provider has made the batch; from here on its id is enough to find it again."""
        self._update(number, state="created", batch_id=batch_id, created_at=created_at, status=status)

    def record_status(self, number: int, status: str, completed: int, failed: int) -> None:
        """What the provider last said of a batch."""
        self._update(number, status=status, completed=completed, failed=failed, checked_at=self._clock.now())

    def void(self, number: int, note: str) -> None:
        """Close an open submission that certainly cost nothing."""
        with self._transaction():
            closed = self._db.execute(
                f"UPDATE submissions SET state = 'void', note = ? WHERE id = ? AND {_IS_OPEN}", (note, number)
            )
            if closed.rowcount:
                self._db.execute("DELETE FROM asked WHERE submission = ?", (number,))

    def _update(self, number: int, **values: Any) -> None:
        """Write down more of an open submission; one that another run has settled by now stays as it is."""
        assignments = ", ".join(f"{name} = :{name}" for name in values)
        with self._transaction():
            self._db.execute(
                f"UPDATE submissions SET {assignments} WHERE id = :id AND {_IS_OPEN}",
                {**values, "id": number},
            )

    # Requests under way

    def asked_by(self, number: int) -> dict[str, tuple[bytes, str]]:
        """custom_id -> (request key, task) of an open submission; at most one shard's worth of rows."""
        rows = self._db.execute("SELECT custom_id, key, task FROM asked WHERE submission = ?", (number,))
        return {custom_id: (key, sys.intern(task)) for custom_id, key, task in rows}

    def under_way(self, keys: Sequence[bytes]) -> dict[bytes, str]:
        """request key -> shard of the open submission that carries it, for those keys that are under way."""
        found: dict[bytes, str] = {}
        for part in _parts(keys):
            rows = self._db.execute(
                "SELECT asked.key, submissions.shard FROM asked"
                " JOIN submissions ON submissions.id = asked.submission"
                f" WHERE asked.key IN ({_marks(part)})",
                part,
            )
            found.update(rows.fetchall())
        return found

    # Answers

    def settle(
        self, number: int, outcomes: Iterable[Outcome], *, status: str, note: Callable[[], str]
    ) -> bool:
        """Take over what came of a submission's requests, once.

        An answer that is final is never replaced; one that is not is, and its attempts and tokens add up.

        Args:
            status: the provider's last word on the batch.
            note: what else is worth remembering of the settlement; called after the last outcome.

        Returns:
            False when the submission was settled before: then nothing is changed.
        """
        outcomes = iter(outcomes)
        with self._transaction():
            given = self.submission(number)
            if not given.is_open:
                return False
            first = list(islice(outcomes, SAMPLE))
            sample = [o.line for o in first if o.line is not None]
            pack = self._lines.packer_for(sample, given.requests)
            sums = [0] * len(SUMS)
            squares = 0.0

            def rows() -> Iterator[tuple[Any, ...]]:
                nonlocal squares
                for outcome in chain(first, outcomes):
                    counts = _sums_of(outcome)
                    sums[:] = map(add, sums, counts)
                    squares += float(outcome.completion_tokens) ** 2
                    line = None if outcome.line is None else pack(outcome.line)
                    head = (outcome.key, outcome.state, outcome.reason, outcome.retryable)
                    yield (*head, *counts, number, line)

            self._db.executemany(_SETTLE_ANSWER, rows())
            self._db.execute("DELETE FROM asked WHERE submission = ?", (number,))
            self._db.execute(
                "UPDATE submissions SET state = 'settled', status = ?, settled_at = ?, note = ?,"
                f" completion_squares = ?, {', '.join(f'{name} = ?' for name in SUMS)} WHERE id = ?",
                (status, self._clock.now(), note(), squares, *sums, number),
            )
        return True

    def outcomes(self, keys: Sequence[bytes]) -> dict[bytes, Answer]:
        """Outcomes of those requests that have one, without the provider's lines."""
        outcomes: dict[bytes, Answer] = {}
        for part in _parts(keys):
            rows = self._db.execute(
                f"SELECT key, {_OUTCOME_COLUMNS} FROM answers WHERE key IN ({_marks(part)})", part
            )
            outcomes.update((key, _answer(columns)) for key, *columns in rows)
        return outcomes

    def answers(self, keys: Sequence[bytes]) -> dict[bytes, Answer]:
        """Outcomes of those requests that have one, with the provider's lines."""
        return {
            key: answer
            for part in _parts(keys)
            for key, answer in self._with_lines(f"WHERE key IN ({_marks(part)})", part)
        }

    def all_answers(self) -> Iterator[tuple[bytes, Answer]]:
        """Every answer with its line, ordered by key."""
        return self._with_lines("ORDER BY key", ())

    def lines_of(self, number: int) -> Iterator[bytes]:
        """The provider's lines that the ledger still holds of one submission."""
        for _, answer in self._with_lines("WHERE submission = ? ORDER BY rowid", (number,)):
            if answer.line is not None:
                yield answer.line

    def _with_lines(self, condition: str, values: Sequence[Any]) -> Iterator[tuple[bytes, Answer]]:
        unpack = self._lines.unpack
        rows = self._db.execute(f"SELECT key, {_OUTCOME_COLUMNS}, line FROM answers {condition}", values)
        for key, *columns, line in rows:
            answer = _answer(columns)
            answer.line = None if line is None else unpack(line)
            yield key, answer

    def forgive(self, keys: Iterable[bytes]) -> int:
        """Let requests that came to nothing be asked again; answers that are ok stay as they are.

        Returns:
            How many requests may be asked again now.
        """
        with self._transaction():
            before = self._db.total_changes
            self._db.executemany(
                "UPDATE answers SET forgiven = attempts, retryable = 1 WHERE key = ? AND state != 'ok'",
                ((key,) for key in keys),
            )
            return self._db.total_changes - before

    def counts(self) -> dict[str, int]:
        """Number of answers by state."""
        return dict(self._db.execute("SELECT state, count(*) FROM answers GROUP BY state ORDER BY state"))

    # What a ledger has lost, from elsewhere

    def enter(self, submission: Submission, asked: Iterable[Asked]) -> None:
        """Write down a submission that this ledger has lost or never known, with its requests.

        It keeps its number where that is free, or is that of a row which stands for it since a repair.
        """
        with self._transaction():
            self._db.execute(
                "DELETE FROM submissions WHERE id = ? AND nonce = ?", (submission.id, f"lost-{submission.id}")
            )
            taken = self._db.execute("SELECT 1 FROM submissions WHERE id = ?", (submission.id,)).fetchone()
            number = self._insert_submission(submission, None if taken else submission.id)
            self._insert_asked(number, asked)

    def complete_asked(self, number: int, asked: Iterable[Asked]) -> None:
        """Add those requests of an open submission that the ledger has lost."""
        with self._transaction():
            if self.submission(number).is_open:
                self._insert_asked(number, asked)
                self._db.execute(
                    "UPDATE submissions SET note = NULL WHERE id = ? AND note = ?", (number, REQUESTS_LOST)
                )

    def _insert_asked(self, number: int, asked: Iterable[Asked]) -> None:
        self._db.executemany(
            "INSERT OR IGNORE INTO asked (submission, custom_id, key, task) VALUES (?, ?, ?, ?)",
            ((number, row.custom_id, row.key, row.task) for row in asked),
        )

    def restore(self, number: int, outcomes: Iterable[tuple[Outcome, int]]) -> int:
        """Take over again what came of a settled submission, where the ledger has lost it.

        As in `settle`, a final answer is never replaced. Nor is one of this submission or a later one, which
        the attempts tell, so that this may be done any number of times.

        Args:
            outcomes: each with how often its request had been asked before this submission.

        Returns:
            How many were taken over.
        """
        with self._transaction():
            before = self._db.total_changes
            self._db.executemany(
                _RESTORE_ANSWER,
                (
                    (
                        *(outcome.key, outcome.state, outcome.reason, outcome.retryable, attempts + 1),
                        *_sums_of(outcome),
                        number,
                        None if outcome.line is None else self._lines.pack(outcome.line),
                    )
                    for outcome, attempts in outcomes
                ),
            )
            return self._db.total_changes - before

    def _insert_submission(self, submission: Submission, number: int | None) -> int:
        columns = [field.name for field in fields(Submission)]
        values = [number, *(getattr(submission, name) for name in columns[1:])]
        cursor = self._db.execute(
            f"INSERT INTO submissions ({', '.join(columns)}) VALUES ({_marks(columns)})", values
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid


def _answer(columns: Sequence[Any]) -> Answer:
    """An answer without its line, of `_OUTCOME_COLUMNS`."""
    state, reason, retryable, attempts, forgiven, prompt, completion, submission, *shares = columns
    cached, cache_write, reasoning, paid = shares
    return Answer(
        *(state, reason, bool(retryable), attempts, forgiven, prompt, completion, submission),
        line=None,
        cached_tokens=cached,
        cache_write_tokens=cache_write,
        reasoning_tokens=reasoning,
        paid=paid,
    )


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


def _parts(keys: Sequence[_Key]) -> Iterator[Sequence[_Key]]:
    for start in range(0, len(keys), _LOOKUP_SIZE):
        yield keys[start : start + _LOOKUP_SIZE]
