"""A dry run: what would be made, how many of each, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from logging import LogRecord
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_goldpan.messages import show_error, show_message
from snakemake_logger_plugin_goldpan.quiet import Shown
from snakemake_logger_plugin_goldpan.screen import Screen
from snakemake_logger_plugin_goldpan.snakemake_words import error_lines

_NOT_YET = "not made yet"
_WHY = {
    "Missing output files": _NOT_YET,
    "Incomplete output files": "left unfinished",
    "Updated input files": "what it is made from is newer",
    "Input files updated by another job": "made from what is made anew",
    "Forced execution": "asked for",
    "Set of input files has changed since last execution": "made from other files than before",
    "Code has changed since last execution": "its code has changed",
    "Params have changed since last execution": "its settings have changed",
}
_GROUP = re.compile(r"_\d+of\d+$")
_FOLLOWS = _WHY["Input files updated by another job"]


@dataclass
class Kind:
    """The jobs of one rule.

    Attributes:
        title: what the first of them makes.
        count: how many there are.
        why: reasons, the commonest first to come first.
    """

    title: str
    count: int = 0
    why: dict[str, int] = field(default_factory=dict)


class DryRun:
    """Gathers the jobs that would run, and shows them at the end; arguments as for `RunView`."""

    def __init__(self, screen: Screen, settings: Any, spoken: Path):
        self._screen, self._shown = screen, Shown.by(settings)
        self._kinds: dict[str, Kind] = {}
        self._stats: dict[str, int] = {}
        self._grows = self._has_failed = False

    def handle(self, record: LogRecord) -> None:
        """Take note of a job, or show a message."""
        event, details = getattr(record, "event", None), record.__dict__
        if event is LogEvent.JOB_INFO:
            self._note(details)
        elif event is LogEvent.RUN_INFO:
            self._stats = details["stats"]
        elif event is LogEvent.ERROR:
            self._has_failed = True
            show_error(self._screen, error_lines(str(record.msg)))
        elif event is LogEvent.SHELLCMD and self._shown.commands and details.get("shellcmd"):
            self._screen.line(details["shellcmd"])
        elif event is None:
            show_message(self._screen, self._shown, record)

    def tick(self) -> None:
        """Nothing changes while a dry run looks."""

    def close(self) -> None:
        """Show what would be made."""
        if self._has_failed or not self._stats:
            return
        # Jobs that only name what is to be there make nothing.
        total = sum(kind.count for kind in self._kinds.values()) or self._stats.get("total", 0)
        more = ", and more as answers come and batches end" if self._grows else ""
        self._screen.line(
            f"{total} job{'s' if total != 1 else ''} would run{more}; where no reason is given: not made yet"
        )
        # Without the jobs themselves, as `--quiet` has it, Snakemake tells the names of rules alone.
        kinds = list(self._kinds.values()) or [
            Kind(rule, count) for rule, count in self._stats.items() if rule != "total"
        ]
        width = len(str(max((kind.count for kind in kinds), default=0)))
        for kind in kinds:
            self._screen.line(f"  {kind.count:>{width}}  {kind.title}{self._others(kind)}{self._why(kind)}")
        self._screen.line("nothing was run or paid: this was a dry run (-n)")

    def _note(self, job: dict[str, Any]) -> None:
        if not job["output"]:
            # It only names what is to be there.
            return
        title = " ".join(str(job["rule_msg"] or job["rule_name"]).split())
        # Groups of small files have a rule each.
        kind = self._kinds.setdefault(_GROUP.sub("", job["rule_name"]), Kind(title))
        kind.count += 1
        self._grows = self._grows or job["is_checkpoint"]
        for reason in _reasons(job["reason"]):
            kind.why[reason] = kind.why.get(reason, 0) + 1

    def _others(self, kind: Kind) -> str:
        return f", and {kind.count - 1} more" if self._kinds and kind.count > 1 else ""

    def _why(self, kind: Kind) -> str:
        """The reasons; that something follows from another job only where there is no other."""
        reasons = sorted(kind.why, key=lambda reason: -kind.why[reason])
        told = [reason for reason in reasons if reason != _FOLLOWS] or reasons
        is_plain = told == [_NOT_YET]
        return f" ({', '.join(told)})" if told and not is_plain and self._shown.reasons else ""


def _reasons(text: str) -> Iterable[str]:
    """Snakemake's reasons for a job in words that need no list of files."""
    for part in text.split("; "):
        head = part.split(":")[0]
        if head in _WHY:
            yield _WHY[head]
