"""Label Studio: JSON, and JSON-MIN and CSV, which have a row for each annotation.

https://labelstud.io/guide/export describes the formats. In JSON-MIN and CSV the field `id` is Label Studio's
number of the task, whatever the task's data had under this name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from pydantic import Field

from goldpan.imports.annotations.exported import ExportedAnnotation, ExportRow, MarkedSpan
from goldpan.waves.collect.json_file import ToolModel, as_model
from goldpan.waves.sheets.label_studio import CANNOT_TELL_SUFFIX, FLAG, FLAGGED, NOTES

OWN_ID = "label_studio_id"
"""What the tool's own number of a task is called here."""

_OF_ANNOTATION = (
    "annotator",
    "annotation_id",
    "created_at",
    "updated_at",
    "lead_time",
    "agreement",
    "history",
)
_SPAN_LABELS = ("labels", "hypertextlabels", "paragraphlabels")


class _Result(ToolModel):
    value: dict[str, Any]
    from_name: str = ""
    type: str = ""


class _Annotation(ToolModel):
    result: list[dict[str, Any]] | None = None
    was_cancelled: bool | None = False
    skipped: bool = False
    lead_time: Any = None
    created_at: Any = None
    completed_by: Any = None


class _Task(ToolModel):
    data: dict[str, Any]
    id: Any = None
    annotations: list[_Annotation] | None = None
    completions: list[_Annotation] | None = None
    predictions: list[Any] | None = Field(None)


def is_label_studio_task(row: dict[str, Any]) -> bool:
    """Whether a row is a task of the JSON export."""
    return isinstance(row.get("data"), dict) and not row.keys() & {"fields", "responses"}


def is_label_studio_annotation(row: dict[str, Any]) -> bool:
    """Whether a row is one of JSON-MIN or CSV."""
    return {"annotation_id", "lead_time"} <= row.keys()


def label_studio_task(row: ExportRow) -> Iterator[ExportedAnnotation]:
    """The annotations of a task; predictions and drafts are nobody's answers.

    Raises:
        SheetError: the task has not the form of one.
    """
    task = as_model(_Task, row.row, row.place)
    data = task.data | ({} if task.id is None else {OWN_ID: task.id})
    annotations = task.annotations or task.completions or []
    if not annotations:
        why = "only a prediction, no person's answer" if task.predictions else "no annotation"
        yield ExportedAnnotation(row.place, data, left_out=why)
    for number, annotation in enumerate(annotations, 1):
        place = f"{row.place}, annotation {number}" if len(annotations) > 1 else row.place
        told = ExportedAnnotation(
            place,
            data,
            annotator=_annotator(annotation.completed_by),
            seconds=annotation.lead_time,
            answered_at=annotation.created_at,
        )
        if annotation.was_cancelled or annotation.skipped:
            told.left_out = "skipped by the annotator"
        for raw in annotation.result or []:
            if raw.get("type") == "relation":
                told.unreadable["relations"] = "relations between marked places are not read"
            if not raw.get("from_name"):
                continue
            result = as_model(_Result, raw, place)
            _take_value(told, result.from_name, result.value, result.type)
        yield told


def label_studio_annotation(row: ExportRow) -> Iterator[ExportedAnnotation]:
    """The annotation of a row of JSON-MIN or CSV."""
    fields = {name: value for name, value in row.row.items() if name not in _OF_ANNOTATION}
    if "id" in fields:
        fields[OWN_ID] = fields.pop("id")
    told = ExportedAnnotation(
        row.place,
        {},
        annotator=_annotator(row.row.get("annotator")),
        seconds=row.row.get("lead_time"),
        answered_at=row.row.get("created_at"),
    )
    if row.row.get("annotation_id") in (None, ""):
        told.left_out = "no annotation"
    for name, cell in fields.items():
        value = _json_of_cell(cell) if row.is_text else cell
        regions = value if isinstance(value, list) else [value]
        if value and all(isinstance(region, dict) and _value_kind(region) for region in regions):
            for region in regions:
                _take_value(told, name, region, _value_kind(region))
        else:
            # The file does not tell what is data and what an answer, so it is both.
            told.data[name.removeprefix("_data_")] = value
            if value not in (None, "") and isinstance(value, str | int | float):
                _take(told, name, value)
    yield told


def _json_of_cell(cell: Any) -> Any:
    if isinstance(cell, str) and cell[:1] in "[{" and cell:
        try:
            return orjson.loads(cell)
        except orjson.JSONDecodeError:
            return cell
    return cell


def _annotator(who: Any) -> str:
    if isinstance(who, dict):
        who = who.get("email") or who.get("username") or who.get("id")
    return "" if who is None or isinstance(who, bool) else str(who).strip()


def _value_kind(value: dict[str, Any]) -> str:
    """The type of a result, by the keys of its value."""
    kinds = (*_SPAN_LABELS, "choices", "rating", "number", "datetime", "taxonomy", "selected", "text")
    return next((kind for kind in kinds if kind in value), "")


def _take_value(told: ExportedAnnotation, name: str, value: dict[str, Any], kind: str) -> None:
    """Take the value of one result; several of one control add to each other."""
    labels = next((value[key] for key in _SPAN_LABELS if key in value), None)
    if labels is not None:
        _take_span(told, name, value, labels)
    elif isinstance(value.get("choices"), list):
        if "start" in value or "x" in value:
            told.unreadable[name] = "it is a choice for a marked region, not for the whole item"
        else:
            for choice in value["choices"]:
                _take(told, name, str(choice), as_list=True)
    elif isinstance(value.get("taxonomy"), list) and all(isinstance(way, list) for way in value["taxonomy"]):
        for way in value["taxonomy"]:
            _take(told, name, " / ".join(map(str, way)), as_list=True)
    elif "text" in value:
        text = value["text"]
        _take(told, name, "\n".join(map(str, text)) if isinstance(text, list) else str(text))
    else:
        simple = next(
            (value[key] for key in ("number", "rating", "datetime", "selected") if key in value), None
        )
        if isinstance(simple, str | int | float):
            _take(told, name, simple)
        else:
            told.unreadable[name] = f"Label Studio's `{kind or 'unknown'}` is nothing that can be read here"


def _take_span(told: ExportedAnnotation, name: str, value: dict[str, Any], labels: Any) -> None:
    start, end = value.get("start"), value.get("end")
    offsets = value.get("globalOffsets")
    if isinstance(offsets, dict):
        start, end = offsets.get("start"), offsets.get("end")
    is_whole = all(isinstance(place, int) and not isinstance(place, bool) for place in (start, end))
    if not is_whole or not isinstance(labels, list):
        told.unreadable[name] = "it is marked in HTML or in a dialogue, without offsets into the text"
        return
    assert isinstance(start, int) and isinstance(end, int)
    text = value.get("text")
    for label in labels or [""]:
        told.spans.setdefault(name, []).append(
            MarkedSpan(str(label), start, end, text if isinstance(text, str) else None)
        )


def _take(told: ExportedAnnotation, name: str, said: Any, as_list: bool = False) -> None:
    """Take what was said to a control, where it is one of a sheet of ours as that sheet meant it."""
    if name == NOTES:
        told.note = str(said)
        return
    if name == FLAG and said == FLAGGED:
        told.flag = True
        return
    question = name.removesuffix(CANNOT_TELL_SUFFIX)
    if as_list:
        told.answers[question] = [*told.answers.get(question, ()), said]
    elif question in told.answers and isinstance(told.answers[question], str):
        told.answers[question] = f"{told.answers[question]}\n{said}"
    else:
        told.answers[question] = said
