"""Reading what Prodigy's `db-out` writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from pydantic import Field

from goldpan.waves.codebook import Codebook
from goldpan.waves.collect.filled import FilledSheet, GivenOut
from goldpan.waves.collect.json_file import ToolModel, as_model
from goldpan.waves.collect.tool_export import ToolAnswer, is_picked, read_export
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
    return read_export(file, rows, given_out, partial(_parse, given_out.codebook), "line", _REMEDY)


def _parse(codebook: Codebook, row: Any, where: str) -> Iterator[ToolAnswer]:
    task = as_model(_Task, row, where)
    told = ToolAnswer(task.item_id, task.sheet, flag=task.answer == "reject")
    if task.answer == "accept":
        picked = is_picked(codebook.by_name.get(task.feature))
        told.said.append((task.feature, (task.accept if picked else task.typed) or None))
    yield told
