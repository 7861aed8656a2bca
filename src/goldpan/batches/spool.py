"""Request files that are planned or under way, kept beside the ledger until they are settled.

They outlive `results/`, so that a shard whose upload was lost can be submitted again as it was.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from pathlib import Path

_KEEP_SECONDS = 7 * 24 * 3600
_KEEP_FETCHED_SECONDS = 24 * 3600


class Spool:
    """The folder of spooled request files, named by the hash of their shard."""

    def __init__(self, ledger: Path):
        self.folder = ledger.parent / "spool"
        self.folder.mkdir(parents=True, exist_ok=True)

    def path(self, shard: str) -> Path:
        """Where the request file of a shard lies, if it is spooled."""
        return self.folder / f"{shard}.jsonl"

    def new(self) -> Path:
        """A temporary name for a request file that is being written."""
        return self.folder / f".{os.getpid()}.{secrets.token_hex(4)}.part"

    def put(self, written: Path, shard: str) -> None:
        """Take over a finished request file."""
        written.replace(self.path(shard))

    def copy_to(self, shard: str, destination: Path) -> bool:
        """Give a spooled file a second name (or copy it to another disk); False when it is not spooled."""
        destination.parent.mkdir(parents=True, exist_ok=True)
        temporary = destination.with_name(f".{destination.name}.{secrets.token_hex(4)}.part")
        try:
            _link_or_copy(self.path(shard), temporary)
        except FileNotFoundError:
            # Another study may have settled it this moment.
            temporary.unlink(missing_ok=True)
            return False
        temporary.replace(destination)
        # A link keeps the spooled file's times; the copy must be newer than the plan it was made from.
        os.utime(destination)
        return True

    def remove(self, shard: str) -> None:
        """Drop a request file that is settled."""
        self.path(shard).unlink(missing_ok=True)

    def tidy(self, needed: set[str]) -> None:
        """Drop files older than a week that no open submission needs, and folders that answers were fetched
        to by a run that was killed, after a day."""
        for folder in self.folder.parent.glob(".fetch-*"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - folder.stat().st_mtime > _KEEP_FETCHED_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)
        for path in self.folder.iterdir():
            # Another study may settle one of them meanwhile.
            with contextlib.suppress(FileNotFoundError):
                if path.stem not in needed and time.time() - path.stat().st_mtime > _KEEP_SECONDS:
                    path.unlink()


def _link_or_copy(source: Path, destination: Path) -> None:
    try:
        os.link(source, destination)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, destination)
