"""A second copy of a ledger, made while runs go on, and the check that a ledger is whole."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from dataclasses import fields
from pathlib import Path

from goldpan.errors import LedgerError
from goldpan.files import put_in_place
from goldpan.ledger.connection import Connection, fault
from goldpan.ledger.lines import Lines
from goldpan.ledger.rows import Submission, is_sound
from goldpan.ledger.store import Ledger

_NAMED = 5


def back_up(ledger: Ledger, copy: Path) -> None:
    """Write the ledger as it is at this moment to a file that is not there yet.

    Runs may go on. The copy is looked through before it gets its name, and needs no other file beside it.

    Raises:
        LedgerError: the file is there, or the copy is not whole, as the ledger is damaged.
        OSError: the file cannot be written.
    """
    if copy.exists():
        raise LedgerError(
            "exists already, and is not written over", where=str(copy), remedy="name another file"
        )
    copy.parent.mkdir(parents=True, exist_ok=True)
    part = copy.with_name(f".{copy.name}.{os.getpid()}.part")
    try:
        # Opened by Python, so that a place that cannot be written is told by its name.
        part.open("wb").close()
        ledger.copy_to(part)
        problems = problems_of(part)
        if problems:
            raise LedgerError(
                f"the ledger is damaged: {problems[0]}",
                where=str(ledger.path),
                remedy="stop all runs, then `goldpan ledger repair` saves what can be read",
            )
        try:
            os.link(part, copy)
        except FileExistsError:
            raise LedgerError("exists already", where=str(copy), remedy="name another file") from None
        except OSError:
            # A file system without second names.
            put_in_place(part, copy)
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            part.with_name(part.name + suffix).unlink(missing_ok=True)


def problems_of(path: Path) -> list[str]:
    """What is wrong with a ledger's file, at most some of it; nothing when it is whole.

    Looks at every page, and reads every submission and every answer's line.
    """
    try:
        with contextlib.closing(_reader(path)) as db:
            rows = [row[0] for row in db.execute(f"PRAGMA integrity_check({_NAMED})")]
            if rows != ["ok"]:
                return rows
            there = {row[1] for row in db.execute("PRAGMA table_info(submissions)")}
            names = [field.name for field in fields(Submission)]
            # A ledger of an earlier format lacks some of them.
            columns = ", ".join(name if name in there else "NULL" for name in names)
            for row in db.execute(f"SELECT {columns} FROM submissions"):
                if not is_sound(row, there):
                    return [f"the row of submission {row[0]} holds what nobody writes"]
            lines = Lines(db)
            for (line,) in db.execute("SELECT line FROM answers WHERE line IS NOT NULL"):
                lines.unpack(line)
    except LedgerError as error:
        return [error.what]
    return []


def _reader(path: Path) -> Connection:
    """A connection that leaves the file and its log as they are."""
    try:
        db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, factory=Connection)
    except sqlite3.Error as error:
        raise fault(path, error) from None
    db.path = path
    return db
