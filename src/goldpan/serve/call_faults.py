"""The faults of the connection, played around the handlers."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from goldpan.files import read_json, write_json
from goldpan.providers.local.faults import (
    CallFault,
    FaultPlan,
    LostAnswer,
    LostRequest,
    NotFound,
    RateLimited,
    ServerFailure,
    ShortDownload,
    Slow,
    TruncatedDownload,
)
from goldpan.providers.local.refusal import ServiceError
from goldpan.serve.responses import error_response
from goldpan.serve.routes import ENGINE


class CallFaults:
    """Decides which fault strikes a call, and counts; counts outlive a restart on the same folder.

    Args:
        plan: the faults.
        path: where the counts are kept.
    """

    def __init__(self, plan: FaultPlan, path: Path):
        self._faults = list(plan.calls())
        self._path = path
        self._lock = threading.Lock()
        self._seen: Counter[str] = Counter(read_json(path) if path.exists() else {})

    def striking(self, route: str) -> Iterator[CallFault]:
        """The faults that strike a call of `route`: delays, and at the end at most one other."""
        for key, fault in self._faults:
            if route in fault.on and not isinstance(fault, NotFound) and self._strikes(key, fault):
                yield fault
                if not isinstance(fault, Slow):
                    return

    def hides(self, route: str, batch_id: str) -> bool:
        """Whether a call of `route` must not see the batch yet."""
        return any(
            self._strikes(f"{key}:{route}:{batch_id}", fault)
            for key, fault in self._faults
            if isinstance(fault, NotFound) and route in fault.on
        )

    def hides_any(self, route: str) -> bool:
        """Whether there is a fault that may hide batches from calls of `route`."""
        return any(isinstance(fault, NotFound) and route in fault.on for _, fault in self._faults)

    def _strikes(self, key: str, fault: CallFault) -> bool:
        with self._lock:
            seen = self._seen[key]
            last = None if fault.times is None else fault.skip + fault.times
            # Once the outcome cannot change any more there is nothing to be counted.
            if seen < fault.skip or (last is not None and seen < last):
                self._seen[key] += 1
                write_json(self._path, dict(self._seen))
        return seen >= fault.skip and (last is None or seen < last)


def call_faults_middleware(faults: CallFaults) -> Middleware:
    """A middleware that plays the faults of `faults`."""

    @web.middleware
    async def play(request: web.Request, handler: Handler) -> web.StreamResponse:
        route = request.match_info.route.name or ""
        _hide_batches(faults, route, request)
        for fault in faults.striking(route):
            if isinstance(fault, Slow):
                await asyncio.sleep(fault.seconds)
            else:
                return await _struck(fault, request, handler)
        return await handler(request)

    return play


def _hide_batches(faults: CallFaults, route: str, request: web.Request) -> None:
    batch_id = request.match_info.get("batch_id")
    if not faults.hides_any(route):
        return
    if batch_id is not None and faults.hides(route, batch_id):
        raise ServiceError(404, f"No batch found with id '{batch_id}'.", param="batch_id")
    if route == "batches":
        ids = request.app[ENGINE].store.batch_ids()
        request["hidden_batches"] = {one for one in ids if faults.hides(route, one)}


async def _struck(fault: CallFault, request: web.Request, handler: Handler) -> web.StreamResponse:
    match fault:
        case LostAnswer():
            await handler(request)
            return _hang_up(request)
        case LostRequest():
            return _hang_up(request)
        case RateLimited():
            limited = ServiceError(429, "Rate limit reached.", code="rate_limit_exceeded")
            return error_response(limited, {"Retry-After": f"{fault.retry_after:g}"})
        case ServerFailure():
            if fault.after_effect:
                await handler(request)
            return error_response(ServiceError(fault.status, "The server had an error."))
        case TruncatedDownload() | ShortDownload():
            return await _send_part(fault, request)
        case _:
            raise AssertionError(f"{fault.fault} is not played here")


def _hang_up(request: web.Request) -> web.Response:
    """Drop the connection; the response is only what the framework wants to be given, nobody receives it."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _send_part(fault: TruncatedDownload | ShortDownload, request: web.Request) -> web.StreamResponse:
    """Send the first share of the bytes asked for, from the start of the range that was asked for."""
    path = request.app[ENGINE].store.content(request.match_info["file_id"])
    size = path.stat().st_size
    start = request.http_range.start or 0
    response = web.StreamResponse(status=206 if start else 200)
    if start:
        response.headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
    if isinstance(fault, TruncatedDownload):
        response.content_length = size - start
        response.force_close()
    else:
        response.enable_chunked_encoding()
    await response.prepare(request)
    with path.open("rb") as handle:
        handle.seek(start)
        await response.write(handle.read(int((size - start) * fault.keep)))
    await response.write_eof()
    return response
