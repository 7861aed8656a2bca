"""A confidence interval, the interval of a share, and numbers as they stand in files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, cast

LEVEL = 0.95


class AsJson:
    """A dataclass whose fields stand in a file as they are, in their order, numbers rounded.

    Args:
        json_names: of a subclass, names in the file of fields that are called otherwise there.
    """

    _json_names: ClassVar[Mapping[str, str]]

    def __init_subclass__(cls, json_names: Mapping[str, str] | None = None) -> None:
        cls._json_names = json_names or {}

    def as_json(self) -> dict[str, Any]:
        """JSON-able form."""
        names = [field.name for field in fields(cast(Any, self))]
        return {self._json_names.get(name, name): _plain(getattr(self, name)) for name in names}


@dataclass(frozen=True)
class Interval(AsJson):
    """A confidence interval and how it was made."""

    low: float
    high: float
    level: float
    method: str


def wilson_interval(successes: float, trials: float, z: float = 1.959963984540054) -> Interval | None:
    """95 % interval of a share (Wilson 1927, J Am Stat Assoc 22:209-212); None without trials."""
    if trials <= 0:
        return None
    share = successes / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return Interval(max(0.0, centre - half), min(1.0, centre + half), LEVEL, "Wilson")


def finite(value: Any) -> float | None:
    """A float, or None for NaN: what the array functions give where a value is undefined."""
    number = float(value)
    return number if math.isfinite(number) else None


def rounded(value: float | None) -> float | None:
    """Rounded to 6 decimals for files; None stays None and -0.0 becomes 0.0."""
    return None if value is None else round(float(value), 6) + 0.0


def _plain(value: Any) -> Any:
    if hasattr(value, "as_json"):
        return value.as_json()
    if isinstance(value, float):
        return rounded(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
