"""Sheets as CSV: UTF-8 with a byte order mark, which spreadsheets need in order not to guess."""

from __future__ import annotations

from collections.abc import Sequence

from goldpan.cells import csv_text
from goldpan.waves.sheets.sheet import Sheet
from goldpan.waves.sheets.table import SheetColumn, cell_text, check_labels


def csv_sheet(sheet: Sheet, columns: Sequence[SheetColumn]) -> bytes:
    """The bytes of a CSV sheet.

    Raises:
        StudyError: labels that a spreadsheet cannot tell apart.
    """
    check_labels(sheet.codebook)
    rows = [[cell_text(column, row, sheet) for column in columns] for row in sheet.rows]
    return csv_text([[column.name for column in columns], *rows], "\r\n").encode("utf-8-sig")
