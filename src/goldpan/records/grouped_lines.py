"""Lines put together by group, on disk: they come in any order, and memory is flat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from goldpan.records.temporary_database import TemporaryDatabase


@dataclass(frozen=True, slots=True)
class LinesOfGroup:
    """One group.

    Attributes:
        head: what was said of it when it was begun.
        rows: how many rows of it were counted.
        lines: its lines in their order; to be read before the next group is.
    """

    head: bytes
    rows: int
    lines: Iterator[bytes]


class GroupedLines(TemporaryDatabase):
    """Lines that belong to groups, which may stand in any order among each other."""

    def __init__(self) -> None:
        super().__init__(
            "groups (number INTEGER PRIMARY KEY, head BLOB NOT NULL, rows INTEGER NOT NULL)",
            "numbers (key BLOB PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID",
            "lines (number INTEGER NOT NULL, line BLOB NOT NULL)",
        )
        self._groups = 0

    def number(self, key: bytes) -> int | None:
        """The number of a group, from 1 in the order in which they were begun; None of one that was not."""
        known = self.connection.execute("SELECT number FROM numbers WHERE key = ?", (key,)).fetchone()
        return None if known is None else int(known[0])

    def begin(self, key: bytes, head: bytes = b"") -> int:
        """Begin a group, and say what it has besides its lines; returns its number."""
        self._groups += 1
        self.connection.execute("INSERT INTO numbers VALUES (?, ?)", (key, self._groups))
        self.connection.execute("INSERT INTO groups VALUES (?, ?, 0)", (self._groups, head))
        return self._groups

    def count_row(self, number: int) -> None:
        """Count a row of a group, be there a line of it or not."""
        self.connection.execute("UPDATE groups SET rows = rows + 1 WHERE number = ?", (number,))

    def add(self, number: int, line: bytes) -> None:
        """Add a line to a group."""
        self.connection.execute("INSERT INTO lines VALUES (?, ?)", (number, line))

    def __iter__(self) -> Iterator[LinesOfGroup]:
        """The groups in the order in which they were begun."""
        lines = self.connection.execute("SELECT number, line FROM lines ORDER BY number, rowid")
        ahead = lines.fetchone()

        def of_group(number: int) -> Iterator[bytes]:
            nonlocal ahead
            while ahead is not None and ahead[0] == number:
                yield ahead[1]
                ahead = lines.fetchone()

        for number, head, rows in self.connection.execute("SELECT * FROM groups ORDER BY number"):
            yield LinesOfGroup(head, rows, of_group(number))
