"""What of a study can be checked further although something else in its file is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from goldpan.study.model import Study

_REFERENCE = re.compile(r"(\w+)\.([^.:]+)[^:]*: (?:.*?`([^`]+)`)?")
"""A line of `check_references`: section and name of the part, and the first name it is about, if any."""


def sound_part(value: dict[str, Any]) -> tuple[Study | None, list[str]]:
    """A study without the parts that do not fit the model, nor those that need them.

    Args:
        value: what the file holds.

    Returns:
        The rest of the study, None where nothing can be made of it; and the names in it that lead nowhere,
        which are not looked at as long as something does not fit.
    """
    value = deepcopy(value)
    removed: set[tuple[int | str, ...]] = set()
    lines: list[str] = []
    # Each turn takes something away.
    while True:
        try:
            return Study.model_validate(value), lines
        except ValidationError as error:
            parts: set[tuple[int | str, ...]] = set()
            for item in error.errors():
                if item["loc"]:
                    # An unknown key or a value that does not fit goes alone, what lacks a key goes whole.
                    parts.add(_written(value, item["loc"]))
                    continue
                for section, name, about, line in _references(item["msg"]):
                    parts.add((section, name))
                    if not _follows(about, removed):
                        lines.append(line)
        size = len(str(value))
        removed |= parts
        for part in filter(None, parts):
            _holder(value, part).pop(part[-1], None)
        if len(str(value)) == size:
            return None, lines


def _follows(about: str | None, removed: set[tuple[int | str, ...]]) -> bool:
    """Whether a line is true only because something was removed: what it is about, or where it names nothing,
    a stage, for then there is none of the kind that it asks for."""
    if about is None:
        return any(part[0] == "stages" and len(part) < 3 for part in removed)
    return any(str(part[-1]) == about for part in removed)


def _references(message: str) -> Iterator[tuple[str, str, str | None, str]]:
    for line in message.removeprefix("Value error, ").split("\n"):
        if match := _REFERENCE.match(line.strip()):
            yield match[1], match[2], match[3], line.strip()


def _written(value: Any, location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """An error's place as far as it stands in the file, up to the last key: pydantic also names members of
    unions, and keys that are missing."""
    path: list[int | str] = []
    for part in location:
        if (isinstance(value, dict) and part in value) or (isinstance(value, list) and isinstance(part, int)):
            path.append(part)
        else:
            continue
        value = value[part]  # type: ignore[index]
    while path and isinstance(path[-1], int):
        path.pop()
    return tuple(path)


def _holder(value: Any, part: tuple[int | str, ...]) -> dict[Any, Any]:
    """The mapping that holds a part; an empty one where there is none."""
    for name in part[:-1]:
        there = isinstance(value, list) or (isinstance(value, dict) and name in value)
        value = value[name] if there else None
    return value if isinstance(value, dict) else {}
