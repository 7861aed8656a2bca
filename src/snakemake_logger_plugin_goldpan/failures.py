"""Errors of jobs, each shown once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from snakemake_logger_plugin_goldpan.job_log import JobLog, tail
from snakemake_logger_plugin_goldpan.screen import Screen

_NO_NEWS = re.compile("For further error details see the cluster/cloud log and the log files of .*")
_LAST_LINES = 8
_NEWS_LINES = 3
_NAMED_ALIKE = 5


class Failures:
    """Shows why jobs failed.

    Args:
        screen: where.
        spoken: what jobs wrote to stderr, for those whose log says nothing.
    """

    def __init__(self, screen: Screen, spoken: Path):
        self._screen, self._spoken = screen, spoken
        self._told_up_to = 0
        self._failed: set[str] = set()
        self._alike: dict[tuple[str, ...], int] = {}

    @property
    def count(self) -> int:
        """Jobs that failed, however often they were tried."""
        return len(self._failed)

    def went_through(self, title: str) -> None:
        """Note that a job was made, which may have failed before."""
        self._failed.discard(title)

    def job(
        self, title: str, logs: Sequence[str], other_words: Sequence[str], *, speaks: bool = True
    ) -> None:
        """Show why a job failed.

        Args:
            title: what it was to make.
            logs: its log files.
            other_words: what Snakemake or its executor says about it.
            speaks: what its log says before the error is for people, too.
        """
        self._failed.add(title)
        log = JobLog.read(logs)
        why = log.error
        if why:
            self._said_since_the_last()
        else:
            why = self._without_a_word(log, other_words)
        key = tuple(why)
        self._alike[key] = self._alike.get(key, 0) + 1
        if self._alike[key] > 1:
            if self._alike[key] <= _NAMED_ALIKE:
                self._screen.error(f"error: {title}: the same")
            return
        self._screen.error(f"error: {title}")
        shown = [*log.news[-_NEWS_LINES:], *why] if log.error and speaks else why
        for line in shown:
            self._screen.line(f"  {line}")
        if log.path and Path(log.path).exists():
            self._screen.line(f"  log: {log.path}")

    def _without_a_word(self, log: JobLog, other_words: Sequence[str]) -> list[str]:
        """Why a job failed whose log names no error: the disk was full, say, or the system killed it."""
        fresh = JobLog(None, tuple(self._said_since_the_last()))
        said = fresh.error or (log.lines or fresh.lines)[-_LAST_LINES:]
        texts = [_NO_NEWS.sub("", text) for text in other_words]
        words = [line for text in texts for line in text.splitlines() if line.strip()]
        if fresh.error or words:
            return [*said, *words]
        return [*said, "it ended without saying why, as when it is killed; run the same command again"]

    def _said_since_the_last(self) -> list[str]:
        """What jobs wrote to stderr since the last failure."""
        lines = tail(self._spoken, since=self._told_up_to)
        with suppress(OSError):
            self._told_up_to = self._spoken.stat().st_size
        return lines

    def say_how_many_were_alike(self) -> None:
        """Say how many errors of one text were not named."""
        for count in self._alike.values():
            if count > _NAMED_ALIKE:
                self._screen.error(f"error: {count - _NAMED_ALIKE} more jobs failed in the same way")
        self._alike.clear()
