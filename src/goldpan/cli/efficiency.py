"""`goldpan efficiency`: what jobs on a cluster took, and what to ask for."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from goldpan.workflow.efficiency import RuleEfficiency


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `goldpan efficiency` to the command line."""
    parser = commands.add_parser("efficiency", help="what jobs on Slurm took, and what to ask for")
    parser.add_argument("file", nargs="+", type=Path, help="efficiency_report_….csv of Snakemake's executor")
    parser.set_defaults(run=_efficiency)


def _efficiency(options: argparse.Namespace) -> None:
    from goldpan.cli.tables import print_table
    from goldpan.workflow.efficiency import NAMELESS, rule_efficiencies

    rules = rule_efficiencies(options.file)
    head = ["rule", "jobs", "cores", "busy", "memory MB", "asked MB", "longest min"]
    rows = [
        [
            *(rule.rule, rule.jobs, rule.cores, f"{rule.busy_cores:.1f}", f"{rule.memory_mb:.0f}"),
            *(f"{rule.asked_memory_mb:.0f}" if rule.asked_memory_mb else None, f"{rule.seconds / 60:.1f}"),
        ]
        for rule in rules
    ]
    print_table(head, rows, empty="no jobs")
    named = [rule for rule in rules if rule.rule != NAMELESS]
    if named:
        print("\nfor a profile of your own (docs/slurm.md, For your cluster):\n")
        print("\n".join(_profile(named)))
    if nameless := sum(rule.jobs for rule in rules if rule.rule == NAMELESS):
        print(
            f"\nof {nameless} job{'s' if nameless != 1 else ''} the report does not name the rule, so nothing"
            " is advised for them: Slurm keeps the comments that name it only with"
            " `AccountingStoreFlags=job_comment` (ask who runs the cluster)"
        )
    unmeasured = [rule.rule for rule in named if rule.advised_memory_mb is None]
    if unmeasured and len(unmeasured) == len(named):
        print("\nthis cluster does not measure memory (MaxRSS is 0), so nothing is said of it")
    elif unmeasured:
        print(f"\nmemory was not measured (MaxRSS is 0) in any job of: {', '.join(unmeasured)}")
    print("\nwhat GPUs did is not in these reports: look with `nvidia-smi` in a running job")


def _profile(rules: list[RuleEfficiency]) -> Iterator[str]:
    yield "set-resources:"
    for rule in rules:
        yield f"  {rule.rule}:"
        if rule.advised_memory_mb is not None:
            yield f"    mem_mb: {rule.advised_memory_mb} * attempt"
        yield f"    runtime: {rule.advised_minutes} * attempt"
    yield "set-threads:"
    for rule in rules:
        yield f"  {rule.rule}: {rule.advised_cores}"
