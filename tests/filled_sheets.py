"""Fills in the sheets of a wave, as annotators do: in the CSV file, in the workbook, or on the page."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from openpyxl import load_workbook

Answers = Callable[[str], dict[str, Any]]
"""Item id (or the id of its second showing) -> feature -> answer; no features: the row stays empty."""


def read_sheet_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file that was given out or made by a run."""
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def write_sheet_rows(path: Path, rows: list[dict[str, str]]) -> None:
    """Write rows as a CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def fill_csv(sheet: Path, filled: Path, answers: Answers) -> None:
    """Fill in a CSV sheet."""
    rows = read_sheet_rows(sheet)
    for row in rows:
        row |= {name: str(value) for name, value in answers(row["item_id"]).items()}
    write_sheet_rows(filled, rows)


def fill_xlsx(sheet: Path, filled: Path, answers: Answers) -> None:
    """Fill in a workbook."""
    book = load_workbook(sheet)
    page = book["items"]
    column = {cell.value: cell.column for cell in page[1]}
    for row in range(2, page.max_row + 1):
        for name, value in answers(page.cell(row, column["item_id"]).value).items():
            page.cell(row, column[name]).value = value
    filled.parent.mkdir(parents=True, exist_ok=True)
    book.save(filled)


def fill_page(sheet: Path, filled: Path, answers: Answers) -> None:
    """Write what a page exports once it is answered."""
    found = re.search(r'<script[^>]* id="data"[^>]*>(.*?)</script>', sheet.read_text(encoding="utf-8"), re.S)
    assert found is not None
    given_out = orjson.loads(found[1])
    exported = {
        "kind": given_out["kind"],
        **{name: given_out[name] for name in ("study", "wave", "annotator", "codebook_hash")},
        **({"redraw": given_out["redraw"]} if "redraw" in given_out else {}),
        "answers": [
            {"item_id": row["item_id"], "values": values, "seconds": 4.5}
            for row in given_out["rows"]
            if (values := answers(row["item_id"]))
        ],
    }
    filled.parent.mkdir(parents=True, exist_ok=True)
    filled.write_bytes(orjson.dumps(exported))
