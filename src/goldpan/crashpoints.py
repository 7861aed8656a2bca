"""Named places in paid work at which the fault tests stop a process to kill it.

Set `GOLDPAN_STOP_AT=<name>` and `GOLDPAN_STOP_FILE=<path>`: the first process that reaches the place writes
its process id to the file and sleeps until it is killed or the file says something else. Without the
variables a place costs one dictionary look-up.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

# In the order in which a round passes them.
NAMES = (
    "planning",
    "intent_written",
    "uploaded",
    "created",
    "id_recorded",
    "batch_file_written",
    "polling",
    "downloading",
    "settling",
    "settled",
)


def reached(name: str) -> None:
    """Stop here if the environment asks for it."""
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
