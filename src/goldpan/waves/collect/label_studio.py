"""Reading Label Studio's JSON export."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from goldpan.waves.collect.filled import FilledSheet, GivenOut
from goldpan.waves.collect.json_file import ToolModel, as_model
from goldpan.waves.collect.tool_export import Said, ToolAnswer, read_export
from goldpan.waves.sheets.label_studio import CANNOT_TELL_SUFFIX, FLAG, FLAGGED, NOTES

_REMEDY = "correct it in Label Studio and export the project again as JSON"


class _Value(ToolModel):
    choices: list[str] | None = None
    number: float | int | None = None
    text: list[str] | str = ""

    @property
    def typed(self) -> str:
        return "\n".join(self.text) if isinstance(self.text, list) else self.text

    @property
    def said(self) -> Said:
        if self.choices is not None:
            return self.choices
        return self.typed if self.number is None else f"{self.number:.15g}"


class _Result(ToolModel):
    from_name: str
    value: _Value


class _Annotation(ToolModel):
    result: list[_Result] = Field(default_factory=list)
    was_cancelled: bool = False
    lead_time: float | int | None = None


class _Data(ToolModel):
    item_id: str
    sheet: str


class _Task(ToolModel):
    data: _Data
    annotations: list[_Annotation] = Field(default_factory=list)


def is_label_studio(document: Any) -> bool:
    """Whether a JSON document is an export of Label Studio (or the tasks given to it)."""
    return isinstance(document, list) and all(
        isinstance(task, dict) and isinstance(task.get("data"), dict) for task in document
    )


def read_label_studio(file: str, document: list[Any], given_out: GivenOut) -> FilledSheet:
    """The answers of an export; cancelled annotations, drafts and predictions are no answers.

    Raises:
        SheetError: another wave or codebook, or an answer that the codebook does not allow.
    """
    return read_export(file, enumerate(document, 1), given_out, _parse, "task", _REMEDY)


def _parse(row: Any, where: str) -> Iterator[ToolAnswer]:
    task = as_model(_Task, row, where)
    done = [annotation for annotation in task.annotations if not annotation.was_cancelled]
    for annotation in done or [_Annotation()]:
        told = ToolAnswer(task.data.item_id, task.data.sheet, seconds=annotation.lead_time)
        for result in annotation.result:
            value = result.value
            if result.from_name == NOTES:
                told.note = value.typed
            elif result.from_name == FLAG:
                told.flag = FLAGGED in (value.choices or [])
            else:
                told.said.append((result.from_name.removesuffix(CANNOT_TELL_SUFFIX), value.said))
        yield told
