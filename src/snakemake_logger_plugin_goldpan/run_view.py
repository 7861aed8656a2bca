"""A run, as it goes: a line for each job that is done, the running ones below, errors once."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from logging import LogRecord
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_goldpan.durations import duration
from snakemake_logger_plugin_goldpan.failures import Failures
from snakemake_logger_plugin_goldpan.job_log import JobLog
from snakemake_logger_plugin_goldpan.messages import show_error, show_message
from snakemake_logger_plugin_goldpan.quiet import Shown
from snakemake_logger_plugin_goldpan.screen import Screen
from snakemake_logger_plugin_goldpan.snakemake_words import STOPPING, error_lines

STOPPED = "goldpan: stopped; run the same command again to go on"
_NEWS_LINES = 8
_SHOWN_RUNNING = 4
# Where no line can change, a long job is told of after so many seconds, then seldomer.
_FIRST_SIGN, _LAST_SIGN = 60.0, 600.0


@dataclass
class Job:
    """A job that runs.

    Attributes:
        title: what it makes, for which file.
        logs: its log files.
        speaks: its log is for people; that of a script is for whoever looks for a fault.
        since: Unix seconds.
        next_sign: Unix seconds at which it is told of although it runs on.
    """

    title: str
    logs: list[str]
    speaks: bool
    since: float
    next_sign: float
    sign_after: float = _FIRST_SIGN


class RunView:
    """Shows a run.

    Args:
        screen: where.
        settings: Snakemake's settings of its output.
        spoken: what jobs wrote to stderr.
    """

    def __init__(self, screen: Screen, settings: Any, spoken: Path):
        self._screen, self._shown = screen, Shown.by(settings)
        self._failures = Failures(screen, spoken)
        self._running: dict[int, Job] = {}
        self._finished: list[tuple[Job, float]] = []
        self._held_error: list[str] = []
        self._done = self._total = 0
        self._began: float | None = None
        self._has_ended = self._is_stopped = False
        self._handlers = {
            LogEvent.RUN_INFO: self._run_info,
            LogEvent.JOB_INFO: self._job_info,
            LogEvent.JOB_FINISHED: self._job_finished,
            LogEvent.PROGRESS: self._progress,
            LogEvent.JOB_ERROR: self._job_error,
            LogEvent.GROUP_ERROR: self._group_error,
            LogEvent.ERROR: self._error,
            LogEvent.SHELLCMD: self._command,
            None: self._message,
        }

    def handle(self, record: LogRecord) -> None:
        """Show a message of Snakemake's, if it is news."""
        event = getattr(record, "event", None)
        if event not in (LogEvent.JOB_ERROR, LogEvent.GROUP_ERROR):
            self._say_held_error()
        if event in self._handlers:
            self._handlers[event](record)

    def tick(self) -> None:
        """Show how far the running jobs are."""
        now = time.time()
        if not self._shown.jobs or self._is_stopped:
            return
        if self._screen.is_terminal:
            self._show_running(now)
            return
        for job in self._running.values():
            if now >= job.next_sign:
                job.sign_after = min(2 * job.sign_after, _LAST_SIGN)
                job.next_sign = now + job.sign_after
                self._screen.line(f"{self._column('')}{self._sign(job, now)}")

    def close(self) -> None:
        """Say what is left to say."""
        self._say_held_error()
        self._flush_finished()
        self._screen.show([])
        if self._is_stopped:
            self._screen.line(STOPPED)
        else:
            self._failures.say_how_many_were_alike()
            self._say_totals(time.time())

    def _run_info(self, record: Any) -> None:
        self._total = int(record.stats.get("total", 0))
        self._began = record.created
        if self._shown.jobs:
            self._screen.line(f"{self._total} job{'s' if self._total != 1 else ''} to do")

    def _job_info(self, record: Any) -> None:
        title = record.rule_msg or f"{record.rule_name}: {', '.join(record.output)}"
        title = " ".join(str(title).split())
        now = record.created
        job = Job(title, list(record.log), bool(record.shellcmd), now, now + _FIRST_SIGN)
        self._running[record.jobid] = job

    def _job_finished(self, record: Any) -> None:
        job = self._running.pop(record.job_id, None)
        if job is not None:
            self._finished.append((job, record.created))
            self._failures.went_through(job.title)

    def _progress(self, record: Any) -> None:
        self._done, self._total = record.done, record.total
        self._flush_finished()

    def _flush_finished(self, *, is_counted: bool = True) -> None:
        first = max(1, self._done - len(self._finished) + 1)
        for number, (job, ended) in enumerate(self._finished, start=first):
            if self._shown.jobs:
                counter = self._column(f"{number}/{self._total}" if is_counted else "")
                self._screen.line(f"{counter}{duration(ended - job.since):>7}  {job.title}")
                self._say_news(job)
        self._finished.clear()

    def _say_news(self, job: Job) -> None:
        log = JobLog.read(job.logs) if job.speaks else JobLog(None, ())
        news = log.news[:_NEWS_LINES]
        if more := len(log.news) - len(news):
            news.append(f"{more} more lines in {log.path}")
        for line in news:
            self._screen.dim(f"{self._below}{line}")

    def _column(self, counter: str) -> str:
        return f"{counter:>{2 * max(2, len(str(self._total))) + 1}} "

    @property
    def _below(self) -> str:
        """What stands before a line that belongs to the title above it."""
        return f"{self._column('')}{'':>7}  "

    def _sign(self, job: Job, now: float) -> str:
        said = JobLog.read(job.logs).lines[-1:]
        return f"{duration(now - job.since):>7}  {': '.join([job.title, *said])}"

    def _show_running(self, now: float) -> None:
        jobs = list(self._running.values())
        counter = f"{self._done}/{self._total}"
        lines = [
            f"{self._column(counter if not at else '')}{self._sign(job, now)}"
            for at, job in enumerate(jobs[:_SHOWN_RUNNING])
        ]
        if len(jobs) > _SHOWN_RUNNING:
            lines.append(f"{self._below}and {len(jobs) - _SHOWN_RUNNING} more at the same time")
        self._screen.show(lines)

    def _job_error(self, record: Any) -> None:
        held, self._held_error = self._held_error, []
        job = self._running.pop(record.jobid, None)
        if self._is_stopped:
            return
        if record.indent and not JobLog.read(record.log).error:
            # It ended with the group that it was in, of which has been told.
            return
        title, speaks = (job.title, job.speaks) if job else (record.rule_name, True)
        self._failures.job(title, record.log, [*held, record.rule_msg or ""], speaks=speaks)

    def _group_error(self, record: Any) -> None:
        held, self._held_error = self._held_error, []
        infos = list(record.job_error_info)
        if self._is_stopped or any(JobLog.read(info["log"]).error for info in infos):
            return
        words = [*held, *(info.get("rule_msg") or "" for info in infos[:1])]
        self._failures.job(f"a group of {len(infos)} jobs", record.aux_logs, words)

    def _error(self, record: Any) -> None:
        if not self._is_stopped:
            self._held_error = error_lines(str(record.msg))

    def _say_held_error(self) -> None:
        """Show an error that turned out to be of no job."""
        held, self._held_error = self._held_error, []
        show_error(self._screen, held)

    def _command(self, record: Any) -> None:
        text = getattr(record, "shellcmd", None) or getattr(record, "cmd", None)
        if self._shown.commands and text:
            self._screen.line(text)

    def _message(self, record: Any) -> None:
        if str(record.msg).startswith(STOPPING):
            self._is_stopped = True
            self._screen.show([])
        if (job := self._running.pop(getattr(record, "waiting_job", -1), None)) is not None:
            self._finished.append((job, record.created))
            self._flush_finished(is_counted=False)
            return
        if getattr(record, "is_ending", False):
            self._say_totals(record.created)
        show_message(self._screen, self._shown, record)

    def _say_totals(self, now: float) -> None:
        """Say once, before the ending, how many jobs are done, and where the whole log is."""
        if self._has_ended or self._began is None or not self._shown.ending:
            return
        self._has_ended = True
        self._flush_finished()
        self._failures.say_how_many_were_alike()
        failed = f", {self._failures.count} failed," if self._failures.count else ""
        log = f"; the whole log is {_log_file()}" if _log_file() else ""
        self._screen.line(
            f"{self._done} of {self._total} jobs done{failed} in {duration(now - self._began)}{log}"
        )


def _log_file() -> str | None:
    """Snakemake's own log file."""
    for handler in logging.getLogger("snakemake.logging").handlers:
        if isinstance(handler, logging.FileHandler):
            path = Path(handler.baseFilename)
            return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
    return None
