"""Letting requests that ended badly be asked again, as `goldpan retry` does."""

from __future__ import annotations

from goldpan.batches.rounds import forget_plans
from goldpan.ledger import Ledger
from goldpan.stages.rows import read_asked
from goldpan.study.load import Project


def forgive(project: Project, stage: str, states: set[str]) -> int:
    """Let requests of a stage that ended in one of these states be asked again in the next run.

    The files that say the stage is settled are removed, so that the next run plans it anew.

    Returns:
        How many requests may be asked again.

    Raises:
        StudyError: the stage was not asked yet.
    """
    asked = project.left(project.paths.asked(stage, 1), f"stage `{stage}`")
    with Ledger(project.ledger) as ledger:
        keys = [bytes.fromhex(row["key"]) for _, row in read_asked(asked) if "key" in row]
        outcomes = ledger.outcomes(keys)
        count = ledger.forgive(key for key, outcome in outcomes.items() if outcome.state in states)
    if count:
        forget_plans(project, stage)
    return count
