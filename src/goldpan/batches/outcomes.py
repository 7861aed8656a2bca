"""What came of the requests of a shard: from the provider's raw lines to one outcome for each request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, repeat
from pathlib import Path
from typing import Any, NamedTuple

from goldpan.batches.answered_twice import differing_answers
from goldpan.batches.contradictions import contradiction
from goldpan.batches.spellings import Spellings
from goldpan.crashpoints import reached
from goldpan.errors import AnswerError, InDoubtError, SeveralErrors, TaskError
from goldpan.files import iter_lines_cut
from goldpan.ledger import Outcome, Submission
from goldpan.providers.base import Batch
from goldpan.providers.model_choice import asked_stage
from goldpan.study.load import Project
from goldpan.study.stage import Output
from goldpan.tasks.answers import AnswerReader, Verdict
from goldpan.tasks.batch_lines import BatchLine, damaged_lines, read_batch_line, row_failure
from goldpan.tasks.task import load_task
from goldpan.tasks.usage import service_tier, usage_of

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


class Readers:
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
    settings = project.study.asked_stages.get(stage)
    readers = Readers(project, None if settings is None else asked_stage(settings).output, submission)
    done: set[str] = set()
    # An answer that does not fit would not fit the next time, either.
    is_final = settings is not None and project.study.providers[settings.provider].repeats_itself
    for custom_id, outcome in _read_outcomes(raw, asked, readers, noticed):
        done.add(custom_id)
        if is_final and outcome.state == "invalid":
            outcome.retryable = False
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
    raw: Path, asked: dict[str, tuple[bytes, str]], readers: Readers, noticed: Settlement
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
        body = known.row.body
        outcome = Outcome(
            known.key, *next(verdicts[known.task]), known.line, *usage_of(body), tier=service_tier(body)
        )
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
