"""Calls of a tracker's REST interface: repeated while that may help, without the key in what comes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from goldpan.errors import ProviderError
from goldpan.providers.patience import Patience
from goldpan.providers.redirects import redirect_said
from goldpan.providers.scrubber import Scrubber
from goldpan.providers.service_errors import Refused, is_service_error, service_error

_CONNECT_SECONDS = 30.0
_MOST_BYTES = 1 << 27
"""Of one answer; far above a page of rows."""
_MOST_SHOWN = 200
MOVED, NO_JSON = "moved", "no_json"
"""Codes of errors that come of a wrong address."""


class RestService:
    """A REST interface that takes a bearer token; all that it is asked may be asked again.

    Args:
        base_url: in front of each path.
        key: the token.
        timeout: seconds for a call.
        patience: how long a call is repeated.
        scrubber: takes the key out of whatever comes.
        most_bytes: an answer that is longer is an error, and not read to its end.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        timeout: float,
        patience: Patience,
        scrubber: Scrubber,
        *,
        most_bytes: int = _MOST_BYTES,
    ):
        import httpx

        self._base_url, self._patience, self._scrubber = base_url.rstrip("/"), patience, scrubber
        self._most_bytes = most_bytes
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
        where = f"{method} {self._base_url}{path}"
        with (
            provider_errors(self._scrubber),
            self._client.stream(
                method, f"{self._base_url}{path}", params=query, content=content, headers=headers
            ) as response,
        ):
            came = self._scrubber.content(self._content(response, where))
            answer = _json_or_text(came)
            if response.has_redirect_location:
                raise self._moved(response, where)
            if not response.is_success:
                raise Refused(response.status_code, answer, response.headers, response.request)
        if not isinstance(answer, dict):
            kind = response.headers.get("Content-Type", "of no type")
            shown = " ".join(came[: 4 * _MOST_SHOWN].decode("utf-8", "replace").split())[:_MOST_SHOWN]
            raise ProviderError(
                f"the answer is no JSON object ({kind}): {shown}",
                where=where,
                code=NO_JSON,
                retryable=True,
                in_doubt=True,
            )
        return answer

    def _content(self, response: Any, where: str) -> bytes:
        content = bytearray()
        for piece in response.iter_bytes():
            content += piece
            if len(content) > self._most_bytes:
                what = f"the answer has more than {self._most_bytes:,} bytes"
                raise ProviderError(what, where=where, code=NO_JSON, in_doubt=True)
        return bytes(content)

    def _moved(self, response: Any, where: str) -> ProviderError:
        status = response.status_code
        what = redirect_said(status, response.headers, self._scrubber)
        return ProviderError(what, where=where, status=status, code=MOVED)


def _json_or_text(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        text = content.decode("utf-8", "replace")
    try:
        # Half of a pair and NaN, which others let pass as JSON, are kept as far as a file can hold them.
        answer = json.loads(text, parse_constant=str)
        return orjson.loads(_without_halves(json.dumps(answer, ensure_ascii=False)))
    except (ValueError, RecursionError):
        return text


def _without_halves(text: str) -> str:
    """A text with replacement characters for halves of surrogate pairs, which UTF-8 does not have."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@contextlib.contextmanager
def provider_errors(scrubber: Scrubber) -> Iterator[None]:
    """A refusal, and what an HTTP library raises within the block, becomes a ProviderError without keys."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, Refused) and not is_service_error(error):
            raise
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
