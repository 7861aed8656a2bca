"""Source files as people name and keep them go through a whole run."""

import bz2
import csv
import lzma

from openpyxl import Workbook

from tests.filled_sheets import fill_csv
from tests.projects import WorkflowProject, notes_study


def rows_of(project, stage="topics"):
    return {row["id"]: row["state"] for row in project.rows(f"stages/{stage}/features.jsonl")}


def test_names_with_braces_and_other_signs_and_long_ones_run_to_their_tables(tmp_path):
    project = WorkflowProject.create(tmp_path / "project")
    study = notes_study(tables="csv")
    study["sources"]["notes"]["files"] = ["notes/*"]
    study["sources"]["notes"]["format"] = "csv"
    project.write_study(study)
    names = [
        "a{b}.csv",
        "a<b>.csv",
        "{file}.csv",
        "{{x}}.csv",
        "a'b c$d&.csv",
        "x" * 240 + ".csv",
        "A.csv",
        "a.csv",
    ]
    names += ["b", "b.csv"]
    for number, name in enumerate(names):
        project.write(f"notes/{name}", f"id,text\nn{number},a text about trains\n")
    project.run()
    assert rows_of(project) == {f"n{number}": "ok" for number in range(len(names))}
    tables = sorted(project.artifact("stages/topics/tables/notes").iterdir())
    assert len({path.name.casefold() for path in tables}) == len(names)
    ids = {row["id"] for path in tables for row in csv.DictReader(path.open(encoding="utf-8", newline=""))}
    assert ids == {f"n{number}" for number in range(len(names))}
    assert "Nothing to be done" in project.run().stdout
    project.write("notes/a{b}.csv", "id,text\nn0,a text about trains\nnew,a text about ships\n")
    project.run()
    assert rows_of(project).keys() == ids | {"new"}


def test_workbooks_and_compressed_files_run(tmp_path):
    project = WorkflowProject.create(tmp_path / "project")
    study = notes_study()
    study["sources"]["notes"]["files"] = ["notes/*"]
    project.write_study(study)
    project.write("notes/a.csv", "id,text\nn1,a text about trains\n")
    folder = project.root / "notes"
    for name, compress, number in (("b.csv.bz2", bz2.compress, 2), ("c.csv.xz", lzma.compress, 3)):
        (folder / name).write_bytes(compress(f"id,text\nn{number},a text about trains\n".encode()))
    book = Workbook()
    for row in (["id", "text"], ["n4", "a text about trains"]):
        book.active.append(row)
    book.save(folder / "d.xlsx")
    project.run()
    assert rows_of(project) == {f"n{number}": "ok" for number in range(1, 5)}


def test_a_wave_over_a_file_with_braces_comes_back_under_any_name(tmp_path):
    project = WorkflowProject.create(tmp_path / "project")
    study = notes_study()
    study["sources"]["notes"]["files"] = ["notes/*"]
    study["waves"] = {
        "check": {
            "stage": "topics",
            "features": ["topic"],
            "annotators": ["ann"],
            "sample": 3,
            "formats": ["csv"],
        }
    }
    project.write_study(study)
    project.write("notes/a{b}.csv", "id,text\n" + "".join(f"n{n},text {n} about trains\n" for n in range(3)))
    project.run()
    sheet = project.artifact("waves/check/sheets/ann.csv")
    folder = project.root / "annotations" / "notes" / "check"
    fill_csv(sheet, folder / "ann {final}.csv", lambda item: {"topic": "machines"})
    project.run()
    answers = project.rows("waves/check/answers.jsonl")
    assert [row["values"] for row in answers] == [{"topic": "machines"}] * 3
    assert {row["id"] for row in project.rows("waves/check/gold/train.jsonl")} <= {"n0", "n1", "n2"}
    assert project.artifact("waves/check/gold/card.md").is_file()
