"""Requests, many at a time, in a thread of their own; each is repeated as long as that may help."""

from __future__ import annotations

import asyncio
import contextlib
import math
import queue
import random
import threading
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from goldpan.errors import OnlineError, ProviderError
from goldpan.providers.engine.answerers import WireReply
from goldpan.providers.online.address import Address
from goldpan.providers.online.outage import NO_ROOM, Outage
from goldpan.providers.online.pace import Pace
from goldpan.providers.online.tier import AskedTier, tier_lacks_room
from goldpan.providers.online.transport import CUT_SHORT
from goldpan.providers.online.watch import Traffic
from goldpan.providers.service_errors import OUT_OF_MONEY, Refused, service_error
from goldpan.tasks.failures import error_of, failure_of

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 30.0
# Once the run is to stop, what is under way is waited for so long.
LAST_ANSWERS_SECONDS = 60.0
_NO_ACCOUNT = frozenset({401, 402, 403})
_BYTES_PER_TOKEN = 4
# An answer that broke off was made, and may be paid: for so many of them a request is sent.
_MOST_CUT_SHORT = 3
# Nobody can mean a Retry-After of more seconds.
_LONGEST_RETRY_AFTER = 86400.0


class NoRoom(NamedTuple):
    """There was no room for a request at its tier, for as long as that is waited for."""

    what: str


class Arrival(NamedTuple):
    """What came of a request: a reply, none for lack of room, or why the whole run has to stop."""

    place: int
    reply: WireReply | NoRoom | OnlineError


class OnlineCalls:
    """A context manager: its thread runs as long as its block.

    Args:
        address: of the service.
        endpoint: as batches name it.
        tier: at which requests may be sent; None where there is but one.

    Attributes:
        traffic: how it goes.
        has_more: there are requests beside those that were sent.
    """

    def __init__(self, address: Address, endpoint: str, tier: AskedTier | None = None):
        self._address, self._transport, self._tier = address, address.transport(endpoint), tier
        self.traffic = Traffic()
        self._arrivals: queue.SimpleQueue[Arrival] = queue.SimpleQueue()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="online", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self._pace = Pace(address.limits, time.monotonic, longest_wait=address.patience)
        self._outage = Outage(time.monotonic)
        self.traffic.at_once = self._pace.at_once
        self._stopping: OnlineError | None = None
        # Since when the tier has had no room for anybody.
        self._no_room_since = math.inf
        self.has_more = True

    def __enter__(self) -> OnlineCalls:
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        with contextlib.suppress(Exception):
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        if not self._thread.is_alive():
            self._loop.close()

    async def _open(self) -> None:
        self._turn, self._came_back = asyncio.Lock(), asyncio.Event()
        await self._transport.open()

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._transport.close()

    def send(self, requests: list[tuple[int, dict[str, Any]]]) -> None:
        """Send bodies on their way, at the tier, each with the place that its reply comes back with."""
        self._loop.call_soon_threadsafe(self._start, requests, self._tier)

    def send_standard(self, requests: list[tuple[int, dict[str, Any]]]) -> None:
        """The same, not at the tier."""
        self._loop.call_soon_threadsafe(self._start, requests, None)

    def stop(self, reason: OnlineError) -> None:
        """Repeat nothing any more: what is under way may still be answered."""
        self._loop.call_soon_threadsafe(self._stop, reason)

    def arrivals(self, seconds: float) -> Iterator[Arrival]:
        """What has come back; waits so long for the first."""
        with contextlib.suppress(queue.Empty):
            yield self._arrivals.get(timeout=seconds)
            while True:
                yield self._arrivals.get_nowait()

    # Below here all runs in the thread.

    def _start(self, requests: list[tuple[int, dict[str, Any]]], tier: AskedTier | None) -> None:
        for place, body in requests:
            # Here and not in the request file: the tier is no part of what is asked.
            content = orjson.dumps(body if tier is None else {**body, "service_tier": tier.name})
            task = self._loop.create_task(self._ask(place, content, tier))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _stop(self, reason: OnlineError) -> None:
        self._stopping = self._stopping or reason
        self._came_back.set()

    async def _ask(self, place: int, content: bytes, tier: AskedTier | None) -> None:
        try:
            reply: WireReply | NoRoom | OnlineError = await self._reply_to(place, content, tier)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            # Nobody else would hear of it, nor knows whether a call was made.
            self.traffic.lost += 1
            reply = OnlineError(f"{type(error).__name__}: {self._address.scrubber.text(str(error))}")
        if isinstance(reply, OnlineError):
            self._stop(reply)
        self._arrivals.put(Arrival(place, reply))

    async def _reply_to(
        self, place: int, content: bytes, tier: AskedTier | None
    ) -> WireReply | NoRoom | OnlineError:
        """Ask until there is a reply that stays, the run is to stop, or it has failed for too long."""
        tokens = len(content) / _BYTES_PER_TOKEN
        failing_since: float | None = None
        pause, cut_short = _FIRST_PAUSE_SECONDS, 0
        while True:
            await self._turn_to_send(tokens)
            if self._stopping is not None:
                return self._stopping
            sent_at = self._pace.sent(tokens)
            reply, error = await self._call(content, sent_at, tokens, tier)
            self.traffic.at_once, self.traffic.quiet_until = self._pace.at_once, self._pace.not_before
            self._came_back.set()
            if error is None:
                self._outage.answered(place)
                if tier is not None:
                    self._no_room_since = math.inf
                return reply
            lacks_room = tier is not None and tier_lacks_room(error)
            self.traffic.refusals[f"no room at {tier.name}" if tier and lacks_room else _kind(error)] += 1
            # Only without an answer is it in doubt whether the request is paid.
            self.traffic.lost += error.in_doubt and error.status is None
            failure = _failure(reply)
            if failure is not None and failure.state == "refused":
                # The content of this one request; whatever status that is said with.
                self._outage.answered(place)
                return reply
            if error.code in OUT_OF_MONEY or error.status in _NO_ACCOUNT or _is_unsendable(error):
                return self._stopped_by(error)
            if not error.retryable:
                self._outage.answered(place)
                return reply
            self._outage.failed(place)
            cut_short += error.code == CUT_SHORT
            now = time.monotonic()
            failing_since = now if failing_since is None else failing_since
            asked = error.retry_after or 0.0
            wanted = max(pause * (0.75 + random.random() / 2), asked)
            patience = self._address.patience
            if tier is not None and lacks_room:
                patience = patience if tier.patience is None else tier.patience
                self._no_room_since = min(self._no_room_since, now)
                # What comes later need not wait anew for what nobody has got meanwhile.
                since = min(self._no_room_since, failing_since)
                if tier.fallback != "wait" and now + wanted - since > patience:
                    return NoRoom(error.what)
            left = failing_since + patience - now
            if asked > left > 0 and self._others_are_answered(sent_at):
                # What the service asks of one request it does not mean for all: it is tried once more.
                wanted = left
            if wanted > left or cut_short == _MOST_CUT_SHORT:
                if self._outage.is_for_all(error, failing_since, self.has_more):
                    return self._outage.error(error, patience, self._address.url_shown)
                self._outage.given_up(place)
                return reply
            await self._pause(wanted)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _others_are_answered(self, since: float) -> bool:
        """Whether others were answered, or may still be."""
        return self._outage.answered_at >= since or self._pace.under_way > 0

    async def _turn_to_send(self, tokens: float) -> None:
        """Wait until a request may be sent, the first that came first."""
        async with self._turn:
            while self._stopping is None:
                wait = self._pace.wait(tokens)
                if wait == 0:
                    return
                await self._pause(wait)

    async def _pause(self, seconds: float | None) -> None:
        """Wait so long, or (None) until a request comes back; not longer than until the run is to stop."""
        until = math.inf if seconds is None else time.monotonic() + seconds
        while self._stopping is None and (left := until - time.monotonic()) > 0:
            if seconds is None:
                self._came_back.clear()
                await self._came_back.wait()
                return
            await asyncio.sleep(min(left, 0.5))

    async def _call(
        self, content: bytes, sent_at: float, tokens: float, tier: AskedTier | None
    ) -> tuple[WireReply, ProviderError | None]:
        """One call: what it brought, and what is wrong with that, if anything is."""
        pace = self._pace
        seconds = self._address.timeout if tier is None else tier.timeout
        try:
            status, body, headers = await self._transport.post(content, seconds)
        except asyncio.CancelledError:
            pace.failed()
            raise
        except ProviderError as failure:
            pace.failed()
            return WireReply(None, None, failure.code or "connection", failure.what), failure
        reply = WireReply(status, body)
        if reply.is_answer:
            pace.answered(sent_at, tokens, _tokens_used(body), headers)
            return reply, None
        refused = service_error(Refused(status, body, headers), self._address.scrubber)
        if (refused.retry_after or 0.0) > _LONGEST_RETRY_AFTER:
            refused.retry_after = None
        if status in NO_ROOM and refused.retryable and not (tier and tier_lacks_room(refused)):
            pace.refused(sent_at, refused.retry_after, headers)
        else:
            pace.failed()
        return reply, refused

    def _stopped_by(self, error: ProviderError) -> OnlineError:
        return OnlineError(
            error.what,
            where=self._address.url_shown,
            remedy=f"{error.remedy or 'correct it'}; then run the same command again: it goes on where this"
            " stopped, and nothing that was answered is lost",
        )


def _kind(error: ProviderError) -> str:
    return str(error.status) if error.status is not None else error.code or "connection"


def _is_unsendable(error: ProviderError) -> bool:
    return error.status is None and not error.retryable


def _failure(reply: WireReply) -> Any:
    if reply.status is None:
        return None
    return failure_of(*error_of(reply.body, reply.status), reply.status)


def _tokens_used(body: Any) -> float | None:
    usage = body.get("usage") if isinstance(body, dict) else None
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    return float(total) if isinstance(total, int) and total >= 0 else None
