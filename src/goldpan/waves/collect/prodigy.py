"""Reading what Prodigy's `db-out` writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from goldpan.errors import AnswerError
from goldpan.waves.collect.filled import Answer, FilledSheet, GivenOut, Problems, SheetIdCheck
from goldpan.waves.collect.json_file import ToolModel, as_model
from goldpan.waves.collect.tool_values import is_picked, read_picked, read_typed
from goldpan.waves.sheets.prodigy import ANSWER_FIELD

_REMEDY = "correct it in Prodigy and write the dataset out again"


class _Task(ToolModel):
    item_id: str
    sheet: str
    feature: str
    answer: str | None = None
    accept: list[str] = Field(default_factory=list)
    typed: str = Field("", alias=ANSWER_FIELD)


def is_prodigy(row: dict[str, Any]) -> bool:
    """Whether a line is one of Prodigy's."""
    return "_view_id" in row and "feature" in row and "sheet" in row


def read_prodigy(file: str, rows: Iterable[tuple[int, dict[str, Any]]], given_out: GivenOut) -> FilledSheet:
    """The answers of a dataset; ignored tasks have none, rejected ones are flagged.

    Args:
        file: its name, for messages.
        rows: line numbers and lines.
        given_out: the wave.

    Raises:
        SheetError: another wave or codebook, or an answer that the codebook does not allow.
    """
    problems = Problems(file)
    sheet_ids = SheetIdCheck(given_out, problems)
    filled = FilledSheet(file)
    for number, row in rows:
        task = as_model(_Task, row, f"{file}, line {number}")
        place = f"line {number} ({task.item_id})"
        annotator = sheet_ids.annotator(task.sheet, place)
        if annotator is None:
            continue
        answer = Answer(task.item_id, annotator, file, place, {}, flag=task.answer == "reject")
        if task.answer == "accept":
            _read_task(task, answer, given_out, problems)
        filled.answers.append(answer)
    problems.raise_if_any(_REMEDY)
    return filled


def _read_task(task: _Task, answer: Answer, given_out: GivenOut, problems: Problems) -> None:
    name, feature = task.feature, given_out.codebook.by_name.get(task.feature)
    cannot_tell = given_out.codebook.cannot_tell
    try:
        if feature is None:
            raise AnswerError(f"the wave does not ask for `{name}`")
        if is_picked(feature):
            if task.accept:
                answer.values[name] = read_picked(feature, task.accept, cannot_tell)
        elif task.typed:
            answer.values[name] = read_typed(feature, task.typed, cannot_tell)
    except AnswerError as error:
        problems.add(answer.place, error.what)
