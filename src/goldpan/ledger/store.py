"""The ledger: what was asked, where it is, and what came back."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from operator import add, attrgetter
from typing import Any

from goldpan.errors import LedgerError
from goldpan.ledger.answers import Answers
from goldpan.ledger.database import LOOKUP_SIZE, marks, parts
from goldpan.ledger.lines import SAMPLE
from goldpan.ledger.rows import FLEX_SUMS, SUMS, Asked, Outcome, Submission
from goldpan.ledger.submissions import REQUESTS_LOST, Submissions
from goldpan.study.stage import FLEX

_ADDED_UP = (*SUMS, *FLEX_SUMS)
_tokens_and_paid = attrgetter(*SUMS)
_tokens_at_flex = attrgetter(*(name.removeprefix("flex_") for name in FLEX_SUMS))
_NOTHING_AT_FLEX = (0,) * len(FLEX_SUMS)


def _sums_of(outcome: Outcome) -> tuple[int, ...]:
    """What an outcome adds to the columns `_ADDED_UP`."""
    at_flex = _tokens_at_flex(outcome) if outcome.tier == FLEX else _NOTHING_AT_FLEX
    return (*_tokens_and_paid(outcome), *at_flex)


def _take_answer(attempts: str, attempts_now: str, condition: str) -> str:
    """SQL that enters an outcome in `answers`, or puts it in the place of one that is not final."""
    return (
        f"INSERT INTO answers (key, state, reason, retryable, attempts, {', '.join(_ADDED_UP)}, tier,"
        f" submission, line) VALUES (?, ?, ?, ?, {attempts}, {', '.join('?' * len(_ADDED_UP))}, ?, ?, ?)"
        " ON CONFLICT (key) DO UPDATE SET state = excluded.state, reason = excluded.reason,"
        f" retryable = excluded.retryable, attempts = {attempts_now},"
        f" {', '.join(f'{name} = {name} + excluded.{name}' for name in _ADDED_UP)},"
        " tier = excluded.tier, submission = excluded.submission, line = excluded.line"
        f" WHERE {condition}"
    )


_SETTLE_ANSWER = _take_answer("1", "attempts + 1", "retryable")
_RESTORE_ANSWER = _take_answer("?", "excluded.attempts", "retryable AND attempts < excluded.attempts")


class Ledger(Submissions, Answers):
    """An open ledger: see `Database` for how it is opened. Every public method is one transaction."""

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
        free: bool = False,
        tier: str = "",
    ) -> Submission:
        """Write down that a shard is about to be submitted, and which request each of its rows carries.

        What another submission carries by now, or has answered for good, since the plan was made is left out
        (two studies may share rows): a request is under way once. `asked_by` says which rows remain.

        Args:
            asked: the rows of the shard.
            requests: how many they are.
            free: their answers cost nothing.
            tier: at which they are asked; '' for the service's ordinary one.

        Returns:
            The submission, with the number of requests that remain. Where none does, it is void.

        Raises:
            LedgerError: the shard has an open submission already.
        """
        values = {
            "shard": shard, "nonce": secrets.token_hex(8), "state": "intent", "provider": provider,
            "study": study, "stage": stage, "round": round, "task": task, "task_hash": task_hash,
            "model": model, "requests": requests, "bytes": bytes, "intent_at": self.clock.now(),
            "service": service, "endpoint": endpoint, "estimated_usd": estimated_usd, "note": None,
            "free": int(free), "tier": tier,
        }  # fmt: skip
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        with self.transaction():
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
            number = self.db.execute(f"INSERT INTO submissions ({names}) VALUES ({marks})", values).lastrowid
            self.db.executemany(
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
        while part := list(islice(rows, LOOKUP_SIZE)):
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
        rows = self.db.execute(
            f"SELECT key FROM answers WHERE key IN ({marks(keys)}) AND NOT retryable", keys
        )
        return {key for (key,) in rows}

    def asked_by(self, number: int) -> dict[str, tuple[bytes, str]]:
        """custom_id -> (request key, task) of an open submission; at most one shard's worth of rows."""
        rows = self.db.execute("SELECT custom_id, key, task FROM asked WHERE submission = ?", (number,))
        return {custom_id: (key, sys.intern(task)) for custom_id, key, task in rows}

    def under_way(self, keys: Sequence[bytes]) -> dict[bytes, str]:
        """request key -> shard of the open submission that carries it, for those keys that are under way."""
        shards: dict[bytes, str] = {}
        for part in parts(keys):
            rows = self.db.execute(
                "SELECT asked.key, submissions.shard FROM asked"
                " JOIN submissions ON submissions.id = asked.submission"
                f" WHERE asked.key IN ({marks(part)}) AND NOT taken",
                part,
            )
            shards.update(rows.fetchall())
        return shards

    def record_sent(self, number: int, custom_ids: Iterable[str]) -> None:
        """A call for each of these requests alone is about to be made: from here on it may be paid for."""
        now = self.clock.now()
        with self.transaction():
            self.db.executemany(
                "UPDATE asked SET sent_at = ? WHERE submission = ? AND custom_id = ? AND NOT taken",
                ((now, number, custom_id) for custom_id in custom_ids),
            )

    def record_unsent(self, number: int, custom_ids: Iterable[str]) -> None:
        """No call for these requests is under way any more: they were refused, never made, or are counted
        among the lost ones."""
        with self.transaction():
            self.db.executemany(
                "UPDATE asked SET sent_at = NULL WHERE submission = ? AND custom_id = ?",
                ((number, custom_id) for custom_id in custom_ids),
            )

    def record_lost_calls(self, number: int, count: int) -> None:
        """So many calls for single requests brought no answer, and may have been paid for."""
        with self.transaction():
            self.db.execute(
                "UPDATE submissions SET lost_calls = lost_calls + ? WHERE id = ?", (count, number)
            )

    def sent(self, number: int) -> dict[str, float]:
        """custom_id -> when a call for it was made, in Unix seconds, of the requests of an open submission
        for which one was and of which no outcome is known."""
        return dict(
            self.db.execute(
                "SELECT custom_id, sent_at FROM asked"
                " WHERE submission = ? AND sent_at IS NOT NULL AND NOT taken",
                (number,),
            ).fetchall()
        )

    def take(self, number: int, outcomes: Iterable[Outcome]) -> int:
        """Take over what came of some of a submission's requests, each once. The submission stays open.

        An answer that is final is never replaced; one that is not is, and its attempts and tokens add up.

        Returns:
            How many outcomes were taken: those of requests that this submission does not carry, or of which
            one was taken before, are passed over.
        """
        with self.transaction():
            rows = self.db.execute("SELECT key FROM asked WHERE submission = ? AND NOT taken", (number,))
            awaited = {key for (key,) in rows}
            taken: list[bytes] = []

            def first_of_each() -> Iterator[Outcome]:
                for outcome in outcomes:
                    if outcome.key in awaited:
                        awaited.remove(outcome.key)
                        taken.append(outcome.key)
                        yield outcome

            self._add_outcomes(number, first_of_each(), len(awaited))
            self.db.executemany(
                "UPDATE asked SET taken = 1 WHERE submission = ? AND key = ?",
                ((number, key) for key in taken),
            )
        return len(taken)

    def settle(
        self, number: int, outcomes: Iterable[Outcome], *, status: str, note: Callable[[], str]
    ) -> bool:
        """Take over what came of the rest of a submission's requests as `take` does, and close it.

        Calls for single requests that were under way when a run was stopped, and brought no answer, are lost.

        Args:
            status: the provider's last word on the batch.
            note: what else is worth remembering of the settlement; called after the last outcome.

        Returns:
            False when the submission was settled before: then nothing is changed.
        """
        with self.transaction():
            submission = self.submission(number)
            if not submission.is_open:
                return False
            rows = self.db.execute("SELECT key FROM asked WHERE submission = ? AND taken", (number,))
            taken = {key for (key,) in rows}
            rows = self.db.execute(
                "SELECT key FROM asked WHERE submission = ? AND sent_at IS NOT NULL AND NOT taken", (number,)
            )
            lost = {key for (key,) in rows}

            def rest() -> Iterator[Outcome]:
                for outcome in outcomes:
                    if outcome.key not in taken:
                        if outcome.paid:
                            lost.discard(outcome.key)
                        yield outcome

            self._add_outcomes(number, rest(), submission.requests)
            self.db.execute("DELETE FROM asked WHERE submission = ?", (number,))
            self.db.execute(
                "UPDATE submissions SET state = 'settled', status = ?, settled_at = ?, note = ?,"
                " lost_calls = lost_calls + ? WHERE id = ?",
                (status, self.clock.now(), note(), len(lost), number),
            )
        return True

    def _add_outcomes(self, number: int, outcomes: Iterator[Outcome], at_most: int) -> None:
        """Enter outcomes of a submission, and add up there what they have cost."""
        first = list(islice(outcomes, SAMPLE))
        pack = self.lines.packer_for([o.line for o in first if o.line is not None], at_most)
        sums = [0] * len(_ADDED_UP)
        squares = 0.0

        def rows() -> Iterator[tuple[Any, ...]]:
            nonlocal squares
            for outcome in chain(first, outcomes):
                counts = _sums_of(outcome)
                sums[:] = map(add, sums, counts)
                squares += float(outcome.completion_tokens) ** 2
                line = None if outcome.line is None else pack(outcome.line)
                head = (outcome.key, outcome.state, outcome.reason, outcome.retryable)
                yield (*head, *counts, outcome.tier, number, line)

        self.db.executemany(_SETTLE_ANSWER, rows())
        self.db.execute(
            "UPDATE submissions SET completion_squares = completion_squares + ?,"
            f" {', '.join(f'{name} = {name} + ?' for name in _ADDED_UP)} WHERE id = ?",
            (squares, *sums, number),
        )

    def enter(self, submission: Submission, asked: Iterable[Asked]) -> None:
        """Write down a submission that this ledger has lost or never known, with its requests.

        It keeps its number where that is free, or is that of a row which stands for it since a repair.
        """
        with self.transaction():
            self.db.execute(
                "DELETE FROM submissions WHERE id = ? AND nonce = ?", (submission.id, f"lost-{submission.id}")
            )
            taken = self.db.execute("SELECT 1 FROM submissions WHERE id = ?", (submission.id,)).fetchone()
            number = self.insert_submission(submission, None if taken else submission.id)
            self.insert_asked(number, asked)

    def complete_asked(self, number: int, asked: Iterable[Asked]) -> None:
        """Add those requests of an open submission that the ledger has lost."""
        with self.transaction():
            if self.submission(number).is_open:
                self.insert_asked(number, asked)
                self.db.execute(
                    "UPDATE submissions SET note = NULL WHERE id = ? AND note = ?", (number, REQUESTS_LOST)
                )

    def insert_asked(self, number: int, asked: Iterable[Asked]) -> None:
        self.db.executemany(
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
        with self.transaction():
            before = self.db.total_changes
            self.db.executemany(
                _RESTORE_ANSWER,
                (
                    (
                        *(outcome.key, outcome.state, outcome.reason, outcome.retryable, attempts + 1),
                        *_sums_of(outcome),
                        outcome.tier,
                        number,
                        None if outcome.line is None else self.lines.pack(outcome.line),
                    )
                    for outcome, attempts in outcomes
                ),
            )
            return self.db.total_changes - before
