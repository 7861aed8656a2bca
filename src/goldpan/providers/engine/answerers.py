"""Who answers the requests of an engine: many under way at once, in any order; or one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol, runtime_checkable

from goldpan.providers.engine.refusal import ServiceError


class Request(NamedTuple):
    """A chat request that is to be answered.

    Attributes:
        body: of a chat completion request; one to the responses endpoint comes as that which asks the same.
        custom_id: its name in its batch; "" for a request outside a batch.
    """

    body: dict[str, Any]
    custom_id: str


class WireReply(NamedTuple):
    """What a service sent back for a request that went to it as it is.

    Attributes:
        status: of HTTP; None where no answer came.
        body: what came, read from JSON, or as text where it is none.
        code, message: why no answer came.
    """

    status: int | None
    body: Any = None
    code: str = ""
    message: str = ""

    @property
    def is_answer(self) -> bool:
        """Whether the service has answered, and not refused."""
        return self.status is not None and 200 <= self.status < 300


Reply = dict[str, Any] | ServiceError | WireReply
"""The body of a chat completion, why there is none, or what came over the wire."""

AnswerOne = Callable[[dict[str, Any], str], dict[str, Any]]
"""(body of a chat request, its custom_id) -> body of a chat completion. It may raise ServiceError."""


@runtime_checkable
class Answerer(Protocol):
    """Answers requests, as many at a time as suits it. It may be called from several threads."""

    def answers(self, requests: Iterator[Request]) -> Iterator[tuple[int, Reply]]:
        """Answer all requests, in any order, each as soon as it can.

        The engine hands out a request when it is taken, writes an answer down when it comes, and hands out no
        more when its time is up: what was taken by then is still to be answered. So no more should be taken
        than are worked on. After a crash those are asked again that were not yielded, so an answer must
        depend on its request alone.

        Args:
            requests: taken from the thread that asks for the answers.

        Yields:
            The place of a request among those taken, from 0, and its answer.
        """


class OneByOne:
    """An answerer that answers each request before it takes the next.

    Args:
        answer: gives one answer. What it raises is that request's: a ServiceError as it is, else status 500.
    """

    def __init__(self, answer: AnswerOne):
        self._answer = answer

    def answers(self, requests: Iterator[Request]) -> Iterator[tuple[int, Reply]]:
        """As `Answerer.answers`."""
        for place, request in enumerate(requests):
            try:
                reply: Reply = self._answer(request.body, request.custom_id)
            except Exception as error:
                reply = as_refusal(error)
            yield place, reply


def nobody(body: dict[str, Any], custom_id: str) -> dict[str, Any]:
    """Of an engine whose batches are only described, or ended. Raises RuntimeError."""
    raise RuntimeError("a batch was worked on without anybody to ask")


def as_refusal(error: Exception) -> ServiceError:
    """What a request is answered where answering it raised `error`."""
    if isinstance(error, ServiceError):
        return error
    return ServiceError(500, f"The answerer broke: {type(error).__name__}: {error}")
