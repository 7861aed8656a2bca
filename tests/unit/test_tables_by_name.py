"""Tables and sheets whose names cannot be written, shown or told apart, and formats that are not read."""

import csv
import json
import os

import pytest
from openpyxl import Workbook

from goldpan.errors import SheetError, SourceError
from goldpan.records.inputs import source_files
from goldpan.study.model import Source
from tests.unit.test_collect_sheets import Folder

WIDE = "id,annotator_a,annotator_b\n1,x,x\n2,x,y\n3,y,y\n"
NOT_UTF8 = os.fsdecode(b"bad\xff.csv")
OBEYED = "x\x1b[31m\n\u202egnp.csv"


@pytest.fixture
def run(run):
    """As ever, but what it printed and its errors are one text."""

    def call(command):
        code, *said = run(command)
        return code, "".join(said)

    return call


@pytest.fixture
def tables(folder):
    """A function that writes the same table under several names into `in`."""

    def write(*names):
        (folder / "in").mkdir(exist_ok=True)
        for name in names:
            (folder / "in" / name).write_text(WIDE)

    return write


@pytest.mark.parametrize("command", ["agreement", "agreement --json", "agreement --html page.html"])
def test_a_name_that_is_not_utf8_is_refused_by_name(tables, run, command):
    tables(NOT_UTF8)
    code, said = run([*command.split(), f"in/{NOT_UTF8}"])
    assert code == 1
    assert "in/bad\\xff.csv: the name of this file is not UTF-8" in said


def test_the_others_go_on(tables, run, folder):
    tables(NOT_UTF8, "good.csv")
    code, said = run("tables batch in --out out")
    assert code == 1
    assert "in/bad\\xff.csv: the name of this file is not UTF-8" in said
    assert (folder / "out/good/gold/card.md").is_file()
    summary = list(csv.DictReader((folder / "out/summary.csv").open(newline="")))
    assert [row["table"] for row in summary] == ["good.csv", "bad\\xff.csv"]
    code, said = run("tables list in --json")
    assert [failed["table"] for failed in json.loads(said)["failed"]] == ["bad\\xff.csv"]


def test_a_sheet_with_such_a_name_is_refused_by_name(tmp_path):
    folder = Folder(tmp_path)
    folder.write(NOT_UTF8, folder.filled())
    with pytest.raises(SheetError) as error:
        folder.collect()
    assert "bad\\xff.csv: the name of this file is not UTF-8" in str(error.value)


def test_a_source_with_such_a_name_is_refused_by_name(tables, folder):
    tables(NOT_UTF8)
    with pytest.raises(SourceError) as error:
        source_files(Source(files="in/*.csv"), folder)
    assert "bad\\xff.csv: the name of this file is not UTF-8" in str(error.value)


def test_names_move_no_cursor(tables, run):
    tables(OBEYED)
    other = OBEYED.replace("x", "z", 1)
    tables(other)
    for command in ("tables list in", "tables batch in --out out", "merge in --out merged", "agreement in"):
        _, said = run(command)
        assert "x\ufffd[31m\ufffd\ufffdgnp.csv" in said
        assert not {"\x1b", "\u202e"} & set(said)
    _, said = run(["agreement", f"in/{OBEYED}x"])
    assert not {"\x1b", "\u202e"} & set(said)


@pytest.mark.parametrize(
    "names", [("T.csv", "t.csv"), ("\u00e9.csv", "e\u0301.csv"), ("\u00c9.csv", "e\u0301.csv")]
)
def test_tables_whose_results_would_be_one_are_both_named_and_the_others_go_on(tables, run, folder, names):
    tables(*names, "other.csv")
    code, said = run("tables batch in --out out")
    assert code == 1
    for name, other in (names, names[::-1]):
        assert f"in/{name}: several tables are called `{name[:-4]}`" in said
        assert f"also `in/{other}`" in said
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["other", "summary.csv"]
    for command in ("merge in --out merged", "agreement in --html pages"):
        assert run(command)[0] == 1
    assert [path.name for path in (folder / "merged").iterdir()] == ["other.csv"]
    assert [path.name for path in (folder / "pages").iterdir()] == ["other.html"]


@pytest.mark.parametrize("suffix", [".xls", ".ods"])
def test_a_workbook_that_is_not_read_is_told_from_others(tables, run, folder, suffix):
    tables("good.csv", f"old{suffix}", f"good{suffix}")
    code, said = run("tables list in")
    assert code == 1
    assert f"in/old{suffix}: this is a workbook of" in said
    assert "save it as .xlsx" in said
    assert f"good{suffix}" not in said


def test_utf16_without_a_mark_is_told(folder, run):
    for encoding in ("utf-16-le", "utf-16-be"):
        (folder / "t.csv").write_bytes(WIDE.encode(encoding))
        assert "UTF-16 without a byte order mark" in run("agreement t.csv")[1]


def test_a_filled_second_page_is_told(folder, run):
    book = Workbook()
    for line in WIDE.splitlines():
        book.active.append(line.split(","))
    book.create_sheet("empty")
    book.create_sheet("hidden").sheet_state = "hidden"
    book["hidden"]["A1"] = "x"
    book.save("t.xlsx")
    assert "first visible page" not in run("agreement t.xlsx")[1]
    book.create_sheet("more")["B2"] = "x"
    book.save("t.xlsx")
    code, said = run("agreement t.xlsx")
    assert code == 0
    assert "there is something on `more`, too" in said
    assert "first visible page" not in run("agreement t.xlsx --page Sheet")[1]


def test_gold_of_a_table_merged_with_named_columns_says_to_name_them_again(folder, run):
    (folder / "t.csv").write_text(WIDE.replace("annotator_a", "alice").replace("annotator_b", "bob"))
    assert run("merge t.csv --columns alice bob --out m.csv")[0] == 0
    code, said = run("gold m.csv --out gold")
    assert code == 1
    assert "the table was merged with `--columns`, which must be given again" in said
    assert run("gold m.csv --columns alice bob --out gold")[0] == 0
