"""Which rounds of a stage in mode online are asked in batches after all."""

from __future__ import annotations

from goldpan.ledger import Ledger
from goldpan.study.stage import Stage


def is_left_to_batches(ledger: Ledger, study: str, stage_name: str, stage: Stage, number: int) -> bool:
    """Whether a round asks in batches, whatever the mode: the one before it found no room at its tier."""
    if not may_be_left_to_batches(stage):
        return False
    # A batch of goldpan's own expires for lack of room, or where the mode has changed meanwhile.
    before = ledger.submissions_where(
        "study = ? AND stage = ? AND round = ? AND tier = ? AND status = 'expired'",
        (study, stage_name, number - 1, stage.asked_tier),
    )
    return any(submission.is_online for submission in before)


def may_be_left_to_batches(stage: Stage) -> bool:
    """Whether requests that find no room at their tier are asked in batches."""
    return stage.asked_tier is not None and stage.flex.fallback == "batch"
