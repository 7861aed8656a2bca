"""Batches that `results/` know and the ledger does not: it is an older backup, was repaired, or is not there.

A batch-id file says which batch was paid for, and the round's asked.jsonl which requests it carries. So a
batch can be entered in the ledger again, and settled at once where its raw lines are here. Nothing is paid.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from goldpan.batches.batch_file import BatchFile, batch_files
from goldpan.batches.completion import read_completion
from goldpan.batches.put_away import kept_raw
from goldpan.batches.settle import restore_shard, settle_shard
from goldpan.batches.shard import rows_with_attempts
from goldpan.errors import InDoubtError, LedgerError
from goldpan.files import sha256_hex
from goldpan.ledger import Asked, Ledger, Orphan, Submission
from goldpan.ledger.rows import TAKEN_IN, was_free
from goldpan.ledger.submissions import REQUESTS_LOST
from goldpan.providers.connect import provider_class
from goldpan.stages.plan import shard_row, task_hashes
from goldpan.study.load import Project

_NAMED = 5


def check_ledger_knows(ledger: Ledger, project: Project, stage: str) -> None:
    """Check that the ledger knows every batch that the stage's results name; those of a provider
    that costs nothing may be forgotten.

    Raises:
        LedgerError: it does not; asking now would pay for them again.
    """
    provider = project.study.providers[project.study.asked_stages[stage].provider]
    if not provider_class(provider).costs_money:
        return
    files = list(batch_files(project, stage))
    known = ledger.known_batches([file.name for file in files])
    unknown = [file for file in files if file.name not in known]
    if not unknown:
        return
    names = ", ".join(f"{file.batch_id} ({file.path})" for file in unknown[:_NAMED])
    more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
    raise LedgerError(
        f"this ledger does not know {len(unknown)} batches that stage `{stage}` has paid for: {names}{more}",
        where=str(ledger.path),
        remedy="it is an older one, or another. Put the newest back, import an export of it (`goldpan ledger"
        f" import FILE`), or let it take them in: goldpan ledger take-in --study {project.study.study}. To"
        f" pay for everything again, delete {unknown[0].path.parents[2]} first",
    )


@dataclass(frozen=True)
class TakenIn:
    """What came of one batch-id file: `done` is what was done, `problem` why nothing could be."""

    file: BatchFile
    done: str | None = None
    problem: str | None = None


def take_in(ledger: Ledger, project: Project, stage: str) -> Iterator[TakenIn]:
    """Enter in the ledger what it lacks of a stage's batches, one after the other, and say what was done.

    May be stopped at any time and run again. What the ledger knows already is passed over.
    """
    for file in batch_files(project, stage):
        if file.lacks:
            yield TakenIn(file, problem=f"it does not say {', '.join(file.lacks)}: {_OTHER_PLAN}")
            continue
        before = ledger.submission_of_batch(file.name)
        rows = _asked_in(project, file)
        if before is None:
            if rows is None:
                yield TakenIn(file, problem=_OTHER_PLAN)
                continue
            if refused := _enter(ledger, file, [row for row, _ in rows]):
                yield refused
                continue
        submission = ledger.submission_of_batch(file.name)
        if submission is None or submission.state == "void":
            continue
        try:
            done = _settle(ledger, project, file, submission, rows)
        except InDoubtError as error:
            yield TakenIn(file, problem=str(error))
            continue
        if before is None or done:
            yield TakenIn(file, done or "known again; the next run waits for it and fetches its answers")


_OTHER_PLAN = (
    "the round was planned anew since, or the batch is another study's: try `goldpan ledger take-in` for the"
    " other studies of this ledger; else delete this file, and its requests are paid for again"
)


def _enter(ledger: Ledger, file: BatchFile, rows: list[Asked]) -> TakenIn | None:
    """Let the ledger know a batch; else what became of it, as there is an open submission of its shard."""
    says = file.says
    intent = ledger.open_submission(says["shard_hash"])
    if intent is not None and intent.batch_id is None and says.get("nonce") not in (None, intent.nonce):
        if intent.sent_at is not None:
            return TakenIn(
                file,
                problem=f"submission {intent.id} of the same requests is in doubt, and this is not its batch:"
                f" say first which it has, or that there is none, with `goldpan batches adopt {intent.id}`",
            )
        ledger.void(intent.id, f"never sent; {file.batch_id} was made of the same requests")
        intent = None
    if intent is None:
        ledger.enter(_submission(file, rows), rows)
    elif intent.batch_id is None:
        ledger.record_batch(intent.id, file.batch_id, says.get("created_at"), "unknown")
    else:
        orphan = Orphan(
            file.batch_id, intent.id, None, says["requests"], says.get("created_at"), says["submitted_at"]
        )
        ledger.record_orphan(orphan)
        return TakenIn(file, done="an orphan: another batch was made of its requests since")
    return None


def _submission(file: BatchFile, rows: list[Asked]) -> Submission:
    says = file.says
    tasks = says["tasks"]
    return Submission(
        id=says["submission"],
        shard=says["shard_hash"],
        # Older files do not say it; then the batch is known by its id and what it was asked.
        nonce=says.get("nonce")
        or TAKEN_IN + sha256_hex(f"{file.batch_id} {says['shard_hash']}".encode())[:32],
        state="created",
        provider=says["provider"],
        study=says["study"],
        stage=says["stage"],
        round=says["round"],
        task=" ".join(sorted(tasks)),
        task_hash=task_hashes(tasks),
        model=says["model"],
        requests=len(rows),
        bytes=says["bytes"],
        intent_at=says["submitted_at"],
        file_id=says.get("file_id"),
        batch_id=file.batch_id,
        created_at=says.get("created_at"),
        service=says.get("service", ""),
        free=int(was_free(says.get("service", ""))),
        endpoint=says.get("endpoint", "/v1/chat/completions"),
        paid_calls=1,
        note="taken in from results",
    )


def _asked_in(project: Project, file: BatchFile) -> list[tuple[Asked, int]] | None:
    """The rows that a batch was asked, each with how often before, by the round's asked.jsonl; None when that
    is of another plan."""
    path = project.root / project.paths.asked(file.stage, file.round)
    if not path.exists():
        return None
    digest = hashlib.sha256()
    rows: dict[bytes, tuple[Asked, int]] = {}
    for row, attempts in rows_with_attempts(path, file.says["shard"]):
        if row.key not in rows:
            digest.update(shard_row(row.custom_id, row.key.hex(), attempts))
            rows[row.key] = row, attempts
    return list(rows.values()) if digest.hexdigest() == file.says["shard_hash"] else None


def _settle(
    ledger: Ledger,
    project: Project,
    file: BatchFile,
    submission: Submission,
    rows: list[tuple[Asked, int]] | None,
) -> str | None:
    """Take over the answers of a batch whose lines are here; says what was done, if anything."""
    if submission.note == REQUESTS_LOST and rows is not None:
        ledger.complete_asked(submission.id, [row for row, _ in rows])
    completion = project.root / project.paths.completion(file.stage, file.round)
    raw = project.root / project.paths.raw(file.stage, file.round, file.says["shard"])
    batches = read_completion(completion, file.stage, file.round) if completion.exists() else {}
    _, batch = batches.get(file.says["shard"], (0, None))
    if rows is None or batch is None or batch.id != file.batch_id:
        return None
    raw = kept_raw(project, raw, file.says["shard_hash"], batch).where
    if not raw.exists():
        return None
    if submission.is_open:
        settle_shard(ledger, project, file.stage, submission.id, batch, raw)
        return "settled from the raw lines that are here"
    restored = restore_shard(ledger, project, file.stage, submission, batch, raw, rows)
    return f"{restored} lost answers restored from the raw lines that are here" if restored else None
