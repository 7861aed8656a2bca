"""Taking over the answers of batches that are whole, where another batch of their round stops the run."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable
from pathlib import Path

from goldpan.batches.fetch import fetch_batch
from goldpan.batches.settle import settle_shard
from goldpan.clock import SYSTEM_CLOCK, Clock
from goldpan.errors import ProviderError
from goldpan.ledger import Ledger
from goldpan.providers.base import Batch, BatchProvider
from goldpan.study.load import Project


def take_over(
    ledger: Ledger,
    project: Project,
    provider: BatchProvider,
    batches: Iterable[tuple[int, Batch]],
    *,
    patience: float,
    clock: Clock = SYSTEM_CLOCK,
) -> int:
    """Fetch and settle terminal batches, so that the ledger has their answers whatever becomes of the others.

    The files of the workflow stay as they are: the next run makes them, and finds nothing left to settle.

    Args:
        batches: (submission, batch); one in doubt itself is passed over.
        patience: as for `fetch_batch`.

    Returns:
        How many were settled now.
    """
    settled = 0
    with tempfile.TemporaryDirectory(dir=project.ledger.parent, prefix=".fetch-") as folder:
        for number, batch in batches:
            submission = ledger.submission(number)
            if not submission.is_open:
                continue
            raw = Path(folder) / f"{number}.jsonl"
            with contextlib.suppress(ProviderError):
                fetch_batch(ledger, provider, batch, number, raw, patience=patience, clock=clock)
                settle_shard(ledger, project, submission.stage, number, batch, raw)
                settled += 1
    return settled
