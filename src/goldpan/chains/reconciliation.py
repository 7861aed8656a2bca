"""Whether the counts of a chain fit together from step to step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from goldpan.errors import ReconciliationError
from goldpan.study.run_again import run_command

if TYPE_CHECKING:
    from goldpan.chains.counts import SourceCounts, StageCounts

_REMEDY = (
    "run again with the artifacts of this stage made anew:"
    f" {run_command('NAME', '--forcerun', 'stage_records')}; nothing is paid twice. If it stays so, please"
    " report it with this message"
)


def check_source_rows(counts: SourceCounts) -> None:
    """Check that each row of a source is a record or skipped. Raises ReconciliationError."""
    skipped = sum(counts.skipped.values())
    if counts.rows != counts.records + skipped:
        raise _wrong(
            f"source {counts.source}",
            f"{counts.rows:,} rows, but {counts.records:,} records and {skipped:,} skipped",
        )


def check_stage(counts: StageCounts, before: Mapping[str, int]) -> None:
    """Check that a stage accounts for each row that it was given.

    Args:
        counts: of the stage.
        before: the stages that it reads -> their rows; empty for one that reads sources.

    Raises:
        ReconciliationError: it does not; step and numbers are named.
    """
    step, given = f"stage {counts.stage}", " and ".join(counts.reads)
    if len(set(before.values())) > 1:
        rows = ", ".join(f"{name} has {number:,}" for name, number in before.items())
        raise _wrong(step, f"the stages that it unites have different numbers of rows: {rows}")
    total = sum(counts.states.values())
    if total != counts.rows:
        raise _wrong(step, f"{counts.rows:,} rows, but {total:,} in states")
    if counts.explode:
        _check_explode(counts, step, given)
    elif counts.group:
        if counts.group.groups != counts.rows:
            raise _wrong(step, f"{counts.rows:,} rows, but {counts.group.groups:,} groups")
        if counts.group.rows_before != counts.rows_before:
            gathered = f"{counts.group.rows_before:,} records gathered"
            raise _wrong(step, f"{gathered}, but {given} gives {counts.rows_before:,}")
    elif counts.rows != counts.rows_before:
        raise _wrong(step, f"{counts.rows:,} rows, but {given} gives {counts.rows_before:,}")


def _check_explode(counts: StageCounts, step: str, given: str) -> None:
    made = counts.explode
    assert made is not None
    without = sum(made.without_items.values())
    if made.parents != counts.rows_before:
        raise _wrong(
            step, f"rows of {made.parents:,} parents, but {given} gives {counts.rows_before:,} records"
        )
    if made.items != made.items_before:
        raise _wrong(step, f"{made.items:,} items, but the answers of {given} hold {made.items_before:,}")
    if made.parents != made.with_items + without:
        raise _wrong(
            step,
            f"{made.parents:,} parents, but {made.with_items:,} with items and {without:,} without",
        )
    if made.rows + without != counts.rows:
        raise _wrong(
            step, f"{counts.rows:,} rows, but {made.rows:,} of items and {without:,} of parents without any"
        )


def _wrong(step: str, what: str) -> ReconciliationError:
    return ReconciliationError(f"the counts do not add up: {what}", where=step, remedy=_REMEDY)
