"""Log files of the workflow's scripts."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn

from goldpan.errors import GoldpanError, storage_error


@contextlib.contextmanager
def logging_to(path: str) -> Iterator[Callable[[object], None]]:
    """Open a log file for one step and yield a function that writes a line to it.

    An error that a user can mend is written there, and to stderr, without a traceback; the process then
    ends with the error's exit code.
    """
    try:
        with open(path, "w", encoding="utf-8") as log:  # noqa: PTH123

            def write(line: object) -> None:
                print(line, file=log, flush=True)

            try:
                yield write
            except GoldpanError as error:
                # The disk may be too full for the log.
                with contextlib.suppress(OSError):
                    write(f"{type(error).__name__}: {error}")
                raise
    except GoldpanError as error:
        _end(error)
    except OSError as error:
        named = storage_error(error)
        if named is None:
            raise
        _end(named)


def _end(error: GoldpanError) -> NoReturn:
    print(f"goldpan: {type(error).__name__}: {error}", file=sys.stderr)
    sys.exit(error.exit_code)
