"""Decisions on disagreements: what the adjudication page exports, or a CSV file with the same columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldpan.cells import restore
from goldpan.errors import AnswerError, SheetError
from goldpan.tasks.nearest import suggestion
from goldpan.waves.collect.cell_values import is_empty, read_cell
from goldpan.waves.collect.csv_file import read_csv_table
from goldpan.waves.collect.filled import ForeignSheetError, GivenOut, Problems
from goldpan.waves.collect.json_file import ToolModel, as_model, read_json_document
from goldpan.waves.collect.listing import sheet_files
from goldpan.waves.collect.page_export import PageExport, read_values
from goldpan.waves.collect.table_rows import RawTable
from goldpan.waves.sheets.disagreement_causes import CAUSES
from goldpan.waves.sheets.html_page import DECISIONS
from goldpan.waves.sheets.sheet import ADJUDICATION

COLUMNS = ("item_id", "feature", "final_label")
"""A CSV file with these columns (and, if one likes, `cause` and `notes`) holds decisions."""

_REMEDY = "correct the file; it takes one decision for each item and feature of the wave"


@dataclass(frozen=True)
class Decision:
    """What was decided about one answer to one item.

    Attributes:
        value: the final answer; None is "cannot tell".
        cause: one of `disagreement_causes.CAUSES`; empty when none was given.
        note: what was written beside it.
        where: file and place.
    """

    item_id: str
    feature: str
    value: Any
    cause: str
    note: str
    where: str


class _ExportedDecision(ToolModel):
    item_id: str
    feature: str
    value: Any = None
    cause: str = ""
    note: str = ""


class _Decisions(PageExport):
    decisions: list[_ExportedDecision]


def is_decisions(document: Any) -> bool:
    """Whether a JSON document is an export of an adjudication page."""
    return isinstance(document, dict) and document.get("kind") == DECISIONS


def is_decisions_header(header: Iterable[str]) -> bool:
    """Whether a table with this header holds decisions."""
    return set(COLUMNS) <= set(header)


def read_decisions(folder: Path, given_out: GivenOut) -> dict[str, dict[str, Decision]]:
    """All decisions in the folder of a wave: feature -> item id -> decision.

    Args:
        folder: the folder of the filled sheets; files of other kinds are passed over.
        given_out: the wave.

    Raises:
        SheetError: another wave or codebook, an unknown item or feature, an answer outside the codebook, an
            unknown cause, or two different decisions on one answer.
    """
    decisions: dict[str, dict[str, Decision]] = {}
    for path in sheet_files(folder):
        for decision in _read_file(path, given_out):
            known = decisions.setdefault(decision.feature, {}).setdefault(decision.item_id, decision)
            if known.value != decision.value:
                raise SheetError(
                    f"`{decision.feature}` of item {decision.item_id} is decided otherwise in {known.where}",
                    where=decision.where,
                    remedy="keep the decision that holds",
                )
    return decisions


def _read_file(path: Path, given_out: GivenOut) -> list[Decision]:
    problems = Problems(str(path))
    decisions: list[Decision] = []
    if path.suffix.lower() == ".json":
        document = read_json_document(path)
        if is_decisions(document):
            decisions = list(_from_page(str(path), document, given_out, problems))
    elif path.suffix.lower() in (".csv", ".tsv"):
        table = read_csv_table(path)
        if is_decisions_header(table.header):
            decisions = list(_from_table(table, given_out, problems))
    problems.raise_if_any(_REMEDY)
    return decisions


def _from_page(file: str, document: Any, given_out: GivenOut, problems: Problems) -> Iterator[Decision]:
    export = as_model(_Decisions, document, file)
    try:
        given_out.sheet_id(export.sheet_id)
    except ForeignSheetError as error:
        problems.add("", str(error), error.remedy)
        return
    if export.annotator != ADJUDICATION:
        problems.add("", "these are not the decisions of an adjudication page")
        return
    for number, exported in enumerate(export.decisions, 1):
        item_id, feature = exported.item_id, exported.feature
        place = f"decision {number} ({item_id}, {feature})"
        for value in read_values({feature: exported.value}, given_out, place, problems).values():
            where = f"{file}, {place}"
            decision = Decision(item_id, feature, value, exported.cause, exported.note, where)
            if _fits(decision, place, given_out, problems):
                yield decision


def _from_table(table: RawTable, given_out: GivenOut, problems: Problems) -> Iterator[Decision]:
    for number, cells in table.rows:
        row = {name: restore(cell) for name, cell in zip(table.header, cells, strict=False)}
        place = f"row {number}"
        if is_empty(row.get("final_label")):
            continue
        name = row["feature"].strip()
        feature = given_out.codebook.by_name.get(name)
        if feature is None:
            known = suggestion(name, given_out.codebook.by_name)
            problems.add(place, f"the wave does not ask for `{name}`; {known}")
            continue
        try:
            read = read_cell(feature, row["final_label"], given_out.codebook.cannot_tell)
        except AnswerError as error:
            problems.add(place, error.what)
            continue
        cause, note = row.get("cause", "").strip().lower(), row.get("notes", "")
        where = f"{table.file}, {place}"
        decision = Decision(row["item_id"].strip(), name, read.value, cause, note, where)
        if _fits(decision, place, given_out, problems):
            yield decision


def _fits(decision: Decision, place: str, given_out: GivenOut, problems: Problems) -> bool:
    """Whether a decision is about an item of the wave and names a known cause, or none.

    One about an item that a redraw has left out is passed over.
    """
    if decision.item_id in given_out.earlier_items:
        return False
    if decision.item_id not in given_out.items:
        problems.add(place, f"the wave has no item `{decision.item_id}`")
        return False
    if decision.cause and decision.cause not in CAUSES:
        problems.add(place, f"there is no cause `{decision.cause}`; {suggestion(decision.cause, CAUSES)}")
        return False
    return True
