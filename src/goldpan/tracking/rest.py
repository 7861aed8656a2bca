"""Calls of a tracker's REST interface: repeated while that may help, without the key in what comes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import orjson

from goldpan.errors import ProviderError
from goldpan.providers.patience import Patience
from goldpan.providers.scrubber import Scrubber
from goldpan.providers.service_errors import service_error

_Answer = TypeVar("_Answer")
_CONNECT_SECONDS = 30.0


class Refused(Exception):
    """An answer that is no success, in the form that `service_error` reads."""

    def __init__(self, status: int, content: bytes, headers: Mapping[str, str], request: Any):
        super().__init__(content.decode("utf-8", "replace"))
        self.status_code, self.headers, self.request, self.response = status, headers, request, self
        try:
            body = orjson.loads(content)
        except orjson.JSONDecodeError:
            body = None
        error = body.get("error") if isinstance(body, dict) else None
        self.body = error if isinstance(error, dict) else body


class RestService:
    """A REST interface that takes a bearer token; all that it is asked may be asked again.

    Args:
        base_url: in front of each path.
        key: the token.
        timeout: seconds for a call.
        patience: how long a call is repeated.
        scrubber: takes the key out of whatever comes.
    """

    def __init__(self, base_url: str, key: str, timeout: float, patience: Patience, scrubber: Scrubber):
        import httpx

        self._base_url, self._patience, self._scrubber = base_url.rstrip("/"), patience, scrubber
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {key}", "Accept": "application/json"},
            timeout=httpx.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS)),
        )

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """The object that a path has. Raises ProviderError."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._patience.ask(lambda: self._call("GET", path, query=given))

    def send(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What comes back for an object. Raises ProviderError."""
        content = orjson.dumps(body)
        return self._patience.ask(lambda: self._call(method, path, content=content))

    def _call(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, content: bytes | None = None
    ) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"} if content is not None else {}
        with provider_errors(self._scrubber):
            response = self._client.request(
                method, f"{self._base_url}{path}", params=query, content=content, headers=headers
            )
            came = self._scrubber.content(response.content)
            if not response.is_success:
                raise Refused(response.status_code, came, response.headers, response.request)
        try:
            answer = orjson.loads(came)
        except orjson.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict):
            raise ProviderError(
                "the answer is no JSON object",
                where=f"{method} {self._base_url}{path}",
                retryable=True,
                in_doubt=True,
            )
        return answer


@contextlib.contextmanager
def provider_errors(scrubber: Scrubber) -> Iterator[None]:
    """What an HTTP library raises within the block becomes a ProviderError without keys."""
    try:
        yield
    except ProviderError:
        raise
    except Exception as error:
        raise service_error(error, scrubber) from None


def listed_pages(page: Callable[[str | None], list[dict[str, Any]]], size: int) -> Iterator[dict[str, Any]]:
    """The objects of a list that comes in pages, each of which begins after the last object's id.

    Args:
        page: the objects after an id.
        size: of a full page.
    """
    after = None
    while True:
        objects = page(after)
        yield from objects
        if len(objects) < size or objects[-1].get("id") in (None, after):
            return
        after = objects[-1]["id"]
