"""An answerer whose answers come from a service, each request as it is by a call of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator

from goldpan.errors import FirstRefusedError, OnlineError
from goldpan.providers.engine.answerers import Reply, Request, WireReply
from goldpan.providers.online.address import Address
from goldpan.providers.online.calls import LAST_ANSWERS_SECONDS, OnlineCalls
from goldpan.providers.online.watch import Watch
from goldpan.tasks.failures import error_of, failure_of, words_of

# How long answers are waited for before it is looked whether there is anything else to do, in seconds.
_LOOK_SECONDS = 0.25
# Refusals that are about the content of one request, however its parameters are.
_OF_ONE_REQUEST = ("contextlength", "contextwindow", "stringabovemaxlength", "maxtokens", "toolarge")
_FINAL = range(400, 500)


class OnlineAnswerer:
    """Answers the requests of one batch. What is in hand is little more than what is under way.

    Args:
        address: who is asked.
        endpoint: as batches name it.
        watch: is told and asked on the way.
        is_accepted: a request of this run was accepted before; else the first one is sent alone.

    Attributes:
        is_accepted: a request was accepted.
    """

    def __init__(self, address: Address, endpoint: str, watch: Watch, *, is_accepted: bool = False):
        self._address, self._endpoint, self._watch = address, endpoint, watch
        self.is_accepted = is_accepted

    def answers(self, requests: Iterator[Request]) -> Iterator[tuple[int, Reply]]:
        """As `Answerer.answers`.

        Raises:
            OnlineError: the run has to stop; what was answered is written down by then.
            Exception: what the watch gives as its refusal.
        """
        first = next(requests, None)
        if first is None:
            return
        with OnlineCalls(self._address, self._endpoint) as calls:
            yield from self._answers(calls, requests, first)

    def _answers(
        self, calls: OnlineCalls, requests: Iterator[Request], first: Request
    ) -> Iterator[tuple[int, Reply]]:
        upcoming: Request | None = first
        in_hand: set[int] = set()
        taken = 0
        stopped: OnlineError | None = None
        until = float("inf")
        while True:
            group: list[tuple[int, Request]] = []
            least, most = self._in_hand(calls)
            while upcoming is not None and stopped is None and (group or len(in_hand) <= least):
                if len(in_hand) >= most or not self._watch.may_send(len(in_hand)):
                    break
                in_hand.add(taken)
                group.append((taken, upcoming))
                taken += 1
                upcoming = next(requests, None)
            calls.has_more = upcoming is not None
            if group:
                self._watch.sending([request.custom_id for _, request in group])
                calls.send([(place, request.body) for place, request in group])
            if not in_hand or time.monotonic() > until:
                break
            for place, reply in calls.arrivals(_LOOK_SECONDS):
                in_hand.discard(place)
                if isinstance(reply, OnlineError):
                    error: OnlineError | None = reply
                else:
                    error = self._is_refused_for_all(reply)
                    if error is None:
                        yield place, reply
                if error is not None and stopped is None:
                    stopped, until = error, time.monotonic() + LAST_ANSWERS_SECONDS
                    calls.stop(error)
            self._watch.look(calls.traffic)
        if stopped is not None:
            raise stopped
        if upcoming is not None:
            raise self._watch.refusal()

    def _in_hand(self, calls: OnlineCalls) -> tuple[int, int]:
        """From how many in hand on others are added, and up to how many: more than under way, so that none is
        waited for, and some at a time, for each time the ledger is told."""
        at_once = calls.traffic.at_once
        return (at_once + at_once // 2, 2 * at_once) if self.is_accepted else (0, 1)

    def _is_refused_for_all(self, reply: WireReply) -> OnlineError | None:
        """Why all other requests would be refused as well, as the first one shows that was sent alone."""
        if self.is_accepted:
            return None
        if reply.is_answer:
            self.is_accepted = True
        if (
            reply.status not in _FINAL
            or failure_of(*error_of(reply.body, reply.status), reply.status).retryable
        ):
            return None
        code, message = error_of(reply.body, reply.status)
        plain = f"{code} {message}".lower().replace("_", "").replace(" ", "")
        if failure_of(code, message, reply.status).state == "refused" or any(
            word in plain for word in _OF_ONE_REQUEST
        ):
            return None
        said = words_of(message) if message else code
        return FirstRefusedError(
            f"the first request, sent alone, was refused, and no other was sent: {reply.status} ({code}):"
            f" {said}",
            where=self._address.url_shown,
            remedy="correct the stage's `params`, `output`, `endpoint` or `model`, or the task, and run"
            " again; nothing was paid for it",
        )
