"""What all readers yield: the rows of a source file, with what is wrong with each that cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from goldpan.errors import SourceError

PdfErrorCode = Literal[
    "encrypted",
    "broken_pdf",
    "not_a_pdf",
    "empty_file",
    "no_pages",
    "too_large",
    "too_many_pages",
    "broken_page",
    "page_too_long",
    "no_text_layer",
    "empty_page",
]
"""What may be wrong with a PDF, or with a page of one."""

RowErrorCode = Literal[
    "bad_json",
    "not_an_object",
    "missing_field",
    "wrong_type",
    "missing_id",
    "duplicate_id",
    "bad_row",
    "bad_encoding",
    "blank",
    PdfErrorCode,
]

ALWAYS_SKIPPED: frozenset[RowErrorCode] = frozenset(("blank", *get_args(PdfErrorCode)))
"""What is recorded as skipped whatever `on_error` says."""


class RowError(SourceError):
    """One row cannot be used; the rest of the file can.

    Args:
        code: the kind of fault, as it stands in a skipped record and in the counts.
        what, remedy: as for all errors; the caller adds the place.
    """

    def __init__(self, code: RowErrorCode, what: str, *, remedy: str | None = None):
        super().__init__(what, remedy=remedy)
        self.code = code


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a source file.

    Attributes:
        line: line (or, in Parquet, row) it begins at, from 1.
        data: its fields; empty when `error` says that it could not be read.
        error: why it could not be read.
        id: its own id, where the format knows one that no field holds.
    """

    line: int
    data: dict[str, Any]
    error: RowError | None = None
    id: str | None = None


def type_name(value: Any) -> str:
    """What a JSON value is called in a message, with its article."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    for kind, name in _TYPE_NAMES:
        if isinstance(value, kind):
            return name
    return f"a {type(value).__name__}"


_TYPE_NAMES: list[tuple[type, str]] = [
    (str, "a string"),
    (int, "an integer"),
    (float, "a number"),
    (dict, "an object"),
    (list, "an array"),
]
