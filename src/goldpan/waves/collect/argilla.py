"""Reading Argilla 2's JSON export of records (`dataset.records.to_json`)."""

from __future__ import annotations

from typing import Any

from goldpan.errors import AnswerError
from goldpan.waves.collect.filled import Answer, FilledSheet, GivenOut, Problems, SheetIdCheck
from goldpan.waves.collect.json_file import ToolModel, as_model
from goldpan.waves.collect.tool_values import is_picked, read_picked, read_typed
from goldpan.waves.sheets.argilla import NOTES

_REMEDY = "correct it in Argilla and export the records again"


class _Response(ToolModel):
    value: Any = None


class _Metadata(ToolModel):
    sheet: str


class _Record(ToolModel):
    id: str
    metadata: _Metadata
    responses: dict[str, list[_Response]] | None = None


def is_argilla(document: Any) -> bool:
    """Whether a JSON document is an export of Argilla (or the records given to it)."""
    return isinstance(document, list) and all(
        isinstance(record, dict) and {"fields", "responses", "metadata"} <= record.keys()
        for record in document
    )


def read_argilla(file: str, document: list[Any], given_out: GivenOut) -> FilledSheet:
    """The answers of an export; suggestions are no answers.

    Several people may have answered a record there; as a sheet belongs to one annotator, they must agree.

    Raises:
        SheetError: another wave or codebook, or an answer that the codebook does not allow.
    """
    problems = Problems(file)
    sheet_ids = SheetIdCheck(given_out, problems)
    filled = FilledSheet(file)
    for number, row in enumerate(document, 1):
        record = as_model(_Record, row, f"{file}, record {number}")
        place = f"record {number} ({record.id})"
        annotator = sheet_ids.annotator(record.metadata.sheet, place)
        if annotator is None:
            continue
        answer = Answer(record.id, annotator, file, place, {})
        for name, responses in (record.responses or {}).items():
            for response in responses:
                _read_response(name, response.value, answer, given_out, problems)
        filled.answers.append(answer)
    problems.raise_if_any(_REMEDY)
    return filled


def _read_response(name: str, value: Any, answer: Answer, given_out: GivenOut, problems: Problems) -> None:
    if name == NOTES:
        answer.note = str(value or "")
        return
    feature = given_out.codebook.by_name.get(name)
    cannot_tell = given_out.codebook.cannot_tell
    try:
        if feature is None:
            raise AnswerError(f"the wave does not ask for `{name}`")
        if value in (None, "", []):
            return
        if is_picked(feature):
            picked = [str(one) for one in value] if isinstance(value, list) else [str(value)]
            read = read_picked(feature, picked, cannot_tell)
        else:
            read = read_typed(feature, str(value), cannot_tell)
        if answer.values.setdefault(name, read) != read:
            raise AnswerError(f"`{name}` has two answers")
    except AnswerError as error:
        problems.add(answer.place, error.what)
