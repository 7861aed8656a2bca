"""Sheets as tables: the columns that CSV and XLSX files have, on the way out and on the way back."""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from goldpan.errors import StudyError
from goldpan.tasks.features import Feature, value_of
from goldpan.waves.answer_text import answer_text, field_text
from goldpan.waves.codebook import FIXED_COLUMNS, Codebook, labels
from goldpan.waves.sheets.sheet import SIDE_BY_SIDE, Sheet, SheetRow
from goldpan.waves.sheets.spreadsheet import readings

LONGEST_TEXT = 32_000
"""Characters of a shown text; a cell holds 32,767, and some characters are written as several."""

CUT = "\n[the rest does not fit into a cell]"

ColumnKind = Literal["id", "field", "llm", "answer", "flag", "notes", "agreement"]


@dataclass(frozen=True)
class SheetColumn:
    """One column.

    Attributes:
        name: its header.
        kind: what it holds; `answer`, `flag` and `notes` are filled in by annotators.
        feature: the feature of an answer or of the LLM's answer.
        source: the shown field of a `field` column.
        annotator: whose answer it is.
    """

    name: str
    kind: ColumnKind
    feature: Feature | None = None
    source: str = ""
    annotator: str = ""

    @property
    def is_filled_in(self) -> bool:
        """Whether annotators write in it."""
        return self.kind in ("answer", "flag", "notes")


def answer_columns(codebook: Codebook, annotators: Sequence[str], layout: str) -> Iterator[SheetColumn]:
    """The answer columns of a sheet; side by side they are `annotator_a_NAME`, `annotator_b_NAME`, ..."""
    for letter, annotator in zip(string.ascii_lowercase, annotators, strict=False):
        for feature in codebook.features:
            name = feature.name if layout == "task" else f"annotator_{letter}_{feature.name}"
            yield SheetColumn(name, "answer", feature, annotator=annotator)


def task_columns(sheet: Sheet) -> list[SheetColumn]:
    """The columns of one annotator's sheet."""
    own = list(answer_columns(sheet.codebook, [sheet.id.annotator], "task"))
    llm = [] if sheet.blind else _llm_columns(sheet.codebook)
    last = [SheetColumn("flag", "flag", annotator=sheet.id.annotator)]
    last.append(SheetColumn("notes", "notes", annotator=sheet.id.annotator))
    return _with_fields(sheet, [*llm, *own], last)


def side_by_side_columns(sheet: Sheet, annotators: Sequence[str]) -> list[SheetColumn]:
    """The columns of the classic sheet: item fields, LLM, each annotator, agreement, notes."""
    answers = list(answer_columns(sheet.codebook, annotators, SIDE_BY_SIDE))
    last = [SheetColumn("agreement", "agreement"), SheetColumn("notes", "notes")]
    return _with_fields(sheet, [*_llm_columns(sheet.codebook), *answers], last)


def cell_text(column: SheetColumn, row: SheetRow, sheet: Sheet) -> str:
    """What stands in a cell when the sheet is given out; empty where an annotator is to write.

    Longer texts than a spreadsheet's cell holds are cut, and say so: Excel would spread the rest over rows.
    """
    if column.name == "item_id":
        return row.item_id
    if column.name == "sheet":
        return str(sheet.id)
    if column.kind == "field":
        text = field_text(row.fields.get(column.source))
        return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + CUT
    if column.kind == "llm" and column.feature and column.feature.name in row.llm:
        return answer_text(column.feature, value_of(row.llm[column.feature.name]))
    return ""


def check_labels(codebook: Codebook) -> None:
    """Refuse labels that a spreadsheet could turn into one another, such as `1` and `01`.

    Raises:
        StudyError: two labels of a feature are the same number or truth value to a spreadsheet.
    """
    for feature in codebook.features:
        seen: dict[tuple[object, ...], str] = {}
        for label in labels(feature):
            for reading in readings(label):
                other = seen.setdefault(reading, label)
                if reading[0] in ("number", "truth") and other != label:
                    raise StudyError(
                        f"feature `{feature.name}`: a spreadsheet cannot tell `{other}` from `{label}`",
                        remedy="give out this wave as html, or rename one of the labels",
                    )


def _llm_columns(codebook: Codebook) -> list[SheetColumn]:
    return [SheetColumn(f"llm_{feature.name}", "llm", feature) for feature in codebook.features]


def _with_fields(sheet: Sheet, middle: list[SheetColumn], last: list[SheetColumn]) -> list[SheetColumn]:
    """Ids, fields, then the given columns; a field that is called like another column becomes `item_NAME`."""
    fields = _field_columns(sheet.field_names, [*middle, *last])
    return [SheetColumn("item_id", "id"), *fields, *middle, *last, SheetColumn("sheet", "id")]


def shown_columns(
    codebook: Codebook, field_names: Sequence[str], answers: Sequence[SheetColumn], blind: bool
) -> list[SheetColumn]:
    """The columns of a sheet that show fields of the records.

    Args:
        codebook: what is asked.
        field_names: of the fields that the sheet shows.
        answers: its answer columns.
        blind: whether it is without the LLM's answers.
    """
    return _field_columns(field_names, [*([] if blind else _llm_columns(codebook)), *answers])


def _field_columns(field_names: Sequence[str], others: Sequence[SheetColumn]) -> list[SheetColumn]:
    taken = {column.name for column in others} | set(FIXED_COLUMNS)
    fields = []
    for name in field_names:
        shown = name
        while shown in taken:
            shown = f"item_{shown}"
        taken.add(shown)
        fields.append(SheetColumn(shown, "field", source=name))
    return fields
