"""A set of ids on disk, to find duplicates among any number of rows in constant memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

_CACHE_KIB = 16_384


class TemporaryTable:
    """A private database that SQLite keeps in a 16 MiB cache and spills to the temporary folder beyond that.

    It is gone when it is closed or the process ends.
    """

    def __init__(self, columns: str) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode=OFF")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute("PRAGMA temp_store=FILE")
        self._database.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        self._database.execute(f"CREATE TABLE seen ({columns}) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def close(self) -> None:
        """Delete the set."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class SeenIds(TemporaryTable):
    """Ids that were seen, each with the place it was first seen at."""

    def __init__(self) -> None:
        super().__init__("id TEXT PRIMARY KEY, place TEXT NOT NULL")

    def add(self, id: str, place: str) -> str | None:
        """Note that `id` stands at `place`; return the place it was seen at before, if it was."""
        added = self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (id, place)).rowcount
        if added:
            return None
        (earlier,) = self._database.execute("SELECT place FROM seen WHERE id = ?", (id,)).fetchone()
        return str(earlier)


class GatheredLines(TemporaryTable):
    """Lines that belong to groups, which may stand in any order among each other."""

    def __init__(self) -> None:
        super().__init__("key BLOB PRIMARY KEY, number INTEGER NOT NULL")
        self._database.execute("CREATE TABLE heads (number INTEGER PRIMARY KEY, head BLOB, rows INTEGER)")
        self._database.execute("CREATE TABLE lines (number INTEGER NOT NULL, line BLOB NOT NULL)")
        self._groups = 0

    def number(self, key: bytes) -> tuple[int, bool]:
        """The number of a group, from 0 in the order in which they are first seen, and whether it is new."""
        known = self._database.execute("SELECT number FROM seen WHERE key = ?", (key,)).fetchone()
        if known is not None:
            return int(known[0]), False
        self._database.execute("INSERT INTO seen VALUES (?, ?)", (key, self._groups))
        self._groups += 1
        return self._groups - 1, True

    def set_head(self, number: int, head: bytes) -> None:
        """Say what a group has besides its lines."""
        self._database.execute("INSERT INTO heads VALUES (?, ?, 0)", (number, head))

    def count_row(self, number: int) -> None:
        """Count a row of a group, be there a line of it or not."""
        self._database.execute("UPDATE heads SET rows = rows + 1 WHERE number = ?", (number,))

    def add(self, number: int, line: bytes) -> None:
        """Add a line to a group."""
        self._database.execute("INSERT INTO lines VALUES (?, ?)", (number, line))

    def read(self) -> Iterator[tuple[bytes, int, list[bytes]]]:
        """Head, number of rows and lines of each group, in the order in which they were first seen."""
        lines = self._database.execute("SELECT number, line FROM lines ORDER BY number, rowid")
        ahead = lines.fetchone()
        for number, head, rows in self._database.execute("SELECT * FROM heads ORDER BY number"):
            own = []
            while ahead is not None and ahead[0] == number:
                own.append(ahead[1])
                ahead = lines.fetchone()
            yield head, rows, own


class SeenKeys(TemporaryTable):
    """Request keys that were seen."""

    def __init__(self) -> None:
        super().__init__("key BLOB PRIMARY KEY")

    def add_new(self, keys: Iterable[bytes]) -> set[bytes]:
        """Note some keys, at most some thousand; return those that were not seen before."""
        asked = set(keys)
        marks = ", ".join("?" * len(asked))
        known = self._database.execute(f"SELECT key FROM seen WHERE key IN ({marks})", list(asked))
        new = asked.difference(key for (key,) in known)
        self._database.executemany("INSERT INTO seen VALUES (?)", ((key,) for key in new))
        return new
