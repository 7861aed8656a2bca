"""Decisions on disagreements: what the adjudication page exports, or a CSV file with the same columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldpan.errors import AnswerError, SheetError
from goldpan.tasks.nearest import suggestion
from goldpan.waves.causes import CAUSES
from goldpan.waves.cells import restore
from goldpan.waves.collect.cell_values import is_empty, read_cell
from goldpan.waves.collect.csv_file import read_csv
from goldpan.waves.collect.filled import GivenOut, Problems
from goldpan.waves.collect.json_file import read_json_document
from goldpan.waves.collect.page_export import read_values
from goldpan.waves.collect.table_rows import RawTable
from goldpan.waves.sheets.page import DECISIONS
from goldpan.waves.sheets.sheet import ADJUDICATION

COLUMNS = ("item_id", "feature", "final_label")
"""A CSV file with these columns (and, if one likes, `cause` and `notes`) holds decisions."""

_REMEDY = "correct the file; it takes one decision for each item and feature of the wave"


@dataclass(frozen=True)
class Decision:
    """What was decided about one answer to one item.

    Attributes:
        value: the final answer; None is "cannot tell".
        cause: one of `causes.CAUSES`; empty when none was given.
        note: what was written beside it.
        where: file and place.
    """

    item_id: str
    feature: str
    value: Any
    cause: str
    note: str
    where: str


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
    for path in sorted(folder.rglob("*")):
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
    rows: Iterator[Decision] = iter(())
    if path.suffix.lower() == ".json" and is_decisions(document := read_json_document(path)):
        rows = _from_page(str(path), document, given_out, problems)
    elif path.suffix.lower() in (".csv", ".tsv") and is_decisions_header((table := read_csv(path)).header):
        rows = _from_table(table, given_out, problems)
    decisions = list(rows)
    problems.raise_if_any(_REMEDY)
    return decisions


def _from_page(
    file: str, document: dict[str, Any], given_out: GivenOut, problems: Problems
) -> Iterator[Decision]:
    names = [str(document.get(key)) for key in ("study", "wave", "annotator", "codebook_hash")]
    names[-1] = names[-1][:12]
    try:
        if given_out.sheet_id("/".join(names)).annotator != ADJUDICATION:
            raise ValueError("these are not the decisions of an adjudication page")
    except ValueError as error:
        problems.add("", str(error))
        return
    for number, row in enumerate(document.get("decisions") or [], 1):
        place = f"decision {number} ({row.get('item_id')}, {row.get('feature')})"
        values = read_values({row.get("feature"): row.get("value")}, given_out, place, problems)
        yield from _checked(file, place, row, values, given_out, problems)


def _from_table(table: RawTable, given_out: GivenOut, problems: Problems) -> Iterator[Decision]:
    for number, cells in table.rows:
        row = {name: restore(cell) for name, cell in zip(table.header, cells, strict=False)}
        place = f"row {number}"
        if is_empty(row.get("final_label")):
            continue
        feature = given_out.codebook.by_name.get(row["feature"].strip())
        if feature is None:
            known = suggestion(row["feature"], given_out.codebook.by_name)
            problems.add(place, f"the wave does not ask for `{row['feature']}`; {known}")
            continue
        try:
            read = read_cell(feature, row["final_label"], given_out.codebook.cannot_tell)
        except AnswerError as error:
            problems.add(place, error.what)
            continue
        row["feature"] = feature.name
        yield from _checked(table.file, place, row, {feature.name: read.value}, given_out, problems)


def _checked(
    file: str,
    place: str,
    row: dict[str, Any],
    values: dict[str, Any],
    given_out: GivenOut,
    problems: Problems,
) -> Iterator[Decision]:
    item_id, cause = str(row.get("item_id")).strip(), str(row.get("cause") or "").strip().lower()
    if item_id not in given_out.items:
        problems.add(place, f"the wave has no item `{item_id}`")
    elif cause and cause not in CAUSES:
        problems.add(place, f"there is no cause `{cause}`; {suggestion(cause, CAUSES)}")
    else:
        note = str(row.get("note") or row.get("notes") or "")
        for feature, value in values.items():
            yield Decision(item_id, feature, value, cause, note, f"{file}, {place}")
