"""A field of a record by its path."""

from __future__ import annotations

from typing import Any


def look_up(data: Any, path: str) -> tuple[bool, Any]:
    """Whether `data` has `path`, and its value; `a.b` goes inside, unless there is a key `a.b`."""
    if not isinstance(data, dict):
        return False, None
    if path in data:
        return True, data[path]
    head, _, rest = path.partition(".")
    return look_up(data[head], rest) if rest and head in data else (False, None)
