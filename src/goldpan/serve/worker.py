"""The threads that work on batches while the server answers calls."""

from __future__ import annotations

import logging
import threading

from goldpan.providers.engine.engine import Engine

SLICE_SECONDS = 0.2
IDLE_SECONDS = 0.05
log = logging.getLogger(__name__)


class Worker:
    """Advances all open batches of an engine in turn, until stopped.

    Args:
        engine: what to advance.
        threads: how many batches are worked on at a time.
    """

    def __init__(self, engine: Engine, threads: int = 1):
        self._engine = engine
        self._count = threads
        self._stopping, self._woken = threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []
        self._ended: set[str] = set()

    def start(self) -> None:
        """Begin to work."""
        self._stopping.clear()
        self._threads = [
            threading.Thread(target=self._work, name=f"batches-{number}", daemon=True)
            for number in range(self._count)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish the slices at hand and end; the batches go on at the next start."""
        self._stopping.set()
        self._woken.set()
        for thread in self._threads:
            thread.join()

    def wake(self) -> None:
        """There is something new to do."""
        self._woken.set()

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                moved = self._advance_each()
            except Exception:
                log.exception("the work on a batch broke; it will be tried again")
                moved = False
            if not moved:
                # Other processes may create batches in the same folder, so nobody need wake us.
                self._woken.wait(IDLE_SECONDS)
                self._woken.clear()

    def _advance_each(self) -> bool:
        """A slice of work on each open batch, oldest first; False when none of them moved."""
        moved = False
        for batch_id in reversed(self._engine.store.batch_ids()):
            if batch_id in self._ended or self._stopping.is_set():
                continue
            before = self._engine.batch(batch_id)
            after = self._engine.advance(batch_id, SLICE_SECONDS)
            moved = moved or after != before
            if not after.is_open:
                self._ended.add(batch_id)
        return moved
