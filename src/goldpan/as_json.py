"""Dataclasses and numbers as they stand in JSON files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar, cast


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
