"""Reading what the annotation page exports."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from goldpan.errors import AnswerError, SheetError
from goldpan.tasks.values import value_check
from goldpan.waves.collect.filled import FilledSheet, ForeignSheetError, GivenOut, Problems, SheetAnswer
from goldpan.waves.collect.json_file import ToolModel, as_model
from goldpan.waves.collect.spans import Spans, checked_spans
from goldpan.waves.sheets.html_page import ANSWERS
from goldpan.waves.sheets.sheet import SheetId

_REMEDY = (
    "export the answers again from the page that was given out; where labels were renamed since, correct them"
    " in the file by hand, or move it out of the folder"
)


class _ExportedAnswer(ToolModel):
    item_id: str
    values: dict[str, Any]
    flag: bool = False
    note: str = ""
    seconds: float | int | None = None
    spans: Spans = Field(default_factory=dict)


class PageExport(ToolModel):
    """What every export of a page says: from which sheet it comes."""

    study: str
    wave: str
    annotator: str
    codebook_hash: str
    redraw: int = 0

    @property
    def sheet_id(self) -> str:
        """The id of the sheet, as on tables."""
        return str(SheetId(self.study, self.wave, self.annotator, self.codebook_hash[:12], self.redraw))


class _Answers(PageExport):
    answers: list[_ExportedAnswer]


def is_page_export(document: Any) -> bool:
    """Whether a JSON document is an export of an annotation page."""
    return isinstance(document, dict) and document.get("kind") == ANSWERS


def read_page_export(file: str, document: Any, given_out: GivenOut) -> FilledSheet:
    """The answers of an exported page.

    Raises:
        SheetError: another wave or codebook, not the form of an export, or a value that is no answer.
    """
    export = as_model(_Answers, document, file)
    try:
        annotator = given_out.annotator(export.sheet_id)
    except ForeignSheetError as error:
        raise SheetError(str(error), where=file, remedy=error.remedy) from None
    problems = Problems(file)
    filled = FilledSheet(file)
    items = {item.item_id: item for item in given_out.items.values()}
    items |= {item.repeat_id: item for item in given_out.items.values()}
    for number, exported in enumerate(export.answers, 1):
        place = f"answer {number} ({exported.item_id})"
        values = read_values(exported.values, given_out, place, problems)
        item = items.get(exported.item_id)
        if item is not None and not given_out.shows_newest_text(item.id, export.redraw):
            item = None
        spans = checked_spans(exported.spans, values, item, given_out, problems, place)
        told = (exported.flag, exported.note, exported.seconds)
        filled.answers.append(
            SheetAnswer(exported.item_id, annotator, file, place, values, *told, export.redraw, spans)
        )
    problems.raise_if_any(_REMEDY)
    return filled


def read_values(
    exported: dict[str, Any], given_out: GivenOut, place: str, problems: Problems
) -> dict[str, Any]:
    """Answers given as JSON values, each checked; what is wrong goes to `problems`."""
    values: dict[str, Any] = {}
    codebook = given_out.codebook
    for name, value in exported.items():
        feature = codebook.by_name.get(name)
        try:
            if feature is None:
                raise AnswerError(f"the wave does not ask for `{name}`")
            if value is None and not codebook.cannot_tell:
                raise AnswerError(f"`{name}`: `cannot tell` is not offered in this wave")
            values[name] = None if value is None else value_check(feature)(value)
        except AnswerError as error:
            problems.add(place, error.what)
    return values
