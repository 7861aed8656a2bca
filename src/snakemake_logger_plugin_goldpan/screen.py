"""Lines for people: those that stay and, on a terminal, below them those that change."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Sequence
from typing import TextIO

_ERROR, _DIM = "\033[31m", "\033[2m"
_RESET = "\033[0m"
_UP_AND_CLEAR = "\033[{}A\r\033[J"


class Screen:
    """A stream of lines. Without a terminal it gets plain lines and nothing else.

    Args:
        stream: where to.
        in_color: colours are wanted where the stream is a terminal.

    Attributes:
        lock: is held by whoever writes.
        is_terminal: whether lines can change.
    """

    def __init__(self, stream: TextIO, *, in_color: bool = True):
        self._stream = stream
        self.lock = threading.RLock()
        self.is_terminal = stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._in_color = in_color and self.is_terminal
        self._shown: list[str] = []
        self._is_gone = False

    def line(self, text: str = "") -> None:
        """Write a line that stays."""
        self._with_shown_below(text)

    def dim(self, text: str) -> None:
        """Write a line of lesser weight."""
        self._with_shown_below(f"{_DIM}{text}{_RESET}" if self._in_color else text)

    def error(self, text: str) -> None:
        """Write a line about something that went wrong."""
        self._with_shown_below(f"{_ERROR}{text}{_RESET}" if self._in_color else text)

    def show(self, lines: Sequence[str]) -> None:
        """Have these lines at the bottom of a terminal, in place of those before; nothing elsewhere."""
        if not self.is_terminal:
            return
        width = max(20, shutil.get_terminal_size().columns) - 1
        cut = [line if len(line) <= width else f"{line[: width - 3]}..." for line in lines]
        if cut != self._shown:
            self._write(self._cleared() + "".join(f"{line}\n" for line in cut))
            self._shown = cut

    def close(self) -> None:
        """Take the changing lines away."""
        self.show([])

    def _with_shown_below(self, text: str) -> None:
        below = "".join(f"{line}\n" for line in self._shown)
        self._write(f"{self._cleared()}{text}\n{below}")

    def _cleared(self) -> str:
        return _UP_AND_CLEAR.format(len(self._shown)) if self._shown else ""

    def _write(self, text: str) -> None:
        if self._is_gone:
            return
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        try:
            # Names of files may hold what the terminal cannot show.
            self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            self._stream.flush()
        except (OSError, ValueError):
            # The terminal or pipe is gone. The run is not, and its log file has it all.
            self._is_gone = True
