"""How many threads PyTorch computes with, and work done in another thread."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Made = TypeVar("Made")


@contextlib.contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let PyTorch use so many threads of the CPU; afterwards as many as before."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def made_ahead(items: Iterator[Made], threads: int) -> Iterator[Made]:
    """Yield items, the next of which is made in a thread of its own while this one is used.

    Args:
        items: none of them None.
        threads: of the CPU, that PyTorch uses to make them.
    """
    import torch

    with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(threads,)) as worker:
        pending = worker.submit(next, items, None)
        while (item := pending.result()) is not None:
            pending = worker.submit(next, items, None)
            yield item
