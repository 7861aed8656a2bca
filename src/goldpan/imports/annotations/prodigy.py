"""Prodigy: what `db-out` writes, a task on each line. https://prodi.gy/docs/api-interfaces has its fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from goldpan.imports.annotations.exported import ExportedAnnotation, ExportRow, MarkedSpan
from goldpan.waves.collect.json_file import ToolModel, as_model

_OWN = ("accept", "answer", "config", "options", "spans", "tokens", "relations", "meta", "label", "html")
_TYPED = "user_input"


class _Span(ToolModel):
    start: int
    end: int
    label: str = ""
    text: str | None = None


class _Task(ToolModel):
    answer: str | None = None
    view: str = Field("", alias="_view_id")
    annotator: str | None = Field(None, alias="_annotator_id")
    session: str | None = Field(None, alias="_session_id")
    timestamp: int | float | None = Field(None, alias="_timestamp")
    accept: list[Any] | None = None
    options: list[Any] | None = None
    spans: list[_Span] | None = None
    label: str | None = None
    feature: str | None = None
    field_id: str | None = None
    meta: dict[str, Any] | None = None


def is_prodigy_task(row: dict[str, Any]) -> bool:
    """Whether a line is one of Prodigy's."""
    return bool(row.keys() & {"_input_hash", "_task_hash", "_view_id"}) and "answer" in row


def prodigy_task(row: ExportRow) -> Iterator[ExportedAnnotation]:
    """The answer to a task.

    The question is `accept` where one picks from options, `spans` where one marks, the label itself where one
    accepts or rejects it, and the field where one types; on our own sheets it is the feature.

    Raises:
        SheetError: the line has not the form of a task.
    """
    task = as_model(_Task, row.row, row.place)
    own = {name: value for name, value in row.row.items() if name[:1] != "_" and name not in _OWN}
    told = ExportedAnnotation(
        row.place,
        {**(task.meta or {}), **({"meta": task.meta} if task.meta else {}), **own},
        ("text",),
        annotator=task.annotator or "",
        may_be_annotator=(task.session or "").rpartition("-")[2],
        answered_at=task.timestamp,
    )
    is_accepted = task.answer == "accept"
    if task.answer not in ("accept", "reject"):
        told.left_out = "ignored by the annotator" if task.answer == "ignore" else "no answer"
    elif (
        task.label
        and task.options is None
        and task.accept is None
        and task.spans is None
        and not task.feature
    ):
        told.answers[task.label] = is_accepted
    elif not is_accepted:
        told.flag, told.left_out = bool(task.feature), "" if task.feature else "rejected by the annotator"
    else:
        _take_accepted(told, task, row.row)
    yield told


def _take_accepted(told: ExportedAnnotation, task: _Task, row: dict[str, Any]) -> None:
    if task.accept is not None or task.options is not None:
        told.answers[task.feature or "accept"] = [str(option) for option in task.accept or []]
    typed = row.get(task.field_id or _TYPED)
    if isinstance(typed, str) and typed:
        told.answers[task.feature or task.field_id or _TYPED] = typed
    if task.spans is not None or task.view in ("ner", "ner_manual", "spans", "spans_manual"):
        told.spans["spans"] = [
            MarkedSpan(span.label, span.start, span.end, span.text) for span in task.spans or []
        ]
