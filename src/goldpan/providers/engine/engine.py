"""A batch engine in a folder: files, batches and answers as an OpenAI-compatible service keeps them."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

from goldpan.providers.engine.answerers import Answerer, AnswerOne, OneByOne
from goldpan.providers.engine.hooks import BatchHook, Hook
from goldpan.providers.engine.objects import BatchRecord, FileRecord
from goldpan.providers.engine.processing import BatchRun, answer_request
from goldpan.providers.engine.refusal import ServiceError
from goldpan.providers.engine.store import Store, new_id
from goldpan.providers.engine.validation import check_metadata
from goldpan.providers.model_facts import CHAT_URL, URLS

COMPLETION_WINDOW = "24h"
WINDOW_SECONDS = 24 * 3600
NO_WINDOW_SECONDS = 50 * 365 * 24 * 3600
"""Of a batch that is worked on while somebody does, whenever that is."""
_CHUNK = 1 << 20
_RESERVE_BYTES = 16 << 20
"""Room on the disk that a file of the user's own leaves to what else a run writes."""


class Engine:
    """Batches over the answers of an answerer, with the life cycle of the real service.

    All state is in the folder. Several engines, also in several processes, may share it; each batch is worked
    on by one of them at a time. After a crash, what has no answer yet is asked.

    Args:
        folder: where state is kept; made if it is not there.
        answerer: who answers; a function answers one request after the other.
        hook: what is done to batches besides.
        seconds_per_batch: a batch takes at least this long.
        as_sent: requests go to the answerer as they are, whoever's they are, and it replies with `WireReply`.
        prefix: ids of files and batches begin so.
        window_seconds: for how long a batch takes answers.
    """

    def __init__(
        self,
        folder: Path,
        answerer: Answerer | AnswerOne,
        *,
        hook: Hook = BatchHook,
        seconds_per_batch: float = 0.0,
        as_sent: bool = False,
        prefix: str = "",
        window_seconds: int = WINDOW_SECONDS,
    ):
        self.store = Store(folder, prefix)
        self.seconds_per_batch = seconds_per_batch
        self._as_sent, self._window_seconds = as_sent, window_seconds
        self._answerer = answerer if isinstance(answerer, Answerer) else OneByOne(answerer)
        self._hook = hook

    def upload(self, path: Path, filename: str, purpose: str = "batch") -> FileRecord:
        """Store a copy of a file. Raises ServiceError as `Store.receiving` does."""
        size = Path(path).stat().st_size
        receiving = self.store.receiving(filename, purpose, size=size, reserve=_RESERVE_BYTES)
        with receiving as upload, Path(path).open("rb") as source:
            while chunk := source.read(_CHUNK):
                upload.write(chunk)
        assert upload.record is not None
        return upload.record

    def create_batch(
        self,
        input_file_id: str,
        endpoint: str = CHAT_URL,
        completion_window: str = COMPLETION_WINDOW,
        metadata: dict[str, str] | None = None,
    ) -> BatchRecord:
        """Create a batch; its input is looked at later, and what is wrong with it makes the batch `failed`.

        Raises:
            ServiceError: 404 no such input file; 400 any other argument is not acceptable.
        """
        source = self.store.file(input_file_id)
        if source.purpose != "batch":
            raise ServiceError(400, "The input file's purpose must be 'batch'.", param="input_file_id")
        if endpoint not in URLS.values():
            raise ServiceError(
                400,
                f"'endpoint' must be {' or '.join(URLS.values())}.",
                code="invalid_value",
                param="endpoint",
            )
        if completion_window != COMPLETION_WINDOW:
            raise ServiceError(
                400,
                f"'completion_window' must be {COMPLETION_WINDOW}.",
                code="invalid_value",
                param="completion_window",
            )
        metadata = check_metadata(metadata)
        with self.store.locked("create"):
            now = int(time.time())
            ordinal = len(self.store.batch_ids()) + 1
            record = BatchRecord(
                id=new_id(f"{self.store.prefix}batch_"),
                ordinal=ordinal,
                endpoint=endpoint,
                completion_window=completion_window,
                input_file_id=input_file_id,
                created_at=now,
                expires_at=now + self._window_seconds,
                metadata=metadata,
            )
            self._hook(record, self.store, partial(self.store.save, record)).created()
            self.store.save(record)
        return record

    def batch(self, batch_id: str) -> BatchRecord:
        """The present state of a batch. Raises ServiceError 404."""
        return self.store.batch(batch_id)

    def list_batches(self) -> list[BatchRecord]:
        """All batches, newest first."""
        return list(self.store.batches())

    def cancel_batch(self, batch_id: str) -> BatchRecord:
        """Ask for a batch to be cancelled; rows that are answered keep their answers.

        Raises:
            ServiceError: 404 no such batch; 409 it has ended.
        """
        record = self.store.batch(batch_id)
        if not record.is_open:
            raise ServiceError(409, f"Cannot cancel a batch with status '{record.status}'.")
        self.store.request_cancel(batch_id)
        return self.store.batch(batch_id)

    def advance(self, batch_id: str, seconds: float = 1.0) -> BatchRecord:
        """Work on a batch for about `seconds`, at least one step, and describe it.

        With `seconds=0` exactly one step is made: one change of status, or one row. When another process is
        at work on the batch, this returns at once.

        Raises:
            ServiceError: 404, there is no such batch.
        """
        deadline = time.monotonic() + seconds
        record = self.store.batch(batch_id)
        if not record.is_open:
            return record
        with self.store.locked_if_free(batch_id) as held:
            if held:
                record = self.store.checkpoint(batch_id)
                run = BatchRun(
                    *(self.store, record, self._answerer, self._hook),
                    pace_seconds=self.seconds_per_batch,
                    as_sent=self._as_sent,
                )
                while record.is_open and run.step(deadline) and time.monotonic() < deadline:
                    pass
        return self.store.batch(batch_id)

    def complete(self, body: dict[str, Any], endpoint: str = CHAT_URL) -> dict[str, Any]:
        """Answer one request to an endpoint. Raises ServiceError as a row of a batch would fail."""
        return answer_request(self._answerer, body, endpoint)
