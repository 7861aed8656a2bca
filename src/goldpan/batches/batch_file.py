"""The batch-id file of a shard: which batch it is, with whom, and what was asked in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldpan.crashpoints import reached
from goldpan.ledger import BatchName, Submission
from goldpan.stages.documents import read_document, unreadable, write_document
from goldpan.stages.plan import Plan, Shard
from goldpan.study.load import Project

_WHAT = "a batch-id file"
_REMEDY = "delete it: what was paid is in the ledger, and the next run writes it again"
_NEEDED = (
    *("shard", "shard_hash", "submission", "tasks", "provider", "study", "stage", "round", "model"),
    *("bytes", "requests", "submitted_at"),
)


@dataclass(frozen=True)
class BatchFile:
    """A batch-id file of a stage, as `write_batch_file` wrote it."""

    path: Path
    stage: str
    round: int
    says: dict[str, Any]

    @property
    def batch_id(self) -> str:
        """The batch it is about."""
        return self.says["batch_id"]

    @property
    def name(self) -> BatchName:
        """What tells the batch from one that another service has numbered alike."""
        says = self.says
        return BatchName(
            *(self.batch_id, says.get("service", ""), says.get("nonce")),
            *(says.get("shard_hash"), says.get("submission")),
        )

    @property
    def lacks(self) -> list[str]:
        """What a batch-id file must say for its batch to be taken in, and this one does not."""
        return [key for key in _NEEDED if key not in self.says]


def read_batch_file(path: Path, stage: str, round: int) -> BatchFile:
    """Read a batch-id file.

    Raises:
        SourceError: it is damaged, does not say which submission it is about, or is of a newer format.
    """
    says = read_document(path, _WHAT, _REMEDY)
    if not says.keys() >= {"submission", "batch_id"}:
        raise unreadable(path, _WHAT, _REMEDY, "it does not say which submission and batch it is about")
    return BatchFile(path, stage, round, says)


def batch_files(project: Project, stage: str) -> Iterator[BatchFile]:
    """The batch-id files of all rounds of a stage; those of shards that no batch was made of left out.

    Raises:
        SourceError: as `read_batch_file`.
    """
    folders = (project.root / project.paths.stage(stage)).glob("round[0-9]*")
    numbers = (folder.name.removeprefix("round") for folder in folders)
    # In the order in which they were asked: of an answer that was asked for twice the later one holds.
    for number in sorted(int(number) for number in numbers if number.isdecimal()):
        folder = project.root / project.paths.round(stage, number)
        for path in sorted((folder / "batches").glob("*.json")):
            says = read_document(path, _WHAT, _REMEDY)
            if says.get("batch_id"):
                yield BatchFile(path, stage, number, says)


def write_batch_file(path: Path, plan: Plan, shard: Shard, submission: Submission) -> None:
    """Write the batch-id file: where a shard is, and what was asked in it."""
    write_document(
        path,
        {
            "batch_id": submission.batch_id,
            "provider": submission.provider,
            "study": plan.study,
            "stage": plan.stage,
            "round": plan.round,
            "shard": shard.name,
            "shard_hash": shard.hash,
            "submission": submission.id,
            "nonce": submission.nonce,
            "service": submission.service,
            "endpoint": submission.endpoint,
            "tasks": plan.tasks,
            "model": submission.model,
            "requests": submission.requests,
            "bytes": submission.bytes,
            "file_id": submission.file_id,
            "submitted_at": round(submission.intent_at, 3),
            "created_at": submission.created_at,
        },
    )
    reached("batch_file_written")
