"""The submissions of a ledger: each attempt to have a shard answered, and what is known of its batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, fields
from typing import Any

from goldpan.errors import LedgerError
from goldpan.ledger.connection import damaged_ledger
from goldpan.ledger.database import Database, marks, parts
from goldpan.ledger.rows import FLEX_SUMS, SUMS, BatchName, Orphan, Spent, Submission, is_sound
from goldpan.study.provider import ONLINE

# The note of an open submission that has lost some of the requests it carries: see `repair`.
REQUESTS_LOST = "the ledger was damaged, and which requests this batch carries is lost in part"
IS_OPEN = "state IN ('intent', 'created')"
_COLUMNS = [field.name for field in fields(Submission)]


class Submissions(Database):
    """What the tables `submissions` and `orphans` say, and what is written down of a submission under way."""

    def submission(self, number: int) -> Submission:
        """The submission with this number (column `id`). Raises LedgerError when there is none."""
        submissions = self.submissions_where("id = ?", (number,))
        if not submissions:
            raise LedgerError(
                f"the ledger knows no submission {number}: it is an older one, or another",
                where=str(self.path),
                remedy="put the newest ledger back, or take in what results/ know: `goldpan ledger take-in`",
            )
        return submissions[0]

    def open_submission(self, shard: str) -> Submission | None:
        """The open submission of a shard, if there is one."""
        submissions = self.submissions_where(f"shard = ? AND {IS_OPEN}", (shard,))
        return submissions[0] if submissions else None

    def latest_submission(self, shard: str) -> Submission | None:
        """The newest submission of a shard in any state."""
        submissions = self.submissions_where("shard = ? ORDER BY id DESC LIMIT 1", (shard,))
        return submissions[0] if submissions else None

    def submission_of_batch(self, name: BatchName) -> Submission | None:
        """The submission that a batch belongs to; of several that it may be, the closest and newest."""
        candidates = self.submissions_where("batch_id = ? ORDER BY id DESC", (name.batch_id,))
        closest = max(candidates, key=name.closeness, default=None)
        return closest if closest is not None and name.closeness(closest) else None

    def has_settled(self, batch_id: str) -> bool:
        """Whether the ledger knows a batch of this id, and has what came of every one that it knows."""
        known = self.submissions_where("batch_id = ?", (batch_id,))
        return bool(known) and not any(submission.is_open for submission in known)

    def known_batches(self, names: Sequence[BatchName]) -> set[BatchName]:
        """Those of these batches that the ledger knows with all their requests, be it as orphans."""
        submissions: dict[str, list[Submission]] = {}
        orphans: dict[str, set[str]] = {}
        for part in parts([name.batch_id for name in names]):
            rows = self.submissions_where(
                f"batch_id IN ({marks(part)}) AND note IS NOT ?", [*part, REQUESTS_LOST]
            )
            for submission in rows:
                submissions.setdefault(str(submission.batch_id), []).append(submission)
            services = self.db.execute(
                "SELECT orphans.batch_id, service FROM orphans JOIN submissions ON id = submission"
                f" WHERE orphans.batch_id IN ({marks(part)})",
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
            conditions.append(IS_OPEN)
        return self.submissions_where(" AND ".join(conditions) + " ORDER BY id", values)

    def submissions_where(self, condition: str, values: Sequence[Any]) -> list[Submission]:
        rows = self.db.execute(f"SELECT {', '.join(_COLUMNS)} FROM submissions WHERE {condition}", values)
        return [self._submission(row) for row in rows]

    def _submission(self, row: Sequence[Any]) -> Submission:
        if not is_sound(row):
            raise damaged_ledger(self.path, f"the row of submission {row[0]} holds what nobody writes")
        return Submission(*row)

    def record_upload(self, number: int, file_id: str) -> None:
        """The request file of a submission lies at the provider."""
        self._update(number, file_id=file_id)

    def record_paid_call(self, number: int, server_at: float | None) -> None:
        """The paid call is about to be sent: from here on a batch may exist.

        Args:
            server_at: the service's clock in Unix seconds, by its latest answer, where it says it.
        """
        with self.transaction():
            self.db.execute(
                "UPDATE submissions SET sent_at = ?, server_at = ?, paid_calls = paid_calls + 1 WHERE id = ?",
                (self.clock.now(), server_at, number),
            )

    def record_no_payment(self, number: int) -> None:
        """The paid call certainly had no effect: the service refused it or was never reached."""
        with self.transaction():
            self.db.execute(
                "UPDATE submissions SET sent_at = NULL, server_at = NULL, paid_calls = max(0, paid_calls - 1)"
                " WHERE id = ?",
                (number,),
            )

    def record_orphan(self, orphan: Orphan) -> None:
        """A batch turned up for an intent that already has another; seen again, its state is renewed."""
        with self.transaction():
            self.db.execute(
                "INSERT INTO orphans (batch_id, submission, status, requests, created_at, seen_at)"
                " VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (batch_id, submission) DO UPDATE SET status = excluded.status",
                astuple(orphan),
            )

    def orphans(self) -> list[Orphan]:
        """Batches that turned up for intents which already had one, oldest first."""
        names = ", ".join(field.name for field in fields(Orphan))
        return [Orphan(*row) for row in self.db.execute(f"SELECT {names} FROM orphans ORDER BY seen_at")]

    def spent(self, study: str, stage: str, task_hash: str | None = None) -> list[Spent]:
        """What a stage has cost in tokens over all its runs and rounds, by model and by how it was asked.

        Answers that another stage or study has paid for are not in it.

        Args:
            task_hash: only what was asked with these tasks (as in `submissions`); default with any.
        """
        names = (*SUMS, *FLEX_SUMS, "completion_squares")
        columns = ", ".join(f"sum({name})" for name in names)
        rows = self.db.execute(
            f"SELECT model, {columns}, free, coalesce(batch_id GLOB '{ONLINE}*', 0) AS online"
            " FROM submissions WHERE study = ? AND stage = ? AND state != 'void'"
            " AND task_hash = coalesce(?, task_hash)"
            " GROUP BY model, free, online ORDER BY model, free, online",
            (study, stage, task_hash),
        )
        # SQLite has no type of its own for what is true.
        return [
            Spent(
                model=model, is_free=bool(free), is_online=bool(online), **dict(zip(names, sums, strict=True))
            )
            for model, *sums, free, online in rows
        ]

    def record_batch(self, number: int, batch_id: str, created_at: int | None, status: str) -> None:
        """The provider has made the batch; from here on its id is enough to find it again."""
        self._update(number, state="created", batch_id=batch_id, created_at=created_at, status=status)

    def record_status(self, number: int, status: str, completed: int, failed: int) -> None:
        """What the provider last said of a batch."""
        self._update(number, status=status, completed=completed, failed=failed, checked_at=self.clock.now())

    def void(self, number: int, note: str) -> None:
        """Close an open submission that certainly cost nothing."""
        with self.transaction():
            closed = self.db.execute(
                f"UPDATE submissions SET state = 'void', note = ? WHERE id = ? AND {IS_OPEN}", (note, number)
            )
            if closed.rowcount:
                self.db.execute("DELETE FROM asked WHERE submission = ?", (number,))

    def _update(self, number: int, **values: Any) -> None:
        """Write down more of an open submission; one that another run has settled by now stays as it is."""
        assignments = ", ".join(f"{name} = :{name}" for name in values)
        with self.transaction():
            self.db.execute(
                f"UPDATE submissions SET {assignments} WHERE id = :id AND {IS_OPEN}",
                {**values, "id": number},
            )

    def insert_submission(self, submission: Submission, number: int | None) -> int:
        values = [number, *(getattr(submission, name) for name in _COLUMNS[1:])]
        cursor = self.db.execute(
            f"INSERT INTO submissions ({', '.join(_COLUMNS)}) VALUES ({marks(_COLUMNS)})", values
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid
