"""Bringing a planned request file to its place, from the spool or by making it again."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

import orjson

from goldpan.batches.put_away import kept_requests
from goldpan.batches.questions import Question, Questioner, Skip
from goldpan.batches.spool import Spool
from goldpan.errors import ReconciliationError
from goldpan.files import iter_lines, replacing
from goldpan.ledger import Asked, Ledger, Submission
from goldpan.providers.keys import Keys
from goldpan.providers.prices import context_window
from goldpan.records.read import iter_records
from goldpan.stages.plan import Shard, shard_row
from goldpan.stages.rows import read_asked
from goldpan.study.load import Project
from goldpan.study.run_again import run_as_usual, run_command


def place_shard(
    project: Project, stage_name: str, shard: Shard, *, records: Path, asked: Path, output: Path
) -> None:
    """Write the request file of a shard to `output`.

    A shard that is under way from an earlier plan, or for another study, may have left the spool since: then
    the rows that this study waits for are written. One that was put away when its stage had ended comes back.

    Raises:
        ReconciliationError: it is no longer in the spool, and making it again from records and task gives
            other requests than were planned.
    """
    if Spool(project.ledger).copy_to(shard.hash, output):
        return
    if shard.pending or not kept_requests(project, output, shard).bring_back():
        make_again(project, stage_name, shard, records=records, asked=asked, output=output)


def make_again(
    project: Project, stage_name: str, shard: Shard, *, records: Path, asked: Path, output: Path
) -> None:
    """Write the study's own rows of a shard to `output`. Raises ReconciliationError as `place_shard`."""
    stage = project.study.asked_stages[stage_name]
    provider = project.study.providers[stage.provider]
    keys = Keys(project.root)
    questioner = Questioner(stage, project.tasks, context_window(stage.model), provider, keys)
    digest = hashlib.sha256()
    with replacing(output) as out:
        for question, attempts in _planned(questioner, shard.name, records, asked):
            out.writelines(questioner.line_parts(question))
            digest.update(shard_row(question.custom_id, question.key.hex(), attempts))
        # Of a pending shard other rows may be those of another study: `lines_to_upload` looks at each.
        if digest.hexdigest() != shard.hash and not shard.pending:
            raise ReconciliationError(
                f"shard {shard.name} cannot be made again as it was planned",
                where=str(output),
                remedy=f"records or task changed after the plan: {run_command('NAME', '--forcerun', 'plan')}",
            )


def _planned(questioner: Questioner, name: str, records: Path, asked: Path) -> Iterator[tuple[Question, int]]:
    wanted: dict[tuple[str, int], int] = {}
    keys: set[str] = set()
    for _, row in read_asked(asked):
        # Of records that share a request the first stands in the shard.
        if row.get("shard") == name and row["key"] not in keys:
            keys.add(row["key"])
            wanted[row["id"], row["sample"]] = row["attempts"]
    for record in iter_records(records):
        questions = questioner.ask(record)
        if isinstance(questions, Skip):
            continue
        for question in questions:
            attempts = wanted.get((question.id, question.sample))
            if attempts is not None:
                yield question, attempts


def asked_rows(asked: Path, name: str) -> Iterator[Asked]:
    """The rows of a shard, as the ledger keeps them."""
    return (row for row, _ in rows_with_attempts(asked, name))


def rows_with_attempts(asked: Path, name: str) -> Iterator[tuple[Asked, int]]:
    """The rows of a shard, each with how often its request had been asked before."""
    for _, row in read_asked(asked):
        if row.get("shard") == name:
            yield Asked(row["custom_id"], bytes.fromhex(row["key"]), row["task"]), row["attempts"]


@contextlib.contextmanager
def lines_to_upload(ledger: Ledger, submission: Submission, requests: Path) -> Iterator[Path]:
    """A file of exactly those rows that a submission asks, by the ledger.

    That is `requests` itself unless rows were left out because another study asks them; then a file beside
    the spool, the same bytes whenever it is made, which is there for as long as the block runs.

    Raises:
        ReconciliationError: the request file lacks a row.
    """
    asked = ledger.asked_by(submission.id)
    mine = [orjson.loads(line)["custom_id"] in asked for _, line in iter_lines(requests)]
    if sum(mine) != len(asked):
        raise ReconciliationError(
            f"the request file holds {sum(mine)} of the {len(asked)} rows that submission"
            f" {submission.id} asks",
            where=str(requests),
            remedy=f"they are asked by another study: {run_as_usual(submission.study)}",
        )
    if all(mine):
        yield requests
        return
    part = Spool(ledger.path).new()
    try:
        with part.open("wb") as out:
            for (_, line), is_asked in zip(iter_lines(requests), mine, strict=True):
                if is_asked:
                    out.write(line + b"\n")
        yield part
    finally:
        part.unlink(missing_ok=True)
