"""JSON answers and query parameters, as OpenAI's API has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import orjson
from aiohttp import web

from goldpan.providers.local.refusal import ServiceError


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """`value` as JSON."""
    return web.Response(
        body=orjson.dumps(value), status=status, headers=headers, content_type="application/json"
    )


def error_response(error: ServiceError, headers: dict[str, str] | None = None) -> web.Response:
    """A refusal in OpenAI's shape."""
    return json_response({"error": error.as_openai()}, error.status or 500, headers)


async def json_body(request: web.Request) -> dict[str, Any]:
    """The JSON object a request carries. Raises ServiceError 400 when it is something else."""
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        raise ServiceError(400, f"The body is not valid JSON: {error}") from None
    if not isinstance(body, dict):
        raise ServiceError(400, "The body must be a JSON object.")
    return body


def limit_of(request: web.Request, default: int, most: int) -> int:
    """The query parameter `limit`. Raises ServiceError 400 unless it is a number from 1 to `most`."""
    text = request.query.get("limit", str(default))
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise ServiceError(
            400, f"'limit' must be a number from 1 to {most}.", code="invalid_value", param="limit"
        )
    return int(text)


def page(items: Iterable[Any], limit: int, described: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
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
