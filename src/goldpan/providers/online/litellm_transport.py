"""Calls of a service that speaks an API of its own, which litellm translates to OpenAI's and back.

What is true of litellm 1.110 and decides how it is called here:

- A parameter that it knows and the service does not take is refused before anything is sent, as
  `UnsupportedParamsError`, unless `drop_params` is set. One that it does not know goes to the service.
- Its HTTP client sends a request once more, at once, where the connection breaks off before an answer.
- What goes wrong anywhere on its way is an `APIConnectionError` of status 500, also a missing library.
- Anthropic's 529 ("overloaded") is an `InternalServerError` with that `provider_status_code`.
- HTTP clients are kept for each event loop, in a cache of the whole process, and closed only at its end.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson

from goldpan.errors import ProviderError
from goldpan.providers.litellm_library import import_litellm
from goldpan.providers.model_facts import RESPONSES_URL
from goldpan.providers.online.transport import HttpAnswer, broken_off, no_answer_in_time
from goldpan.providers.scrubber import Scrubber
from goldpan.providers.service_credentials import ServiceCredentials
from goldpan.tasks.failures import error_of, words_of

_NO_REPEATS = {"max_retries": 0, "num_retries": 0, "drop_params": False, "no-log": True}
# What the service is told by its class of exceptions, in the words of OpenAI's API.
_CODES = {
    "ContentPolicyViolationError": "content_filter",
    "ContextWindowExceededError": "context_length_exceeded",
    "UnsupportedParamsError": "unsupported_parameter",
}
# What litellm adds to a message is for whoever calls it.
_ADVICE = ("To drop these", "\nReceived Model Group=", " LiteLLM Retried")
_OUT_OF_MONEY = ("credit balance is too low",)
_PREFIX = "llm_provider-"


class LiteLLMTransport:
    """A `Transport` over litellm's asynchronous calls.

    Args:
        credentials: whom litellm asks, and how it gets in.
        endpoint: as batches name it; `RESPONSES_URL` of services only that have it themselves.
        at_once: how many calls may be under way.
        scrubber: takes keys out of all that comes back.
    """

    def __init__(self, credentials: ServiceCredentials, endpoint: str, at_once: int, scrubber: Scrubber):
        self._options = {
            **credentials.options,
            **_NO_REPEATS,
            "custom_llm_provider": credentials.service,
        }
        self._endpoint, self._at_once, self._scrubber = endpoint, at_once, scrubber

    async def open(self) -> None:
        """As `Transport.open`.

        Takes seconds: litellm is imported.
        """
        litellm = import_litellm()
        self._call = litellm.aresponses if self._endpoint == RESPONSES_URL else litellm.acompletion
        self._close_clients: Callable[[], Any] = litellm.close_litellm_async_clients
        self._clients = litellm.in_memory_llm_clients_cache
        # litellm prepares each call in a thread, and makes it there where a service has no asynchronous one.
        self._threads = ThreadPoolExecutor(self._at_once, thread_name_prefix="litellm")
        asyncio.get_running_loop().set_default_executor(self._threads)

    async def close(self) -> None:
        """As `Transport.close`. All that litellm has begun in this loop ends with it."""
        with contextlib.suppress(Exception):
            await self._close_clients()
        self._clients.flush_cache()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def post(self, content: bytes, seconds: float) -> HttpAnswer:
        """As `Transport.post`."""
        try:
            # litellm's own limit is for each read of some services, and for all of the call of others.
            async with asyncio.timeout(seconds):
                answer = await self._call(**{**orjson.loads(content), **self._options}, timeout=seconds)
            return HttpAnswer(
                200, self._scrubber.value(answer.model_dump(mode="json")), _headers_of_answer(answer)
            )
        except Exception as error:
            # litellm raises whatever its services' code runs into, of no common kind.
            return self._refusal(error, seconds)

    def _refusal(self, error: Exception, seconds: float) -> HttpAnswer:
        names = {kind.__name__ for kind in type(error).__mro__}
        if "Timeout" in names or "TimeoutError" in names:
            raise no_answer_in_time(seconds) from None
        status = getattr(error, "provider_status_code", None) or getattr(error, "status_code", None)
        if not isinstance(status, int) or "APIConnectionError" in names:
            raise self._unanswered(error) from None
        return HttpAnswer(max(status, 400), self._error_body(error, status, names), _headers_of(error))

    def _error_body(self, error: Exception, status: int, names: set[str]) -> dict[str, Any]:
        """OpenAI's error object, with the service's own code and words as far as litellm passes them on."""
        told = self._scrubber.text(getattr(error, "message", None) or str(error))
        for advice in _ADVICE:
            told = told.partition(advice)[0]
        said = _json_within(told)
        code, message = error_of(told if said is None else said, status)
        if any(words in told for words in _OUT_OF_MONEY):
            code = "insufficient_quota"
        code = next((_CODES[name] for name in names if name in _CODES), code)
        return {
            "error": {"message": words_of(message), "type": type(error).__name__, "param": None, "code": code}
        }

    def _unanswered(self, error: BaseException) -> ProviderError:
        causes = list(_causes(error))
        missing = next((cause for cause in causes if isinstance(cause, ImportError)), None)
        if missing is not None:
            return ProviderError(
                f"litellm needs a library to ask this service: {self._scrubber.text(str(missing))}",
                remedy="install it into the environment that goldpan runs in",
            )
        for cause in causes:
            if {"ConnectError", "ClientConnectorError"} & {kind.__name__ for kind in type(cause).__mro__}:
                said = words_of(self._scrubber.text(str(cause)))
                return ProviderError(
                    f"the service could not be reached: {said}", code="connection", retryable=True
                )
        return broken_off(causes[-1])


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and those it was raised from, the first that was raised last."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or at.__context__


def _json_within(text: str) -> Any:
    """The service's answer that a message ends with; None where it has none."""
    for start, character in enumerate(text):
        if character in "{[":
            # The bytes' own notation stands around it where litellm was careless.
            with contextlib.suppress(orjson.JSONDecodeError):
                return orjson.loads(text[start:].strip().rstrip("'\""))
    return None


def _headers_of_answer(answer: Any) -> Mapping[str, str]:
    hidden = getattr(answer, "_hidden_params", None) or {}
    headers = hidden.get("additional_headers") if isinstance(hidden, dict) else None
    return {name.removeprefix(_PREFIX): str(value) for name, value in (headers or {}).items()}


def _headers_of(error: Exception) -> Mapping[str, str]:
    """Names in small letters."""
    told = getattr(error, "litellm_response_headers", None)
    told = told or getattr(getattr(error, "response", None), "headers", None) or {}
    return {str(name).lower(): str(value) for name, value in dict(told).items()}
