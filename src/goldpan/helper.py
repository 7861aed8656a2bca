"""A second process that takes over a part of a long loop, where the machine has a second core.

The result is that of the loop without it, whatever becomes of it. Both processes go through the same pieces,
one of them works on each, and results are taken in the order of the pieces. A piece that the helper fails at
is worked on here again, so errors come as they would without it; when the helper is gone, so is the rest.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Generic, NoReturn, Self, TypeVar

Piece = TypeVar("Piece")
Result = TypeVar("Result")

# Of so many pieces the first is worked on here: this process has the results to deal with besides.
_PIECES_IN_TURN = 3
# Results that may wait in the pipe; Linux gives this much to anyone.
_PIPE_BYTES = 1 << 20
# Below so much to read, the helper's memory is not worth the time it saves.
_LEAST_BYTES = 16 << 20


class Alone(Generic[Piece, Result]):
    """The loop without a helper.

    Args:
        pieces: gives all pieces, the same and in the same order whenever it is called.
        work: what is done with a piece.
    """

    def __init__(self, pieces: Callable[[], Iterator[Piece]], work: Callable[[Piece], Result]):
        self._pieces, self._work = pieces, work

    def results(self) -> Iterator[Result]:
        """The result of each piece, in order."""
        return map(self._work, self._pieces())

    def close(self) -> None:
        """Nothing is left to be ended."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class Helped(Alone[Piece, Result]):
    """The loop with a helper: a copy of this process, so what it needs must be in memory already.

    Args:
        pieces, work: as above; results are pickled.
    """

    def __init__(self, pieces: Callable[[], Iterator[Piece]], work: Callable[[Piece], Result]):
        super().__init__(pieces, work)
        reading, writing = os.pipe()
        self._process: int | None = os.fork()
        if self._process == 0:
            os.close(reading)
            self._help(writing)
        os.close(writing)
        self._answers = os.fdopen(reading, "rb")

    def results(self) -> Iterator[Result]:
        for number, piece in enumerate(self._pieces()):
            if _is_for_helper(number) and self._process is not None:
                try:
                    done = pickle.load(self._answers)
                except (EOFError, pickle.UnpicklingError):
                    self.close()
                else:
                    if done is not None:
                        yield done[0]
                        continue
            yield self._work(piece)

    def _help(self, writing: int) -> NoReturn:
        """Work on pieces until they end, or nobody reads the results any more."""
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            with contextlib.suppress(OSError):
                fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            with os.fdopen(writing, "wb") as out:
                for number, piece in enumerate(self._pieces()):
                    if _is_for_helper(number):
                        out.write(self._answer(piece))
                        out.flush()
        finally:
            # Nothing of the copied process may be closed or written out here, least of all the ledger.
            os._exit(0)

    def _answer(self, piece: Piece) -> bytes:
        try:
            return pickle.dumps((self._work(piece),), protocol=pickle.HIGHEST_PROTOCOL)
        except Exception:
            return pickle.dumps(None)

    def close(self) -> None:
        """End the helper."""
        if self._process is not None:
            self._answers.close()
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)
            self._process = None


def shared_work(
    pieces: Callable[[], Iterator[Piece]],
    work: Callable[[Piece], Result],
    *,
    bytes: int,
    cores: int | None = None,
) -> Alone[Piece, Result]:
    """The loop over pieces of so many bytes in all, with a helper where it is worth it and has a core.

    A process with threads is not copied: what they held locked would stay locked in the copy.

    Args:
        pieces, work: as for `Alone`.
        bytes: that the pieces are made from.
        cores: that may be used; default all that this process may run on.
    """
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    has_room = min(there, cores or there) > 1 and bytes >= _LEAST_BYTES and threading.active_count() == 1
    return (Helped if has_room else Alone)(pieces, work)


def _is_for_helper(number: int) -> bool:
    return number % _PIECES_IN_TURN != 0
