"""Named places in paid work at which the fault tests stop a process to kill it.

Set `GOLDPAN_STOP_AT=<name>` and `GOLDPAN_STOP_FILE=<path>`: the first process that reaches the place writes
its process id to the file and sleeps until it is killed or the file is removed. Without the variables a
place costs one dictionary look-up.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

NAMES = (
    "intent_written",
    "uploaded",
    "created",
    "id_recorded",
    "batch_file_written",
    "polling",
    "downloading",
    "settling",
)


def reached(name: str) -> None:
    """Stop here if the environment asks for it."""
    if os.environ.get("GOLDPAN_STOP_AT") != name:
        return
    marker = Path(os.environ["GOLDPAN_STOP_FILE"])
    try:
        with marker.open("x") as handle:
            handle.write(str(os.getpid()))
    except FileExistsError:
        return
    while marker.exists():
        time.sleep(0.02)
