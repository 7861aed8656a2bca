"""`wait: false` ends a run as what it is: nothing has failed, batches are with the provider, run again later.

This filter sits on Snakemake's logger, so that it holds whoever shows the messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from logging import Filter, LogRecord
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.common import LogEvent

from goldpan.errors import PendingError
from goldpan.files import read_json
from snakemake_logger_plugin_goldpan.snakemake_words import NOTHING_TO_DO, STOPPING


class EndsOfRuns(Filter):
    """Knows how a run ends: turns the failure of a `wait` that may not wait into what it waits for.

    Args:
        after_nothing: lines to be told where nothing is to be done, for which Snakemake calls no hook.

    Attributes:
        waiting: what each of these jobs waits for.
        failed: other jobs failed.
        stopped: somebody pressed Ctrl-C.
    """

    def __init__(self, after_nothing: Callable[[], Iterable[str]] = tuple) -> None:
        super().__init__()
        self._after_nothing = after_nothing
        self.waiting: list[dict[str, Any]] = []
        self.failed = self.stopped = False
        self._announced = 0

    @property
    def only_waits(self) -> bool:
        """Whether the run ended for nothing but batches that are open."""
        return bool(self.waiting) and not self.failed

    def filter(self, record: LogRecord) -> bool:
        """As `logging.Filter.filter`: whether a message is to be told."""
        event = getattr(record, "event", None)
        if event is LogEvent.JOB_ERROR:
            self._look_at_failure(record)
            return True
        text = str(record.msg)
        if event is LogEvent.ERROR and _tells_of_pending(text):
            # The failed command; Snakemake says next which job it was of.
            self._announced += 1
            return False
        self.stopped = self.stopped or text.startswith(STOPPING)
        if text.startswith(NOTHING_TO_DO):
            record.msg = "\n".join([text, *self._after_nothing()])
        is_last_word = text.startswith("Exiting because a job execution failed")
        return not (is_last_word and self.only_waits)

    def _look_at_failure(self, record: Any) -> None:
        note = Path(record.output[0]).with_name("waiting.json") if record.output else None
        # Where the workflow is a module of another, its rules may have a prefix.
        is_wait = record.rule_name.split("_")[-1] == "wait"
        if not (is_wait and self._announced and note is not None and note.exists()):
            self.failed = True
            return
        self._announced -= 1
        says = read_json(note)
        self.waiting.append(says)
        record.waiting_job, record.event = record.jobid, None
        record.msg = f"stage {says['stage']}, round {says['round']}: {says['open']}"
        record.levelname, record.levelno = "INFO", 20


def _tells_of_pending(text: str) -> bool:
    return "goldpan_step wait " in text and f"exit status {PendingError.exit_code}." in text
