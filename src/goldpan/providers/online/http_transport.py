"""Calls of a service that speaks OpenAI's API: a request body goes to its address as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.request import getproxies, proxy_bypass

from goldpan.errors import ProviderError
from goldpan.providers.online.content import ACCEPTED_ENCODING, as_utf8
from goldpan.providers.online.transport import (
    REDIRECTS,
    HttpAnswer,
    broken_off,
    cut_short,
    json_or_text,
    moved,
    no_answer_in_time,
)
from goldpan.providers.scrubber import Scrubber

if TYPE_CHECKING:
    from aiohttp import ClientResponse

_CONNECT_SECONDS = 30.0


class HttpTransport:
    """A `Transport` over one aiohttp session.

    Args:
        url: of the endpoint.
        key: None where none is needed.
        scrubber: takes keys out of all that comes back.
    """

    def __init__(self, url: str, key: str | None, scrubber: Scrubber):
        self._url, self._key, self._scrubber = url, key, scrubber

    async def open(self) -> None:
        """As `Transport.open`."""
        import aiohttp

        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": ACCEPTED_ENCODING,
        }
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        self._session = aiohttp.ClientSession(
            headers=headers,
            # What came is worth more than what the headers say of it.
            auto_decompress=False,
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
            **_proxy_for(self._url),
        )

    async def close(self) -> None:
        """As `Transport.close`."""
        await self._session.close()

    async def post(self, content: bytes, seconds: float) -> HttpAnswer:
        """As `Transport.post`."""
        import aiohttp

        limits = aiohttp.ClientTimeout(total=seconds, sock_connect=min(seconds, _CONNECT_SECONDS))
        try:
            async with self._session.post(
                self._url, data=content, timeout=limits, allow_redirects=False
            ) as response:
                if response.status in REDIRECTS:
                    raise moved(response.status, response.headers, self._scrubber)
                content, failure = await _content(response)
                body = json_or_text(self._scrubber.content(as_utf8(content, response.headers)))
                # JSON that is whole is an answer, and paid, whatever became of what was around it.
                if failure is not None and not isinstance(body, dict):
                    raise cut_short(failure) if response.ok else failure
                return HttpAnswer(response.status, body, response.headers)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise self._unanswered(error, seconds) from None

    def _unanswered(self, error: Exception, seconds: float) -> ProviderError:
        import aiohttp

        if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            said = " ".join(self._scrubber.text(str(error)).split())[:500]
            return ProviderError(
                f"the service could not be reached: {said}", code="connection", retryable=True
            )
        if isinstance(error, TimeoutError):
            return no_answer_in_time(seconds)
        if isinstance(error, ValueError):
            return ProviderError(
                f"the request cannot be sent ({type(error).__name__})",
                remedy="check the provider's `base_url`",
            )
        return broken_off(error)


async def _content(response: ClientResponse) -> tuple[bytes, Exception | None]:
    """What came of an answer's content, and what went wrong before its end, if anything did."""
    import aiohttp

    pieces: list[bytes] = []
    try:
        async for piece in response.content.iter_any():
            pieces.append(piece)
        return b"".join(pieces), None
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        # The stream gives nothing more once it has failed, also not what it holds already.
        return b"".join([*pieces, *getattr(response.content, "_buffer", ())]), error


def _proxy_for(url: str) -> dict[str, Any]:
    """The proxy that the environment names for an address, as arguments of a session. The library would look
    for it at each call, in a thread."""
    import aiohttp
    from yarl import URL

    target = URL(url)
    proxy = getproxies().get(target.scheme)
    if proxy is None or proxy_bypass(target.host or ""):
        return {}
    place = URL(proxy if "://" in proxy else f"http://{proxy}")
    user = place.user and aiohttp.BasicAuth(place.user, place.password or "")
    return {"proxy": place.with_user(None), "proxy_auth": user or None}
