"""An opened ledger: its SQLite file, whose format it knows, and its transactions."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from goldpan.clock import SYSTEM_CLOCK, Clock
from goldpan.closing import ClosedAtEnd
from goldpan.crashpoints import reached
from goldpan.errors import LedgerError
from goldpan.ledger.connection import PATIENCE, fault, open_ledger_file
from goldpan.ledger.lines import Lines
from goldpan.ledger.migration import add_columns

SCHEMA_VERSION = 6
LOOKUP_SIZE = 500
# An answer's line has some thousand bytes compressed: in SQLite's usual pages of 4,096 bytes it would be a
# chain of overflow pages, which takes twice the time. Keys are random, so their index is kept in the cache.
PAGE_BYTES, _CACHE_KIB = 16_384, 8_192
_LOOK_AGAIN_SECONDS = 0.05
_Key = TypeVar("_Key")


class Database(ClosedAtEnd):
    """A ledger's file. Use as a context manager.

    Args:
        path: the SQLite file; made, with its folder, when it is absent.
        patience: how long to wait for another process that writes, in seconds.
        clock: for time stamps.

    Attributes:
        db, lines: for the modules of this room.

    Raises:
        LedgerError: the file is not a goldpan ledger, or was made by a newer version. Every method raises it
            when the file is damaged, gone, locked or not to be written, with what to do.
    """

    def __init__(self, path: Path, *, patience: float = PATIENCE, clock: Clock = SYSTEM_CLOCK):
        self.path, self.clock = Path(path), clock
        self.db = open_ledger_file(self.path, patience=patience)
        try:
            self.db.execute(f"PRAGMA page_size={PAGE_BYTES}")
            self.db.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
            self._write_ahead(patience)
            self.db.execute("PRAGMA synchronous=FULL")
            self._prepare()
            self.db.check_in_place()
        except BaseException:
            self.db.close()
            raise
        self.lines = Lines(self.db)

    def _write_ahead(self, patience: float) -> None:
        """Have what is written go to a log first. SQLite does not wait for others when it changes to that, as
        for all else: of two processes that meet at a new file one would fail."""
        end = self.clock.monotonic() + patience
        while True:
            try:
                self.db.cursor().execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.Error as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or self.clock.monotonic() > end:
                    raise fault(self.path, error) from None
            self.clock.sleep(_LOOK_AGAIN_SECONDS)

    def _prepare(self) -> None:
        version = self._version()
        if version > SCHEMA_VERSION:
            raise LedgerError(
                f"was made by a newer goldpan (format {version}, this one knows {SCHEMA_VERSION})",
                where=str(self.path),
                remedy="update goldpan",
            )
        if version < SCHEMA_VERSION:
            known = self.db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if known and not self._has_table("submissions"):
                raise LedgerError("is a database of something else", where=str(self.path))
            with self.transaction():
                if self._version() == SCHEMA_VERSION:
                    # Another process was faster.
                    return
                if known:
                    add_columns(self.db, version)
                    reached("migrating")
                for statement in (Path(__file__).with_name("schema.sql")).read_text().split(";\n"):
                    if statement.strip():
                        self.db.execute(statement)
                self.db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _version(self) -> int:
        return self.db.execute("PRAGMA user_version").fetchone()[0]

    def _has_table(self, name: str) -> bool:
        tables = self.db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,))
        return tables.fetchone() is not None

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all that happens within, or nothing of it."""
        self.db.begin()
        try:
            yield
            self.db.commit_in_place()
        except BaseException:
            self.db.rollback_quietly()
            raise

    def copy_to(self, path: Path) -> None:
        """Write all that the ledger holds at this moment to an empty file, which needs no other beside it."""
        try:
            with contextlib.closing(sqlite3.connect(path)) as copy:
                self.db.backup(copy)
                # A copy that kept the ledger's way of logging would need two files more.
                copy.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.Error as error:
            raise fault(self.path, error) from None


def marks(values: Sequence[Any]) -> str:
    """Question marks for so many values, as SQL takes them."""
    return ", ".join("?" * len(values))


def parts(keys: Sequence[_Key]) -> Iterator[Sequence[_Key]]:
    """Keys in portions of what one statement looks up."""
    for start in range(0, len(keys), LOOKUP_SIZE):
        yield keys[start : start + LOOKUP_SIZE]
