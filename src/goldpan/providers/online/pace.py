"""How fast a service is asked: how many requests at once, and how many of them and of their tokens a minute.

Nothing here waits or calls: who does asks `wait`, and tells what came of each call. One thread uses it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

# How many at once are tried first; each answer allows for one more until the service first asks for less.
FIRST_AT_ONCE = 8
# Answers that take so many times as long as the quickest ones did say that more at once would only queue.
_SLOW = 2.0
_SMOOTHING = 0.1
# A minute's allowance may be used up this many seconds at a time: services count shorter spans than they say.
_BURST_SECONDS = 5.0
# Where a service says "not now" and not until when.
_FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def duration(text: str) -> float | None:
    """Seconds that a header such as `x-ratelimit-reset-tokens` says: `6m0s`, `12ms`, or a number of seconds.

    None for anything else, points in time among them.
    """
    parts = _DURATION.findall(text.strip())
    if parts and "".join(map("".join, parts)) == text.strip():
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds <= 86400 else None


class _Allowance:
    """So much a minute, in small bursts; what was used beyond it has to be waited for."""

    def __init__(self, per_minute: float, now: float):
        self._rate = per_minute / 60
        self._most = max(1.0, self._rate * _BURST_SECONDS)
        self._left, self._at = self._most, now

    def wait(self, amount: float, now: float) -> float:
        """Seconds until so much may be used; more than a burst holds may be used when that is full."""
        self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now
        return (min(amount, self._most) - self._left) / self._rate

    def use(self, amount: float) -> None:
        self._left -= amount


@dataclass(frozen=True)
class PaceLimits:
    """What a provider's settings allow: requests at once, requests and tokens a minute; None for any."""

    at_once: int
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


class Pace:
    """What may be sent now, by the limits that were given and by what the service says.

    Args:
        limits: never exceeded.
        clock: seconds that only grow.
        longest_wait: seconds after which the service is asked again, whatever its headers say; at least one.

    Attributes:
        at_once: how many requests may be under way now.
        under_way: how many are.
        not_before: until when the service wants none, by the clock.
    """

    def __init__(self, limits: PaceLimits, clock: Callable[[], float], longest_wait: float = math.inf):
        self._limits, self._clock, self._longest_wait = limits, clock, max(1.0, longest_wait)
        self._size = float(min(FIRST_AT_ONCE, limits.at_once))
        self.under_way = 0
        self._was_refused = False
        self.not_before = self._halved_at = -math.inf
        self._pause = _FIRST_PAUSE_SECONDS
        self._seconds: float | None = None
        self._quickest = math.inf
        given = (limits.requests_per_minute, limits.tokens_per_minute)
        self._requests, self._tokens = (amount and _Allowance(amount, clock()) for amount in given)

    @property
    def at_once(self) -> int:
        """How many requests may be under way now."""
        return max(1, int(self._size))

    def wait(self, tokens: float) -> float | None:
        """Seconds until a request of so many tokens may be sent; None: until another has come back."""
        if self.under_way >= self.at_once:
            return None
        now = self._clock()
        waits = [self.not_before - now]
        waits += [self._requests.wait(1, now)] if self._requests else []
        waits += [self._tokens.wait(tokens, now)] if self._tokens else []
        # What is less than a clock may show is no wait.
        return wait if (wait := max(waits)) > 1e-6 else 0.0

    def sent(self, tokens: float) -> float:
        """A request is being sent; returns when, by the clock."""
        self.under_way += 1
        if self._requests:
            self._requests.use(1)
        if self._tokens:
            self._tokens.use(tokens)
        return self._clock()

    def answered(self, sent_at: float, tokens: float, used: float | None, headers: Mapping[str, str]) -> None:
        """A request was answered.

        Args:
            sent_at: as of `sent`.
            tokens: what it was expected to take.
            used: what it has taken; None where the service does not say.
        """
        self.under_way -= 1
        if self._tokens and used is not None:
            self._tokens.use(used - tokens)
        seconds = self._clock() - sent_at
        before = seconds if self._seconds is None else self._seconds
        self._seconds = before + _SMOOTHING * (seconds - before)
        self._quickest = min(self._quickest, self._seconds)
        self._pause = _FIRST_PAUSE_SECONDS
        if self._seconds <= _SLOW * self._quickest:
            grown = self._size + (1 / self._size if self._was_refused else 1)
            self._size = min(self._limits.at_once, grown)
        self._heed(headers, tokens)

    def refused(self, sent_at: float, retry_after: float | None, headers: Mapping[str, str]) -> None:
        """The service has no room now (429, 503): half as many at once, and none before it says so.

        Of the requests that were under way together many are refused; that counts once.
        """
        self.under_way -= 1
        now = self._clock()
        if sent_at > self._halved_at:
            self._size, self._halved_at = max(1.0, self._size / 2), now
            if retry_after is None:
                self._be_quiet(self._pause)
                self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)
        self._was_refused = True
        if retry_after is not None:
            self._be_quiet(retry_after)
        self._heed(headers, 1)

    def failed(self) -> None:
        """A request was not answered, or the service broke: nothing is learned of its limits."""
        self.under_way -= 1

    def _heed(self, headers: Mapping[str, str], tokens: float) -> None:
        """Wait until the service will have room for one more request, where it says that it has none."""
        for what, needed in (("requests", 1.0), ("tokens", max(1.0, tokens))):
            remaining = _number(headers.get(f"x-ratelimit-remaining-{what}"))
            reset = duration(headers.get(f"x-ratelimit-reset-{what}") or "")
            if remaining is None or reset is None or remaining >= needed:
                continue
            # It is reset when all of the limit is free again, and frees it bit by bit.
            limit = _number(headers.get(f"x-ratelimit-limit-{what}"))
            used = limit - remaining if limit else 0.0
            share = min(1.0, (needed - remaining) / used) if used > 0 else 1.0
            self._be_quiet(reset * share)

    def _be_quiet(self, seconds: float) -> None:
        self.not_before = max(self.not_before, self._clock() + min(seconds, self._longest_wait))


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
