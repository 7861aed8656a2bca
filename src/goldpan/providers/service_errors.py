"""What the OpenAI SDK, litellm and their HTTP libraries raise, as the one error goldpan knows: what happened,
what may help, and whether the service may have acted all the same.

Three cases, which decide about money:

- never sent: no connection was made (refused, no such host, TLS, no connection free in time). No doubt.
- refused: the service itself said no (4xx). No doubt.
- in doubt: anything after the first byte was sent: no answer in time, a connection that breaks off, 5xx, an
  answer that makes no sense, and 408 and 409, which gateways send for either.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from goldpan.errors import ProviderError
from goldpan.providers.scrubber import Scrubber

# Statuses by which a service says that it does not offer a call.
NOT_OFFERED = frozenset({404, 405, 501})
# A service that says so may nevertheless have acted: the answer is a gateway's, or speaks of a lock.
_DOUBTFUL = frozenset({408, 409})
# Classes of the HTTP libraries, by name: see _names.
NEVER_CONNECTED = frozenset(
    {
        *("ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError"),
        *("ClientConnectorError", "ConnectionTimeoutError"),
    }
)
_UNSENDABLE = frozenset({"UnsupportedProtocol", "LocalProtocolError", "InvalidURL"})
_RETRYABLE = frozenset({408, 409, 425, 429})
# Said with a retryable status, but waiting does not help.
OUT_OF_MONEY = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_LONGEST_MESSAGE = 500
_NO_BATCHES = (
    "check the provider's `base_url`, and that the service offers files and batches; servers of models (vLLM,"
    " llama.cpp, Ollama) do not: ask the stage with `mode: online`"
)
_REMEDIES = {
    401: "check the key in the environment variable that the provider's `api_key_env` names",
    403: "check the key in the environment variable that the provider's `api_key_env` names",
    404: _NO_BATCHES,
    405: _NO_BATCHES,
    413: "lower `limits: bytes:` of the stage",
}


class Refused(Exception):
    """An answer that is no success, in the form that `service_error` reads.

    Args:
        status, headers: of the answer.
        body: what was read from its JSON, else its text. A list stands for its first item.
        request: of an HTTP library, for the place of the error; None where it is not said.
    """

    def __init__(self, status: int, body: Any, headers: Mapping[str, str], request: Any = None):
        super().__init__(body if isinstance(body, str) else "")
        self.status_code, self.headers, self.request, self.response = status, headers, request, self
        body = body[0] if isinstance(body, list) and body else body
        error = body.get("error") if isinstance(body, dict) else None
        self.body = error if isinstance(error, dict) else body


def service_error(error: Exception, scrubber: Scrubber) -> ProviderError:
    """The ProviderError for an exception of the OpenAI SDK, litellm or an HTTP library.

    Args:
        scrubber: takes the keys out of whatever the service says.
    """
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return _refused(error, status, scrubber)
    return _unanswered(error, scrubber)


def is_service_error(error: Exception) -> bool:
    """Whether an exception is about a call, and not a fault of whoever made it."""
    return not _names(error).isdisjoint({"OpenAIError", "HTTPError", "InvalidURL"})


def unreadable_answer(what: str, *, where: str | None = None) -> ProviderError:
    """The ProviderError for an answer that came and makes no sense; the service may have acted."""
    return ProviderError(
        what,
        where=where,
        remedy="check that the provider's `base_url` is that of an OpenAI-compatible service",
        in_doubt=True,
    )


def _refused(error: Exception, status: int, scrubber: Scrubber) -> ProviderError:
    code, message = _said(error, scrubber)
    out_of_money = code in OUT_OF_MONEY
    return ProviderError(
        f"the service answered {status}{f' ({code})' if code else ''}: {message}",
        where=_place(error, scrubber),
        remedy="add credit to the account, or raise its limit" if out_of_money else _REMEDIES.get(status),
        status=status,
        code=code,
        retryable=may_pass(status) and not out_of_money,
        retry_after=retry_after(headers_of(error)),
        in_doubt=status in _DOUBTFUL or status >= 500,
    )


def may_pass(status: int) -> bool:
    """Whether a call that is refused with this status may be taken later."""
    # What a service does not offer, it will not offer in ten minutes.
    return status in _RETRYABLE or (status >= 500 and status not in NOT_OFFERED)


def _unanswered(error: Exception, scrubber: Scrubber) -> ProviderError:
    cause = _cause(error)
    name, names = type(cause).__name__, _names(cause)
    where = _place(error, scrubber)
    if not names.isdisjoint(NEVER_CONNECTED):
        return ProviderError(
            f"the service could not be reached: {_shortened(str(cause), scrubber) or name}",
            where=where,
            remedy="check the network and the provider's `base_url`; nothing was sent",
            retryable=True,
        )
    if not names.isdisjoint(_UNSENDABLE):
        # Its text may hold the headers.
        return ProviderError(
            f"the request cannot be sent ({name})",
            where=where,
            remedy="check the provider's `base_url` and its key; nothing was sent",
        )
    if "TimeoutException" in names or "APITimeoutError" in names:
        return ProviderError(f"no answer in time ({name})", where=where, retryable=True, in_doubt=True)
    if "HTTPError" in names or "APIConnectionError" in names:
        return ProviderError(f"the connection broke off ({name})", where=where, retryable=True, in_doubt=True)
    return ProviderError(f"{name}: {_shortened(str(cause), scrubber)}", where=where, in_doubt=True)


def _cause(error: Exception) -> BaseException:
    """What the SDK met when it could not connect: it raises its own error from that of its HTTP library."""
    is_connection = "APIConnectionError" in _names(error)
    return error.__cause__ if is_connection and error.__cause__ is not None else error


def _names(error: BaseException) -> set[str]:
    """The names of an exception's class and of those it derives from.

    The SDK's majors 2 and 3 stand on different HTTP libraries, and litellm brings the former in beside the
    latter; their trees of exceptions are the same by name.
    """
    return {kind.__name__ for kind in type(error).__mro__}


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds a service asks to wait, by its Retry-After header (seconds or an HTTP date), if it does.

    Of the header names in use, `retry-after-ms` is the more exact. (RFC 9110, section 10.2.3.) A date is one
    by the service's clock, which may differ from ours.
    """
    milliseconds, value = headers.get("retry-after-ms"), headers.get("retry-after")
    try:
        seconds = float(value or "") if milliseconds is None else float(milliseconds) / 1000
        return max(0.0, seconds) if math.isfinite(seconds) else None
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(value or "").timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, until - (server_time(headers) or time.time()))


def server_time(headers: Mapping[str, str]) -> float | None:
    """The service's clock by an answer's Date header, as Unix seconds (RFC 9110, section 6.6.1)."""
    try:
        return parsedate_to_datetime(headers.get("date") or "").timestamp()
    except (ValueError, OverflowError):
        return None


def headers_of(error: Exception) -> Mapping[str, str]:
    """The headers of the answer an exception speaks of; empty where none came."""
    return getattr(getattr(error, "response", None), "headers", None) or {}


def _said(error: Exception, scrubber: Scrubber) -> tuple[str | None, str]:
    """The code and the message of a refusal, from OpenAI's error object or whatever there is instead."""
    body = getattr(error, "body", None)
    if not isinstance(body, dict):
        return None, _shortened(body if isinstance(body, str) and body else str(error), scrubber)
    code = body.get("code") or body.get("type")
    message = body.get("message") or body.get("detail") or orjson.dumps(body, default=str).decode()
    return (None if code is None else _shortened(str(code), scrubber)), _shortened(str(message), scrubber)


def _place(error: Any, scrubber: Scrubber) -> str | None:
    """Method and address of the call that failed, without credentials and query."""
    try:
        request = error.request
        url = request.url
        return scrubber.text(f"{request.method} {url.scheme}://{url.netloc.decode()}{url.path}")
    except (AttributeError, RuntimeError):  # the latter is raised where there is no request
        return None


def _shortened(text: str, scrubber: Scrubber) -> str:
    """A text from outside, fit to be kept: without keys first, then cut to length."""
    text = " ".join(scrubber.text(text).split())
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}..."
