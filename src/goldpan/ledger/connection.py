"""A connection to a ledger's SQLite file whose faults have names and remedies.

Whatever SQLite says while a statement runs or its rows are read becomes a LedgerError here, in one place. The
file itself is watched, too: SQLite goes on writing to a file that was deleted or replaced under it, and what
it writes there is lost.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from goldpan.errors import LedgerError

# How long to wait for another process that writes, in seconds. Settling a large shard takes less.
PATIENCE = 120.0
_ROWS_AT_ONCE = 64
_REPAIR = "stop all runs, then `goldpan ledger repair` saves what can be read; or put a backup back"


def open_ledger_file(path: Path, *, patience: float = PATIENCE) -> Connection:
    """Open a ledger's file, which is made when it is absent; its folder, too.

    Raises:
        LedgerError: it cannot be opened.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(path, isolation_level=None, timeout=patience, factory=Connection)
    except OSError as error:
        raise cannot_lie_here(path, error) from None
    except sqlite3.Error as error:
        raise fault(path, error) from None
    db.path = path
    return db


def cannot_lie_here(path: Path, error: OSError) -> LedgerError:
    """The error for a folder in which the ledger, or a file that goes with it, cannot be made."""
    return LedgerError(
        f"the ledger cannot lie here: {error.strerror}",
        where=str(path.parent),
        remedy="make the folder writable, or name another place under `ledger` in config/config.yaml",
    )


class Connection(sqlite3.Connection):
    """See the module. Rows are fetched through cursors that name faults as well.

    Attributes:
        path: the file.
    """

    path: Path
    _opened: tuple[object, object] | None = None

    def execute(self, sql: str, parameters: Any = ()) -> _Cursor:
        return self.cursor(_Cursor).execute(sql, parameters)

    def executemany(self, sql: str, rows: Iterable[Any]) -> _Cursor:
        return self.cursor(_Cursor).executemany(sql, rows)

    def begin(self) -> None:
        """Begin to write, or wait until no one else does.

        Raises:
            LedgerError: also when the file is not the one that was opened.
        """
        self.execute("BEGIN IMMEDIATE")
        try:
            self.check_in_place()
        except LedgerError:
            self.rollback_quietly()
            raise

    def commit_in_place(self) -> None:
        """Make what was written lasting.

        Raises:
            LedgerError: also when the file is not the one that was opened; nothing is written then.
        """
        self.check_in_place()
        self.execute("COMMIT")

    def rollback_quietly(self) -> None:
        """Take back what was written; SQLite has done so by itself after some faults."""
        if self.in_transaction:
            # The fault that led here is the one to tell of.
            with contextlib.suppress(LedgerError):
                self.execute("ROLLBACK")

    def check_in_place(self) -> None:
        """Check that the file, and the log beside it, are those that they were at the first look.

        Raises:
            LedgerError: one was deleted or replaced; what were written now would be lost.
        """
        # The log is made by the first that reads or writes, and stays as long as anyone has the file open.
        now = _identity(self.path), _identity(self.path.with_name(self.path.name + "-wal"))
        if self._opened is None:
            self._opened = now
        elif now != self._opened:
            raise LedgerError(
                "the ledger was deleted or replaced while it was in use",
                where=str(self.path),
                remedy="stop all runs and put it back (a backup, without `-wal` and `-shm` files beside it);"
                " what it does not know of `goldpan ledger take-in` takes in from results/",
            )


class _Cursor(sqlite3.Cursor):
    """Names what goes wrong; else as it is."""

    def execute(self, sql: str, parameters: Any = ()) -> _Cursor:
        try:
            return super().execute(sql, parameters)
        except sqlite3.Error as error:
            raise self._fault(error) from None

    def executemany(self, sql: str, rows: Iterable[Any]) -> _Cursor:
        try:
            return super().executemany(sql, rows)
        except sqlite3.Error as error:
            raise self._fault(error) from None

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        # In portions: a step through Python for each row is what many rows would feel.
        while rows := self.fetchmany(_ROWS_AT_ONCE):
            yield from rows

    def fetchmany(self, size: int | None = None) -> list[Any]:
        try:
            return super().fetchmany(size or 1)
        except sqlite3.Error as error:
            raise self._fault(error) from None

    def fetchone(self) -> Any:
        try:
            return super().fetchone()
        except sqlite3.Error as error:
            raise self._fault(error) from None

    def fetchall(self) -> list[Any]:
        try:
            return super().fetchall()
        except sqlite3.Error as error:
            raise self._fault(error) from None

    def _fault(self, error: sqlite3.Error) -> LedgerError:
        assert isinstance(self.connection, Connection)
        return fault(self.connection.path, error)


def fault(path: Path, error: sqlite3.Error) -> LedgerError:
    """The error that says what SQLite's means for a ledger, and what to do."""
    what, remedy = _meaning(getattr(error, "sqlite_errorname", None) or "", str(error))
    return LedgerError(f"{what} ({error})", where=str(path), remedy=remedy)


def damaged_ledger(path: Path, error: object) -> LedgerError:
    """The error for a row that SQLite takes for whole and that cannot be read."""
    return LedgerError(f"the ledger is damaged: {error}", where=str(path), remedy=_REPAIR)


def _meaning(name: str, message: str) -> tuple[str, str]:
    local = "put the ledger on a local disk (`ledger` in config/config.yaml)"
    if name.startswith("SQLITE_FULL"):
        return "the disk is full", "make room and run the same command again; nothing that was paid is lost"
    if name.startswith("SQLITE_READONLY_DBMOVED"):
        return "the ledger was moved or deleted while it was in use", "put it back, and run again"
    if name.startswith("SQLITE_READONLY"):
        return "the ledger may not be written", "make the file and its folder writable, and run again"
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return (
            "another process has held the ledger for too long",
            "look which one does (`fuser` or `lsof` on the file), end it, and run again",
        )
    if name.startswith("SQLITE_CANTOPEN"):
        return "the ledger cannot be opened", "check that the path is a file, and may be read and written"
    if name.startswith("SQLITE_NOTADB"):
        return "cannot be used as a ledger: it is no database, or its first page is damaged", _REPAIR
    if name.startswith("SQLITE_PROTOCOL") or "LOCK" in name or "SHM" in name:
        return "this file system does not have the locks that the ledger needs", local
    if name.startswith("SQLITE_IOERR_CORRUPTFS") or name.startswith("SQLITE_CORRUPT"):
        return "the ledger is damaged", _REPAIR
    if name.startswith("SQLITE_IOERR"):
        return (
            "the disk refuses to read or write the ledger",
            f"check the disk and your quota, then run again; on a network file system {local}",
        )
    if name.startswith("SQLITE_CONSTRAINT"):
        return "the ledger contradicts itself", "run again; if it stays so: " + _REPAIR
    if not name and "decode" in message:
        # A text that is not UTF-8: nobody writes one.
        return "the ledger is damaged", _REPAIR
    return "cannot be used as a ledger", "name another file under `ledger:`; or " + _REPAIR


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
