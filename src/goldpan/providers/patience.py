"""Waiting out a service's bad quarter of an hour, for every call but the paid one."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from goldpan.errors import ProviderError

# How long a service may fail in a row before a run gives up.
LONGEST_SILENCE_SECONDS = 600.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 30.0
# Shorter waits are not worth a line.
_WORTH_SAYING_SECONDS = 1.5
_Answer = TypeVar("_Answer")


def say_on_stderr(line: str) -> None:
    """Tell whoever watches the run; the last line of a log that grows no more says why."""
    print(line, file=sys.stderr, flush=True)


class Patience:
    """Repeats what fails in a way that may pass, with growing pauses, until it has failed for too long.

    Args:
        seconds: how long a service may fail in a row; 0 for no second try.
        clock: seconds that only grow.
        sleep: how to pass the time, in seconds.
        jitter: a number from 0 to 1, so that many waiters do not come back at once.
        say: is told what is being waited for.
    """

    def __init__(
        self,
        seconds: float = LONGEST_SILENCE_SECONDS,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        say: Callable[[str], None] = say_on_stderr,
    ):
        self.seconds = seconds
        self.clock, self.sleep, self.jitter, self.say = clock, sleep, jitter, say

    def ask(self, call: Callable[[], _Answer]) -> _Answer:
        """The answer of a call that costs nothing and may be made as often as need be.

        Raises:
            ProviderError: it is refused, or has failed for too long.
        """
        silence = Silence(self)
        while True:
            try:
                return call()
            except ProviderError as error:
                silence.wait_out(error)


class Silence:
    """Failures in a row, of one call; it begins with the first of them."""

    def __init__(self, patience: Patience):
        self._patience = patience
        self._since: float | None = None
        self._tries = 0
        self._pause = _FIRST_PAUSE_SECONDS

    def wait_out(self, error: ProviderError) -> None:
        """Pause before the next try, at least as long as the service asks.

        Raises:
            ProviderError: `error` itself, where waiting does not help; else that it has lasted too long.
        """
        if not error.retryable:
            raise error
        patience = self._patience
        now = patience.clock()
        self._since = now if self._since is None else self._since
        self._tries += 1
        pause = max(self._pause * (0.75 + patience.jitter() / 2), error.retry_after or 0.0)
        elapsed = now - self._since
        if elapsed + pause > patience.seconds:
            raise self._given_up(error, elapsed) from None
        if pause >= _WORTH_SAYING_SECONDS:
            patience.say(
                f"{_reason(error)}; waiting, tried {_times(self._tries)} in {minutes(elapsed)},"
                f" again in {minutes(pause)}"
            )
        self._pause = min(self._pause * 2, _LONGEST_PAUSE_SECONDS)
        patience.sleep(pause)

    def _given_up(self, error: ProviderError, elapsed: float) -> ProviderError:
        asks = error.retry_after or 0.0
        wishes = f"; the service asks to come again in {minutes(asks)}" if asks else ""
        limit = f"goldpan waits {minutes(self._patience.seconds)}, `patience_seconds`"
        tried = f"tried {_times(self._tries)} in {minutes(elapsed)}{wishes}"
        return ProviderError(
            f"{error.what} ({tried}; {limit})",
            where=error.where,
            remedy=error.remedy or "run again later; nothing is lost",
            status=error.status,
            code=error.code,
            retryable=True,
            retry_after=error.retry_after,
            in_doubt=error.in_doubt,
        )


def _reason(error: ProviderError) -> str:
    return f"the service answers {error.status}" if error.status else error.what


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def minutes(seconds: float) -> str:
    """A span of time as `10:00` or `1:00:00`."""
    whole, rest = divmod(round(seconds), 60)
    hours, whole = divmod(whole, 60)
    return f"{hours}:{whole:02d}:{rest:02d}" if hours else f"{whole}:{rest:02d}"
