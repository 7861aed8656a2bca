"""One label in several spellings: what is taken as one, what stays apart, and that it is told."""

import pytest

from goldpan.plain_tables.labels import labels_of


def labels(*cells, declared=(), exact=False):
    counts = dict.fromkeys(cells, 0)
    for cell in cells:
        counts[cell] += 1
    return labels_of(counts, declared, exact)


@pytest.mark.parametrize(
    ("cells", "taken_as"),
    [
        (["1", "1.0", "2", "2.0"], {"1": "1", "1.0": "1", "2": "2", "2.0": "2"}),
        (["1,5", "1.5", "2,0"], {"1,5": "1.5", "1.5": "1.5", "2,0": "2"}),
        (["50%", "0.5"], {"50%": "0.5", "0.5": "0.5"}),
        (["yes", "Yes", "yes"], {"yes": "yes", "Yes": "yes"}),
        (["ｙｅｓ", "yes", "yes"], {"ｙｅｓ": "yes", "yes": "yes"}),
        (["yes", "TRUE", "no", "n"], {"yes": "yes", "TRUE": "yes", "no": "no", "n": "no"}),
        (["WAHR", "TRUE"], {"WAHR": "yes", "TRUE": "yes"}),
        (["yes", "1", "0.0", "no"], {"yes": "1", "1": "1", "0.0": "0", "no": "0"}),
        (["ja", "nein", "1", "0"], {"ja": "1", "nein": "0", "1": "1", "0": "0"}),
        (["WAHR", "FALSCH", "ja", "nein"], {"WAHR": "yes", "FALSCH": "no", "ja": "yes", "nein": "no"}),
        (["oui", "non", "TRUE"], {"oui": "yes", "non": "no", "TRUE": "yes"}),
        (["SÍ", "si", "no"], {"SÍ": "yes", "si": "yes", "no": "no"}),
        (["Sim", "Não", "yes", "no"], {"Sim": "yes", "Não": "no", "yes": "yes"}),
        (["ja", "nee", "WAAR"], {"ja": "yes", "nee": "no", "WAAR": "yes"}),
        (["ja", "ja", "1", "0"], {"ja": "1", "1": "1", "0": "0"}),
        (["да", "нет", "yes", "unclear"], {"да": "yes", "нет": "no", "unclear": "unclear"}),
        (["1-2", "01-Feb", "3-5", "2001-05-03"], {"01-Feb": "1-2", "1-2": "1-2", "3-5": "3-5"}),
        (["10:30", "10:30:00", "10:30"], {"10:30": "10:30", "10:30:00": "10:30"}),
    ],
)
def test_spellings_that_can_hardly_be_two_labels_are_one_and_it_is_told(cells, taken_as):
    read = labels(*cells)
    assert read.of_cell.items() >= taken_as.items()
    changed = [cell for cell, label in taken_as.items() if cell != label]
    assert all(any(f"`{cell}`" in note for note in read.notes) for cell in changed)


@pytest.mark.parametrize(
    "cells", [["no ", "no"], ["no\u00a0", "no"], ["'=no", "=no"], ["'-1", "-1"], ["'+1", "+1"]]
)
def test_white_space_and_the_apostrophe_before_a_formula_are_taken_off_without_a_word(cells):
    read = labels(*cells)
    assert len(set(read.of_cell.values())) == 1
    assert read.notes == []


@pytest.mark.parametrize(
    "cells",
    [
        ["1-2", "2-1", "01-Feb"],
        ["01-Feb", "03-May"],
        ["1,250", "1250"],
        ["yes", "1", "maybe"],
        ["yes", "ei", "ham"],
        ["ja", "nein", "1", "0", "maybe"],
    ],
)
def test_what_may_be_one_label_and_need_not_stays_apart_and_is_told(cells):
    read = labels(*cells)
    assert read.of_cell == {cell: cell for cell in cells}
    assert len(read.notes) == 1


@pytest.mark.parametrize(
    "cells",
    [
        ["NA", "None", "null", "nan", "no"],
        ["0", "1"],
        ["ja", "nein"],
        ["sí", "no"],
        ["n", "0", "1"],
        ["ei", "da", "hm"],
        ["n", "v", "adj"],
        ["marketing 3", "3-3"],
        ["12345678901234567", "12345678901234568"],
        ["1e999", "2e999"],
        ["50%", "20%"],
        ["2024-02-01", "2024-03-05"],
        ["1.0", "2.0"],
        ["A", "B", "C"],
    ],
)
def test_other_labels_stay_as_they_are_without_a_word(cells):
    read = labels(*cells)
    assert read.of_cell == {cell: cell for cell in cells}
    assert read.notes == []


def test_labels_that_are_declared_are_spelled_so_and_stay_apart():
    assert labels("Low", "low ", "HIGH", declared=("LOW", "high")).of_cell == {
        "Low": "LOW", "low ": "LOW", "HIGH": "high",
    }  # fmt: skip
    assert labels("co", "CO", declared=("co", "CO")).of_cell == {"co": "co", "CO": "CO"}
    assert labels("TRUE", "yes", declared=("yes", "no")).of_cell["TRUE"] == "yes"


def test_each_spelling_is_a_label_where_that_is_wanted():
    read = labels("Co", "CO", "1", "1.0", "yes ", exact=True)
    assert list(read.of_cell.values()) == ["Co", "CO", "1", "1.0", "yes"]


@pytest.mark.parametrize(
    ("cells", "written"),
    [
        (["yes", "no"], ["1", "0"]),
        (["TRUE", "FALSE"], ["1", "0"]),
        (["y", "n"], ["1", "0"]),
        (["1.0", "0.0"], ["1", "0"]),
        (["n", "v"], ["n", "v"]),
        (["yes", "no", "unclear"], ["yes", "no", "unclear"]),
        (["0", "1", "2"], ["0", "1", "2"]),
    ],
)
def test_words_for_yes_and_no_are_written_as_1_and_0_where_there_are_no_others(cells, written):
    read = labels(*cells)
    assert [read.written(read.of_cell[cell]) for cell in cells] == written


def test_of_many_changes_a_few_are_named():
    (note,) = labels(*(str(number) for number in range(50)), *(f"{number}.0" for number in range(50))).notes
    assert "and 45 more" in note
