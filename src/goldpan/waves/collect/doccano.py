"""Reading doccano's JSONL export of a document classification project."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from goldpan.errors import AnswerError
from goldpan.tasks.features import Feature
from goldpan.tasks.nearest import suggestion
from goldpan.waves.collect.filled import Answer, FilledSheet, GivenOut, Problems, SheetIdCheck
from goldpan.waves.collect.json_file import ToolModel, as_model
from goldpan.waves.collect.tool_values import read_picked
from goldpan.waves.sheets.doccano import labels_of

_REMEDY = "correct it in doccano and export the project again as JSONL"


class _Document(ToolModel):
    item_id: str
    sheet: str
    label: list[str]
    comments: list[str] = Field(default_factory=list, alias="Comments")


def is_doccano(row: dict[str, Any]) -> bool:
    """Whether a line is one of doccano's."""
    return isinstance(row.get("label"), list) and "text" in row and "sheet" in row


def read_doccano(file: str, rows: Iterable[tuple[int, dict[str, Any]]], given_out: GivenOut) -> FilledSheet:
    """The answers of an export.

    Args:
        file: its name, for messages.
        rows: line numbers and lines.
        given_out: the wave.

    Raises:
        SheetError: another wave or codebook, or a label that is none.
        StudyError: the wave asks for what doccano cannot.
    """
    known = labels_of(given_out.codebook)
    problems = Problems(file)
    sheet_ids = SheetIdCheck(given_out, problems)
    filled = FilledSheet(file)
    for number, row in rows:
        document = as_model(_Document, row, f"{file}, line {number}")
        place = f"line {number} ({document.item_id})"
        annotator = sheet_ids.annotator(document.sheet, place)
        if annotator is None:
            continue
        picked: dict[str, tuple[Feature, list[str]]] = {}
        for label in document.label:
            if label not in known:
                problems.add(place, f"`{label}` is not one of the labels; {suggestion(label, known)}")
                continue
            feature, text = known[label]
            picked.setdefault(feature.name, (feature, []))[1].append(text)
        values: dict[str, Any] = {}
        for name, (feature, texts) in picked.items():
            try:
                values[name] = read_picked(feature, texts, given_out.codebook.cannot_tell)
            except AnswerError as error:
                problems.add(place, error.what)
        note = "\n".join(document.comments)
        filled.answers.append(Answer(document.item_id, annotator, file, place, values, note=note))
    problems.raise_if_any(_REMEDY)
    return filled
