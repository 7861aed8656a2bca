"""Several answers about one record, of several LLMs or samples of one, made into one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from statistics import fmean, median
from typing import Any

from goldpan.errors import HeadError
from goldpan.statistics.scales import value_text
from goldpan.study.head import Aggregate

_OF_NUMBERS: dict[str, Callable[[Sequence[float]], float]] = {
    "mean": fmean,
    "median": median,
    "min": min,
    "max": max,
}


def aggregate(values: Sequence[Any], how: Aggregate) -> Any:
    """One value for several.

    Args:
        values: at least one; none of them None. For `mean`, `median`, `min` and `max` numbers; a truth value
            counts as 1 or 0.
        how: `majority` is the value given most often.

    Returns:
        The value; None for a majority that is a tie, for nobody has decided it.

    Raises:
        HeadError: a mean of values that are no numbers.
    """
    if how == "majority":
        ranked = Counter(value_text(value) for value in values).most_common(2)
        if len(ranked) > 1 and ranked[0][1] == ranked[1][1]:
            return None
        return next(value for value in values if value_text(value) == ranked[0][0])
    for value in values:
        if not isinstance(value, int | float):
            raise HeadError(
                f"{value!r} is not a number, so it has no {how}",
                remedy="use `aggregate: majority` for labels",
            )
    return _OF_NUMBERS[how](values)
