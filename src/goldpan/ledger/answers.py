"""The answers of a ledger: the best that is known of each request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any

from goldpan.ledger.database import Database, marks, parts
from goldpan.ledger.rows import FLEX_SUMS, Answer

_OUTCOME_COLUMNS = ", ".join(field.name for field in fields(Answer) if field.name != "line")


class Answers(Database):
    """What the table `answers` says."""

    def outcomes(self, keys: Sequence[bytes]) -> dict[bytes, Answer]:
        """Outcomes of those requests that have one, without the provider's lines."""
        outcomes: dict[bytes, Answer] = {}
        for part in parts(keys):
            rows = self.db.execute(
                f"SELECT key, {_OUTCOME_COLUMNS} FROM answers WHERE key IN ({marks(part)})", part
            )
            outcomes.update((key, _answer(columns)) for key, *columns in rows)
        return outcomes

    def answers(self, keys: Sequence[bytes]) -> dict[bytes, Answer]:
        """Outcomes of those requests that have one, with the provider's lines."""
        return {
            key: answer
            for part in parts(keys)
            for key, answer in self._with_lines(f"WHERE key IN ({marks(part)})", part)
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
        unpack = self.lines.unpack
        rows = self.db.execute(f"SELECT key, {_OUTCOME_COLUMNS}, line FROM answers {condition}", values)
        for key, *columns, line in rows:
            answer = _answer(columns)
            answer.line = None if line is None else unpack(line)
            yield key, answer

    def forgive(self, keys: Iterable[bytes]) -> int:
        """Let requests that came to nothing be asked again; answers that are ok stay as they are.

        Returns:
            How many requests may be asked again now.
        """
        with self.transaction():
            before = self.db.total_changes
            self.db.executemany(
                "UPDATE answers SET forgiven = attempts, retryable = 1 WHERE key = ? AND state != 'ok'",
                ((key,) for key in keys),
            )
            return self.db.total_changes - before

    def counts(self) -> dict[str, int]:
        """Number of answers by state."""
        return dict(self.db.execute("SELECT state, count(*) FROM answers GROUP BY state ORDER BY state"))


def _answer(columns: Sequence[Any]) -> Answer:
    """An answer without its line, of `_OUTCOME_COLUMNS`."""
    state, reason, retryable, attempts, forgiven, prompt, completion, submission, *shares = columns
    cached, cache_write, reasoning, paid, tier, *flex = shares
    return Answer(
        *(state, reason, bool(retryable), attempts, forgiven, prompt, completion, submission),
        line=None,
        cached_tokens=cached,
        cache_write_tokens=cache_write,
        reasoning_tokens=reasoning,
        paid=paid,
        tier=tier,
        **dict(zip(FLEX_SUMS, flex, strict=True)),
    )
