"""Reading what Prodigy's `db-out` writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from goldpan.errors import AnswerError
from goldpan.waves.collect.filled import Answer, FilledSheet, GivenOut, Problems, SheetIdCheck
from goldpan.waves.collect.tool_values import is_picked, read_picked, read_typed
from goldpan.waves.sheets.prodigy import ANSWER_FIELD

_REMEDY = "correct it in Prodigy and write the dataset out again"


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
        place = f"line {number} ({row.get('item_id')})"
        annotator = sheet_ids.annotator(str(row.get("sheet")), place)
        if annotator is None:
            continue
        answer = Answer(str(row.get("item_id")), annotator, file, place, {})
        answer.flag = row.get("answer") == "reject"
        if row.get("answer") == "accept":
            _read_task(row, answer, given_out, problems)
        filled.answers.append(answer)
    problems.raise_if_any(_REMEDY)
    return filled


def _read_task(row: dict[str, Any], answer: Answer, given_out: GivenOut, problems: Problems) -> None:
    name = str(row["feature"])
    feature = given_out.codebook.by_name.get(name)
    cannot_tell = given_out.codebook.cannot_tell
    try:
        if feature is None:
            raise AnswerError(f"the wave does not ask for `{name}`")
        if is_picked(feature):
            picked = row.get("accept") or []
            if picked:
                answer.values[name] = read_picked(feature, picked, cannot_tell)
        elif row.get(ANSWER_FIELD):
            answer.values[name] = read_typed(feature, str(row[ANSWER_FIELD]), cannot_tell)
    except AnswerError as error:
        problems.add(answer.place, error.what)
