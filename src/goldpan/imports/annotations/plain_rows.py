"""Rows of any table: each column may be a key, an answer or what annotators said beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from goldpan.imports.annotations.exported import ExportedAnnotation, ExportRow, MarkedSpan

_ANNOTATOR, _NOTES, _FLAG = "annotator", "notes", "flag"
_SECONDS, _TIMES = ("seconds", "lead_time"), ("answered_at", "created_at")
BESIDE_ANSWERS = (_ANNOTATOR, _NOTES, _FLAG, *_SECONDS, *_TIMES)
"""Columns that tell something about an answer."""
_FLAGGED = frozenset({"x", "y", "yes", "true", "1", "flag", "flagged"})


def plain_row(row: ExportRow) -> Iterator[ExportedAnnotation]:
    """The row, as one annotation; its columns are its questions."""
    fields = row.row
    told = ExportedAnnotation(
        row.place,
        fields,
        annotator=_text(fields.get(_ANNOTATOR)),
        flag=_text(fields.get(_FLAG)).lower() in _FLAGGED,
        note=_text(fields.get(_NOTES)),
        seconds=next((fields[name] for name in _SECONDS if name in fields), None),
        answered_at=next((fields[name] for name in _TIMES if name in fields), None),
    )
    for name, cell in fields.items():
        spans = _spans(cell, row.is_text)
        if spans is not None:
            told.spans[name] = spans
        elif cell is not None and cell != "":
            told.answers[name] = cell
    yield told


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def _spans(cell: Any, is_text: bool) -> list[MarkedSpan] | None:
    """What is marked, where a cell is a list of `{start, end, label}` or of `[start, end, label]`."""
    if is_text and isinstance(cell, str) and cell.startswith("["):
        try:
            cell = orjson.loads(cell)
        except orjson.JSONDecodeError:
            return None
    if not isinstance(cell, list) or not cell:
        return None
    try:
        return [_span(part) for part in cell]
    except (KeyError, TypeError, ValueError):
        return None


def _span(part: Any) -> MarkedSpan:
    if isinstance(part, dict):
        start, end, label = part["start"], part["end"], part.get("label", "")
        text = part.get("text")
    elif isinstance(part, list):
        (start, end, label), text = part, None
    else:
        raise TypeError
    if type(start) is not int or type(end) is not int:
        raise ValueError
    return MarkedSpan(str(label), start, end, text if isinstance(text, str) else None)
