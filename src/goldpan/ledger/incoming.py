"""What another ledger's export holds, on its way into this one.

It is gathered in tables of SQLite's own temporary file, so that memory stays small and nobody waits while it
is read and checked; the ledger itself is written in one short transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields

from goldpan.ledger.database import marks
from goldpan.ledger.rows import SUMS, Answer, Submission
from goldpan.ledger.store import Ledger

_COLUMNS = [field.name for field in fields(Submission)]
_ANSWER = [name for name in Answer.__slots__ if name != "line"]
_ANSWER_VALUES = ", ".join("target" if name == "submission" else f"a.{name}" for name in _ANSWER)
_UPDATES = ", ".join(f"{name} = excluded.{name}" for name in [*_ANSWER, "line"])
# A submission that is settled there and open here is taken over only where no request of it would be lost.
_IS_COVERED = (
    "NOT EXISTS (SELECT 1 FROM asked WHERE asked.submission = ? AND NOT taken"
    " AND key NOT IN (SELECT key FROM incoming_answers WHERE submission = ?)"
    " AND NOT EXISTS (SELECT 1 FROM answers WHERE answers.key = asked.key AND NOT retryable))"
)


class Incoming:
    """Settled submissions and answers of another ledger.

    Args:
        ledger: the one that they are for. Nothing is written to it before `merge`.
    """

    def __init__(self, ledger: Ledger):
        self._ledger, self._db = ledger, ledger.db
        for name in ("incoming_answers", "incoming_submissions"):
            self._db.execute(f"DROP TABLE IF EXISTS temp.{name}")
        # `kind`: new, known, or taken over (known here, but not as settled); `target`: its number here.
        self._db.execute(
            f"CREATE TEMP TABLE incoming_submissions ({', '.join(_COLUMNS)}, lacks_sums, kind, target,"
            " PRIMARY KEY (id), UNIQUE (nonce))"
        )
        self._db.execute(f"CREATE TEMP TABLE incoming_answers (key, {', '.join(_ANSWER)}, line)")

    def add_submission(self, submission: Submission, *, lacks_sums: bool) -> bool:
        """Take a submission; False when its number or nonce is there already.

        Args:
            lacks_sums: it does not say what it has cost, as its ledger was of format 1 or 2.
        """
        values = [*(getattr(submission, name) for name in _COLUMNS), lacks_sums]
        cursor = self._db.execute(
            f"INSERT OR IGNORE INTO incoming_submissions ({', '.join(_COLUMNS)}, lacks_sums)"
            f" VALUES ({marks(values)})",
            values,
        )
        return cursor.rowcount > 0

    def add_answers(self, answers: Iterable[tuple[bytes, Answer]]) -> None:
        """Take answers to the requests with these keys."""
        pack = self._ledger.lines.pack

        def rows() -> Iterator[list[object]]:
            for key, answer in answers:
                line = None if answer.line is None else pack(answer.line)
                yield [key, *(getattr(answer, name) for name in _ANSWER), line]

        # This locks the temporary file only.
        self._db.execute("BEGIN")
        try:
            values = marks([*_ANSWER, "key", "line"])
            self._db.executemany(f"INSERT INTO incoming_answers VALUES ({values})", rows())
            self._db.execute("COMMIT")
        except BaseException:
            self._db.rollback_quietly()
            raise

    def merge(self) -> int:
        """Add all of it to the ledger.

        An answer known here stays unless it is not final and the other one is, or the other one is of a
        submission that is taken over and comes after more attempts.

        Returns:
            How many answers were added or bettered.
        """
        with self._ledger.transaction():
            rows = self._db.execute(
                f"SELECT {', '.join(_COLUMNS)} FROM incoming_submissions ORDER BY id"
            ).fetchall()
            for row in rows:
                kind, target = self._place(Submission(*row))
                self._db.execute(
                    "UPDATE incoming_submissions SET kind = ?, target = ? WHERE id = ?",
                    (kind, target, row[0]),
                )
            added = self._add_answers()
            self._sum_tokens()
        return added

    def _place(self, submission: Submission) -> tuple[str, int]:
        known = self._ledger.submissions_where("nonce = ?", (submission.nonce,))
        if not known:
            return "new", self._ledger.insert_submission(submission, None)
        here = known[0]
        if here.state == "settled":
            return "known", here.id
        covered = self._db.execute(f"SELECT {_IS_COVERED}", (here.id, submission.id)).fetchone()[0]
        if not covered:
            return "open", here.id
        names = [name for name in _COLUMNS if name not in ("id", "nonce")]
        self._db.execute(
            f"UPDATE submissions SET {', '.join(f'{name} = ?' for name in names)} WHERE id = ?",
            [*(getattr(submission, name) for name in names), here.id],
        )
        self._db.execute("DELETE FROM asked WHERE submission = ?", (here.id,))
        return "taken", here.id

    def _add_answers(self) -> int:
        before = self._db.total_changes
        for condition, betters in (
            # What stays open will be settled here: an answer that is not final would be counted twice.
            ("kind != 'taken' AND NOT (kind = 'open' AND a.retryable)", ""),
            ("kind = 'taken'", " OR excluded.attempts > answers.attempts"),
        ):
            self._db.execute(
                f"INSERT INTO answers (key, {', '.join(_ANSWER)}, line)"
                f" SELECT a.key, {_ANSWER_VALUES}, a.line FROM incoming_answers AS a"
                f" JOIN incoming_submissions AS s ON s.id = a.submission WHERE {condition} ORDER BY a.rowid"
                f" ON CONFLICT (key) DO UPDATE SET {_UPDATES}"
                f" WHERE answers.retryable AND (NOT excluded.retryable{betters})"
            )
        return self._db.total_changes - before

    def _sum_tokens(self) -> None:
        """Give submissions that came without sums the tokens of the answers that came with them."""
        totals = ", ".join(f"sum(a.{name})" for name in SUMS)
        rows = self._db.execute(
            f"SELECT {totals}, sum(a.completion_tokens * a.completion_tokens / max(1, a.attempts)), target"
            " FROM incoming_answers AS a JOIN incoming_submissions AS s ON s.id = a.submission"
            " WHERE lacks_sums AND kind IN ('new', 'taken') GROUP BY target"
        ).fetchall()
        self._db.executemany(
            f"UPDATE submissions SET ({', '.join(SUMS)}, completion_squares) = ({marks([*SUMS, ''])})"
            " WHERE id = ?",
            rows,
        )

    def close(self) -> None:
        """Drop what was gathered."""
        for name in ("incoming_answers", "incoming_submissions"):
            self._db.execute(f"DROP TABLE IF EXISTS temp.{name}")
