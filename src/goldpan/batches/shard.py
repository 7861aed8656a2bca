"""Bringing a planned request file to its place, from the spool or by making it again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from goldpan.batches.plan import Shard, iter_asked, shard_row
from goldpan.batches.questions import Question, Questioner, Skip
from goldpan.batches.spool import Spool
from goldpan.errors import ReconciliationError
from goldpan.files import replacing
from goldpan.ledger import Asked
from goldpan.providers.prices import context_window
from goldpan.study.load import Project


def place_shard(
    project: Project, stage_name: str, shard: Shard, *, records: Path, asked: Path, output: Path
) -> None:
    """Write the request file of a shard to `output`.

    Raises:
        ReconciliationError: it is no longer in the spool, and making it again from records and task gives
            other requests than were planned.
    """
    if Spool(project.ledger).copy_to(shard.hash, output):
        return
    stage = project.study.stages[stage_name]
    provider = project.study.providers[stage.provider]
    questioner = Questioner(stage, project.tasks, context_window(stage.model), provider)
    digest = hashlib.sha256()
    with replacing(output) as out:
        for question, attempts in _planned(questioner, shard.name, records, asked):
            out.writelines(questioner.line_parts(question))
            digest.update(shard_row(question.custom_id, question.key.hex(), attempts))
        if digest.hexdigest() != shard.hash:
            raise ReconciliationError(
                f"shard {shard.name} cannot be made again as it was planned",
                where=str(output),
                remedy="records or task changed after the plan:"
                " snakemake --cores 2 --forcerun plan --config study=NAME",
            )


def _planned(questioner: Questioner, name: str, records: Path, asked: Path) -> Iterator[tuple[Question, int]]:
    wanted: dict[tuple[str, int], int] = {}
    keys: set[str] = set()
    for row in iter_asked(asked):
        # Of records that share a request the first stands in the shard.
        if row.get("shard") == name and row["key"] not in keys:
            keys.add(row["key"])
            wanted[row["id"], row["sample"]] = row["attempts"]
    for record in questioner.records(records):
        questions = questioner.ask(record)
        if isinstance(questions, Skip):
            continue
        for question in questions:
            attempts = wanted.get((question.id, question.sample))
            if attempts is not None:
                yield question, attempts


def asked_rows(asked: Path, name: str) -> Iterator[Asked]:
    """The rows of a shard, as the ledger keeps them."""
    for row in iter_asked(asked):
        if row.get("shard") == name:
            yield Asked(row["custom_id"], bytes.fromhex(row["key"]), row["task"])
