"""Potato: its exports as JSONL, CSV and TSV, and the state that it keeps of each annotator.

A schema holds what was picked under its name, as `{name: value}`; for what one types or moves the name says
only how (`text_box`, `slider`), and the value is the answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from goldpan.imports.annotations.exported import ExportedAnnotation, ExportRow, MarkedSpan

POTATO_STATE = "user_state.json"
"""What the file is called in which Potato keeps what an annotator did."""

_HOLDERS = frozenset(
    {"", "text_box", "textbox", "textarea", "text", "select-one", "slider", "number", "free_response"}
)
_PICKED = frozenset({"1", "true", "True", "on"})
_NOT_PICKED = frozenset({"", "0", "false", "False"})
_SEPARATORS = (":::", ".")
_SPANS = "_spans"


def is_potato_row(row: dict[str, Any]) -> bool:
    """Whether a row is one of Potato's exports."""
    return {"instance_id", "user_id"} <= row.keys()


def is_potato_state(document: Any) -> bool:
    """Whether a document is the state of one of Potato's annotators."""
    return isinstance(document, dict) and {"user_id", "instance_id_to_label_to_value"} <= document.keys()


def rows_of_state(document: dict[str, Any], file: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a state holds, as rows of the JSONL export, each with its place."""
    labels = document.get("instance_id_to_label_to_value") or {}
    spans = document.get("instance_id_to_span_to_value") or {}
    behaviour = document.get("instance_id_to_behavioral_data") or {}
    for instance in dict.fromkeys([*labels, *spans]):
        seen = behaviour.get(instance) if isinstance(behaviour, dict) else None
        row = {
            "instance_id": instance,
            "user_id": document["user_id"],
            "labels": _by_schema(labels.get(instance)),
            "spans": _spans_by_schema(spans.get(instance)),
            **({"behaviour": seen} if isinstance(seen, dict) else {}),
        }
        yield f"{file}, instance {instance}", row


def _by_schema(pairs: Any) -> Any:
    if not isinstance(pairs, list):
        return pairs or {}
    labels: dict[str, dict[str, Any]] = {}
    for pair in pairs:
        if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], dict):
            schema, name = str(pair[0].get("schema", "")), str(pair[0].get("name", ""))
            labels.setdefault(schema, {})[name] = pair[1]
    return labels


def _spans_by_schema(pairs: Any) -> Any:
    if not isinstance(pairs, list):
        return pairs or {}
    spans: dict[str, list[Any]] = {}
    for pair in pairs:
        span = pair[0] if isinstance(pair, list) and pair else pair
        if isinstance(span, dict):
            spans.setdefault(str(span.get("schema", "")), []).append(span)
    return spans


def potato_row(row: ExportRow) -> Iterator[ExportedAnnotation]:
    """What one annotator said about an instance."""
    of_row = row.row
    told = ExportedAnnotation(
        row.place, {"id": of_row["instance_id"]}, annotator=str(of_row["user_id"] or "").strip()
    )
    behaviour = of_row.get("behaviour") or {}
    if behaviour.get("total_time_ms"):
        spent = behaviour["total_time_ms"]
        told.seconds = spent / 1000 if isinstance(spent, int | float) else spent
        told.answered_at = behaviour.get("session_start")
    labels, spans = of_row.get("labels"), of_row.get("spans")
    if not isinstance(labels, dict):
        labels, spans = _of_columns(told, of_row)
    for schema, said in labels.items():
        told.answers |= {schema: answer} if (answer := _answer(said)) not in (None, []) else {}
    for schema, marked in (spans if isinstance(spans, dict) else {}).items():
        _take_spans(told, schema, marked)
    if not told.questions:
        told.left_out = "no annotation"
    yield told


def _of_columns(
    told: ExportedAnnotation, row: dict[str, Any]
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """The labels and spans of a row of a table, whose columns are called `schema.name`."""
    labels: dict[str, dict[str, Any]] = {}
    spans: dict[str, Any] = {}
    for column, cell in row.items():
        if cell in (None, "") or column in ("instance_id", "user_id"):
            continue
        separator = next((sign for sign in _SEPARATORS if sign in column), None)
        schema, _, name = column.partition(separator) if separator else (column, "", "")
        if separator and name == _SPANS:
            try:
                spans[schema] = orjson.loads(cell)
            except orjson.JSONDecodeError:
                told.unreadable[schema] = "its spans are no JSON"
        else:
            labels.setdefault(schema, {})[name] = cell
            if not separator:
                told.data[column] = cell
    return labels, spans


def _answer(said: Any) -> Any:
    """The answer that the labels of a schema are: a list where several are picked."""
    if not isinstance(said, dict):
        return said
    picked = [label for name, value in said.items() if (label := _picked(str(name), value)) is not None]
    is_list = len(picked) > 1 or any(str(name) not in _HOLDERS for name in said)
    return picked if is_list else next(iter(picked), None)


def _picked(name: str, value: Any) -> Any:
    """The label or text that one entry of a schema is; None where it is not picked."""
    if name in _HOLDERS:
        return None if value in (None, "") else value
    if value is None or value is False or (isinstance(value, str) and value in _NOT_PICKED and value != name):
        return None
    is_mark = value is True or value == 1 or (isinstance(value, str) and value in _PICKED)
    return name if is_mark or str(value) == name else value


def _take_spans(told: ExportedAnnotation, schema: str, marked: Any) -> None:
    try:
        told.spans[schema] = [_span(span) for span in marked]
    except (KeyError, TypeError, ValueError):
        told.unreadable[schema] = "its spans are no list of start, end and name"


def _span(span: dict[str, Any]) -> MarkedSpan:
    start, end, text = span["start"], span["end"], span.get("text")
    if type(start) is not int or type(end) is not int:
        raise ValueError
    label = span.get("name", span.get("annotation", ""))
    return MarkedSpan(str(label), start, end, text if isinstance(text, str) and text else None)
