"""Sheets as CSV: UTF-8 with a byte order mark, which spreadsheets need in order not to guess."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from goldpan.cells import neutralise
from goldpan.waves.sheets.sheet import Sheet
from goldpan.waves.sheets.table import Column, cell_text, check_labels


def csv_sheet(sheet: Sheet, columns: Sequence[Column]) -> bytes:
    """The bytes of a CSV sheet.

    Raises:
        StudyError: labels that a spreadsheet cannot tell apart.
    """
    check_labels(sheet.codebook)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([neutralise(column.name) for column in columns])
    for row in sheet.rows:
        writer.writerow([neutralise(cell_text(column, row, sheet)) for column in columns])
    return text.getvalue().encode("utf-8-sig")
