"""Snakemake's output as goldpan shows it: `snakemake --logger goldpan`, which profiles/default names.

One line tells of a job when it is done, and a second one what its step said. An error is shown once, with its
place and remedy. While jobs run, a terminal shows them below in lines that change. Snakemake's own log file
holds all that it would have printed. Each start of Snakemake imports this package, so it imports
nothing heavy.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from contextlib import suppress
from logging import LogRecord
from pathlib import Path

from snakemake_interface_logger_plugins.base import LogHandlerBase

from snakemake_logger_plugin_goldpan.dry_run import DryRun
from snakemake_logger_plugin_goldpan.run_view import RunView
from snakemake_logger_plugin_goldpan.screen import Screen

SPOKEN: list[Path] = []
"""The files that take what jobs write to stderr, while a handler reads it: one, or none."""

_TICK_SECONDS, _PLAIN_TICK_SECONDS = 0.5, 5.0


class LogHandler(LogHandlerBase):
    """What Snakemake hands its messages to, in a thread of its own.

    Attributes:
        spoken: a file that takes what jobs write to stderr; what is for people stands in their logs as well.
            None where GOLDPAN_LOGGER=snakemake leaves all to Snakemake.
    """

    spoken: Path | None

    def __post_init__(self) -> None:
        self._ended = threading.Event()
        self.spoken = None
        if os.environ.get("GOLDPAN_LOGGER") == "snakemake":
            self._ended.set()
            return
        settings = self.common_settings
        stream = sys.stdout if settings.stdout else sys.stderr
        self._screen = Screen(stream, in_color=not settings.nocolor and not os.environ.get("NO_COLOR"))
        handle, name = tempfile.mkstemp(prefix="goldpan-", suffix=".stderr")
        os.close(handle)
        self.spoken = Path(name)
        SPOKEN.append(self.spoken)
        self._view = (DryRun if settings.dryrun else RunView)(self._screen, settings, self.spoken)
        self._ticker = threading.Thread(target=self._tick, daemon=True)
        self._ticker.start()

    def _tick(self) -> None:
        seconds = _TICK_SECONDS if self._screen.is_terminal else _PLAIN_TICK_SECONDS
        while not self._ended.wait(seconds):
            with self._screen.lock:
                self._view.tick()

    def emit(self, record: LogRecord) -> None:
        """Show a message, if it is news."""
        if self._ended.is_set():
            return
        with self._screen.lock:
            try:
                self._view.handle(record)
            except Exception:
                self.handleError(record)

    def close(self) -> None:
        """Say what is left to say; Snakemake calls it more than once."""
        if not self._ended.is_set():
            self._ended.set()
            with self._screen.lock:
                self._view.close()
                self._screen.close()
            if self.spoken is not None:
                SPOKEN.remove(self.spoken)
                with suppress(OSError):
                    self.spoken.unlink()
        super().close()

    @property
    def writes_to_stream(self) -> bool:
        """It takes the place of what Snakemake prints, unless that is wanted."""
        return self.spoken is not None

    @property
    def writes_to_file(self) -> bool:
        """Snakemake's own log file stays as it is."""
        return False

    @property
    def has_filter(self) -> bool:
        """Messages come as they are, and `--quiet` is looked at here."""
        return True

    @property
    def has_formatter(self) -> bool:
        """Messages are put into words here."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """It shows no graph."""
        return False
