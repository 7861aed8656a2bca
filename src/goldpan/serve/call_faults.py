"""The faults of the connection, played around the handlers."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from goldpan.providers.engine.refusal import ServiceError
from goldpan.serve.fault_counts import CallFaults
from goldpan.serve.fault_plan import (
    CallFault,
    LostAnswer,
    LostRequest,
    RateLimited,
    ServerFailure,
    ShortDownload,
    Slow,
    TruncatedDownload,
)
from goldpan.serve.responses import error_response
from goldpan.serve.routes import ENGINE


def call_faults_middleware(faults: CallFaults) -> Middleware:
    """A middleware that plays the faults of `faults`."""

    @web.middleware
    async def play(request: web.Request, handler: Handler) -> web.StreamResponse:
        route = request.match_info.route.name or ""
        batch_id = request.match_info.get("batch_id")
        if batch_id is not None and faults.hides(route, batch_id):
            raise ServiceError(404, f"No batch found with id '{batch_id}'.", param="batch_id")
        for fault in faults.striking(route):
            if isinstance(fault, Slow):
                await asyncio.sleep(fault.seconds)
            else:
                return await _struck(fault, request, handler)
        return await handler(request)

    return play


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
    try:
        start = request.http_range.start or 0
    except ValueError:
        raise ServiceError(416, "The range is not one.") from None
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
