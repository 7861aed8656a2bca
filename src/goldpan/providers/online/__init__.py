"""Answers now: the requests of a stage by calls of their own, in place of the batch API of the same service.

The requests of a shard become a batch of an engine in a folder beside the ledger, whose answerer is the
service. So all that holds for batches holds for them: they are made once, what is answered is journalled, and
they can be looked at, cancelled and fetched. An id tells who has a batch: those of the engine begin with
`ONLINE`, and every other one is the service's.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from goldpan.providers.base import (
    Batch,
    BatchProvider,
    StoredFile,
    Surroundings,
    is_online,
)
from goldpan.providers.engine.answerers import Answerer, AnswerOne, nobody
from goldpan.providers.engine.engine import NO_WINDOW_SECONDS, Engine
from goldpan.providers.engine.folder_provider import batch_of
from goldpan.providers.engine.hooks import BatchHook, Ends, Hook
from goldpan.providers.engine.refusal import ServiceError
from goldpan.providers.online.address import Address
from goldpan.providers.online.tier import AskedTier
from goldpan.providers.online.watch import Watch
from goldpan.study.provider import ONLINE
from goldpan.study.stage import Mode


class OnlineProvider(BatchProvider):
    """The batch service of a stage with an engine beside it: new batches are made by the mode, and what was
    made in the other one stays where it is.

    Looking at a batch never asks the service for an answer: `work` does, and nothing else.

    Args:
        batches_of: the service's batch API.
        folder: where the engine keeps its state; made when it is needed.
        mode: where new batches are made.
        address: where requests of an endpoint go; None in mode `batch`.
    """

    def __init__(self, batches_of: BatchProvider, folder: Path, mode: Mode, address: Address | None):
        self.kind, self.costs_money = batches_of.kind, batches_of.costs_money
        self._service, self._folder, self._mode, self._address = batches_of, folder, mode, address
        self._accepted: set[tuple[str, bytes]] = set()

    @classmethod
    def connected(cls, settings: Any, surroundings: Surroundings) -> BatchProvider:
        """Not by its settings alone: `connect_to` also knows the mode."""
        raise NotImplementedError

    @property
    def server_time(self) -> float | None:
        """The service's, by what its batch API said last."""
        return self._service.server_time

    @server_time.setter
    def server_time(self, value: float | None) -> None:
        self._service.server_time = value

    def keeper(self, file_id: str | None) -> BatchProvider:
        """Who has every batch that was made of an upload, and no other."""
        return _EngineSide(self) if is_online(file_id) else self._service

    def upload(self, path: Path, name: str) -> StoredFile:
        """Store a request file where batches are made now."""
        if self._mode == "batch":
            return self._service.upload(path, name)
        record = self._engine().upload(path, name)
        return StoredFile(record.id, record.filename, record.bytes, record.created_at)

    def find_upload(self, name: str, size: int) -> StoredFile | None:
        """The newest file stored there under `name` with `size` bytes."""
        if self._mode == "batch":
            return self._service.find_upload(name, size)
        files = self._engine().store.files()
        same = (file for file in files if file.filename == name and file.bytes == size)
        return next((StoredFile(file.id, file.filename, file.bytes, file.created_at) for file in same), None)

    def create(self, file_id: str, endpoint: str, metadata: dict[str, str]) -> Batch:
        """Create the batch; by the engine that costs nothing yet.

        Raises:
            ProviderError: 404 for a file that was uploaded in the other mode; else as of the service.
        """
        if is_online(file_id) == (self._mode == "batch"):
            raise ServiceError(404, f"{file_id} was uploaded in another mode.")
        if self._mode == "batch":
            return self._service.create(file_id, endpoint, metadata)
        return batch_of(self._engine().create_batch(file_id, endpoint, metadata=metadata))

    def retrieve(self, batch_id: str) -> Batch:
        """The present state of a batch, without working on it."""
        return (
            batch_of(self._engine().batch(batch_id))
            if is_online(batch_id)
            else self._service.retrieve(batch_id)
        )

    def batches(self) -> Iterator[Batch]:
        """The engine's batches, then the service's."""
        return chain(self.own_batches(), self._service.batches())

    def own_batches(self) -> Iterator[Batch]:
        """The engine's batches, newest first."""
        return map(batch_of, self._engine().store.batches()) if self._folder.exists() else iter(())

    def cancel(self, batch_id: str) -> Batch:
        """Ask for a batch to be cancelled. One of the engine that nobody is at work on ends at once."""
        if not is_online(batch_id):
            return self._service.cancel(batch_id)
        engine = self._engine()
        engine.cancel_batch(batch_id)
        return batch_of(engine.advance(batch_id, math.inf))

    def end(self, batch_id: str) -> Batch:
        """As `BatchProvider.end`; one of the engine that is being worked on is only described."""
        if not is_online(batch_id):
            return self._service.end(batch_id)
        return batch_of(self._engine(hook=Ends).advance(batch_id, math.inf))

    def making_batches(self) -> OnlineProvider:
        """The same one, but new batches are made at the service."""
        return OnlineProvider(self._service, self._folder, "batch", self._address)

    def work(self, batch_id: str, watch: Watch, tier: AskedTier | None = None) -> Batch:
        """Ask the service what is not answered of a batch of the engine, to its end.

        Args:
            tier: at which the service is asked.

        Where another process is at work on it, it is described at once.

        Raises:
            NoRoomError: the tier has no room, and the rest is to be asked in a batch.
            OnlineError: the service refuses everything, or is silent; what was answered is kept.
            Exception: as the watch refuses.
        """
        # asyncio takes as long to load as all else of this room, and most steps ask nobody.
        from goldpan.providers.online.answerer import OnlineAnswerer

        assert self._address is not None, "in mode batch nobody asks online"
        endpoint = self._engine().batch(batch_id).endpoint
        answerer = OnlineAnswerer(self._address, endpoint, watch, accepted=self._accepted, tier=tier)
        return batch_of(self._engine(answerer, hook=_watched_by(watch)).advance(batch_id, math.inf))

    def tidy(self, is_settled: Callable[[str], bool]) -> None:
        """Remove the files of those of the engine's batches whose answers the ledger has."""
        if self._folder.exists():
            self._engine().store.forget(is_settled)

    def download(self, file_id: str, destination: Path) -> bool:
        """Write the whole content of a file to `destination`."""
        if not is_online(file_id):
            return self._service.download(file_id, destination)
        shutil.copyfile(self._engine().store.content(file_id), destination)
        return True

    def _engine(self, answerer: Answerer | AnswerOne | None = None, hook: Hook = BatchHook) -> Engine:
        return Engine(
            self._folder,
            answerer or nobody,
            hook=hook,
            as_sent=True,
            prefix=ONLINE,
            window_seconds=NO_WINDOW_SECONDS,
        )


class _EngineSide(OnlineProvider):
    """The engine's batches alone: its list is a folder."""

    list_is_exact = True

    def __init__(self, provider: OnlineProvider):
        super().__init__(provider._service, provider._folder, "online", provider._address)

    def batches(self) -> Iterator[Batch]:
        """The engine's batches."""
        return self.own_batches()


def _watched_by(watch: Watch) -> Hook:
    class Watched(BatchHook):
        """Tells the watch what is written down."""

        def resumed(self, lines: Iterator[bytes]) -> None:
            watch.resumed(lines)

        def written(self, custom_id: str, line: bytes) -> None:
            watch.written(custom_id, line)

    return Watched
