"""Which fault of the connection strikes a call, and how often each has struck."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from goldpan.files import read_json, write_json
from goldpan.serve.fault_plan import CallFault, FaultPlan, NotFound, Slow


class CallFaults:
    """Decides which fault strikes a call, and counts; counts outlive a restart on the same folder.

    Args:
        plan: the faults.
        path: where the counts are kept.
    """

    def __init__(self, plan: FaultPlan, path: Path):
        self._faults = list(plan.call_faults())
        self._path = path
        self._lock = threading.Lock()
        self._seen: Counter[str] = Counter(read_json(path) if path.exists() else {})

    def striking(self, route: str) -> Iterator[CallFault]:
        """The faults that strike a call of `route`: delays, and at the end at most one other."""
        for key, fault in self._faults:
            if route in fault.calls and not isinstance(fault, NotFound) and self._strikes(key, fault):
                yield fault
                if not isinstance(fault, Slow):
                    return

    def hides(self, route: str, batch_id: str) -> bool:
        """Whether a call of `route` must not see the batch yet."""
        return any(
            self._strikes(f"{key}:{route}:{batch_id}", fault)
            for key, fault in self._faults
            if isinstance(fault, NotFound) and route in fault.calls
        )

    def _strikes(self, key: str, fault: CallFault) -> bool:
        with self._lock:
            seen = self._seen[key]
            last = None if fault.times is None else fault.skip + fault.times
            # Once the outcome cannot change any more there is nothing to be counted.
            if seen < fault.skip or (last is not None and seen < last):
                self._seen[key] += 1
                write_json(self._path, dict(self._seen))
        return seen >= fault.skip and (last is None or seen < last)
