"""What a misspelled name was probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST_LISTED = 12


def suggestion(name: str, known: Iterable[str]) -> str:
    """The known name closest to `name` as a question, or the known names when none is close.

    Returns:
        A phrase to end an error message with, e.g. "did you mean `score`?"; empty when nothing is known.
    """
    names = list(dict.fromkeys(known))
    by_folded = {candidate.casefold(): candidate for candidate in names}
    close = difflib.get_close_matches(name.casefold(), list(by_folded), n=1, cutoff=0.6)
    if close:
        return f"did you mean `{by_folded[close[0]]}`?"
    if not names:
        return ""
    listed = ", ".join(f"`{candidate}`" for candidate in names[:_MOST_LISTED])
    more = len(names) - _MOST_LISTED
    return f"there are: {listed}" + (f" and {more} more" if more > 0 else "")
