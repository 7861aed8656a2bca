"""What may be done to a batch on its way, by whoever runs an engine: to let things go wrong, above all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from goldpan.providers.base import BatchError
from goldpan.providers.engine.journals import Entry
from goldpan.providers.engine.objects import BatchRecord
from goldpan.providers.engine.refusal import ServiceError
from goldpan.providers.engine.store import Store


class BrokenOff(NamedTuple):
    """A batch is to end as `ending` once `after` rows are answered; None for never: it stands still."""

    after: int
    ending: str | None


class BatchHook:
    """Called at each step of the work on one batch; this one lets everything be.

    Args:
        record: the batch; `record.notes` are the hook's own, and are there again after a crash.
        store: where the batch lives.
        save: writes the batch down as it is at this moment.
    """

    def __init__(self, record: BatchRecord, store: Store, save: Callable[[], None]):
        self.record, self.store, self.save = record, store, save

    def created(self) -> None:
        """The batch is about to be made."""

    def input_errors(self) -> list[BatchError]:
        """Errors for which its input is refused, whatever is in it."""
        return []

    def breaks_off(self) -> BrokenOff | None:
        """Where it ends before all its rows are answered."""
        return None

    def resumed(self, lines: Iterator[bytes]) -> None:
        """Its rows are about to be asked; of those that are done by now these are the lines."""

    def refusal(self, row: int, custom_id: str) -> ServiceError | None:
        """What a row, counted from 1, is refused with before anybody is asked; called first of all for each
        row that is asked."""
        return None

    def answer(self, row: int, request: dict[str, Any], completion: dict[str, Any]) -> dict[str, Any]:
        """What becomes of the answer to a row."""
        return completion

    def line(self, row: int, line: bytes) -> bytes:
        """What becomes of the line that an answered row has in the output."""
        return line

    def written(self, custom_id: str, line: bytes) -> None:
        """The line of a row is written down."""

    def order(self, entries: list[Entry]) -> list[Entry]:
        """The order of the output; it comes in that of the input."""
        return entries

    def published(self) -> None:
        """Its files are there, and their ids are noted in the record."""


class Ends(BatchHook):
    """Has a batch expire before another row of it is asked."""

    def breaks_off(self) -> BrokenOff | None:
        """Now."""
        return BrokenOff(0, "expired")


Hook = Callable[[BatchRecord, Store, Callable[[], None]], BatchHook]
