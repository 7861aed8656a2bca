"""Settling a round: every request that was asked gets its outcome in the ledger, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from goldpan.batches.plan import Plan, iter_asked
from goldpan.batches.spool import Spool
from goldpan.crashpoints import reached
from goldpan.errors import AnswerError, TaskError
from goldpan.files import iter_lines, write_json
from goldpan.ledger import Ledger, Outcome, Submission
from goldpan.providers.base import Batch
from goldpan.study.load import Project
from goldpan.study.model import Output
from goldpan.tasks.answers import RETRYABLE_STATES, AnswerReader
from goldpan.tasks.batch_lines import BatchLine, read_batch_line, row_failure
from goldpan.tasks.task import load_task


@dataclass
class Settlement:
    """What was noticed while a shard's lines were read."""

    lines: int = 0
    duplicates: int = 0
    unknown: int = 0
    missing: int = 0
    damaged: int = 0


@dataclass(frozen=True)
class Settled:
    """What `settled.json` says: outcomes by state, and how many requests another round may ask."""

    study: str
    stage: str
    round: int
    outcomes: dict[str, int]
    left: int
    noticed: dict[str, dict[str, int]] = field(default_factory=dict)


class _Readers:
    """Answer readers by task name; None for a task that is gone or no longer as it was asked."""

    def __init__(self, project: Project, output: Output, asked: Submission):
        self._project, self._output = project, output
        self._hashes = dict(zip(asked.task.split(), asked.task_hash.split(), strict=True))
        self._readers: dict[str, AnswerReader | None] = {}

    def get(self, task: str) -> AnswerReader | None:
        if task not in self._readers:
            self._readers[task] = self._reader(task)
        return self._readers[task]

    def _reader(self, name: str) -> AnswerReader | None:
        try:
            task = load_task(name, self._project.tasks)
        except TaskError:
            return None
        # By other labels a good answer would be invalid, and asked again once the edit is taken back.
        return AnswerReader(task, self._output) if task.hash == self._hashes.get(name) else None


def settle_shard(
    ledger: Ledger, project: Project, stage: str, submission: int, batch: Batch, raw: Path
) -> None:
    """Take over the outcomes of one shard from its raw lines; does nothing when that was done before."""
    given = ledger.submission(submission)
    if not given.is_open:
        return
    asked = ledger.asked_by(submission)
    noticed = Settlement()
    readers = _Readers(project, project.study.stages[stage].output, given)
    chosen = _read_outcomes(raw, asked, readers, noticed)

    def outcomes() -> Iterator[Outcome]:
        done: set[str] = set()
        for custom_id, outcome in chosen:
            done.add(custom_id)
            yield outcome
        reached("settling")
        for custom_id, (key, _) in asked.items():
            if custom_id not in done:
                noticed.missing += 1
                yield _absent(key, batch)

    ledger.settle(
        submission, outcomes(), status=batch.status, note=lambda: orjson.dumps(asdict(noticed)).decode()
    )
    Spool(project.ledger).remove(given.shard)


def _read_outcomes(
    raw: Path, asked: dict[str, tuple[bytes, str]], readers: _Readers, noticed: Settlement
) -> Iterator[tuple[str, Outcome]]:
    """One outcome for each custom id in the file: the first, unless only a later line is ok."""
    unsuccessful: dict[str, Outcome] = {}
    finished: set[str] = set()
    for _, line in iter_lines(raw):
        noticed.lines += 1
        try:
            row = read_batch_line(line)
        except AnswerError:
            noticed.damaged += 1
            continue
        known = asked.get(row.custom_id)
        if known is None:
            noticed.unknown += 1
            continue
        if row.custom_id in finished:
            noticed.duplicates += 1
            continue
        outcome = read_outcome(row, line, known[0], readers.get(known[1]))
        if outcome.state == "ok":
            if unsuccessful.pop(row.custom_id, None) is not None:
                noticed.duplicates += 1
            finished.add(row.custom_id)
            yield row.custom_id, outcome
        elif row.custom_id in unsuccessful:
            noticed.duplicates += 1
        else:
            unsuccessful[row.custom_id] = outcome
    yield from unsuccessful.items()


def read_outcome(row: BatchLine, line: bytes, key: bytes, reader: AnswerReader | None) -> Outcome:
    """What came of one request, by the provider's line and the task that was asked.

    Without a reader (the task has changed since) only the envelope is judged.
    """
    failure = row_failure(row)
    if failure is not None:
        state, reason, retryable = failure
        return Outcome(key, state, reason, retryable, line)
    usage: dict[str, Any] = (row.body or {}).get("usage") or {}
    prompt, completion = tokens_of(usage)
    if reader is None or row.body is None:
        return Outcome(key, "ok", None, False, line, prompt, completion)
    reading = reader.read(row.body)
    return Outcome(
        key, reading.state, reading.reason, reading.state in RETRYABLE_STATES, line, prompt, completion
    )


def tokens_of(usage: dict[str, Any]) -> tuple[int, int]:
    """Prompt and completion tokens of a usage object of either endpoint."""
    prompt = usage.get("prompt_tokens", usage.get("input_tokens")) or 0
    completion = usage.get("completion_tokens", usage.get("output_tokens")) or 0
    return prompt, completion


def _absent(key: bytes, batch: Batch) -> Outcome:
    """The outcome of a request that has no line in either file."""
    if batch.status == "failed":
        codes = ", ".join(sorted({error.code for error in batch.errors})) or "unknown"
        return Outcome(key, "failed", f"batch_failed: {codes}", True, None)
    if batch.status == "expired":
        return Outcome(key, "expired", "batch_expired: not answered in time", True, None)
    if batch.status == "cancelled":
        return Outcome(key, "failed", "cancelled: the batch was cancelled", False, None)
    return Outcome(key, "missing", "missing: in neither the output nor the error file", True, None)


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
    noticed: dict[str, dict[str, int]] = {}
    for name, submission, batch, raw in batches:
        settle_shard(ledger, project, plan.stage, submission, batch, raw)
        note = ledger.submission(submission).note
        noticed[name] = orjson.loads(note) if note else {}
    outcomes, left = _count(ledger, asked, project.study.stages[plan.stage].max_rounds)
    settled = Settled(plan.study, plan.stage, plan.round, dict(sorted(outcomes.items())), left, noticed)
    write_json(output, asdict(settled))
    return settled


def _count(ledger: Ledger, asked: Path, max_rounds: int) -> tuple[Counter[str], int]:
    """Outcomes by state of the requests that the round asked or found under way; those left to ask again."""
    states: Counter[str] = Counter()
    left = 0
    chunk: list[bytes] = []

    def take() -> None:
        nonlocal left
        for answer in ledger.outcomes(chunk).values():
            states[answer.state] += 1
            left += answer.may_be_asked(max_rounds)
        chunk.clear()

    for row in iter_asked(asked):
        if row.get("do") in ("asked", "pending"):
            chunk.append(bytes.fromhex(row["key"]))
            if len(chunk) >= 500:
                take()
    take()
    return states, left
