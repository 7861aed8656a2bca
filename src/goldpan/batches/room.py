"""Waiting for room: a provider takes only so many tokens under way, and refuses batches above that."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from goldpan.clock import Clock
from goldpan.errors import ProviderError
from goldpan.providers.base import Batch

# Codes of batches that failed before any request was answered, for lack of room rather than for a fault.
QUEUE_CODES = frozenset({"token_limit_exceeded", "rate_limit_exceeded"})
LONGEST_PAUSE_SECONDS = 1800.0
# Others may hold the room for as long as a batch may take, and again.
LONGEST_WAIT_HOURS = 48


class Room:
    """When to try again with a shard for which there was no room: one at a time, at growing intervals, and at
    once where a batch of our own has made room.

    Args:
        clock: the time.
        first: seconds after which it is tried for the first time; doubled at each refusal.
    """

    def __init__(self, clock: Clock, first: float):
        self._clock, self._first = clock, first
        self._refusals = 0
        self._since: float | None = None
        self._next = self._refused_at = 0.0
        self._probe: str | None = None
        self._terminal: int | None = None
        self._code = ""

    def refuse(self, code: str, message: str, place: str) -> None:
        """There was no room.

        Raises:
            ProviderError: there was none for two days.
        """
        now = self._clock.now()
        self._since = self._since or now
        self._code, self._probe = code, None
        hours = (now - self._since) / 3600
        if hours >= LONGEST_WAIT_HOURS:
            raise ProviderError(
                f"the provider had no room for this shard for {hours:.0f} hours: {message}",
                where=place,
                remedy="set `limits: prompt_tokens:` of the stage below the account's limit, or run later",
            )
        # Shards that were refused in one look count as one refusal.
        if self._refusals == 0 or now > self._refused_at:
            self._refusals += 1
        self._refused_at = now
        self._next = now + min(self._first * 2 ** (self._refusals - 1), LONGEST_PAUSE_SECONDS)

    def see(self, batches: Sequence[Batch], doubtful: Collection[str | None]) -> None:
        """Take note of the batches that are not queued: who has ended makes room, who gets on has found it.

        Args:
            doubtful: ids of those that are waited for no longer.
        """
        if self._probe in doubtful:
            self._probe = None
        terminal = sum(batch.is_terminal for batch in batches)
        if self._terminal is not None and terminal > self._terminal:
            self._next = 0.0
        self._terminal = terminal
        probe = next((batch for batch in batches if batch.id == self._probe), None)
        if probe is not None and probe.status != "validating":
            self._probe, self._since, self._refusals, self._next = None, None, 0, 0.0

    @property
    def may_try(self) -> bool:
        """Whether it is time to submit a shard again: none that was is still being looked at."""
        return self._probe is None and self._clock.now() >= self._next

    def try_with(self, batch_id: str | None) -> None:
        """A shard was submitted again, as this batch."""
        self._probe = batch_id

    @property
    def says(self) -> str:
        """Why, and when it is tried again, for the progress line."""
        if not self._code:
            return ""
        if self._next <= self._clock.now():
            return f" ({self._code})"
        return f" ({self._code}), tried again at {time_of_day(self._next)}"


def time_of_day(seconds: float) -> str:
    """Local hour and minute of Unix seconds."""
    return time.strftime("%H:%M", time.localtime(seconds))
