"""What `--quiet` leaves to be shown."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Shown:
    """What is shown of a run.

    Attributes:
        jobs: a line for each job.
        reasons: of a dry run, why something would be made.
        ending: what was made, and what to do next.
        details: messages for debugging.
        commands: the command of each job.
    """

    jobs: bool
    reasons: bool
    ending: bool
    details: bool
    commands: bool

    @classmethod
    def by(cls, settings: Any) -> Shown:
        """By the options of a run. Errors are shown whatever it says; `--quiet all` shows nothing else."""
        quiet: Collection[Any] = {kind.name for kind in settings.quiet or ()}
        is_silent = "ALL" in quiet
        return cls(
            jobs=not is_silent and not {"RULES", "PROGRESS"} & set(quiet),
            reasons=not is_silent and "REASON" not in quiet,
            ending=not is_silent,
            details=bool(settings.verbose or settings.debug_dag) and not is_silent,
            commands=bool(settings.printshellcmds) and not is_silent,
        )
