"""What the log file of a job says: how far it is, what is news, and why it failed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from goldpan.visible_text import printable

_TAIL_BYTES = 65_536
_PROGRESS = re.compile(r": [\d,]+/[\d,]+ (?:batches|requests|answers)\b")
_ERROR = re.compile(r"(?:goldpan: )?(?P<kind>[A-Z]\w*Error): ?(?P<text>.*)")
_TRACEBACK = "Traceback (most recent call last):"
_STOPPED = "goldpan: stopped;"


@dataclass(frozen=True)
class JobLog:
    """Lines of a log file.

    Attributes:
        path: its name; None where the job has none.
        lines: its last lines, without empty ones.
    """

    path: str | None
    lines: tuple[str, ...]

    @classmethod
    def read(cls, paths: Sequence[str]) -> JobLog:
        """The last lines of the first of a job's log files; none where it cannot be read."""
        path = next(iter(paths), None)
        return cls(path, tuple(tail(path)) if path else ())

    @property
    def news(self) -> list[str]:
        """Lines for people: no error, and of those about progress only one that says how it ended."""
        at = self._error_at()
        lines = [line for line in self.lines[:at] if not line.startswith(_STOPPED)]
        return [line for line in lines[:-1] if not _PROGRESS.search(line)] + lines[-1:]

    @property
    def error(self) -> list[str]:
        """Why the job failed, with the place and the remedy; nothing where the log does not say."""
        at = self._error_at()
        if at is None:
            return []
        if self.lines[at] == _TRACEBACK:
            place = (
                [f"  -> this is a fault in the code; its traceback is in {self.path}"] if self.path else []
            )
            return [self.lines[-1].strip(), *place]
        head = _ERROR.match(self.lines[at])
        first = head["text"] if head else self.lines[at]
        return [line for line in (first, *self.lines[at + 1 :]) if line]

    def _error_at(self) -> int | None:
        """Where the last error begins."""
        at = None
        for number, line in enumerate(self.lines):
            if line == _TRACEBACK or (_ERROR.match(line) and (at is None or self.lines[at] != _TRACEBACK)):
                at = number
        return at


def tail(path: str | Path, *, since: int = 0) -> list[str]:
    """The last lines of a file that are not empty; none where it cannot be read.

    Args:
        since: bytes at its beginning to pass over.
    """
    try:
        with Path(path).open("rb") as file:
            begin = max(since, file.seek(0, 2) - _TAIL_BYTES)
            file.seek(begin)
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    lines = text.splitlines()[1 if begin > since else 0 :]
    return [printable(line.rstrip()) for line in lines if line.strip()]
