"""Named places in paid work at which the fault tests stop a process to kill it.

Set `GOLDPAN_STOP_AT=<name>` and `GOLDPAN_STOP_FILE=<path>`: the first process that reaches the place writes
its process id to the file and sleeps until it is killed or the file says something else. Without the
variables a place costs one dictionary look-up. Tests within one process take `on_reaching`.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

# In the order in which a round passes them; besides these, "migrating" a ledger of an earlier format,
# "importing" before answers of a file that was paid for elsewhere are in the ledger, "run_written" before the
# registry of runs, "tracker_created" and "tracker_rows_put" of an upload,
# and "checkpoint_written" and "checkpoint_finished" of a fine-tuning.
NAMES = (
    "planning",
    "intent_written",
    "uploaded",
    "paying",
    "created",
    "id_recorded",
    "batch_file_written",
    "polling",
    "downloading",
    "settling",
    "settled",
)
_watchers: list[Callable[[str], None]] = []


class Killed(BaseException):
    """Stands for a kill in tests within one process: nothing but a test catches it."""


def reached(name: str) -> None:
    """Stop here if the environment, or a test, asks for it."""
    if _watchers:
        for watcher in _watchers:
            watcher(name)
    if os.environ.get("GOLDPAN_STOP_AT") != name:
        return
    marker, me = Path(os.environ["GOLDPAN_STOP_FILE"]), str(os.getpid())
    try:
        with marker.open("x") as handle:
            handle.write(me)
    except FileExistsError:
        return
    while marker.read_text() == me:
        time.sleep(0.02)


@contextlib.contextmanager
def on_reaching(watcher: Callable[[str], None]) -> Iterator[None]:
    """Call `watcher` with the name of each place that is reached; it may raise `Killed`."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)
