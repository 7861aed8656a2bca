"""Filled tables whose rows no longer show what was given out under their ids."""

import pytest

from goldpan.cli import main
from goldpan.errors import SheetError
from goldpan.waves.agreement.wave import wave_notes
from goldpan.waves.collect.collected import read_collected, write_collected
from goldpan.waves.collect.shown_records import shows
from goldpan.waves.sheets.table import CUT, LONGEST_TEXT
from tests.filled_sheets import read_sheet_rows, write_sheet_rows
from tests.unit.test_collect_sheets import Folder
from tests.unit.test_waves_frozen import give_out
from tests.wave_builders import items, make_project


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def rotated(rows, column):
    """The rows with the cells of one column moved down by one."""
    cells = [row[column] for row in rows]
    return [row | {column: cell} for row, cell in zip(rows, [cells[-1], *cells[:-1]], strict=True)]


def test_a_sheet_sorted_without_its_ids_is_refused(folder):
    folder.write("ann.csv", rotated(folder.filled(), "item_id"))
    with pytest.raises(SheetError) as error:
        folder.collect()
    assert "4 of 4 rows" in str(error.value) and "`text`" in str(error.value)
    assert "ann.csv" in str(error.value) and "sort" in error.value.remedy


def test_one_shown_column_sorted_by_itself_is_refused(tmp_path):
    folder = Folder(tmp_path, sample=items(kind="same"))
    folder.write("ann.csv", rotated(folder.filled(), "text"))
    with pytest.raises(SheetError, match="4 of 4 rows"):
        folder.collect()


def test_two_rows_that_changed_places_are_named_and_their_answers_are_kept(tmp_path):
    folder = Folder(tmp_path, sample=items([f"Text {number}" for number in range(9)]))
    rows = [row | {"tone": "Positive", "stars": "4"} for row in folder.rows()]
    rows[0]["text"], rows[1]["text"] = rows[1]["text"], rows[0]["text"]
    folder.write("ann.csv", rows)
    collected = folder.collect()
    assert [(row.where, row.item_id, row.columns) for row in collected.status.shown_otherwise] == [
        ("ann.csv, row 2", rows[0]["item_id"], ["text"]),
        ("ann.csv, row 3", rows[1]["item_id"], ["text"]),
    ]
    assert len(collected.ratings["tone"]) == 9


def test_texts_written_over_are_no_sorting_but_are_named(folder):
    rows = folder.filled()[:3]
    for row in rows:
        row["text"] = rows[0]["text"]
    folder.write("ann.csv", rows)
    status = folder.collect().status
    assert [row.item_id for row in status.shown_otherwise] == [row["item_id"] for row in rows[1:]]
    (note,) = [note for note in wave_notes(status) if note.startswith("Shown otherwise")]
    assert "2 rows" in note


def test_rows_shown_otherwise_are_written_and_read(folder, tmp_path):
    rows = folder.filled()
    rows[0]["text"] = "edited"
    folder.write("ann.csv", rows)
    collected = folder.collect()
    write_collected(collected, tmp_path / "out" / "answers.jsonl", tmp_path / "out" / "status.json")
    again = read_collected(tmp_path / "out" / "answers.jsonl", tmp_path / "out" / "status.json")
    assert again == collected and len(again.status.shown_otherwise) == 1


def test_sorted_filtered_and_emptied_rows_raise_no_alarm(folder):
    rows = sorted(folder.filled(), key=lambda row: row["text"])[1:]
    rows[0]["text"] = ""
    folder.write("ann.csv", rows)
    assert folder.collect().status.shown_otherwise == []


def test_a_field_called_like_a_column_of_the_sheet_is_compared_under_its_own_name(tmp_path):
    folder = Folder(tmp_path, sample=items(notes="of the record", tone="low"))
    folder.write("ann.csv", folder.filled(notes="of the annotator"))
    assert folder.collect().status.shown_otherwise == []


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("two lines", " two\r\nlines "),
        ("'=1+1", "=1+1"),
        ("=1+1", "=1+1"),
        ("tis", "'tis"),
        ("caf\u00e9", "cafe\u0301"),
        ("bell \u2407", "bell \x07"),
        ("7", "007"),
        ("1,5", "1.50"),
        (1.5, "1.50"),
        ("4.00638E+12", "4006381333931"),
        ("1,23457E+19", "12345678901234567890"),
        ("0.333333333", "0.3333333333333333"),
        ("0.33", "0.3333333333333333"),
        ("TRUE", "true"),
        ("WAHR", "true"),
        (True, "true"),
        ("03/04/2021", "2021-03-04"),
        ("04.03.2021 10:15", "2021-03-04T10:15:00"),
        ("2. Jan", "1-2"),
        ("x" * 255, "x" * 4000),
        ("x" * LONGEST_TEXT + CUT, "x" * 40_000),
        ("", "anything"),
        (None, "anything"),
    ],
)
def test_what_spreadsheets_make_of_a_text_is_still_that_text(cell, text):
    assert shows(cell, text)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("red", "red shoes"),
        ("8", "007"),
        ("1.6", "1.50"),
        ("4.00639E+12", "4006381333931"),
        ("05/04/2021", "2021-03-04"),
        ("04.03.2021 10:16", "2021-03-04T10:15:00"),
        ("x" * 255 + "y", "x" * 4000),
        ("3", "4.2"),
        ("FALSE", "true"),
        ("written in", ""),
    ],
)
def test_another_text_is_another_text(cell, text):
    assert not shows(cell, text)


def test_status_of_a_wave_names_the_rows(tmp_path, capsys):
    project = make_project(tmp_path / "project")
    give_out(project)
    rows = read_sheet_rows(project.artifact("waves/check/sheets/ann.csv"))
    rows[2] |= {"text": "edited", "topic": "animals"}
    rows = [row | {"third": "x"} for row in rows]
    write_sheet_rows(project.root / "annotations/notes/check/ann.csv", rows)
    assert main(["waves", "status", "--root", str(project.root)]) == 0
    printed = capsys.readouterr().out
    assert f"shown otherwise: ann.csv, row 4 ({rows[2]['item_id']}): `text`" in printed
    assert "not read: ann.csv, column `third`: 12 filled cells" in printed
