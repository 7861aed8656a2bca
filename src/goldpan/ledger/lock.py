"""Locks that die with the process that holds them: advisory `flock`s on files beside the ledger.

A process killed with SIGKILL leaves nothing to clean up. The ledger's folder must lie on a local disk or a
network file system that honours `flock`.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from goldpan.errors import LedgerError
from goldpan.ledger.connection import cannot_lie_here

# Whoever submits a shard in doubt looks for its batch for minutes; nobody does so for an hour.
LONGEST_SUBMISSION_SECONDS = 3600.0


class RunLock:
    """One run at a time of one study.

    Studies that use one ledger may run side by side: each write to it is a short transaction, and a shard is
    submitted under its own lock. Whoever replaces the ledger's file wants to be `alone_with` it.

    Args:
        ledger: the ledger's file.
        results: the study's folder of results.
        is_shared: whether others may hold it likewise at the same time; only one that is not shared keeps all
            others out.
    """

    def __init__(self, ledger: Path, results: Path, is_shared: bool = False):
        self._ledger, self._results = ledger, results
        self._kind = fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX
        place = hashlib.sha256(str(results.resolve()).encode()).hexdigest()[:12]
        self.path = _locks(ledger) / f"run-{results.name}-{place}.lock"
        self._handles: list[IO[str]] = []

    def acquire(self) -> None:
        """Take the lock or raise LedgerError that names the process holding it."""
        shared = _open(_ledger_lock(self._ledger))
        if not _lock(shared, fcntl.LOCK_SH):
            raise _held(shared, "another process works on the ledger itself, or is a run of an older goldpan")
        _sign(shared)
        self._handles.append(shared)
        own = _open(self.path)
        if not _lock(own, self._kind):
            self.release()
            raise _held(own, f"another run works on {self._results}")
        _sign(own)
        self._handles.append(own)

    def __enter__(self) -> RunLock:
        self.acquire()
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        while self._handles:
            self._handles.pop().close()


@contextlib.contextmanager
def alone_with(ledger: Path) -> Iterator[None]:
    """Held while the ledger's file is replaced: no run of any study is under way, and none can begin.

    Raises:
        LedgerError: one is.
    """
    handle = _open(_ledger_lock(ledger))
    if not _lock(handle, fcntl.LOCK_EX):
        raise _held(handle, "a run uses this ledger")
    with handle:
        _sign(handle)
        yield


class ShardLock:
    """Held while a shard is being submitted, so that an orphaned worker and a rerun never do it twice.

    Args:
        ledger: the ledger's file.
        shard: the shard's hash.
        patience: seconds to wait for another process that holds it.
        sleep: how to pass the time, in seconds.

    Raises:
        LedgerError: another process still holds it then.
    """

    def __init__(
        self,
        ledger: Path,
        shard: str,
        *,
        patience: float = LONGEST_SUBMISSION_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ):
        self.path = _locks(ledger) / f"{shard}.lock"
        self._patience, self._sleep = patience, sleep

    def __enter__(self) -> ShardLock:
        self._handle = _open(self.path)
        waited, pause = 0.0, 0.02
        while not _lock(self._handle, fcntl.LOCK_EX):
            if waited >= self._patience:
                raise _held(self._handle, "another process has been submitting this shard for too long")
            self._sleep(pause)
            waited, pause = waited + pause, min(pause * 1.5, 1.0)
        _sign(self._handle)
        return self

    def __exit__(self, *exc: object) -> None:
        self._handle.close()


def _locks(ledger: Path) -> Path:
    return ledger.parent / "locks"


def _ledger_lock(ledger: Path) -> Path:
    return ledger.with_name(ledger.name + ".lock")


def _open(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+")
    except OSError as error:
        raise cannot_lie_here(path, error) from None


def _lock(handle: IO[str], kind: int) -> bool:
    """Take a lock of a kind, unless someone holds it."""
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        path = handle.name
        handle.close()
        raise LedgerError(
            f"this file system has no locks: {error.strerror}",
            where=path,
            remedy="name a place on a local disk under `ledger` in config/config.yaml",
        ) from None
    return True


def _sign(handle: IO[str]) -> None:
    """Say who holds a lock."""
    handle.seek(0)
    handle.truncate()
    handle.write(str(os.getpid()))
    # On a full disk nothing is said: it is only for the message of whoever comes next.
    with contextlib.suppress(OSError):
        handle.flush()


def _held(handle: IO[str], what: str) -> LedgerError:
    handle.seek(0)
    holder = handle.read().strip() or "unknown"
    path = handle.name
    handle.close()
    return LedgerError(
        f"{what} (process {holder})",
        where=path,
        remedy="wait for it to end or stop it; the lock goes with its process",
    )
