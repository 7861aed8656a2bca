"""A database for what one step must look up in, and what would be too much for memory."""

from __future__ import annotations

import sqlite3

from goldpan.closing import ClosedAtEnd

_CACHE_KIB = 16_384
_SETTINGS = ("journal_mode=OFF", "synchronous=OFF", "temp_store=FILE", f"cache_size=-{_CACHE_KIB}")


class TemporaryDatabase(ClosedAtEnd):
    """A private database that SQLite keeps in a 16 MiB cache and spills to the temporary folder beyond that.

    It is gone when it is closed or the process ends. A context manager.

    Args:
        tables: those to make, each as `name (columns)`, with what SQLite takes behind them.

    Attributes:
        connection: to it, in a transaction that is never to end.
    """

    def __init__(self, *tables: str) -> None:
        self.connection = sqlite3.connect("", isolation_level=None)
        for setting in _SETTINGS:
            self.connection.execute(f"PRAGMA {setting}")
        for table in tables:
            self.connection.execute(f"CREATE TABLE {table}")
        self.connection.execute("BEGIN")

    def close(self) -> None:
        """Delete it."""
        self.connection.close()
