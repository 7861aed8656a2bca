"""A set of ids on disk, to find duplicates among any number of rows in constant memory."""

from __future__ import annotations

from collections.abc import Iterable

from goldpan.records.temporary_database import TemporaryDatabase


class SeenIds(TemporaryDatabase):
    """Ids that were seen, each with the place it was first seen at."""

    def __init__(self) -> None:
        super().__init__("seen (id TEXT PRIMARY KEY, place TEXT NOT NULL) WITHOUT ROWID")

    def add(self, id: str, place: str) -> str | None:
        """Note that `id` stands at `place`; return the place it was seen at before, if it was."""
        added = self.connection.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (id, place)).rowcount
        if added:
            return None
        (earlier,) = self.connection.execute("SELECT place FROM seen WHERE id = ?", (id,)).fetchone()
        return str(earlier)


class SeenKeys(TemporaryDatabase):
    """Request keys that were seen."""

    def __init__(self) -> None:
        super().__init__("seen (key BLOB PRIMARY KEY) WITHOUT ROWID")

    def add_new(self, keys: Iterable[bytes]) -> set[bytes]:
        """Note some keys, at most some thousand; return those that were not seen before."""
        asked = set(keys)
        marks = ", ".join("?" * len(asked))
        known = self.connection.execute(f"SELECT key FROM seen WHERE key IN ({marks})", list(asked))
        new = asked.difference(key for (key,) in known)
        self.connection.executemany("INSERT INTO seen VALUES (?)", ((key,) for key in new))
        return new
