"""Settling a round: every request that was asked gets its outcome in the ledger, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice, repeat
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from goldpan.batches.answered_twice import differing_answers
from goldpan.batches.contradictions import contradiction
from goldpan.batches.messages import MessageCount, Messages
from goldpan.batches.shard import rows_with_attempts
from goldpan.batches.spellings import Spellings
from goldpan.batches.spool import Spool
from goldpan.crashpoints import reached
from goldpan.errors import AnswerError, InDoubtError, SeveralErrors, TaskError
from goldpan.files import iter_lines_cut
from goldpan.garbage import seldom_collected
from goldpan.ledger import Asked, Ledger, Outcome, Submission
from goldpan.providers.base import Batch
from goldpan.providers.model_choice import asked_stage
from goldpan.stages.documents import write_document
from goldpan.stages.plan import Plan
from goldpan.stages.rows import read_asked
from goldpan.study.load import Project
from goldpan.study.stage import Output
from goldpan.tasks.answers import AnswerReader, Verdict
from goldpan.tasks.batch_lines import BatchLine, damaged_lines, read_batch_line, row_failure
from goldpan.tasks.task import load_task
from goldpan.tasks.usage import usage_of

# Lines in hand at a time; more take longer, as they no longer fit into the processor's cache.
_CHUNK = 64


@dataclass
class Settlement:
    """What was noticed while a shard's lines were read.

    Attributes:
        duplicates: further lines of a request that add nothing.
        contradicting: those whose answer says something else than the first answer.
        contradicting_example: the custom id of the first of them.
    """

    lines: int = 0
    duplicates: int = 0
    contradicting: int = 0
    contradicting_example: str = ""
    unknown: int = 0
    missing: int = 0
    damaged: int = 0


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


class _Readers:
    """Answer readers by task name; None for a task that is gone or no longer as it was asked, or where the
    stage is gone (`output` is None), so that nobody knows how it was asked."""

    def __init__(self, project: Project, output: Output | None, asked: Submission):
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
        except (TaskError, SeveralErrors):
            return None
        # By other labels a good answer would be invalid, and asked again once the edit is taken back.
        is_as_asked = self._output is not None and task.hash == self._hashes.get(name)
        return AnswerReader(task, self._output or "tool") if is_as_asked else None


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


def shard_outcomes(
    project: Project,
    stage: str,
    submission: Submission,
    asked: dict[str, tuple[bytes, str]],
    batch: Batch,
    raw: Path,
    noticed: Settlement,
    absent: Callable[[bytes], Outcome] | None = None,
) -> Iterator[Outcome]:
    """One outcome for each request of a shard, by its raw lines.

    Args:
        asked: custom_id -> (request key, task).
        noticed: is told what was noticed while the lines were read.
        absent: the outcome of a request without a line; default by what the batch says.
    """
    settings = project.study.stages.get(stage)
    readers = _Readers(project, None if settings is None else asked_stage(settings).output, submission)
    done: set[str] = set()
    for custom_id, outcome in _read_outcomes(raw, asked, readers, noticed):
        done.add(custom_id)
        yield outcome
    reached("settling")
    for custom_id, (key, _) in asked.items():
        if custom_id not in done:
            if absent is None:
                _check_that_it_lacks(batch, submission, raw, noticed)
            noticed.missing += 1
            yield absent(key) if absent else _absent(key, batch)


def _check_that_it_lacks(batch: Batch, submission: Submission, raw: Path, noticed: Settlement) -> None:
    """Check that a request without a line has none because the batch has none for it.

    Fetching looks again until this holds; files of an earlier goldpan, or of another hand, may be otherwise.
    """
    reason = "it holds lines of requests of another batch" if noticed.unknown else None
    if noticed.lines == 0:
        reason = contradiction(batch)
    if reason is None:
        return
    raise InDoubtError(
        f"nothing is settled from batch {batch.id}: {reason}",
        where=str(raw),
        remedy=f"delete this file and {raw.parent.parent / 'completion.json'} and run again: the batch is"
        f" looked at again. If that does not help: `goldpan batches give-up {batch.id} --ask-again"
        f" --study {submission.study}`",
        in_doubt=True,
    )


def _read_outcomes(
    raw: Path, asked: dict[str, tuple[bytes, str]], readers: _Readers, noticed: Settlement
) -> Iterator[tuple[str, Outcome]]:
    """One outcome for each custom id in the file: the first, unless only a later line is ok."""
    unsuccessful: dict[str, Outcome] = {}
    finished: set[str] = set()
    again: set[str] = set()
    for chunk in _chunks(_known_lines(raw, asked, noticed)):
        for custom_id, outcome in read_outcomes(chunk, readers.get):
            if custom_id in finished or custom_id in unsuccessful:
                noticed.duplicates += 1
                again.add(custom_id)
            if custom_id in finished:
                continue
            if outcome.state == "ok":
                unsuccessful.pop(custom_id, None)
                finished.add(custom_id)
                yield custom_id, outcome
            else:
                unsuccessful.setdefault(custom_id, outcome)
    if again:
        # Seldom, so the lines are read once more rather than each answer kept in mind.
        answers = (
            known.row for known in _known_lines(raw, asked, Settlement()) if not row_failure(known.row)
        )
        differing = list(differing_answers(((row.custom_id, row.body) for row in answers), again))
        noticed.contradicting = len(differing)
        noticed.duplicates -= len(differing)
        noticed.contradicting_example = next(iter(differing), "")
    yield from unsuccessful.items()


class KnownLine(NamedTuple):
    """A line of the raw file, with the key and the task of the request it answers."""

    row: BatchLine
    line: bytes
    key: bytes
    task: str


def _known_lines(raw: Path, asked: dict[str, tuple[bytes, str]], noticed: Settlement) -> Iterator[KnownLine]:
    spellings = Spellings(asked)
    for _, line in iter_lines_cut(raw):
        noticed.lines += 1
        try:
            row = read_batch_line(line)
        except AnswerError:
            noticed.damaged += 1
            continue
        known = asked.get(row.custom_id)
        if known is not None and not row.damaged:
            yield KnownLine(row, line, *known)
            continue
        noticed.damaged += row.damaged
        for part in damaged_lines(line) if row.damaged else [row]:
            custom_id = spellings.asked_as(part.custom_id)
            if custom_id is None:
                noticed.unknown += 1
            else:
                yield KnownLine(part._replace(custom_id=custom_id), line, *asked[custom_id])


def _chunks(lines: Iterator[KnownLine]) -> Iterator[list[KnownLine]]:
    while chunk := list(islice(lines, _CHUNK)):
        yield chunk


def read_outcomes(
    lines: Sequence[KnownLine], reader_of: Callable[[str], AnswerReader | None]
) -> Iterator[tuple[str, Outcome]]:
    """What came of some requests, by the provider's lines and the tasks that were asked: by custom id.

    Without a reader (the task has changed since) only the envelope is judged.
    """
    failures = [row_failure(known.row) for known in lines]
    bodies: dict[str, list[dict[str, Any]]] = {}
    for known, failure in zip(lines, failures, strict=True):
        if failure is None:
            assert known.row.body is not None, "else the row would have failed"
            bodies.setdefault(known.task, []).append(known.row.body)
    verdicts: dict[str, Iterator[Verdict]] = {}
    for task, of_task in bodies.items():
        reader = reader_of(task)
        verdicts[task] = (
            repeat(Verdict("ok", None, False)) if reader is None else iter(reader.judge_all(of_task))
        )
    for known, failure in zip(lines, failures, strict=True):
        if failure is not None:
            yield known.row.custom_id, Outcome(known.key, *failure, known.line)
            continue
        outcome = Outcome(known.key, *next(verdicts[known.task]), known.line, *usage_of(known.row.body))
        yield known.row.custom_id, outcome


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
    noticed: dict[str, dict[str, Any]] = {}
    for name, submission, batch, raw in batches:
        with seldom_collected():
            if (known := ledger.submission(submission)).is_open:
                settle_shard(ledger, project, plan.stage, submission, batch, raw)
            else:
                rows = list(rows_with_attempts(asked, name))
                restore_shard(ledger, project, plan.stage, known, batch, raw, rows)
        noticed[name] = _noticed(ledger.submission(submission).note)
    reached("settled")
    outcomes, left, messages = _count(ledger, asked, project.study.stages[plan.stage].max_rounds)
    by_state = dict(sorted(outcomes.items()))
    settled = Settled(plan.study, plan.stage, plan.round, by_state, left, noticed, messages.commonest())
    write_document(output, asdict(settled))
    return settled


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
