"""Locks that die with the process that holds them."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from goldpan.errors import LedgerError


class RunLock:
    """One run at a time for one ledger.

    The lock is an advisory `flock`, so a process killed with SIGKILL leaves nothing to clean up. It must lie
    on a local disk or a network file system that honours `flock`.
    """

    def __init__(self, ledger: Path):
        self.path = ledger.with_name(ledger.name + ".lock")
        self._handle: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock or raise LedgerError that names the process holding it."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = self.path.open("a+")
        except OSError as error:
            raise LedgerError(
                f"the ledger cannot lie here: {error.strerror}",
                where=str(self.path.parent),
                remedy="name another place under `ledger` in config/config.yaml",
            ) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            holder = handle.read().strip() or "unknown"
            handle.close()
            raise LedgerError(
                f"another run uses this ledger (process {holder})",
                where=str(self.path),
                remedy="wait for it to end or stop it; two studies at a time need two ledgers",
            ) from None
        handle.seek(0)
        handle.truncate()
        handle.write(str(os.getpid()))
        handle.flush()
        self._handle = handle

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._handle:
            self._handle.close()
            self._handle = None


class ShardLock:
    """Held while a shard is being submitted, so that an orphaned worker and a rerun never do it twice."""

    def __init__(self, ledger: Path, shard: str):
        self.path = ledger.parent / "locks" / f"{shard}.lock"
        self._handle: IO[str] | None = None

    def __enter__(self) -> ShardLock:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._handle = self.path.open("a+")
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._handle:
            self._handle.close()
