"""The web application: routes, and around them counting, keys, faults and errors in OpenAI's shape."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections import Counter
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from goldpan.providers.engine.engine import Engine
from goldpan.providers.engine.refusal import ServiceError
from goldpan.serve.call_faults import call_faults_middleware
from goldpan.serve.fault_counts import CallFaults
from goldpan.serve.fault_plan import NO_FAULTS, FaultPlan
from goldpan.serve.responses import error_response
from goldpan.serve.routes import ENGINE, FAULTS, ROUTES, WORKER
from goldpan.serve.visitors import VISITORS, Visitors
from goldpan.serve.worker import Worker

MAX_JSON_BYTES = 64 << 20
Calls = Counter[tuple[str, str]]
log = logging.getLogger(__name__)


def create_app(
    engine: Engine,
    *,
    faults: FaultPlan = NO_FAULTS,
    host: str = "127.0.0.1",
    workers: int = 1,
    api_key: str | None = None,
    calls: Calls | None = None,
) -> web.Application:
    """The application over an engine; batches are worked on from its start to its end.

    Args:
        engine: the state and the answers.
        faults: those of the connection are played.
        host: where it listens; calls must be addressed to it, or to this machine (`visitors.Visitors`).
        workers: how many batches are worked on at a time, in threads.
        api_key: refuse calls that do not bear it with 401.
        calls: counts calls by (method, path pattern), e.g. ("GET", "/v1/batches/{batch_id}").
    """
    calls = Counter() if calls is None else calls
    visitors = Visitors(host)
    call_faults = CallFaults(faults, engine.store.folder / "call_faults.json")
    app = web.Application(
        middlewares=[
            _count(calls),
            _shape_errors,
            _admit(visitors),
            _require_key(api_key),
            call_faults_middleware(call_faults),
        ],
        client_max_size=MAX_JSON_BYTES,
    )
    app[ENGINE] = engine
    app[VISITORS] = visitors
    app[FAULTS] = call_faults
    app[WORKER] = Worker(engine, workers)
    app.add_routes(ROUTES)
    app.cleanup_ctx.append(_working)
    return app


async def _working(app: web.Application) -> AsyncIterator[None]:
    app[WORKER].start()
    yield
    await asyncio.to_thread(app[WORKER].stop)


def _count(calls: Calls) -> Middleware:
    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        resource = request.match_info.route.resource
        calls[request.method, resource.canonical if resource else request.path] += 1
        return await handler(request)

    return count


@web.middleware
async def _shape_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ServiceError as error:
        return error_response(error)
    except web.HTTPException as error:
        message = f"{error.reason}: {request.method} {request.path}"
        code = "unknown_url" if error.status in (404, 405) else None
        return error_response(ServiceError(error.status, message, code=code))
    except RecursionError:
        return error_response(ServiceError(400, "The request is nested too deeply."))
    except ConnectionError:
        raise
    except Exception:
        log.exception("%s %s broke", request.method, request.path)
        return error_response(ServiceError(500, "The server had an error; its log says which."))


def _admit(visitors: Visitors) -> Middleware:
    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        visitors.check(request)
        return await handler(request)

    return admit


def _require_key(api_key: str | None) -> Middleware:
    expected = f"Bearer {api_key}".encode()

    @web.middleware
    async def require_key(request: web.Request, handler: Handler) -> web.StreamResponse:
        sent = request.headers.get("Authorization", "").encode()
        if api_key is not None and request.path != "/healthz" and not hmac.compare_digest(sent, expected):
            raise ServiceError(401, "Incorrect API key provided.", code="invalid_api_key")
        return await handler(request)

    return require_key
