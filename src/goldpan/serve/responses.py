"""JSON answers and query parameters, as OpenAI's API has them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import orjson
from aiohttp import web

from goldpan.providers.engine.refusal import ServiceError

BODY_SECONDS = 60.0
"""Within which a JSON body, or the next piece of an upload, must have come."""


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """`value` as JSON."""
    return web.Response(
        body=orjson.dumps(value), status=status, headers=headers, content_type="application/json"
    )


def error_response(error: ServiceError, headers: dict[str, str] | None = None) -> web.Response:
    """A refusal in OpenAI's shape; what it repeats of the request need not be Unicode."""
    said = {
        key: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for key, value in error.as_openai().items()
    }
    return json_response({"error": said}, error.status or 500, headers)


async def json_body(request: web.Request) -> dict[str, Any]:
    """The JSON object a request carries.

    Raises:
        HTTPRequestEntityTooLarge: it is larger than the application takes.
        ServiceError: 400 when it is something else, or nested more deeply than could be written down
            again; 408 when it does not come in time.
    """
    # By what it says already: reading would find out only after so many bytes.
    if (request.content_length or 0) > request.client_max_size:
        raise web.HTTPRequestEntityTooLarge(request.client_max_size, request.content_length or 0)
    try:
        body = orjson.loads(await asyncio.wait_for(request.read(), BODY_SECONDS))
        orjson.dumps(body)
    except TimeoutError:
        raise ServiceError(408, f"The body did not come within {BODY_SECONDS:g} seconds.") from None
    except orjson.JSONDecodeError as error:
        raise ServiceError(400, f"The body is not valid JSON: {error}") from None
    except orjson.JSONEncodeError:
        raise ServiceError(400, "The body is nested too deeply.") from None
    if not isinstance(body, dict):
        raise ServiceError(400, "The body must be a JSON object.")
    return body


def limit_of(request: web.Request, default: int, most: int) -> int:
    """The query parameter `limit`. Raises ServiceError 400 unless it is a number from 1 to `most`."""
    text = request.query.get("limit", str(default))
    if not (text.isdecimal() and len(text) <= len(str(most))) or not 1 <= int(text) <= most:
        raise ServiceError(
            400, f"'limit' must be a number from 1 to {most}.", code="invalid_value", param="limit"
        )
    return int(text)


def list_object(
    items: Iterable[Any], limit: int, described: Callable[[Any], dict[str, Any]]
) -> dict[str, Any]:
    """OpenAI's list object of the first `limit` items."""
    data = [described(item) for item in islice(items, limit + 1)]
    shown = data[:limit]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": len(data) > limit,
    }
