"""A field of a record by its path: found, and set."""

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


def put(data: dict[str, Any], path: str, value: Any) -> None:
    """Set a value at a path such as `a.b`, where `look_up` finds it.

    Objects on the way are made. Those that are there are copied first, as others may hold them, too. Where
    something else stands in the way, it stays, and the rest of the path is one key.
    """
    head, _, rest = path.partition(".")
    inner = data.get(head)
    if path in data or not rest or not (inner is None or isinstance(inner, dict)):
        data[path] = value
        return
    data[head] = dict(inner or {})
    put(data[head], rest, value)
