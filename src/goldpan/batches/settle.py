"""Settling a round: every request that was asked gets its outcome in the ledger, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from goldpan.batches.messages import MessageCount, Messages
from goldpan.batches.outcomes import Settlement, shard_outcomes
from goldpan.batches.shard import rows_with_attempts
from goldpan.batches.spool import Spool
from goldpan.crashpoints import reached
from goldpan.garbage import seldom_collected
from goldpan.ledger import Asked, Ledger, Outcome, Submission
from goldpan.providers.base import Batch, is_online
from goldpan.stages.documents import write_document
from goldpan.stages.plan import Plan
from goldpan.stages.rows import read_asked
from goldpan.study.load import Project


@dataclass(frozen=True)
class Settled:
    """What `settled.json` says: outcomes by state, how many requests another round may ask, and the commonest
    messages of those that have no answer."""

    study: str
    stage: str
    round: int
    outcomes: dict[str, int]
    left: int
    noticed: dict[str, dict[str, Any]] = field(default_factory=dict)
    messages: list[MessageCount] = field(default_factory=list)


def settle_shard(
    ledger: Ledger,
    project: Project,
    stage: str,
    submission: int,
    batch: Batch,
    raw: Path,
    *,
    absent: Callable[[bytes], Outcome] | None = None,
) -> None:
    """Take over the outcomes of one shard from its raw lines; does nothing when that was done before.

    Args:
        absent: the outcome of a request without a line, by its key; default: as the batch's status says.

    Raises:
        InDoubtError: the batch contradicts itself; nothing is settled.
    """
    known = ledger.submission(submission)
    if not known.is_open:
        return
    noticed = Settlement()
    outcomes = shard_outcomes(project, stage, known, ledger.asked_by(submission), batch, raw, noticed, absent)
    ledger.settle(
        submission, outcomes, status=batch.status, note=lambda: orjson.dumps(asdict(noticed)).decode()
    )
    Spool(project.ledger).remove(known.shard)


def restore_shard(
    ledger: Ledger,
    project: Project,
    stage: str,
    submission: Submission,
    batch: Batch,
    raw: Path,
    rows: Collection[tuple[Asked, int]],
) -> int:
    """Take over again what came of a settled shard, where the ledger has lost it: it was damaged, and saved
    in part.

    Args:
        rows: of the shard, each with how often its request had been asked before.

    Returns:
        How many outcomes were lost and are there again.

    Raises:
        InDoubtError: the batch contradicts itself; nothing is taken over.
    """
    attempts = {row.key: before for row, before in rows}
    known = ledger.outcomes(list(attempts))
    lost = {key for key, before in attempts.items() if key not in known or known[key].attempts <= before}
    if not lost:
        return 0
    asked = {row.custom_id: (row.key, row.task) for row, _ in rows}
    outcomes = shard_outcomes(project, stage, submission, asked, batch, raw, Settlement())
    # Of fewer requests than the shard has, nobody knows any more which another study has asked.
    all_were_asked = submission.requests == len(asked)
    return ledger.restore(
        submission.id,
        (
            (outcome, attempts[outcome.key])
            for outcome in outcomes
            if outcome.key in lost and (all_were_asked or outcome.line is not None)
        ),
    )


def settle_round(
    ledger: Ledger,
    project: Project,
    plan: Plan,
    batches: list[tuple[str, int, Batch, Path]],
    asked: Path,
    output: Path,
) -> Settled:
    """Settle all shards of a round and write settled.json.

    Args:
        batches: (shard name, submission, batch, raw file) of each shard.
        asked: the round's asked.jsonl.
        output: settled.json.
    """
    noticed: dict[str, dict[str, Any]] = {}
    for name, submission, batch, raw in batches:
        with seldom_collected():
            if (known := ledger.submission(submission)).is_open:
                settle_shard(ledger, project, plan.stage, submission, batch, raw)
            else:
                rows = list(rows_with_attempts(asked, name))
                restore_shard(ledger, project, plan.stage, known, batch, raw, rows)
        if is_online(batch.id) and batch.status == "expired":
            _forgive_unasked(ledger, submission, [row.key for row, _ in rows_with_attempts(asked, name)])
        noticed[name] = _noticed(ledger.submission(submission).note)
    reached("settled")
    outcomes, left, messages = _count(ledger, asked, project.study.asked_stages[plan.stage].max_rounds)
    by_state = dict(sorted(outcomes.items()))
    settled = Settled(plan.study, plan.stage, plan.round, by_state, left, noticed, messages.commonest())
    write_document(output, asdict(settled))
    return settled


def _forgive_unasked(ledger: Ledger, submission: int, keys: list[bytes]) -> None:
    """Let requests be asked as if they were new: a change of mode ended their batch before it came to them,
    which is no fault of theirs and not one of the rounds that a stage allows."""
    outcomes = ledger.outcomes(keys).items()
    ledger.forgive(
        key for key, answer in outcomes if (answer.state, answer.submission) == ("expired", submission)
    )


def _noticed(note: str | None) -> dict[str, Any]:
    """What a settlement has left in the ledger; nothing where the note says something else."""
    try:
        noticed = orjson.loads(note or "{}")
    except orjson.JSONDecodeError:
        return {}
    return noticed if isinstance(noticed, dict) else {}


def _count(ledger: Ledger, asked: Path, max_rounds: int) -> tuple[Counter[str], int, Messages]:
    """Outcomes by state of the requests that the round asked or found under way; how many of them are left to
    ask again; what is said of those that have no answer.

    A request without an outcome is left, too: another study asks it, and the next round will find it under
    way or answered.
    """
    states: Counter[str] = Counter()
    messages = Messages()
    left = 0
    chunk: list[bytes] = []

    def take() -> None:
        nonlocal left
        outcomes = ledger.outcomes(chunk)
        left += len(set(chunk) - outcomes.keys())
        for answer in outcomes.values():
            states[answer.state] += 1
            messages.add(answer.state, answer.reason)
            left += answer.may_be_asked(max_rounds)
        chunk.clear()

    for _, row in read_asked(asked):
        left += row.get("do") == "later"
        if row.get("do") in ("asked", "pending"):
            chunk.append(bytes.fromhex(row["key"]))
            if len(chunk) >= 500:
                take()
    take()
    return states, left, messages
