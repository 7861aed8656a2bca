"""Redirects, none of which is followed: a key goes only where the study says."""

from __future__ import annotations

import re
from collections.abc import Mapping

from goldpan.providers.scrubber import Scrubber
from goldpan.tasks.failures import words_of

_USER = re.compile(r"//[^/?#]*@")
_QUERY = re.compile(r"[?#].*")
_LONGEST_PLACE = 300


def redirect_said(status: int, headers: Mapping[str, str], scrubber: Scrubber) -> str:
    """What an error says of a redirect."""
    place = place_of_redirect(headers, scrubber)
    return f"the service answered {status}, a redirect to {place}, which goldpan does not follow"


def place_of_redirect(headers: Mapping[str, str], scrubber: Scrubber) -> str:
    """Where a redirect leads, on one line: without a user and a query, both of which may hold a secret.

    Args:
        headers: of the answer, by names in lower case.
        scrubber: takes keys out of the rest.
    """
    place = words_of(scrubber.text(headers.get("location") or "nowhere"))
    return _QUERY.sub("", _USER.sub("//", place))[:_LONGEST_PLACE]
