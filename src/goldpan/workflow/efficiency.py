"""What jobs on a cluster took, from the efficiency report of Snakemake's executor for Slurm, as advice."""

from __future__ import annotations

import csv
import math
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from goldpan.errors import SourceError

_SPARE_MEMORY, _MEMORY_STEP_MB = 1.3, 500
_SPARE_TIME, _TIME_STEP_MINUTES = 2, 10
_RULE = re.compile(r"(?:rule|group)_(\w+)", re.ASCII)
NAMELESS = "(not named)"
"""Stands for the rules of all jobs whose comment names none: this cluster keeps no comments, say."""
_NEEDED = ("JobID", "NCPUS", "Elapsed_sec", "TotalCPU_sec", "MaxRSS_MB", "RequestedMem_MB")


@dataclass(frozen=True)
class RuleEfficiency:
    """What the jobs of one rule took.

    Attributes:
        rule: its name; NAMELESS where nobody knows.
        jobs: how many.
        cores: that each was given, the largest number.
        busy_cores: processor time by elapsed time, of the busiest job.
        memory_mb: the largest resident memory of a job; 0 where it was not measured.
        asked_memory_mb: the most that one asked for; 0 where the report does not say.
        seconds: the longest job.
    """

    rule: str
    jobs: int
    cores: int
    busy_cores: float
    memory_mb: float
    asked_memory_mb: float
    seconds: float

    @property
    def advised_memory_mb(self) -> int | None:
        """What to ask for: a third more than the largest job took; None where that was not measured."""
        if self.memory_mb <= 0:
            return None
        return _MEMORY_STEP_MB * math.ceil(self.memory_mb * _SPARE_MEMORY / _MEMORY_STEP_MB)

    @property
    def advised_cores(self) -> int:
        """As many cores as the busiest job kept busy, and no more than it was given."""
        return max(1, min(self.cores, math.ceil(self.busy_cores)))

    @property
    def advised_minutes(self) -> int:
        """Twice the longest job, and ten minutes at least."""
        return _TIME_STEP_MINUTES * max(1, math.ceil(self.seconds * _SPARE_TIME / 60 / _TIME_STEP_MINUTES))


def rule_efficiencies(reports: Iterable[Path]) -> list[RuleEfficiency]:
    """What the jobs in some efficiency reports took, by rule. A job that several rows tell the same of
    counts once: reports may overlap.

    Args:
        reports: files that `--slurm-efficiency-report` has written.

    Raises:
        SourceError: a file is none of these, or cannot be read.
    """
    jobs: dict[str, list[dict[str, float]]] = defaultdict(list)
    told = set()
    for path in reports:
        for rule, job, figures in _jobs_in(path):
            row = (rule, job, *figures.values())
            if row not in told:
                told.add(row)
                jobs[rule].append(figures)
    return [_of_rule(rule, figures) for rule, figures in sorted(jobs.items())]


def _jobs_in(path: Path) -> Iterable[tuple[str, str, dict[str, float]]]:
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"it cannot be read: {error}", where=str(path)) from None
    if not rows or not set(_NEEDED) <= set(rows[0]):
        raise SourceError(
            "it is no efficiency report with jobs in it",
            where=str(path),
            remedy="run `snakemake --profile slurm --slurm-efficiency-report` where `sacct` answers, and name"
            " the efficiency_report_….csv that it writes",
        )
    for number, row in enumerate(rows, start=2):
        try:
            figures = {name: _number(row[name]) for name in _NEEDED[1:]}
            yield _rule_of(row.get("RuleName")), row["JobID"], figures
        except (TypeError, ValueError):
            raise SourceError(
                "it has no numbers where some should be", where=f"{path}, line {number}"
            ) from None


def _rule_of(comment: str | None) -> str:
    """The rule in a job's comment, such as `rule_embed_wildcards_tiny_notes`."""
    named = _RULE.fullmatch(comment or "")
    return named[1].split("_wildcards_")[0] if named else NAMELESS


def _number(text: str) -> float:
    """A figure; 0 where there is none. Raises ValueError for what is no number."""
    number = float(text or 0)
    if math.isinf(number):
        raise ValueError(text)
    return 0.0 if math.isnan(number) else number


def _of_rule(rule: str, jobs: list[dict[str, float]]) -> RuleEfficiency:
    return RuleEfficiency(
        rule=rule,
        jobs=len(jobs),
        cores=int(max(job["NCPUS"] for job in jobs)),
        busy_cores=max(job["TotalCPU_sec"] / max(job["Elapsed_sec"], 1) for job in jobs),
        memory_mb=max(job["MaxRSS_MB"] for job in jobs),
        asked_memory_mb=max(job["RequestedMem_MB"] for job in jobs),
        seconds=max(job["Elapsed_sec"] for job in jobs),
    )
