"""What whoever has requests answered online is told, and is asked, while it goes on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass
class Traffic:
    """What is going on between here and the service.

    Attributes:
        at_once: how many requests may be under way.
        lost: calls that broke off or came to no end in time, and may have been paid for.
        quiet_until: until when the service wants no calls, by `time.monotonic`.
        refusals: calls that brought no answer, by what they brought: `429`, `500`, `timeout`, `connection`.
    """

    at_once: int = 1
    refusals: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    quiet_until: float = -math.inf


class Watch(Protocol):
    """Called from the thread that works through a batch."""

    def resumed(self, lines: Iterator[bytes]) -> None:
        """The work begins, or goes on: these are the lines of requests that are answered by now."""

    def may_send(self, in_hand: int, standard: int = 0) -> bool:
        """Whether another request may be sent.

        Args:
            in_hand: how many are then sent and not answered, this one among them.
            standard: how many of them are not at the tier that the stage asks for.
        """

    def refusal(self) -> Exception:
        """Why `may_send` says no when nothing is under way any more."""

    def sending(self, custom_ids: Sequence[str]) -> None:
        """These requests are about to be sent: from here on they may have to be paid."""

    def refused(self, custom_ids: Sequence[str]) -> None:
        """No call of these requests is under way any more, and nothing is written down of them: they were
        refused, or not asked. What may have to be paid all the same is in the traffic that was looked at."""

    def falling_back(self, custom_ids: Sequence[str]) -> None:
        """The tier has no room for these requests: they are asked without it."""

    def written(self, custom_id: str, line: bytes) -> None:
        """What came of a request is safe: the line of it that the batch will have."""

    def look(self, traffic: Traffic) -> None:
        """Several times a second: time to save, and to say how it goes."""
