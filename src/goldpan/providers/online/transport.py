"""One call of a service, whatever it speaks: a request body goes there, and what was answered comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import orjson

from goldpan.errors import ProviderError
from goldpan.providers.redirects import redirect_said
from goldpan.providers.scrubber import Scrubber

CUT_SHORT = "cut_short"
"""Code of the error for a success of which only a part came: it was made, and may have been paid for."""

REDIRECTS = frozenset({301, 302, 303, 307, 308})


class HttpAnswer(NamedTuple):
    """What a service answered, be it a success or a refusal, without keys.

    Attributes:
        status: of HTTP.
        body: read from JSON, in OpenAI's form as far as the transport can bring it there; text where it is
            no JSON.
        headers: of HTTP.
    """

    status: int
    body: Any
    headers: Mapping[str, str]


class Transport(Protocol):
    """Makes calls to one endpoint of one service, many at a time. All of it runs in one asyncio loop.

    A transport repeats nothing: pace, pauses and patience are those of whoever calls.
    """

    async def open(self) -> None:
        """Get ready; no call is made yet."""

    async def close(self) -> None:
        """Let go of connections, also where calls are under way."""

    async def post(self, content: bytes, seconds: float) -> HttpAnswer:
        """Make one call.

        Args:
            content: a request body, as JSON.
            seconds: from the beginning of the call to the last byte of its answer.

        Raises:
            ProviderError: no answer came; `code` is `timeout`, `connection` or `CUT_SHORT` where asking again
                may help.
        """


def json_or_text(content: bytes) -> Any:
    """The body of an answer, read as far as it can be."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return content.decode("utf-8", "replace")


def no_answer_in_time(seconds: float) -> ProviderError:
    """The error for a call that had so many seconds, which were not enough."""
    return ProviderError(
        f"no answer within {seconds:g} seconds", code="timeout", retryable=True, in_doubt=True
    )


def broken_off(error: BaseException) -> ProviderError:
    """The error for a call whose connection broke off."""
    return ProviderError(
        f"the connection broke off ({type(error).__name__})", code="connection", retryable=True, in_doubt=True
    )


def cut_short(error: BaseException) -> ProviderError:
    """The error for a call of whose answer, a success, only a part came."""
    return ProviderError(
        f"the answer broke off before its end ({type(error).__name__})",
        code=CUT_SHORT,
        retryable=True,
        in_doubt=True,
    )


def moved(status: int, headers: Mapping[str, str], scrubber: Scrubber) -> ProviderError:
    """The error for a redirect."""
    return ProviderError(
        redirect_said(status, headers, scrubber),
        remedy="if the service is there now, correct the provider's `base_url`",
    )
