"""The embedded provider: a batch engine in a folder, answered by a named, weak baseline (no key, no net)."""

from __future__ import annotations

from pathlib import Path

from goldpan.files import sha256_hex
from goldpan.providers.base import Batch, Surroundings
from goldpan.providers.engine.answerers import Answerer, AnswerOne
from goldpan.providers.engine.engine import Engine
from goldpan.providers.engine.folder_provider import FolderProvider, batch_of
from goldpan.providers.keys import Keys
from goldpan.providers.local.answerer import answer
from goldpan.providers.local.scripted import load_answerer
from goldpan.study.provider import LocalSettings


class LocalProvider(FolderProvider):
    """`BatchProvider` over an `Engine` in this process; a batch is worked on whenever it is looked at.

    Args:
        folder: where the engine keeps its state.
        answerer: see `Engine`; by default the baseline.
        slice_seconds: how long one `retrieve` works on the batch.
    """

    kind = "local"

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

    def retrieve(self, batch_id: str) -> Batch:
        """Work on the batch for a moment, then describe it."""
        return batch_of(self.engine.advance(batch_id, self._slice_seconds))
