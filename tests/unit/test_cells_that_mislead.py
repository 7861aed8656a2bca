"""Cells that show one thing and hold another: merged, computed, an error, or invisible characters."""

import zipfile

import pytest
from openpyxl import Workbook

from goldpan.errors import AnswerError, SheetError, SourceError
from goldpan.files import LONGEST_LINE
from goldpan.plain_tables.labels import labels_of
from goldpan.records.workbook import read_xlsx
from goldpan.waves.collect.cell_values import read_cell
from goldpan.waves.collect.record_fields import RecordFields
from goldpan.waves.collect.xlsx_file import read_xlsx_table as read_sheet
from tests.unit.test_collect_sheets import STARS, TONE, Folder

HEADER = ("item_id", "annotator_a", "annotator_b", "agreement", "text")


@pytest.fixture
def run(run):
    """As ever, but what it printed and its errors are one text."""

    def call(command):
        code, *said = run(command)
        return code, "".join(said)

    return call


@pytest.fixture
def book(folder):
    """A function that fills a table of eight rows, lets a test change it, and saves it."""

    def make(change, name="t.xlsx"):
        made = Workbook()
        page = made.active
        page.append(HEADER)
        for row in range(2, 10):
            page.append((row, "yes" if row % 2 else "no", "no", "1", f"text {row}"))
        change(page)
        made.save(folder / name)
        return folder / name

    return make


def with_cached_value(path, formula, value):
    """Write beside a formula what a spreadsheet last computed, as openpyxl does not."""
    parts = {}
    with zipfile.ZipFile(path) as archive:
        for part in archive.infolist():
            parts[part.filename] = archive.read(part)
    name = "xl/worksheets/sheet1.xml"
    text = parts[name].decode()
    before = f"<f>{formula}</f><v></v>" if f"<f>{formula}</f><v></v>" in text else f"<f>{formula}</f><v />"
    assert before in text
    parts[name] = text.replace(before, f"<f>{formula}</f><v>{value}</v>").encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)


@pytest.mark.parametrize("area", ["B3:B5", "B4:C4"])
def test_merged_cells_are_named_in_plain_tables_and_in_sources(book, run, area):
    path = book(lambda page: page.merge_cells(area))
    code, said = run("agreement t.xlsx")
    assert code == 1
    assert f"cells {area} are merged" in said
    bad = [row.line for row in read_xlsx(path, []) if row.error and area in row.error.what]
    assert bad == ([4, 5] if area == "B3:B5" else [4])


@pytest.mark.parametrize("area", ["A1:B1", "G3:G5"])
def test_headings_over_columns_and_cells_beside_the_table_may_be_merged(book, run, area):
    def change(page):
        page["B1"] = "annotator_x"
        page.insert_rows(1) if area == "A1:B1" else None
        page.merge_cells(area)

    book(change)
    assert run("tables list t.xlsx")[0] == 0


def test_merged_cells_in_which_nothing_stands_lose_nothing(book, run, tmp_path):
    def change(page):
        for row in (3, 4, 5):
            page.cell(row, 2).value = None
        page.merge_cells("B3:B5")

    book(change)
    assert run("tables list t.xlsx")[0] == 0


def test_an_answer_that_a_formula_computes_is_refused(book, run):
    path = book(lambda page: page.__setitem__("B3", "=1+1"))
    with_cached_value(path, "1+1", "2")
    code, said = run("agreement t.xlsx")
    assert code == 1
    assert "cell B3 in column `annotator_a` holds a formula" in said


def test_what_is_no_answer_may_be_computed(book, run):
    path = book(lambda page: page.__setitem__("D3", "=1+1"))
    with_cached_value(path, "1+1", "2")
    assert run("agreement t.xlsx")[0] == 0


@pytest.mark.parametrize("error", ["#REF!", "#N/A", "#WERT!", "#NAME?", "Err:502"])
def test_an_error_of_a_spreadsheet_is_no_label(folder, run, error):
    (folder / "t.csv").write_text(f"item_id,annotator_a,annotator_b\n1,x,x\n2,y, {error}\n3,y,y\n")
    code, said = run("agreement t.csv")
    assert code == 1
    assert "t.csv, row 3" in said
    assert error in said
    assert run("agreement t.csv --exact")[0] == 0


def test_nor_is_it_the_llms_label_or_a_text_of_a_sheet(folder, run):
    (folder / "t.csv").write_text("item_id,annotator_a,annotator_b,llm\n1,x,x,x\n2,y,y,#N/A\n")
    code, said = run("merge t.csv --strategy majority_llm --out m.csv")
    assert code == 1
    assert "item `2`: `llm` answers" in said


SIGNS = [
    "\u200e",
    "\u200f",
    "\u200b",
    "\u200c",
    "\u200d",
    "\u2060",
    "\ufeff",
    "\u00ad",
    "\x01",
    "\x7f",
    "\x00",
    "\x9b",
]


@pytest.mark.parametrize("sign", SIGNS)
def test_invisible_characters_split_no_label_and_are_named(folder, run, sign):
    (folder / "t.csv").write_text(
        f"item_id,annotator_a,annotator_b\n1,yes{sign},yes\n2,{sign},no\n3,no,{sign}no\n4,maybe,maybe\n"
    )
    code, said = run("agreement t.csv")
    assert code == 0
    assert f"`yes<U+{ord(sign):04X}>` is taken as `yes`" in said
    assert "2 items" in said or "3 items" in said
    listed = run("tables list t.csv")[1].splitlines()[1].split()
    # Four items of which three have two answers, no difference, and three labels.
    assert listed[1:] == ["label", "4", "2", "4", "3", "0", "0", "3"]


SEEN = [
    "👩\u200d💻",
    "👩🏾\u200d💻",
    "می\u200cخواهم",
    "🏴\U000e0067\U000e0062\U000e007f",
    "❤\ufe0f",
    "1\ufe0f\u20e3",
]


@pytest.mark.parametrize("label", SEEN)
def test_joiners_that_change_what_is_seen_stay(label):
    labels = labels_of({label: 2, "no": 1})
    assert labels.of_cell[label] == label
    assert labels.notes == []


def test_labels_that_differ_in_these_alone_are_one_and_the_difference_is_named():
    labels = labels_of({"❤\ufe0f": 2, "❤": 1, "می\u200cخواهم": 2, "میخواهم": 1, "no\ufe0f": 1, "no": 1})
    assert set(labels.of_cell.values()) == {"❤\ufe0f", "می\u200cخواهم", "no"}
    assert any("`❤` is taken as `❤<U+FE0F>`" in note for note in labels.notes)
    assert any("می<U+200C>خواهم" in note for note in labels.notes)


@pytest.mark.parametrize("sign", [*SIGNS[:8], "\x7f"])
def test_a_sheet_takes_a_label_with_invisible_characters_and_names_them(tmp_path, sign):
    folder = Folder(tmp_path)
    rows = folder.filled()
    rows[0]["tone"], rows[1]["tone"], rows[0]["stars"] = f"Posi{sign}tive", sign, f"4{sign}"
    rows[2]["item_id"] += sign
    folder.write("ann.csv", rows)
    collected = folder.collect()
    found = {repair.found: repair.taken_as for repair in collected.status.repairs}
    assert found == {f"Posi<U+{ord(sign):04X}>tive": "Positive", f"4<U+{ord(sign):04X}>": "4"}
    assert sum("tone" in answer.values for answer in collected.answers) == 3


def test_a_field_of_a_table_or_record_takes_it_too_and_names_them():
    fields = RecordFields({"tone": TONE}, {"tone": "llm"}, lambda record: "t.csv:2", "waves.check.from")
    record = {"id": "r1", "data": {"llm": "Posi\u200etive"}}
    assert fields.values(record) == {"tone": "Positive"}
    assert "Posi<U+200E>tive" in fields.notes()[0]
    assert fields.values({"id": "r2", "data": {"llm": "\u200e"}}) == {}


def test_a_misspelt_label_is_not_shown_as_the_label_it_is_not():
    with pytest.raises(AnswerError) as error:
        read_cell(TONE, "Роsitive", False)
    assert "`Р<U+0420>о<U+043E>sitive` is not one of the labels; did you mean `Positive`?" in error.value.what
    with pytest.raises(AnswerError) as error:
        read_cell(TONE, "Positve\u200f", False)
    assert "`Positve<U+200F>`" in error.value.what
    assert read_cell(STARS, "4\u200f", False).value == 4


NUMBERS = [
    (["1.250", "1250", "1,5", "2"], {"1250", "1.5", "2"}, "`1.250` is taken as `1250`"),
    (["1.250,50", "1250.5", "3", "2"], {"1250.5", "3", "2"}, "`1.250,50` is taken as `1250.5`"),
    (["1,250.50", "1250.5", "1,250", "2"], {"1250.5", "1250", "2"}, "`1,250` is taken as `1250`"),
    (["1.250.000", "1250000", "3"], {"1250000", "3"}, "`1.250.000` is taken as `1250000`"),
    (["1,250", "1.5", "3"], {"1250", "1.5", "3"}, "`1,250` is taken as `1250`"),
    (["1.250", "1250", "1,5", "1.75"], {"1.250", "1250", "1.5", "1.75"}, "`1.250` may be thousands"),
    (["1,250", "1250", "3"], {"1,250", "1250", "3"}, "`1,250` may be thousands or have a decimal comma"),
    (["1.250", "1.375", "2"], {"1.250", "1.375", "2"}, None),
    (["1 250", "1250", "3", "4"], {"1 250", "1250", "3", "4"}, "`1 250` cannot be read as numbers"),
]


@pytest.mark.parametrize(("cells", "expected", "note"), NUMBERS, ids=[cells[0] for cells, *_ in NUMBERS])
def test_thousands_are_read_where_other_cells_tell_and_else_named(cells, expected, note):
    labels = labels_of(dict.fromkeys(cells, 1))
    assert set(labels.of_cell.values()) == expected
    assert note is None or any(note in said for said in labels.notes), labels.notes


def test_a_small_workbook_with_a_huge_cell_is_refused_before_it_is_read(book, run, tmp_path):
    path = book(lambda page: None)
    with zipfile.ZipFile(path) as archive:
        parts = {part.filename: archive.read(part) for part in archive.infolist()}
    name = "xl/worksheets/sheet1.xml"
    huge = b'<c r="E2" t="inlineStr"><is><t>' + b"x" * (LONGEST_LINE + 1) + b"</t></is></c></row>"
    parts[name] = parts[name].replace(b"</row>", huge, 1)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for part, data in parts.items():
            archive.writestr(part, data)
    code, said = run("agreement t.xlsx")
    assert code == 1
    assert f"has a cell of more than {LONGEST_LINE:,} bytes" in said
    with pytest.raises(SourceError, match="has a cell of more than"):
        next(read_xlsx(path, []))
    with pytest.raises(SheetError, match="has a cell of more than"):
        read_sheet(path)


def test_an_error_in_an_older_merged_table_is_no_gold_label_and_no_reason_to_write_over_it(folder, run):
    (folder / "t.csv").write_text("item_id,annotator_a,annotator_b\n1,x,x\n2,#REF!,y\n3,y,y\n")
    assert run("merge t.csv --exact --out m.csv")[0] == 0
    assert "m.csv, row 3" in run("gold m.csv --out gold")[1]
    assert not (folder / "gold").exists()
    (folder / "t.csv").write_text("item_id,annotator_a,annotator_b\n1,x,x\n2,x,y\n3,y,y\n")
    filled_in = (folder / "m.csv").read_text().replace("#REF!,y,,", "#REF!,y,x,")
    (folder / "m.csv").write_text(filled_in)
    assert "somebody has changed this table" in run("merge t.csv --out m.csv")[1]
    assert (folder / "m.csv").read_text() == filled_in
