"""Whether a service that does not answer is out for all, or only for the few requests that were tried."""

from __future__ import annotations

import math
from collections.abc import Callable

from goldpan.errors import OnlineError, ProviderError
from goldpan.providers.online.transport import CUT_SHORT
from goldpan.providers.patience import minutes

# 529 is Anthropic's.
NO_ROOM = frozenset({429, 503, 529})
# What fails for one request after another may be those requests' own fault. So many of them, since the last
# answer, or since the beginning where none was ever answered, say that it is the service.
_SOME, _FIRST_ONES = 4, 2
# The same for answers that broke off: each is given up soon, long before patience ends.
_MANY_CUT_SHORT = 10


class Outage:
    """What came of the requests of a run, as far as it says whether anybody is answered.

    Args:
        clock: seconds that only grow.

    Attributes:
        answered_at: when the last request was answered, by the clock; minus infinity before the first.
    """

    def __init__(self, clock: Callable[[], float]):
        self._clock, self._began_at = clock, clock()
        self.answered_at = -math.inf
        self._failing: set[int] = set()
        self._given_up: set[int] = set()

    def answered(self, place: int) -> None:
        """A request was answered, be it by a refusal that stays."""
        self.answered_at = self._clock()
        self._failing.discard(place)
        self._given_up.clear()

    def failed(self, place: int) -> None:
        """A request was not, and may be asked again."""
        self._failing.add(place)

    def given_up(self, place: int) -> None:
        """A request that failed is not asked again."""
        self._failing.discard(place)
        self._given_up.add(place)

    def is_for_all(self, error: ProviderError, since: float, has_more: bool) -> bool:
        """Whether a request that is given up shows that the others would fare no better.

        Args:
            error: what it failed with at last.
            since: when it began to fail.
            has_more: there are requests that were not tried.
        """
        if self.answered_at >= since:
            return False
        if error.status in NO_ROOM or (error.code == "connection" and not error.in_doubt):
            # That there is no room, or nobody, is no request's fault.
            return True
        enough = _FIRST_ONES if self.answered_at == -math.inf else _SOME
        enough = _MANY_CUT_SHORT if error.code == CUT_SHORT else enough
        return has_more and len(self._failing | self._given_up) >= enough

    def error(self, error: ProviderError, patience: float, where: str) -> OnlineError:
        """Why the run stops.

        Args:
            error: the last request's.
            patience: seconds for which requests are repeated.
            where: the address.
        """
        silent = self._clock() - max(self.answered_at, self._began_at)
        what, again = f"the service has answered no request for {silent:.0f} seconds", "later"
        if error.retry_after and error.retry_after > patience:
            what = (
                f"the service asks to come again in {minutes(error.retry_after)}, and goldpan waits"
                f" {minutes(patience)}; it answered no request for the last {silent:.0f} seconds"
            )
            again = "then"
        return OnlineError(
            f"{what}; at last: {error.what}",
            where=where,
            remedy=f"run the same command again {again}: it goes on where this stopped, and nothing that was"
            " answered is lost. `patience_seconds` of the provider says how long it may be silent",
        )
