"""Giving a batch up: what a person decides when a provider has forgotten a batch or contradicts itself."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from goldpan.batches.fetch import Files, end_last_line
from goldpan.batches.settle import settle_shard
from goldpan.errors import ProviderError
from goldpan.ledger import Ledger, Outcome, Submission
from goldpan.providers.base import GIVEN_UP, Batch, BatchProvider
from goldpan.study.load import Project


@dataclass(frozen=True)
class GivenUp:
    """What came of a batch that was given up: rows with a line of its files, and rows without one."""

    kept: int
    without_answer: int


def give_up(
    ledger: Ledger,
    project: Project,
    provider: BatchProvider,
    submission: Submission,
    *,
    ask_again: bool,
) -> GivenUp:
    """Settle a submission for good, with what can be had of its batch's answers now.

    Args:
        submission: an open one, with a batch.
        ask_again: requests without an answer may be asked again, whatever the rounds that are left; else they
            are recorded as `missing` and final.

    Returns:
        How many rows kept a line, and how many have none.
    """
    assert submission.batch_id is not None
    asked = ledger.asked_by(submission.id)
    reason = f"given_up: batch {submission.batch_id} was given up by `goldpan batches give-up`"
    without: list[bytes] = []

    def absent(key: bytes) -> Outcome:
        without.append(key)
        return Outcome(key, "missing", reason, ask_again, None)

    with tempfile.TemporaryDirectory(dir=project.ledger.parent, prefix=".fetch-") as folder:
        raw = _lines_to_be_had(provider, submission.batch_id, Path(folder))
        batch = Batch(submission.batch_id, GIVEN_UP)
        settle_shard(ledger, project, submission.stage, submission.id, batch, raw, absent=absent)
    if ask_again:
        ledger.forgive(without)
    return GivenUp(len(asked) - len(without), len(without))


def _lines_to_be_had(provider: BatchProvider, batch_id: str, folder: Path) -> Path:
    """A file with the lines of a batch that its provider still gives; an empty one where it gives none."""
    files, raw = Files(), folder / "lines.jsonl"
    with contextlib.suppress(ProviderError):
        batch = provider.end(batch_id)
        if batch.id == batch_id:
            for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
                part = folder / str(len(files.parts))
                files.parts.append(part)
                part.touch()
                with contextlib.suppress(ProviderError):
                    provider.download(file_id, part)
                end_last_line(part)
    files.place(raw)
    return raw
