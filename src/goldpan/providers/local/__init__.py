"""The embedded provider: a batch engine in a folder, answered by a named, weak baseline (no key, no net)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from goldpan.files import sha256_hex
from goldpan.providers.base import Batch, BatchProvider, StoredFile, Surroundings, batch_from_dict
from goldpan.providers.engine.answerers import Answerer, AnswerOne
from goldpan.providers.engine.engine import Engine
from goldpan.providers.engine.objects import BatchRecord, FileRecord
from goldpan.providers.keys import Keys
from goldpan.providers.local.answerer import answer
from goldpan.providers.local.scripted import load_answerer
from goldpan.study.provider import LocalSettings


class LocalProvider(BatchProvider):
    """`BatchProvider` over an `Engine` in this process; a batch is worked on whenever it is looked at.

    Args:
        folder: where the engine keeps its state.
        answerer: see `Engine`; by default the baseline.
        slice_seconds: how long one `retrieve` works on the batch.
    """

    kind = "local"
    works_here = True
    costs_money = False
    list_is_exact = True

    def __init__(
        self,
        folder: Path,
        *,
        answerer: Answerer | AnswerOne = answer,
        slice_seconds: float = 1.0,
    ):
        self.engine = Engine(folder, answerer)
        self._slice_seconds = slice_seconds

    @classmethod
    def connected(cls, settings: LocalSettings, surroundings: Surroundings) -> LocalProvider:
        """As for any provider.

        Raises:
            StudyError: `answers` cannot be loaded.
            SourceError: its file of known answers has a line that is none.
        """
        name = "local" if settings.answers is None else f"local_{sha256_hex(settings.answers.encode())[:12]}"
        folder = surroundings.root / settings.folder if settings.folder else surroundings.state / name
        if settings.answers is None:
            return cls(folder)
        return cls(folder, answerer=load_answerer(str(surroundings.root / settings.answers)))

    @classmethod
    def service(cls, settings: LocalSettings, keys: Keys) -> str:
        """Which engine is asked: that of a folder, and who answers there."""
        return " ".join(filter(None, [cls.kind, settings.folder, settings.answers]))

    def upload(self, path: Path, name: str) -> StoredFile:
        """Store a copy of a request file under `name`."""
        return _stored(self.engine.upload(path, name))

    def find_upload(self, name: str, size: int) -> StoredFile | None:
        """The newest file stored under `name` with `size` bytes, if there is one."""
        files = self.engine.store.files()
        return next((_stored(file) for file in files if file.filename == name and file.bytes == size), None)

    def create(self, file_id: str, endpoint: str, metadata: dict[str, str]) -> Batch:
        """Create the batch."""
        return _batch(self.engine.create_batch(file_id, endpoint, metadata=metadata))

    def retrieve(self, batch_id: str) -> Batch:
        """Work on the batch for a moment, then describe it."""
        return _batch(self.engine.advance(batch_id, self._slice_seconds))

    def batches(self) -> Iterator[Batch]:
        """All batches of the folder, newest first, without working on them."""
        return (_batch(record) for record in self.engine.store.batches())

    def cancel(self, batch_id: str) -> Batch:
        """Ask for a batch to be cancelled."""
        return _batch(self.engine.cancel_batch(batch_id))

    def download(self, file_id: str, destination: Path) -> bool:
        """Copy the whole content of a file to `destination`."""
        shutil.copyfile(self.engine.store.content(file_id), destination)
        return True


def _batch(record: BatchRecord) -> Batch:
    return batch_from_dict(record.as_openai())


def _stored(record: FileRecord) -> StoredFile:
    return StoredFile(record.id, record.filename, record.bytes, record.created_at)
