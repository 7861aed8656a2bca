"""Cells that a spreadsheet would run are neutralised and come back unchanged."""

import csv
import io
from pathlib import Path

import pytest

import goldpan
from goldpan.cells import csv_text, neutralise, restore, unprotect

HOSTILE = [
    '=cmd|"/c calc"!A1',
    "=1+1",
    "+1+1",
    "-2+3",
    "- a list item",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "-",
    "+",
    "--1",
    "-1e",
    "-1\n",
    "-١",
]
PLAIN = [
    "",
    "'",
    "''",
    "'quoted'",
    "a=b",
    "-1",
    "+1",
    "-0.5",
    "-.5",
    "+2.",
    "-1e-9",
    "'-1",
    " =1",
    "NA",
    "it's",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_formula_does_not_begin_the_cell(text):
    assert neutralise(text) == "'" + text


@pytest.mark.parametrize("text", PLAIN)
def test_plain_text_and_numbers_stay_as_they_are(text):
    assert neutralise(text) == text
    assert restore(text) == text


@pytest.mark.parametrize("text", [*HOSTILE, *PLAIN, *("'" + text for text in HOSTILE), "''=1", "'''@"])
def test_every_text_comes_back(text):
    assert restore(neutralise(text)) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_text_that_has_the_apostrophe_already_is_told_apart(text):
    assert neutralise(text) != neutralise("'" + text)


@pytest.mark.parametrize("text", ["one\r=cmd()", "one\rtwo", "one\ntwo", "one\r\ntwo", '\r"quoted"'])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_line_ends_of_any_kind_stay_within_their_cell(text, line_end):
    written = csv_text([["a", "b"], [text, "x"]], line_end)
    rows = list(csv.reader(io.StringIO(written, newline="")))
    assert [list(map(restore, row)) for row in rows] == [["a", "b"], [text, "x"]]
    assert written.endswith(f"x{line_end}")


@pytest.mark.parametrize(
    ("text", "typed"), [("'=yes", "=yes"), ("'-1", "-1"), ("'+1", "+1"), ("'tis", "'tis")]
)
def test_the_apostrophe_that_people_put_before_a_formula_or_a_number_is_taken_off(text, typed):
    assert unprotect(text) == typed


def test_all_csv_goes_through_one_writer():
    library = Path(goldpan.__file__).parent
    writers = [path.name for path in library.rglob("*.py") if "csv.writer(" in path.read_text()]
    assert writers == ["cells.py"]
