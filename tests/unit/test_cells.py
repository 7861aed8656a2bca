"""Cells that a spreadsheet would run are neutralised and come back unchanged."""

import pytest

from goldpan.cells import neutralise, restore

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
