"""`merged.csv` and `disagreements.csv`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from goldpan.cells import csv_text, neutralise, restore
from goldpan.errors import AnswerError, SheetError
from goldpan.files import write_bytes
from goldpan.tasks.features import Feature
from goldpan.waves.answer_text import answer_text, field_text
from goldpan.waves.collect.cell_values import read_cell
from goldpan.waves.collect.csv_file import read_csv_table
from goldpan.waves.merging.merged import Merged, Resolution
from goldpan.waves.merging.wave import to_decide

_FIXED = (
    "item_id",
    "feature",
    "final_label",
    "resolution",
    "annotator_agreement",
    "llm_decided",
    "soft_label",
)
ANSWER = "annotator_"
"""Begins the name of a column of an annotator's answers."""
FILLED_IN = ("final_label", "cause", "notes")
"""Columns of `disagreements.csv` that people fill in."""
Fields = Mapping[str, Mapping[str, Any]]
"""item id -> name -> value."""

_REMEDY = "delete the file and run again: it is made from the filled sheets"
_TRUTH = {True: "yes", False: "no", None: ""}

Show = Callable[[str, Any], str]
"""A feature's name and an answer to it -> how it stands in a cell."""


def shown_by(features: Iterable[Feature]) -> Show:
    """How answers to the features of a task stand in cells: as on the sheets."""
    by_name = {feature.name: feature for feature in features}
    return lambda name, value: answer_text(by_name[name], value)


def write_merged(path: str | Path, rows: Sequence[Merged], show: Show, fields: Fields | None = None) -> None:
    """Write `merged.csv`: a row for each item and feature, a column for each annotator.

    Columns: `item_id, feature, final_label, resolution, annotator_agreement (yes, no or empty),
    llm_decided, soft_label (JSON)`, then `annotator_NAME` with each one's answer, then `field_NAME`. A cell
    is empty where there is no label or no answer. Cells that a spreadsheet would run are neutralised.

    Args:
        path: where to.
        rows: merged rows.
        show: how answers stand in cells.
        fields: the items' fields, where they are wanted beside the labels.
    """
    annotators = _annotators(rows)
    names = _field_names(rows, fields or {})
    header = [*_FIXED, *(f"{ANSWER}{name}" for name in annotators), *(f"field_{name}" for name in names)]
    table = [header]
    for row in rows:
        fixed = [
            row.item_id,
            row.feature,
            show(row.feature, row.final_label) if row.resolved else "",
            str(row.resolution),
            _TRUTH[row.annotator_agreement],
            _TRUTH[row.llm_decided],
            orjson.dumps(row.soft_label).decode(),
        ]
        table.append([*fixed, *_answers(row, annotators, show), *_field_cells(row, names, fields or {})])
    write_bytes(path, csv_text(table).encode())


def write_disagreements(path: str | Path, rows: Sequence[Merged], show: Show, fields: Fields) -> None:
    """Write `disagreements.csv`: the rows that a person has to decide, with the item's fields.

    Fill in `final_label` (and `cause`, `notes`) and put the file into the folder of the filled sheets: it is
    read as decisions. It begins with a byte order mark, so that spreadsheets do not guess the encoding.

    Args:
        path: where to.
        rows: merged rows; the resolved ones are left out.
        show: how answers stand in cells.
        fields: the items' fields, shown as they are.
    """
    header, table = disagreement_rows(rows, show, fields)
    cells = [header, *([row[name] for name in header] for row in table)]
    write_bytes(path, csv_text(cells).encode("utf-8-sig"))


def disagreement_rows(
    rows: Sequence[Merged], show: Show, fields: Fields
) -> tuple[list[str], list[dict[str, str]]]:
    """The header and the rows of `disagreements.csv`; arguments as for `write_disagreements`."""
    open_rows, annotators = to_decide(rows), _annotators(rows)
    names = _field_names(open_rows, fields)
    answers = [f"{ANSWER}{name}" for name in annotators]
    header = ["item_id", "feature", *answers, *FILLED_IN, "resolution", *(f"field_{name}" for name in names)]
    table = []
    for row in open_rows:
        own = [row.item_id, row.feature, *_answers(row, annotators, show), "", "", "", str(row.resolution)]
        table.append(dict(zip(header, [*own, *_field_cells(row, names, fields)], strict=True)))
    return header, table


def _field_names(rows: Iterable[Merged], fields: Fields) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in fields.get(row.item_id, {})))


def _field_cells(row: Merged, names: Sequence[str], fields: Fields) -> list[str]:
    shown = fields.get(row.item_id, {})
    return [field_text(shown.get(name)) for name in names]


def _annotators(rows: Iterable[Merged]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row.answers))


def _answers(row: Merged, annotators: Sequence[str], show: Show) -> list[str]:
    return [show(row.feature, row.answers[name]) if name in row.answers else "" for name in annotators]


def read_merged(path: str | Path, features: Iterable[Feature]) -> list[Merged]:
    """Read what `write_merged` wrote.

    Raises:
        SheetError: the file is none of these, or was changed into something that does not fit the features.
    """
    try:
        table = read_csv_table(Path(path))
        table_rows = list(table.rows)
    except SheetError as error:
        raise SheetError(error.what, where=error.where, remedy=_REMEDY) from None
    header = [restore(name) for name in table.header]
    if tuple(header[: len(_FIXED)]) != _FIXED:
        raise SheetError("this is not a table of merged answers", where=str(path), remedy=_REMEDY)
    if not Path(path).read_bytes().endswith(b"\n"):
        raise SheetError("the table is cut: its last line has no end", where=str(path), remedy=_REMEDY)
    by_name = {feature.name: feature for feature in features}
    answer_columns = [name for name in header[len(_FIXED) :] if name.startswith(ANSWER)]
    rows = []
    for number, cells in table_rows:
        where = f"{path}, row {number}"
        if len(cells) != len(header):
            fault = f"the row has {len(cells)} cells, the header {len(header)}"
            raise SheetError(fault, where=where, remedy=_REMEDY)
        row = dict(zip(header, map(restore, cells), strict=True))
        feature = by_name.get(row["feature"])
        if feature is None:
            raise SheetError(f"there is no feature `{row['feature']}`", where=where, remedy=_REMEDY)
        try:
            rows.append(_read_row(row, feature, answer_columns))
        except (AnswerError, KeyError, ValueError) as error:
            fault = f"this is not a row of merged answers: {error}"
            raise SheetError(fault, where=where, remedy=_REMEDY) from None
    return rows


def _read_row(row: dict[str, str], feature: Feature, answer_columns: Sequence[str]) -> Merged:
    truth = {text: value for value, text in _TRUTH.items()}
    answers = {name.removeprefix(ANSWER): _value(feature, row[name]) for name in answer_columns if row[name]}
    return Merged(
        item_id=row["item_id"],
        feature=feature.name,
        final_label=_value(feature, row["final_label"]) if row["final_label"] else None,
        resolution=Resolution(row["resolution"]),
        annotator_agreement=truth[row["annotator_agreement"]],
        soft_label=orjson.loads(row["soft_label"]),
        answers=answers,
    )


def _value(feature: Feature, cell: str) -> Any:
    # Not neutralised a second time: read_cell restores, and the cell has been restored already.
    return read_cell(feature, neutralise(cell), cannot_tell=True).value
