"""An answerer whose answers come from a service, each request as it is by a call of its own."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import NamedTuple

import orjson

from goldpan.errors import FirstRefusedError, NoRoomError, OnlineError
from goldpan.providers.engine.answerers import Reply, Request, WireReply
from goldpan.providers.online.address import Address
from goldpan.providers.online.calls import LAST_ANSWERS_SECONDS, NoRoom, OnlineCalls
from goldpan.providers.online.tier import AskedTier
from goldpan.providers.online.watch import Watch
from goldpan.tasks.failures import error_of, failure_of, words_of

# How long answers are waited for before it is looked whether there is anything else to do, in seconds.
_LOOK_SECONDS = 0.25
# Refusals that are about the content of one request, however its parameters are.
_OF_ONE_REQUEST = (
    "contextlength", "contextwindow", "contextsize", "contextoverflow", "maximummodellength",
    "stringabovemaxlength", "maxtokens", "maxnewtokensmustbe", "toolarge",
    "inputtokencount", "promptistoolong", "inputistoolong",
)  # fmt: skip
_FINAL = range(400, 500)
# What is each record's own in a body, at chat completions and at the responses endpoint.
_OF_RECORD = frozenset({"messages", "input"})
Form = tuple[str, bytes]
"""All of a request but what is its record's own: its endpoint, and the rest of its body."""


class _Stop(NamedTuple):
    """Why a run has to stop, and until when what is under way is waited for, by `time.monotonic`."""

    error: OnlineError
    until: float


def seconds_for_last_answers(tier: AskedTier | None) -> float:
    """How long what is under way is waited for, in seconds, once a run is to stop: it may be paid, and at a
    tier it takes as long as a call may take there."""
    return LAST_ANSWERS_SECONDS if tier is None else max(LAST_ANSWERS_SECONDS, tier.timeout)


class OnlineAnswerer:
    """Answers the requests of one batch. What is in hand is little more than what is under way.

    Of each form of requests (all of them but their messages, so each model and task) the first is sent alone.

    Args:
        address: who is asked.
        endpoint: as batches name it.
        watch: is told and asked on the way.
        accepted: forms of which the service has answered one; more are added.
        tier: at which the service is asked; None for its ordinary one.
    """

    def __init__(
        self,
        address: Address,
        endpoint: str,
        watch: Watch,
        *,
        accepted: set[Form],
        tier: AskedTier | None = None,
    ):
        self._address, self._endpoint, self._watch, self._tier = address, endpoint, watch, tier
        self._accepted = accepted
        # Form -> place of the request of it that was sent alone.
        self._tried: dict[Form, int] = {}
        self._in_hand: dict[int, Request] = {}
        # Places of the requests that are asked without the tier.
        self._standard: set[int] = set()
        self._stop: _Stop | None = None
        # The budget does not allow for a request that would have to be asked without the tier.
        self._is_too_dear = False

    def answers(self, requests: Iterator[Request]) -> Iterator[tuple[int, Reply]]:
        """As `Answerer.answers`.

        Raises:
            OnlineError: the run has to stop; what was answered is written down by then.
            Exception: what the watch gives as its refusal.
        """
        first = next(requests, None)
        if first is None:
            return
        with OnlineCalls(self._address, self._endpoint, self._tier) as calls:
            yield from self._answers(calls, requests, first)

    def _answers(
        self, calls: OnlineCalls, requests: Iterator[Request], first: Request
    ) -> Iterator[tuple[int, Reply]]:
        upcoming: Request | None = first
        taken = 0
        while True:
            group: list[tuple[int, Request]] = []
            # Some at a time, for each time the ledger is told; more than under way, so none is waited for.
            at_once = calls.traffic.at_once
            least, most = at_once + at_once // 2, 2 * at_once
            while upcoming is not None and not self._ends and (group or len(self._in_hand) <= least):
                if len(self._in_hand) >= most or not self._may_send(upcoming, taken):
                    break
                self._in_hand[taken] = upcoming
                group.append((taken, upcoming))
                taken += 1
                upcoming = next(requests, None)
            calls.has_more = upcoming is not None
            if group:
                self._watch.sending([request.custom_id for _, request in group])
                calls.send([(place, request.body) for place, request in group])
            if not self._in_hand or (self._stop is not None and time.monotonic() > self._stop.until):
                break
            for place, reply in calls.arrivals(_LOOK_SECONDS):
                answer = self._answer(calls, place, reply)
                if answer is not None:
                    yield place, answer
            self._watch.look(calls.traffic)
        if self._stop is not None:
            raise self._stop.error
        if upcoming is not None or self._is_too_dear:
            raise self._watch.refusal()

    @property
    def _ends(self) -> bool:
        """Whether nothing more is sent."""
        return self._stop is not None or self._is_too_dear

    def _answer(
        self, calls: OnlineCalls, place: int, reply: WireReply | NoRoom | OnlineError
    ) -> WireReply | None:
        """The answer that a reply is, if it is one; else what it means for the run is seen to."""
        if isinstance(reply, NoRoom):
            error: OnlineError | None = self._left_for_a_batch(reply)
            if error is None and self._stop is None and self._falls_back(calls, place):
                return None
            self._is_too_dear = self._is_too_dear or error is None
        elif isinstance(reply, OnlineError):
            error = reply
        else:
            error = self._is_refused_for_all(place, reply)
        self._standard.discard(place)
        request = self._in_hand.pop(place)
        if error is not None and self._stop is None:
            self._stop = _Stop(error, time.monotonic() + seconds_for_last_answers(self._tier))
            calls.stop(error)
        if error is None and isinstance(reply, WireReply):
            return reply
        # No call of it is under way any more; those that may have to be paid are counted first.
        self._watch.look(calls.traffic)
        self._watch.refused([request.custom_id])
        return None

    def _may_send(self, request: Request, place: int) -> bool:
        """Whether a request may be sent now. The first of its form goes before the others of it."""
        form = self._form(request)
        if form not in self._accepted and form in self._tried:
            return False
        if not self._watch.may_send(len(self._in_hand) + 1, len(self._standard)):
            return False
        if form not in self._accepted:
            self._tried[form] = place
        return True

    def _form(self, request: Request) -> Form:
        fixed = {name: value for name, value in request.body.items() if name not in _OF_RECORD}
        return self._endpoint, orjson.dumps(fixed)

    def _left_for_a_batch(self, reply: NoRoom) -> NoRoomError | None:
        if self._tier is None or self._tier.fallback != "batch":
            return None
        return NoRoomError(
            f"the service has no room at the tier `{self._tier.name}`: {reply.what}",
            where=self._address.url_shown,
            remedy="run the same command again: what is not answered is asked in a batch",
        )

    def _falls_back(self, calls: OnlineCalls, place: int) -> bool:
        """Ask a request without the tier, if the budget allows for that."""
        if not self._watch.may_send(len(self._in_hand), len(self._standard | {place})):
            return False
        self._standard.add(place)
        request = self._in_hand[place]
        self._watch.falling_back([request.custom_id])
        calls.send_standard([(place, request.body)])
        return True

    def _is_refused_for_all(self, place: int, reply: WireReply) -> OnlineError | None:
        """Why all others of its form would be refused as well, as the first one shows that was sent alone."""
        form = next((form for form, tried in self._tried.items() if tried == place), None)
        if form is None:
            return None
        del self._tried[form]
        if reply.is_answer:
            self._accepted.add(form)
        if (
            reply.status not in _FINAL
            or failure_of(*error_of(reply.body, reply.status), reply.status).retryable
        ):
            return None
        code, message = error_of(reply.body, reply.status)
        plain = re.sub(r"[^a-z0-9]", "", f"{code} {message}".lower())
        if failure_of(code, message, reply.status).state == "refused" or any(
            word in plain for word in _OF_ONE_REQUEST
        ):
            return None
        said = words_of(message) if message else code
        named = f"{reply.status}" if code == str(reply.status) else f"{reply.status} ({code})"
        return FirstRefusedError(
            f"the first request of its kind, sent alone, was refused, and no other like it was sent:"
            f" {named}: {said}",
            where=self._address.url_shown,
            remedy="correct the stage's `params`, `output`, `endpoint`, `tier` or `model`, or the task, and"
            " run again; nothing was paid for it",
        )
