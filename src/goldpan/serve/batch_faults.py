"""The faults of batches and rows of a plan, as a hook of the engine."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import orjson

from goldpan.providers.base import BatchError
from goldpan.providers.engine.hooks import BatchHook, BrokenOff, Hook
from goldpan.providers.engine.journals import Entry
from goldpan.providers.engine.objects import BatchRecord
from goldpan.providers.engine.refusal import ServiceError
from goldpan.providers.engine.store import Store
from goldpan.serve import fault_plan
from goldpan.serve.fault_plan import (
    AnswerFault,
    FailedValidation,
    FaultPlan,
    LineFault,
    OddBatch,
    RowErrorFault,
    RowFault,
)
from goldpan.serve.row_faults import spoil


def hook_of(plan: FaultPlan) -> Hook:
    """The hook that plays a plan's faults of batches and rows."""
    return partial(FaultyBatch, plan)


class FaultyBatch(BatchHook):
    """What goes wrong with one batch.

    The record's notes say which faults strike it, and for each fault that strikes so many rows only, which: a
    row that is asked again after a crash is not counted twice.
    """

    def __init__(self, plan: FaultPlan, record: BatchRecord, store: Store, save: Callable[[], None]):
        super().__init__(record, store, save)
        self._plan = plan
        notes = record.notes
        self._batch_faults = [fault for key, fault in plan.batch_faults() if key in notes.get("batch", ())]
        self._row_faults = list(plan.row_faults())
        self._struck: dict[str, list[int]] = notes.setdefault("rows", {})
        self._struck_elsewhere = self._count_elsewhere()
        self._of_row: dict[int, list[RowFault]] = {}

    def _count_elsewhere(self) -> dict[str, int]:
        counted = [key for key, fault in self._row_faults if fault.times is not None]
        if not counted:
            return {}
        others = [batch.notes.get("rows", {}) for batch in self.store.batches() if batch.id != self.record.id]
        return {key: sum(len(rows.get(key, ())) for rows in others) for key in counted}

    def created(self) -> None:
        """Choose the faults of the batch as a whole."""
        earlier = [batch.notes.get("batch", ()) for batch in self.store.batches()]
        self.record.notes["batch"] = [
            key
            for key, fault in self._plan.batch_faults()
            if (fault.batches is None or self.record.ordinal in fault.batches)
            and (fault.times is None or sum(key in keys for keys in earlier) < fault.times)
        ]

    def input_errors(self) -> list[BatchError]:
        """As `failed_validation` says."""
        planned = (fault for fault in self._batch_faults if isinstance(fault, FailedValidation))
        return [BatchError(fault.code, fault.message) for fault in planned][:1]

    def breaks_off(self) -> BrokenOff | None:
        """As the first of `expired`, `cancelled` and `stalled` says."""
        for fault in self._batch_faults:
            if isinstance(fault, fault_plan.BrokenOffFault):
                return BrokenOff(fault.after, None if fault.fault == "stalled" else fault.fault)
        return None

    def refusal(self, row: int, custom_id: str) -> ServiceError | None:
        """Choose the faults of a row, and refuse it as `row_error` says."""
        faults = self._of_row[row] = [
            fault for key, fault in self._row_faults if self._strikes(key, fault, row, custom_id)
        ]
        refusals = [fault for fault in faults if isinstance(fault, RowErrorFault)]
        if not refusals:
            return None
        return ServiceError(refusals[0].status, refusals[0].message, code=refusals[0].code)

    def _strikes(self, key: str, fault: RowFault, row: int, custom_id: str) -> bool:
        if not fault.fits(custom_id, row, self.record.ordinal):
            return False
        if fault.times is None:
            return True
        rows = self._struck.setdefault(key, [])
        if row not in rows:
            if len(rows) + self._struck_elsewhere[key] >= fault.times:
                return False
            rows.append(row)
            self.save()
        return True

    def answer(self, row: int, request: dict[str, Any], completion: dict[str, Any]) -> dict[str, Any]:
        """Spoil the answer to a row."""
        faults = [fault.fault for fault in self._of_row[row] if isinstance(fault, AnswerFault)]
        if faults:
            # A copy, since a scripted answerer may give the same object again.
            completion = orjson.loads(orjson.dumps(completion))
        for fault in faults:
            spoil(fault, request, completion)
        return completion

    def line(self, row: int, line: bytes) -> bytes:
        """Once, twice or not at all."""
        kinds = {fault.fault for fault in self._of_row.pop(row) if isinstance(fault, LineFault)}
        return b"" if "missing" in kinds else line * (2 if "duplicate" in kinds else 1)

    def order(self, entries: list[Entry]) -> list[Entry]:
        """Another order, the same each time, for `shuffled`."""
        if self._is_odd("shuffled"):
            random.Random(self.record.ordinal).shuffle(entries)
        return entries

    def published(self) -> None:
        """As `empty_error_file_id` says."""
        if self._is_odd("empty_error_file_id") and self.record.error_file_id is None:
            self.record.error_file_id = ""

    def _is_odd(self, kind: str) -> bool:
        return any(isinstance(fault, OddBatch) and fault.fault == kind for fault in self._batch_faults)
