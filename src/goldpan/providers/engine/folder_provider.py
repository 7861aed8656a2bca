"""What all providers share whose batches an engine of our own keeps in a folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from goldpan.providers.base import Batch, BatchProvider, StoredFile, batch_from_dict
from goldpan.providers.engine.engine import Engine
from goldpan.providers.engine.objects import BatchRecord, FileRecord


class FolderProvider(BatchProvider):
    """Files and batches of an `Engine` in this process; whoever derives from it says who works on them, when.

    Attributes:
        engine: with the folder.
    """

    works_here = True
    costs_money = False
    list_is_exact = True

    engine: Engine

    def upload(self, path: Path, name: str) -> StoredFile:
        """Store a copy of a request file under `name`."""
        return _stored(self.engine.upload(path, name))

    def find_upload(self, name: str, size: int) -> StoredFile | None:
        """The newest file stored under `name` with `size` bytes, if there is one."""
        files = self.engine.store.files()
        return next((_stored(file) for file in files if file.filename == name and file.bytes == size), None)

    def create(self, file_id: str, endpoint: str, metadata: dict[str, str]) -> Batch:
        """Create the batch."""
        return batch_of(self.engine.create_batch(file_id, endpoint, metadata=metadata))

    def retrieve(self, batch_id: str) -> Batch:
        """The present state of a batch."""
        return batch_of(self.engine.batch(batch_id))

    def batches(self) -> Iterator[Batch]:
        """All batches of the folder, newest first, without working on them."""
        return (batch_of(record) for record in self.engine.store.batches())

    def cancel(self, batch_id: str) -> Batch:
        """Ask for a batch to be cancelled."""
        return batch_of(self.engine.cancel_batch(batch_id))

    def download(self, file_id: str, destination: Path) -> bool:
        """Copy the whole content of a file to `destination`."""
        shutil.copyfile(self.engine.store.content(file_id), destination)
        return True


def batch_of(record: BatchRecord) -> Batch:
    """A batch of an engine, as a provider describes it."""
    return batch_from_dict(record.as_openai())


def _stored(record: FileRecord) -> StoredFile:
    return StoredFile(record.id, record.filename, record.bytes, record.created_at)
