"""Reading doccano's JSONL export of a document classification project."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from pydantic import Field

from goldpan.tasks.features import Feature
from goldpan.tasks.nearest import suggestion
from goldpan.waves.collect.filled import FilledSheet, GivenOut
from goldpan.waves.collect.json_file import ToolModel, as_model
from goldpan.waves.collect.tool_export import ToolAnswer, read_export
from goldpan.waves.sheets.doccano import pickable_labels

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
    parse = partial(_parse, pickable_labels(given_out.codebook))
    return read_export(file, rows, given_out, parse, "line", _REMEDY)


def _parse(known: dict[str, tuple[Feature, str]], row: Any, where: str) -> Iterator[ToolAnswer]:
    document = as_model(_Document, row, where)
    told = ToolAnswer(document.item_id, document.sheet, note="\n".join(document.comments))
    picked: dict[str, list[str]] = {}
    for label in document.label:
        if label in known:
            feature, text = known[label]
            picked.setdefault(feature.name, []).append(text)
        else:
            told.wrong.append(f"`{label}` is not one of the labels; {suggestion(label, known)}")
    told.said.extend(picked.items())
    yield told
