"""What the OpenAI SDK, litellm and httpx raise, as the one error goldpan knows: what happened, what may help,
and whether the service may have acted all the same."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from goldpan.errors import ProviderError

# Statuses by which a service says that it does not offer a call.
NOT_OFFERED = frozenset({404, 405, 501})
# A service that says so may nevertheless have acted: the answer is a gateway's, or speaks of a lock.
_DOUBTFUL = frozenset({408, 409})
_RETRYABLE = frozenset({408, 409, 425, 429})
# Said with a retryable status, but waiting does not help.
_OUT_OF_MONEY = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_LONGEST_MESSAGE = 500
_REMEDIES = {
    401: "check the key in the environment variable that the provider's `api_key_env` names",
    403: "check the key in the environment variable that the provider's `api_key_env` names",
    404: "check the provider's `base_url`, and that the service offers files and batches",
    405: "check the provider's `base_url`, and that the service offers files and batches",
    413: "lower `limits: bytes:` of the stage",
}


def service_error(error: Exception, *, secret: str | None = None) -> ProviderError:
    """The ProviderError for an exception of the OpenAI SDK, litellm or httpx.

    Args:
        secret: the API key, which is taken out of whatever the service says.
    """
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return _refused(error, status, secret)
    return _unanswered(error, secret)


def unreadable_answer(what: str, *, where: str | None = None) -> ProviderError:
    """The ProviderError for an answer that came and makes no sense; the service may have acted."""
    return ProviderError(
        what,
        where=where,
        remedy="check that the provider's `base_url` is that of an OpenAI-compatible service",
        in_doubt=True,
    )


def _refused(error: Exception, status: int, secret: str | None) -> ProviderError:
    code, message = _said(error)
    out_of_money = code in _OUT_OF_MONEY
    return ProviderError(
        _scrubbed(f"the service answered {status}{f' ({code})' if code else ''}: {message}", secret),
        where=_place(error, secret),
        remedy="add credit to the account, or raise its limit" if out_of_money else _REMEDIES.get(status),
        status=status,
        code=code,
        retryable=(status in _RETRYABLE or status >= 500) and not out_of_money,
        retry_after=retry_after(headers_of(error)),
        in_doubt=status in _DOUBTFUL or status >= 500,
    )


def _unanswered(error: Exception, secret: str | None) -> ProviderError:
    import httpx
    import openai

    cause = error.__cause__ if isinstance(error, openai.APIConnectionError) and error.__cause__ else error
    name = type(cause).__name__
    if isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError):
        return ProviderError(
            _scrubbed(f"the service could not be reached: {cause or name}", secret),
            where=_place(error, secret),
            remedy="check the network and the provider's `base_url`; nothing was sent",
            retryable=True,
        )
    if isinstance(cause, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        # Its text may hold the headers.
        return ProviderError(
            f"the request cannot be sent ({name})",
            where=_place(error, secret),
            remedy="check the provider's `base_url` and its key; nothing was sent",
        )
    if isinstance(cause, httpx.HTTPError):
        what = (
            "no answer in time" if isinstance(cause, httpx.TimeoutException) else "the connection broke off"
        )
        return ProviderError(f"{what} ({name})", where=_place(error, secret), retryable=True, in_doubt=True)
    return ProviderError(
        _scrubbed(f"{name}: {_shortened(str(cause))}", secret), where=_place(error, secret), in_doubt=True
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds a service asks to wait, by its Retry-After header (seconds or an HTTP date), if it does.

    Of the header names in use, `retry-after-ms` is the more exact. (RFC 9110, section 10.2.3.)
    """
    milliseconds, value = headers.get("retry-after-ms"), headers.get("retry-after")
    try:
        if milliseconds is not None:
            return max(0.0, float(milliseconds) / 1000)
        return None if value is None else max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value or "").timestamp() - time.time())
    except ValueError:
        return None


def server_time(headers: Mapping[str, str]) -> float | None:
    """The service's clock by an answer's Date header, as Unix seconds (RFC 9110, section 6.6.1)."""
    try:
        return parsedate_to_datetime(headers.get("date") or "").timestamp()
    except (ValueError, OverflowError):
        return None


def headers_of(error: Exception) -> Mapping[str, str]:
    """The headers of the answer an exception speaks of; empty where none came."""
    return getattr(getattr(error, "response", None), "headers", None) or {}


def _said(error: Exception) -> tuple[str | None, str]:
    """The code and the message of a refusal, from OpenAI's error object or whatever there is instead."""
    body = getattr(error, "body", None)
    if not isinstance(body, dict):
        return None, _shortened(body if isinstance(body, str) and body else str(error))
    code = body.get("code") or body.get("type")
    message = body.get("message") or body.get("detail") or orjson.dumps(body, default=str).decode()
    return (None if code is None else str(code)), _shortened(str(message))


def _place(error: Any, secret: str | None) -> str | None:
    """Method and address of the call that failed, without credentials and query."""
    try:
        request = error.request
        url = request.url
        return _scrubbed(f"{request.method} {url.scheme}://{url.netloc.decode()}{url.path}", secret)
    except (AttributeError, RuntimeError):  # httpx raises the latter where there is no request
        return None


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}..."


def _scrubbed(text: str, secret: str | None) -> str:
    return text.replace(secret, "[key]") if secret else text
