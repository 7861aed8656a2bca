"""Who may call: programs on this machine or those that address the host served at, and no web page.

A page in a browser can send requests to any address of this machine. A name of its own that it lets point
here (DNS rebinding) would even show it the answers. But such a request says in `Host` which name was asked
for, and a page's requests say in `Origin` where the page comes from.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from typing import Any

from aiohttp import web
from yarl import URL

from goldpan.providers.engine.refusal import ServiceError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
HEAD_SECONDS = 30.0
"""Within which a new connection must have sent the head of a request."""
MAX_CONNECTIONS = 200
_LOOK_SECONDS = 1.0


class Visitors:
    """Checks each call, and watches over connections.

    Args:
        host: where the server listens.
    """

    def __init__(self, host: str):
        self._host = host.strip("[]").lower()
        self._is_everywhere = self._host in ("", "0.0.0.0", "::")
        self._names = {self._host}
        if self._is_everywhere:
            self._names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
        self._heard: set[Any] = set()
        self._since: dict[Any, float] = {}

    def check(self, request: web.Request) -> None:
        """Raise ServiceError for a call that is not to be answered: 400 by its headers, 403 by who calls."""
        self._heard.add(request.protocol)
        if not all(_is_unicode(text) for pair in request.headers.items() for text in pair):
            raise ServiceError(400, "A header is not UTF-8.", code="invalid_header")
        hosts = request.headers.getall("Host", [])
        if len(hosts) != 1:
            raise ServiceError(400, "A request must say one Host.", code="invalid_header")
        for host in {hosts[0], request.host}:
            if not self._is_ours(_hostname(host)):
                raise ServiceError(
                    403,
                    f"Calls to '{host[:100]}' are not answered here; use the address that the server prints,"
                    " or start it with --host and that name.",
                    code="host_not_allowed",
                )
        origins = request.headers.getall("Origin", [])
        if any(origin.lower() != f"http://{hosts[0].lower()}" for origin in origins) or (
            request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
        ):
            raise ServiceError(403, "Web pages may not call this server.", code="origin_not_allowed")

    def _is_ours(self, name: str) -> bool:
        if name in self._names or name == "localhost":
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        # Rebinding takes a name; who has found an address that is listened at may use it.
        return address.is_loopback or self._is_everywhere

    async def watch(self, server: web.Server) -> None:
        """Close connections that send no request in time, and those above MAX_CONNECTIONS, for ever."""
        while True:
            self.close_idle(server, time.monotonic())
            await asyncio.sleep(_LOOK_SECONDS)

    def close_idle(self, server: web.Server, now: float) -> None:
        """One look of `watch`, at the time `now` of the monotonic clock."""
        connections = list(server.connections)
        # These hold connections that have ended since the last look, too.
        self._heard.intersection_update(connections)
        self._since = {connection: self._since.get(connection, now) for connection in connections}
        for place, connection in enumerate(connections):
            is_silent = connection not in self._heard and now - self._since[connection] > HEAD_SECONDS
            if (is_silent or place >= MAX_CONNECTIONS) and connection.transport is not None:
                connection.transport.abort()


VISITORS: web.AppKey[Visitors] = web.AppKey("visitors", Visitors)


def _is_unicode(text: str) -> bool:
    # Bytes that are not UTF-8 come as lone surrogates.
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _hostname(host: str) -> str:
    """The name or address in a Host header; empty for what is none."""
    try:
        return (URL(f"http://{host}").host or "").lower() if "@" not in host and "/" not in host else ""
    except ValueError:
        return ""
