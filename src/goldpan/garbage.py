"""Python's search for unreachable cycles, in loops over rows."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

_OBJECTS = 100_000


@contextlib.contextmanager
def seldom_collected() -> Iterator[None]:
    """Search for unreachable cycles only once 100,000 more objects are alive than before.

    Rows are trees, which go when the last reference does. By default Python would look through them after
    every 700 objects, several times for each chunk of rows, and now and then through all that was imported.
    """
    thresholds = gc.get_threshold()
    gc.set_threshold(_OBJECTS, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
