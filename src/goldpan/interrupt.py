"""Ctrl-C ends a process of goldpan in one line and with 130, also while it imports; import it first.

While modules are imported, libraries turn the interrupt into errors of their own or print pages of
tracebacks, so the process ends at once; what it leaves is what a kill leaves, and goldpan goes on from that.
Otherwise Ctrl-C raises KeyboardInterrupt as ever. Where it is ignored, as in the background of a shell, it
stays ignored.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from types import FrameType, TracebackType

STOPPED = "goldpan: stopped; run the same command again to go on"
EXIT_CODE = 130

_IMPORT_SYSTEM = "<frozen importlib"


def _interrupted(number: int, frame: FrameType | None) -> None:
    while frame is not None:
        if frame.f_code.co_filename.startswith(_IMPORT_SYSTEM):
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
            with contextlib.suppress(OSError):
                os.write(2, f"{STOPPED}\n".encode())
            os._exit(EXIT_CODE)
        frame = frame.f_back
    raise KeyboardInterrupt


def _uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print(STOPPED, file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _interrupted)
    sys.excepthook = _uncaught
