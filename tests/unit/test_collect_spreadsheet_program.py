"""Sheets opened and saved by a real spreadsheet program (LibreOffice); skipped where there is none."""

import csv
import io
import shutil
import subprocess

import pytest
from openpyxl import load_workbook

from goldpan.cells import neutralise
from goldpan.waves.collect.filled import GivenOut
from goldpan.waves.collect.folder import collect
from goldpan.waves.sheets.csv_sheet import csv_sheet
from goldpan.waves.sheets.sheet import make_sheet
from goldpan.waves.sheets.table import task_columns
from goldpan.waves.sheets.xlsx_sheet import xlsx_sheet
from tests.wave_builders import GIST, STARS, codebook, items, labelled, wave

OFFICE = shutil.which("soffice") or shutil.which("libreoffice")
pytestmark = pytest.mark.skipif(
    OFFICE is None, reason="there is no LibreOffice here (Debian: apt-get install libreoffice-calc-nogui)"
)

ODD = labelled("+", "-", "=1+1", "1-2", "TRUE", "NA", "007", "_x0041_", "50%", "'tis", name="odd")
TEXT = "two\nlines, _x0041_ and \u2028"
BOOK = codebook(ODD, STARS, GIST)
SAMPLE = items(["=1+1", "-1", "@x", "TRUE", "bell \x07", "_x0041_", "éあ", "a;b", 'a "b"', "plain"])
LABELS = dict(zip(SAMPLE, ODD.label_list, strict=True))
SHEET = make_sheet("shop", "first", wave(), "ann", list(SAMPLE.values()), BOOK)

TO_XLSX = "xlsx:Calc MS Excel 2007 XML"
TO_CSV = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,1"
GUESSING = "--infilter=CSV:44,34,76,1,,1033,false,true"
"""Opens a CSV file the way most people do: numbers, dates and truth values are recognised."""


def saved_by_office(source, target, form, *options):
    """Open a file in LibreOffice and save it into the folder `target`."""
    subprocess.run(
        [OFFICE, f"-env:UserInstallation={(source.parent / 'profile').as_uri()}", "--headless", *options,
         "--convert-to", form, "--outdir", str(target), str(source)],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip


def filled_workbook(path):
    """The XLSX sheet, filled in as its drop-downs do it."""
    book = load_workbook(io.BytesIO(xlsx_sheet(SHEET, task_columns(SHEET))))
    page, lists = book["items"], book["lists"]
    column = {cell.value: cell.column for cell in page[1]}
    for row in range(2, 12):
        label = LABELS[page.cell(row, column["item_id"]).value]
        cell = page.cell(row, column["odd"])
        cell.value = lists.cell(ODD.label_list.index(label) + 1, column["odd"]).value
        cell.data_type = "s"
        page.cell(row, column["stars"]).value = 3
        page.cell(row, column["gist"]).value = TEXT.replace("_x0041_", "_x005F_x0041_")
    book.save(path)


def filled_csv(path):
    """The CSV sheet, filled in by a script."""
    text = csv_sheet(SHEET, task_columns(SHEET)).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    for row in rows:
        row |= {"odd": neutralise(LABELS[row["item_id"]]), "stars": "3", "gist": TEXT}
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(out.getvalue().encode("utf-8-sig"))


@pytest.mark.parametrize(
    ("fill", "name", "form", "options"),
    [
        (filled_workbook, "ann.xlsx", TO_XLSX, ()),
        (filled_workbook, "ann.xlsx", TO_CSV, ()),
        (filled_csv, "ann.csv", TO_XLSX, (GUESSING,)),
    ],
    ids=["xlsx-to-xlsx", "xlsx-to-csv", "csv-to-xlsx"],
)
def test_no_answer_is_lost_or_changed(tmp_path, fill, name, form, options):
    fill(tmp_path / name)
    saved_by_office(tmp_path / name, tmp_path / "saved", form, *options)
    collected = collect(tmp_path / "saved", GivenOut("shop", "first", wave(), BOOK, SAMPLE))
    assert collected.status.shown_otherwise == []
    assert {item: given["ann"] for item, given in collected.ratings["odd"].items()} == LABELS
    assert {given["ann"] for given in collected.ratings["stars"].values()} == {3}
    assert {given["ann"] for given in collected.ratings["gist"].values()} == {TEXT}
