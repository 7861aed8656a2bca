"""Why a record is not asked: `CODE: EXPLANATION`. Who skips it writes both; what is counted is the code."""

from __future__ import annotations

FILTERED = "filtered"
"""A filter or a condition left the record out."""
NO_ITEMS = "no_items"
"""The row stands for a record in which nothing was found."""
UPSTREAM = "upstream"
"""A stage before has not answered the record."""
DECIDED = (FILTERED, NO_ITEMS)
"""The codes by which a chain itself says that a record goes no further."""


def skip_code(reason: str | None) -> str:
    """The code of a reason; `unknown` where there is none."""
    return (reason or "unknown").partition(":")[0]
