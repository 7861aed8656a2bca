"""What is put away once a stage has ended: its request files and raw lines, compressed.

While a round is open they lie there as the provider gets and gives them. Of a stage that has ended nothing
needs them any more, and they have most of its bytes. The rules know the plain names alone, which Snakemake
takes for files that it would make again if anything needed them; then they come from here, byte by byte.

The name of what is put away tells what it was made of, so that it is never taken for a file of another plan.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from goldpan.batches.completion import read_completion
from goldpan.batches.rounds import rounds_to_settle
from goldpan.compressed import compress, damage_errors, open_decompressed
from goldpan.files import replacing, sha256_hex
from goldpan.ledger import Ledger
from goldpan.providers.base import Batch
from goldpan.providers.connect import engine_folders
from goldpan.providers.engine.store import Store
from goldpan.stages.plan import Shard, read_plan
from goldpan.study.load import Project

_MARK_DIGITS = 12


@dataclass(frozen=True)
class KeptFile:
    """An artifact that lies at its place or is put away.

    Attributes:
        plain: its place.
        packed: where it lies compressed.
    """

    plain: Path
    packed: Path

    @property
    def where(self) -> Path:
        """Where it can be read, by content; its place if it lies nowhere."""
        return self.packed if not self.plain.exists() and self.packed.exists() else self.plain

    def put_away(self) -> None:
        """Compress it and leave its place, if it is there."""
        if not self.plain.exists():
            return
        with replacing(self.packed) as handle:
            compress(self.plain, handle)
        self.plain.unlink()

    def bring_back(self) -> bool:
        """Write it to its place again; False where it is not put away, or cannot be read."""
        if not self.packed.exists():
            return False
        try:
            with open_decompressed(self.packed) as packed, replacing(self.plain) as handle:
                shutil.copyfileobj(packed, handle, 1 << 20)
        except damage_errors():
            return False
        return True


def kept_requests(project: Project, plain: Path, shard: Shard) -> KeptFile:
    """The request file of a shard, whose place is `plain`."""
    return KeptFile(plain, Path(project.paths.put_away(str(plain), shard.hash[:_MARK_DIGITS])))


def kept_raw(project: Project, plain: Path, shard_hash: str, batch: Batch) -> KeptFile:
    """The raw lines of a shard as a batch has answered it, whose place is `plain`."""
    mark = sha256_hex(f"{shard_hash} {batch.id}".encode())[:_MARK_DIGITS]
    return KeptFile(plain, Path(project.paths.put_away(str(plain), mark)))


def put_away_rounds(project: Project, stage: str) -> None:
    """Put away the request files and raw lines of all settled rounds of a stage.

    Raises:
        SourceError: a plan or completion.json is damaged.
    """
    root, paths = project.root, project.paths
    for number, settled in enumerate(rounds_to_settle(paths, stage, root), 1):
        if not (root / settled).exists():
            continue
        plan = read_plan(root / paths.plan(stage, number), stage, number)
        completed = read_completion(root / paths.completion(stage, number), stage, number)
        for shard in plan.shards:
            kept_requests(project, root / paths.requests(stage, number, shard.name), shard).put_away()
            if shard.name in completed:
                raw = root / paths.raw(stage, number, shard.name)
                kept_raw(project, raw, shard.hash, completed[shard.name][1]).put_away()


def forget_engine_files(project: Project, provider: str, ledger: Ledger) -> None:
    """Remove the files of those batches of an engine of our own that the ledger has settled."""
    for folder in engine_folders(project, provider):
        Store(folder).forget(ledger.has_settled)
