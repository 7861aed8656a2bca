"""Reading Label Studio's JSON export."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from goldpan.errors import AnswerError
from goldpan.waves.codebook import CANNOT_TELL
from goldpan.waves.collect.filled import Answer, FilledSheet, GivenOut, Problems, SheetIdCheck
from goldpan.waves.collect.json_file import ToolModel, as_model
from goldpan.waves.collect.tool_values import read_picked, read_typed
from goldpan.waves.sheets.label_studio import CANNOT_TELL_SUFFIX, FLAG, FLAGGED, NOTES

_REMEDY = "correct it in Label Studio and export the project again as JSON"


class _Value(ToolModel):
    choices: list[str] | None = None
    number: float | int | None = None
    text: list[str] | str = ""

    @property
    def typed(self) -> str:
        return "\n".join(self.text) if isinstance(self.text, list) else self.text


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
    problems = Problems(file)
    sheet_ids = SheetIdCheck(given_out, problems)
    filled = FilledSheet(file)
    for number, row in enumerate(document, 1):
        task = as_model(_Task, row, f"{file}, task {number}")
        place = f"task {number} ({task.data.item_id})"
        annotator = sheet_ids.annotator(task.data.sheet, place)
        if annotator is None:
            continue
        done = [one for one in task.annotations if not one.was_cancelled]
        for annotation in done or [_Annotation()]:
            answer = Answer(task.data.item_id, annotator, file, place, {}, seconds=annotation.lead_time)
            for result in annotation.result:
                _read_result(result, answer, given_out, problems)
            filled.answers.append(answer)
    problems.raise_if_any(_REMEDY)
    return filled


def _read_result(result: _Result, answer: Answer, given_out: GivenOut, problems: Problems) -> None:
    name, value = result.from_name, result.value
    if name == NOTES:
        answer.note = value.typed
        return
    if name == FLAG:
        answer.flag = FLAGGED in (value.choices or [])
        return
    cannot_tell = given_out.codebook.cannot_tell
    feature = given_out.codebook.by_name.get(name.removesuffix(CANNOT_TELL_SUFFIX))
    try:
        if feature is None:
            raise AnswerError(f"the wave does not ask for `{name}`")
        if name.endswith(CANNOT_TELL_SUFFIX) and value.choices == [CANNOT_TELL]:
            read: Any = None
        elif value.choices is not None:
            read = read_picked(feature, value.choices, cannot_tell)
        elif value.number is not None:
            read = read_typed(feature, f"{value.number:.15g}", cannot_tell)
        else:
            read = read_typed(feature, value.typed, cannot_tell)
        if answer.values.setdefault(feature.name, read) != read:
            raise AnswerError(f"`{feature.name}` has two answers")
    except AnswerError as error:
        problems.add(answer.place, error.what)
