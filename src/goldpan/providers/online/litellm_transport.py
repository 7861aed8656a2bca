"""Calls of a service that speaks an API of its own, which litellm translates to OpenAI's and back.

What is true of litellm 1.110 and decides how it is called here:

- A parameter that it knows and the service does not take is refused before anything is sent, as
  `UnsupportedParamsError`, unless `drop_params` is set. One that it does not know goes to the service.
- Its HTTP client sends a request once more, at once, where the connection breaks off before an answer.
- What goes wrong anywhere on its way is an `APIConnectionError` of status 500, also a missing library.
- Status, headers and body of a refusal are not told in one way, but the exceptions that one was raised from
  end with that of the HTTP client, which has all three.
- HTTP clients are kept for each event loop, in a cache of the whole process, and closed only at its end. They
  follow redirects, and take along every key that is not in `Authorization`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any

import orjson

from goldpan.errors import ProviderError
from goldpan.providers.litellm_library import check_can_ask_online, import_litellm
from goldpan.providers.model_facts import RESPONSES_URL
from goldpan.providers.online.transport import (
    CUT_SHORT,
    REDIRECTS,
    HttpAnswer,
    broken_off,
    cut_short,
    json_or_text,
    moved,
    no_answer_in_time,
)
from goldpan.providers.scrubber import Scrubber
from goldpan.providers.service_credentials import ServiceCredentials
from goldpan.providers.service_errors import NEVER_CONNECTED
from goldpan.tasks.failures import error_of, words_of

_NO_REPEATS = {"max_retries": 0, "num_retries": 0, "drop_params": False, "no-log": True}
# What litellm knows better than the service's own code says, in the words of OpenAI's API.
_CODES = {
    "ContentPolicyViolationError": "content_filter",
    "ContextWindowExceededError": "context_length_exceeded",
    "UnsupportedParamsError": "unsupported_parameter",
}
# What litellm adds to a message is for whoever calls it.
_ADVICE = ("To drop these", ". Handle with `litellm.")
_OUT_OF_MONEY = ("credit balance is too low",)
# By which litellm itself refuses a request. A 5xx of its own may be anything that went wrong on the way.
_REFUSED = range(400, 500)
_PREFIX = "llm_provider-"
_begun: ContextVar[list[int]] = ContextVar("begun")
"""Statuses of the answers that have begun to come to the call under way, of which the rest may not."""


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
        check_can_ask_online(litellm)
        self._call = litellm.aresponses if self._endpoint == RESPONSES_URL else litellm.acompletion
        self._close_clients: Callable[[], Any] = litellm.close_litellm_async_clients
        self._clients = litellm.in_memory_llm_clients_cache
        self._keep = self._clients.set_cache
        self._clients.set_cache = self._kept
        # litellm prepares each call in a thread, and makes it there where a service has no asynchronous one.
        self._threads = ThreadPoolExecutor(self._at_once, thread_name_prefix="litellm")
        asyncio.get_running_loop().set_default_executor(self._threads)

    async def close(self) -> None:
        """As `Transport.close`. All that litellm has begun in this loop ends with it."""
        with contextlib.suppress(Exception):
            await self._close_clients()
        self._clients.set_cache = self._keep
        self._clients.flush_cache()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _kept(self, key: str, value: Any, **options: Any) -> None:
        """Put a client into litellm's cache, as is done before it is used; it follows no redirect, and tells
        of each answer as soon as it begins."""
        # litellm's own kind of client holds that of its HTTP library, and so does an SDK's.
        clients: list[Any] = [value, getattr(value, "client", None), getattr(value, "_client", None)]
        for client in clients:
            if hasattr(client, "follow_redirects"):
                client.follow_redirects = False
            hooks = getattr(client, "event_hooks", None)
            if isinstance(hooks, dict):
                tell = _note_begun if hasattr(client, "aclose") else _note_begun_in_thread
                client.event_hooks = {**hooks, "response": [*hooks["response"], tell]}
        self._keep(key, value, **options)

    async def post(self, content: bytes, seconds: float) -> HttpAnswer:
        """As `Transport.post`."""
        begun: list[int] = []
        _begun.set(begun)
        try:
            # litellm's own limit is for each read of some services, and for all of the call of others.
            async with asyncio.timeout(seconds):
                answer = await self._call(**{**orjson.loads(content), **self._options}, timeout=seconds)
            return HttpAnswer(
                200, self._scrubber.value(answer.model_dump(mode="json")), _headers_of_answer(answer)
            )
        except Exception as error:
            # litellm raises whatever its services' code runs into, of no common kind.
            return self._refusal(error, seconds, is_begun=begun[-1:] == [200])

    def _refusal(self, error: Exception, seconds: float, *, is_begun: bool) -> HttpAnswer:
        """What the service itself answered where it did; else what litellm says of the request."""
        causes = list(_causes(error))
        response = _response_of(causes)
        body: Any
        headers: Mapping[str, str]
        if response is not None:
            status, headers = response.status_code, response.headers
            if status in REDIRECTS:
                raise moved(status, headers, self._scrubber) from None
            body = json_or_text(self._scrubber.content(response.content))
        else:
            status, headers = getattr(error, "status_code", None), {}
            if not isinstance(status, int) or status not in _REFUSED or _is(error, "Timeout"):
                raise self._unanswered(causes, seconds, is_begun=is_begun) from None
            body = self._words_of(error)
        code, message = error_of(body, status)
        known = next((code for name, code in _CODES.items() if _is(error, name)), None)
        if any(words in (message or "") for words in _OUT_OF_MONEY):
            known = "insufficient_quota"
        if response is None or known is not None:
            said = {"message": message, "type": type(error).__name__, "param": None, "code": known or code}
            body = {"error": said}
        return HttpAnswer(status, body, headers)

    def _unanswered(self, causes: list[BaseException], seconds: float, *, is_begun: bool) -> ProviderError:
        """What went wrong. Where a success had begun to come, it was made, and may have been paid for."""
        for cause in causes:
            if isinstance(cause, ImportError):
                return ProviderError(
                    f"litellm needs a library to ask this service: {self._words_of(cause)}",
                    remedy="install it into the environment that goldpan runs in",
                )
            if _is(cause, *NEVER_CONNECTED):
                return ProviderError(
                    f"the service could not be reached: {self._words_of(cause)}",
                    code="connection",
                    retryable=True,
                )
            if _is(cause, "Timeout", "TimeoutError", "TimeoutException"):
                return cut_short(cause) if is_begun else no_answer_in_time(seconds)
            if _is(cause, "HTTPError", "ClientError", "OSError"):
                return cut_short(cause) if is_begun else broken_off(cause)
        return ProviderError(
            f"no answer that can be read: {self._words_of(causes[0])}",
            code=CUT_SHORT if is_begun else "unreadable",
            retryable=True,
            in_doubt=True,
        )

    def _words_of(self, error: BaseException) -> str:
        told = self._scrubber.text(str(error))
        for advice in _ADVICE:
            told = told.partition(advice)[0]
        return words_of(told)


async def _note_begun(response: Any) -> None:
    _note_begun_in_thread(response)


def _note_begun_in_thread(response: Any) -> None:
    """Called by an HTTP client before it reads the content of an answer."""
    _begun.get([]).append(response.status_code)


def _is(error: BaseException, *names: str) -> bool:
    """Whether an exception is of a class with one of these names. The classes are not at hand: they are those
    of libraries that only litellm knows."""
    return any(kind.__name__ in names for kind in type(error).__mro__)


def _response_of(causes: list[BaseException]) -> Any:
    """What the service answered, as litellm's HTTP client has it; the responses that litellm's own exceptions
    carry are made up. None where no answer came, or it was not read."""
    for cause in causes:
        if _is(cause, "HTTPStatusError"):
            response: Any = getattr(cause, "response", None)
            if getattr(response, "is_stream_consumed", False):
                return response
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and those it was raised from, the first that was raised last."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or at.__context__


def _headers_of_answer(answer: Any) -> Mapping[str, str]:
    hidden = getattr(answer, "_hidden_params", None) or {}
    headers = hidden.get("additional_headers") if isinstance(hidden, dict) else None
    return {name.removeprefix(_PREFIX): str(value) for name, value in (headers or {}).items()}
