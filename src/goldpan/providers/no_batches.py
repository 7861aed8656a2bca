"""A service that is asked online only: goldpan knows no batches of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from goldpan.errors import ProviderError
from goldpan.providers.base import Batch, BatchProvider, StoredFile, Surroundings


class NoBatches(BatchProvider):
    """Has no batch and makes none: what would make or name one is refused.

    Args:
        kind: of the provider, as a study calls it.
        service: its name, for people.
    """

    def __init__(self, kind: str, service: str):
        self.kind, self._service_name = kind, service

    @classmethod
    def connected(cls, settings: Any, surroundings: Surroundings) -> BatchProvider:
        """Not by settings: whoever finds that a service has no batches makes it."""
        raise NotImplementedError

    def upload(self, path: Path, name: str) -> StoredFile:
        """Always refused."""
        self._refuse()

    def find_upload(self, name: str, size: int) -> StoredFile | None:
        """None: nothing was uploaded."""
        return None

    def create(self, file_id: str, endpoint: str, metadata: dict[str, str]) -> Batch:
        """Always refused."""
        self._refuse()

    def retrieve(self, batch_id: str) -> Batch:
        """Always refused."""
        self._refuse()

    def batches(self) -> Iterator[Batch]:
        """None."""
        return iter(())

    def cancel(self, batch_id: str) -> Batch:
        """Always refused."""
        self._refuse()

    def download(self, file_id: str, destination: Path) -> bool:
        """Always refused."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise ProviderError(
            f"goldpan makes no batches with `custom_llm_provider: {self._service_name}`",
            remedy="ask its stages with `mode: online`",
        )
