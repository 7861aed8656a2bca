"""doccano: JSONL, JSON and CSV of its text projects.

A line's `id` is doccano's own number. Where annotators work apart, each has a file that is called like them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from goldpan.imports.annotations.exported import ExportedAnnotation, ExportRow, MarkedSpan

OWN_ID = "doccano_id"
"""What the tool's own number of a document is called here."""

_ANSWERS = ("label", "cats", "entities", "relations", "Comments", "comments", "id")
_SHARED = frozenset({"all", "unknown"})
"""What doccano calls files that are nobody's own."""
_JOINED_BY = "#"


def is_doccano_row(row: dict[str, Any]) -> bool:
    """Whether a row is a document of doccano's."""
    answers = row.keys() & {"label", "cats", "entities"}
    return "text" in row and bool(answers) and bool(row.keys() & {"Comments", "comments"})


def may_be_doccano_row(row: dict[str, Any]) -> bool:
    """Whether a row has what versions of doccano without comments write, and many a table too.

    It cannot be told: `label: []` is no answer there, and in a table the answer that nothing holds.
    """
    lists = [name for name in ("label", "entities") if isinstance(row.get(name), list)]
    return isinstance(row.get("id"), int) and "text" in row and bool(lists)


def is_doccano_sheet(row: dict[str, Any]) -> bool:
    """Whether a row is a document of a sheet that goldpan gave out for doccano."""
    return {"text", "label", "sheet", "item_id"} <= row.keys() and isinstance(row["label"], list)


def doccano_document(row: ExportRow) -> Iterator[ExportedAnnotation]:
    """The labels of a document; none at all may mean that nobody looked at it."""
    data = {name: value for name, value in row.row.items() if name not in _ANSWERS}
    if "id" in row.row:
        data[OWN_ID] = row.row["id"]
    told = ExportedAnnotation(
        row.place,
        data,
        ("text",),
        may_be_annotator="" if row.stem in _SHARED else row.stem,
        note=_comments(row),
    )
    for question in ("label", "cats"):
        if question in row.row:
            _take_labels(told, question, row.row[question], row.is_text)
    if "entities" in row.row:
        _take_spans(told, "entities", row.row["entities"])
    if row.row.get("relations"):
        told.unreadable["relations"] = "relations between marked places are not read"
    yield told


def _comments(row: ExportRow) -> str:
    said = row.row.get("Comments", row.row.get("comments"))
    if isinstance(said, list):
        return "\n".join(str(part.get("text", "") if isinstance(part, dict) else part) for part in said)
    return str(said or "")


def _take_labels(told: ExportedAnnotation, question: str, labels: Any, is_text: bool) -> None:
    if isinstance(labels, str):
        # In CSV labels are joined, so that a label with this sign in it cannot be told from two.
        labels = labels.split(_JOINED_BY) if labels else []
    if labels in (None, []):
        told.unanswered.add(question)
        return
    if not isinstance(labels, list):
        told.unreadable[question] = "it is no list of labels"
    elif all(isinstance(label, str) for label in labels):
        told.answers[question] = labels
        # The labels of a sheet of ours are written `feature: label`, for doccano has one list of them.
        for label in labels:
            feature, colon, answer = label.partition(": ")
            if colon:
                told.answers.setdefault(feature, []).append(answer)
    else:
        _take_spans(told, question, labels)


def _take_spans(told: ExportedAnnotation, question: str, spans: Any) -> None:
    if not spans:
        told.unanswered.add(question)
        return
    try:
        told.spans[question] = [_span(span) for span in spans]
    except (KeyError, TypeError, ValueError):
        told.unreadable[question] = "it is no list of [start, end, label]"


def _span(span: Any) -> MarkedSpan:
    if isinstance(span, dict):
        start, end, label = span["start_offset"], span["end_offset"], span["label"]
    else:
        start, end, label = span
    if not all(type(offset) is int for offset in (start, end)):
        raise ValueError
    return MarkedSpan(str(label), start, end)
