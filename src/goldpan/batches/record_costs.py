"""What each record of a stage has cost: its part of what its requests cost, by the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from goldpan.batches.budget import cost_of_answer
from goldpan.ledger import Ledger, Submission
from goldpan.records.temporary_database import TemporaryDatabase
from goldpan.stages.rows import read_asked
from goldpan.study.stage import Stage

_AT_A_TIME = 500


def costs_of_records(asked: Path, ledger: Path, stage: Stage) -> Iterator[tuple[str, float | None]]:
    """(record id, USD) of each request of a stage; a record with several samples occurs several times.

    All attempts count. A request that several records share is paid once, so each of them bears an equal
    part, and all parts together are what the summary of the stage gives as its cost. A record that was not
    asked does not occur.

    Args:
        asked: asked.jsonl of the first round, which names the requests of every record.
        stage: as its requests are made (`asked_stage`).

    Yields:
        None in place of a cost that nobody knows a price for.
    """
    with _Requests() as requests, Ledger(ledger) as known:
        requests.add((row["id"], bytes.fromhex(row["key"])) for _, row in read_asked(asked) if "key" in row)
        submissions: dict[int, Submission] = {}
        rows = requests.with_sharers()
        while chunk := list(islice(rows, _AT_A_TIME)):
            outcomes = known.outcomes(list({key for _, key, _ in chunk}))
            for record, key, sharers in chunk:
                if (answer := outcomes.get(key)) is None:
                    continue
                number = answer.submission
                if number not in submissions:
                    submissions[number] = known.submission(number)
                cost = cost_of_answer(answer, submissions[number], stage)
                yield record, None if cost is None else cost / sharers


class _Requests(TemporaryDatabase):
    """The requests of a stage, on disk: memory does not grow with their number."""

    def __init__(self) -> None:
        super().__init__("requests (record TEXT, key BLOB)")

    def add(self, rows: Iterator[tuple[str, bytes]]) -> None:
        """Take (record, key) of all requests."""
        self.connection.executemany("INSERT INTO requests VALUES (?, ?)", rows)
        self.connection.execute(
            "CREATE TABLE sharers AS SELECT key, count(*) AS records FROM requests GROUP BY key ORDER BY key"
        )
        self.connection.execute("CREATE UNIQUE INDEX sharers_of ON sharers (key)")

    def with_sharers(self) -> Iterator[tuple[str, bytes, int]]:
        """(record, key, how many records have this key), as they were added."""
        yield from self.connection.execute(
            "SELECT record, requests.key, records FROM requests JOIN sharers ON sharers.key = requests.key"
            " ORDER BY requests.rowid"
        )
