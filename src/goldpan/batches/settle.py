"""Settling a round: every request that was asked gets its outcome in the ledger, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from goldpan.batches.plan import Plan, iter_asked
from goldpan.batches.spool import Spool
from goldpan.crashpoints import reached
from goldpan.errors import AnswerError, TaskError
from goldpan.files import iter_lines, write_json
from goldpan.garbage import seldom_collected
from goldpan.helper import shared_work
from goldpan.ledger import Ledger, Outcome, Submission
from goldpan.ledger.lines import SAMPLE
from goldpan.ledger.rows import Packed
from goldpan.providers.base import Batch
from goldpan.study.load import Project
from goldpan.study.model import Output
from goldpan.tasks.answers import RETRYABLE_STATES, AnswerReader, State
from goldpan.tasks.batch_lines import BatchLine, read_batch_line, row_failure
from goldpan.tasks.task import load_task

# Lines in hand at a time; more take longer, as they no longer fit into the processor's cache.
_CHUNK = 64


# State, reason, and whether asking again may help.
Verdict = tuple[State, str | None, bool]


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
    judge = _Judge(
        asked,
        _Readers(project, project.study.stages[stage].output, given),
        ledger.packer([line for _, line in islice(iter_lines(raw), SAMPLE)], given.requests),
    )
    work = shared_work(partial(_pieces, raw), judge.judged, bytes=raw.stat().st_size)

    def outcomes() -> Iterator[Outcome]:
        done: set[str] = set()
        for custom_id, outcome in _chosen(work.results(), noticed):
            done.add(custom_id)
            yield outcome
        reached("settling")
        for custom_id, (key, _) in asked.items():
            if custom_id not in done:
                noticed.missing += 1
                yield _absent(key, batch)

    with work:
        ledger.settle(
            submission, outcomes(), status=batch.status, note=lambda: orjson.dumps(asdict(noticed)).decode()
        )
    Spool(project.ledger).remove(given.shard)


def _pieces(raw: Path) -> Iterator[list[bytes]]:
    """The lines of a raw file, some at a time."""
    lines = iter_lines(raw)
    while piece := [line for _, line in islice(lines, _CHUNK)]:
        yield piece


class Judged(NamedTuple):
    """What some raw lines came to.

    Attributes:
        lines, damaged, unknown: as in `Settlement`.
        outcomes: custom id and outcome of the others, in their order, with the line packed.
    """

    lines: int
    damaged: int
    unknown: int
    outcomes: list[tuple[str, Outcome]]


def _chosen(judged: Iterator[Judged], noticed: Settlement) -> Iterator[tuple[str, Outcome]]:
    """One outcome for each custom id: the first, unless only a later one is ok."""
    unsuccessful: dict[str, Outcome] = {}
    finished: set[str] = set()
    for some in judged:
        noticed.lines += some.lines
        noticed.damaged += some.damaged
        noticed.unknown += some.unknown
        for custom_id, outcome in some.outcomes:
            if custom_id in finished:
                noticed.duplicates += 1
            elif outcome.state == "ok":
                if unsuccessful.pop(custom_id, None) is not None:
                    noticed.duplicates += 1
                finished.add(custom_id)
                yield custom_id, outcome
            elif custom_id in unsuccessful:
                noticed.duplicates += 1
            else:
                unsuccessful[custom_id] = outcome
    yield from unsuccessful.items()


class _Judge:
    """Tells what came of requests by the provider's lines.

    Args:
        asked: custom_id -> (request key, task) of the submission.
        readers: of the tasks that were asked.
        pack: makes a line ready for the ledger.
    """

    def __init__(
        self, asked: dict[str, tuple[bytes, str]], readers: _Readers, pack: Callable[[bytes], Packed]
    ):
        self._asked, self._readers, self._pack = asked, readers, pack

    def judged(self, lines: Sequence[bytes]) -> Judged:
        """The outcomes of some lines."""
        rows: list[BatchLine] = []
        known: list[bytes] = []
        damaged = unknown = 0
        for line in lines:
            try:
                row = read_batch_line(line)
            except AnswerError:
                damaged += 1
                continue
            if row.custom_id in self._asked:
                rows.append(row)
                known.append(line)
            else:
                unknown += 1
        outcomes = [
            (row.custom_id, self._outcome(row, line, verdict))
            for row, line, verdict in zip(rows, known, self._verdicts(rows), strict=True)
        ]
        return Judged(len(lines), damaged, unknown, outcomes)

    def _outcome(self, row: BatchLine, line: bytes, verdict: Verdict) -> Outcome:
        tokens = tokens_of((row.body or {}).get("usage") or {}) if row.answered else (0, 0)
        return Outcome(self._asked[row.custom_id][0], *verdict, self._pack(line), *tokens)

    def _verdicts(self, rows: Sequence[BatchLine]) -> list[Verdict]:
        """What came of each row: by its envelope, and by its answer where there is one."""
        verdicts: list[Verdict | None] = [row_failure(row) for row in rows]
        places: dict[str, list[int]] = {}
        for place, (row, verdict) in enumerate(zip(rows, verdicts, strict=True)):
            if verdict is None:
                places.setdefault(self._asked[row.custom_id][1], []).append(place)
        for task, answered in places.items():
            bodies = [rows[place].body or {} for place in answered]
            for place, verdict in zip(answered, self._read(task, bodies), strict=True):
                verdicts[place] = verdict
        return [verdict for verdict in verdicts if verdict is not None]

    def _read(self, task: str, bodies: Sequence[dict[str, Any]]) -> list[Verdict]:
        reader = self._readers.get(task)
        if reader is None:
            # The task has changed since it was asked, so only the envelope is judged.
            return [("ok", None, False)] * len(bodies)
        return [(state, reason, state in RETRYABLE_STATES) for state, reason in reader.judge_all(bodies)]


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
        with seldom_collected():
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
