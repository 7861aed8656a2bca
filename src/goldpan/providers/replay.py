"""`provider: replay`: everything is in the ledger, or it is an error."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from goldpan.errors import ReplayMissError
from goldpan.providers.base import Batch, BatchProvider, StoredFile, Surroundings
from goldpan.study.provider import ReplaySettings


class ReplayProvider(BatchProvider):
    """A `BatchProvider` that calls nobody: whoever reaches it has met a gap in the ledger.

    Every method raises ReplayMissError.
    """

    kind = "replay"
    costs_money = False
    from_ledger_alone = True

    @classmethod
    def connected(cls, settings: ReplaySettings, surroundings: Surroundings) -> ReplayProvider:
        """As for any provider."""
        return cls()

    def upload(self, path: Path, name: str) -> StoredFile:
        """Refuse to upload `name`."""
        _refuse(f"upload {name}")

    def find_upload(self, name: str, size: int) -> StoredFile | None:
        """Refuse to look for `name`."""
        _refuse(f"look for the upload {name}")

    def create(self, file_id: str, endpoint: str, metadata: dict[str, str]) -> Batch:
        """Refuse to pay."""
        _refuse("create a batch")

    def retrieve(self, batch_id: str) -> Batch:
        """Refuse to ask after a batch."""
        _refuse(f"ask after batch {batch_id}")

    def batches(self) -> Iterator[Batch]:
        """Refuse to list batches."""
        _refuse("list the batches")

    def cancel(self, batch_id: str) -> Batch:
        """Refuse to cancel a batch."""
        _refuse(f"cancel batch {batch_id}")

    def download(self, file_id: str, destination: Path) -> bool:
        """Refuse to download."""
        _refuse(f"download file {file_id}")


def _refuse(act: str) -> NoReturn:
    raise ReplayMissError(
        f"`kind: replay` answers from the ledger and never calls out; it was asked to {act}",
        remedy="import the published ledger (`goldpan ledger import FILE`) and check that data, tasks and"
        " parameters are those it was made with; or give the stage another provider",
    )
