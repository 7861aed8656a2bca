"""Times of an export: how long an annotation took, and when it was made. What is no such time is refused."""

from __future__ import annotations

import datetime
import math
from collections import Counter
from typing import Any

_EARLIEST = datetime.datetime(1990, 1, 1, tzinfo=datetime.UTC)
_LARGEST_EPOCH_SECONDS = 1e11
"""Larger numbers are milliseconds."""


class TimeReader:
    """Reads times, and counts why some are refused.

    Attributes:
        kept: kind -> how many.
        refused: why -> how many.
    """

    def __init__(self) -> None:
        self.kept: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def seconds(self, value: Any) -> float | None:
        """The time spent in seconds; None where there is none, or none that can be."""
        if value in (None, ""):
            return None
        number = _number(value)
        if number is None:
            self.refused["time spent: not a number"] += 1
            return None
        if number < 0:
            self.refused["time spent: less than nothing"] += 1
            return None
        self.kept["times spent"] += 1
        return round(number, 3)

    def answered_at(self, value: Any) -> str | None:
        """When it was answered, in UTC as ISO 8601; None where it is not told, or not surely."""
        if value in (None, ""):
            return None
        moment = _moment(value)
        if moment is None:
            self.refused["when it was answered: neither ISO 8601 nor seconds since 1970"] += 1
            return None
        if moment.tzinfo is None:
            self.refused["when it was answered: without a time zone"] += 1
            return None
        moment = moment.astimezone(datetime.UTC)
        if moment < _EARLIEST:
            self.refused[f"when it was answered: before {_EARLIEST.year}"] += 1
            return None
        self.kept["times of answering"] += 1
        return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _moment(value: Any) -> datetime.datetime | None:
    number = _number(value)
    try:
        if number is not None:
            if number > _LARGEST_EPOCH_SECONDS:
                number /= 1000
            return datetime.datetime.fromtimestamp(number, tz=datetime.UTC)
        return datetime.datetime.fromisoformat(value)
    except (ValueError, OverflowError, OSError, TypeError):
        return None
