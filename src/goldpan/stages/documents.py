"""The JSON documents of a stage, each with the number of its format.

Of a format that is known, keys of a later version are passed over, and those that an earlier one did not
write have defaults. A document without a number is of format 1, as all were before they said it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from goldpan.errors import SourceError
from goldpan.files import read_json, write_json

_Kind = TypeVar("_Kind")
FORMAT = 1
"""The newest format that this version writes and reads."""

_adapters: dict[Any, TypeAdapter[Any]] = {}
"""Kept, for to make one takes a hundred times as long as to read a document with it."""


def write_document(path: Path, content: Mapping[str, Any]) -> None:
    """Write a document, its format first."""
    write_json(path, {"format": FORMAT, **content})


def read_document(path: Path, what: str, remedy: str) -> dict[str, Any]:
    """Read a document of this or an earlier version.

    Args:
        what: it should be, for the error.
        remedy: what to do with one that cannot be read.

    Raises:
        SourceError: it is damaged, or of a newer format.
    """
    try:
        document = read_json(path)
    except SourceError as error:
        raise unreadable(path, what, remedy, error.what) from None
    if not isinstance(document, dict):
        raise unreadable(path, what, remedy, "it holds no JSON object")
    check_format(document, str(path), remedy)
    return document


def as_type(kind: type[_Kind], content: Any, path: Path, what: str, remedy: str) -> _Kind:
    """What a document says, as a dataclass whose fields have the types that they are declared with.

    Keys that the dataclass does not know are passed over.

    Raises:
        SourceError: a key is lacking or of another type.
    """
    try:
        if kind not in _adapters:
            _adapters[kind] = TypeAdapter(kind)
        document: _Kind = _adapters[kind].validate_json(orjson.dumps(content), strict=True)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise unreadable(path, what, remedy, f"{place}: {first['msg']}") from None
    return document


def unreadable(path: Path, what: str, remedy: str, why: object) -> SourceError:
    """The error for a document that is damaged, or lacks what cannot be done without."""
    return SourceError(f"is not {what} that this goldpan can read: {why}", where=str(path), remedy=remedy)


def check_format(document: Mapping[str, Any], where: str, remedy: str) -> None:
    """Refuse a document or a row of a format that only a newer goldpan knows. Raises SourceError."""
    number = document.get("format", FORMAT)
    if number != FORMAT:
        raise SourceError(
            f"is of format {number}, which a newer goldpan writes; this one reads format {FORMAT}",
            where=where,
            remedy=f"update goldpan; or {remedy}",
        )
