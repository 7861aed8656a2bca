"""Collecting filled tables: joined by id, checked, and nothing lost on the way."""

import csv
import datetime
import io
import zipfile

import pytest
from openpyxl import Workbook, load_workbook

from goldpan.errors import SheetError
from goldpan.tasks.features import Exclusive
from goldpan.waves.collect.collected import read_collected, write_collected
from goldpan.waves.collect.filled import GivenOut
from goldpan.waves.collect.folder import collect
from goldpan.waves.collect.listing import sheet_files
from goldpan.waves.items import Item
from goldpan.waves.sheets.csv_sheet import csv_sheet
from goldpan.waves.sheets.sheet import make_sheet, make_side_by_side_sheet
from goldpan.waves.sheets.table import side_by_side_columns, task_columns
from goldpan.waves.sheets.xlsx_sheet import xlsx_sheet
from tests.wave_builders import COMPLAINT, GIST, PRAISE, STARS, TONE, codebook, items, labelled, wave

BOOK = codebook(TONE, STARS)
IDS = list(items())
LABELS = dict(zip(IDS, ("Positive", "Negative", "Neutral", "Positive"), strict=True))


class Folder:
    """A folder of filled sheets of the wave `first` of the study `shop`."""

    def __init__(self, path, book=BOOK, sample: dict[str, Item] | None = None, **changes):
        self.path, self.book, self.sample = path, book, sample or items()
        self.wave = wave(**changes)

    def sheet(self, annotator="ann", study="shop", name="first", book=None):
        return make_sheet(study, name, self.wave, annotator, list(self.sample.values()), book or self.book)

    def rows(self, annotator="ann", **sheet):
        """A CSV sheet as rows that a test can fill in."""
        given = self.sheet(annotator, **sheet)
        text = csv_sheet(given, task_columns(given)).decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def filled(self, annotator="ann", **answers):
        """The same with every item answered: LABELS and four stars, or what is given for a column."""
        rows = self.rows(annotator)
        for row in rows:
            row |= {"tone": LABELS[row["item_id"]], "stars": "4"} | answers
        return rows

    def write(self, name, rows, delimiter=",", encoding="utf-8-sig", quoting=csv.QUOTE_MINIMAL):
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, quoting=quoting)
        writer.writeheader()
        writer.writerows(rows)
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_bytes(text.getvalue().encode(encoding))

    def collect(self):
        return collect(self.path, GivenOut("shop", "first", self.wave, self.book, self.sample))

    def refusal(self):
        with pytest.raises(SheetError) as error:
            self.collect()
        return str(error.value)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_answers_come_back_by_feature_item_and_annotator(folder):
    folder.write("ann.csv", folder.filled())
    folder.write("ben.csv", folder.filled("ben", tone="(cannot tell)"))
    collected = folder.collect()
    assert collected.ratings["tone"] == {name: {"ann": LABELS[name], "ben": None} for name in IDS}
    assert collected.ratings["stars"][IDS[0]] == {"ann": 4, "ben": 4}
    assert collected.status.state == "complete"


def test_rows_may_be_sorted_and_texts_edited(folder):
    rows = sorted(folder.filled(), key=lambda row: row["text"])
    for row in rows:
        row["text"] = "edited"
    folder.write("ann.csv", rows)
    assert {name: one["ann"] for name, one in folder.collect().ratings["tone"].items()} == LABELS


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_any_delimiter_and_byte_order_mark_is_read(folder, delimiter, encoding):
    folder.write("ann.csv", folder.filled(notes="a;b,c\td"), delimiter, encoding)
    collected = folder.collect()
    assert collected.ratings["tone"][IDS[1]] == {"ann": "Negative"}
    assert collected.notes[IDS[1]] == {"ann": "a;b,c\td"}


def test_a_line_that_names_the_separator_is_honoured(folder):
    folder.write("ann.csv", folder.filled(), ";", "utf-8")
    path = folder.path / "ann.csv"
    path.write_bytes(b"sep=;\r\n" + path.read_bytes())
    assert len(folder.collect().ratings["tone"]) == 4


def test_a_zero_byte_and_a_huge_cell_are_kept(tmp_path):
    folder = Folder(tmp_path, codebook(GIST.model_copy(update={"max_chars": None})))
    rows = folder.rows()
    rows[0]["gist"], rows[1]["gist"] = "zero\x00byte", "x" * 300_000
    folder.write("ann.csv", rows)
    given = folder.collect().ratings["gist"]
    assert given[rows[0]["item_id"]]["ann"] == "zero\x00byte"
    assert len(given[rows[1]["item_id"]]["ann"]) == 300_000


def test_a_tab_separated_file_is_read(folder):
    folder.write("ann.tsv", folder.filled(), "\t")
    assert len(folder.collect().ratings["tone"]) == 4


def test_unusual_line_ends_inside_a_cell_are_kept(tmp_path):
    texts = ["one\u2028two", "one\u0085two", "one\r\ntwo", "one\rtwo"]
    folder = Folder(tmp_path, codebook(GIST))
    rows = folder.rows()
    given = {}
    for row, text in zip(rows, texts, strict=True):
        row["gist"] = given[row["item_id"]] = text
    folder.write("ann.csv", rows, quoting=csv.QUOTE_ALL)
    assert {name: one["ann"] for name, one in folder.collect().ratings["gist"].items()} == given


@pytest.mark.parametrize(
    "label", ["NA", "None", "null", "TRUE", "1.0", "2021-03-04", "=1+1", "-", "'x", "a;b"]
)
def test_a_label_survives_a_csv_sheet(tmp_path, label):
    folder = Folder(tmp_path, codebook(labelled(label, "other")))
    folder.write("ann.csv", folder.rows())
    rows = folder.rows()
    for row in rows:
        row["label"] = label
    folder.write("ann.csv", rows)
    assert {one["ann"] for one in folder.collect().ratings["label"].values()} == {label}


@pytest.mark.parametrize(
    "label", ["NA", "None", "null", "TRUE", "1.0", "2021-03-04", "=1+1", "-", "'x", "_x0041_"]
)
def test_a_label_survives_an_xlsx_sheet(tmp_path, label):
    folder = Folder(tmp_path, codebook(labelled(label, "other")))
    sheet = folder.sheet()
    book = load_workbook(io.BytesIO(xlsx_sheet(sheet, task_columns(sheet))))
    page = book["items"]
    column = next(cell.column for cell in page[1] if cell.value == "label")
    for row in range(2, 6):
        # As the drop-down gives it: the text of the list.
        page.cell(row, column).value = book["lists"].cell(1, column).value
        page.cell(row, column).data_type = "s"
    book.save(tmp_path / "ann.xlsx")
    assert {one["ann"] for one in folder.collect().ratings["label"].values()} == {label}


def test_cells_that_were_repaired_are_listed(folder):
    folder.write("ann.csv", folder.filled(tone="positive"))
    repairs = folder.collect().status.repairs
    assert len(repairs) == 4
    assert (repairs[0].found, repairs[0].taken_as) == ("positive", "Positive")
    assert repairs[0].where == "ann.csv, row 2, column `tone`"


def test_an_empty_cell_is_no_answer_and_leaves_the_wave_partial(folder):
    rows = folder.filled()
    rows[0]["stars"] = ""
    rows[1] |= {"stars": " ", "tone": ""}
    folder.write("ann.csv", rows)
    status = folder.collect().status
    assert status.state == "partial"
    ann, ben = status.annotators["ann"], status.annotators["ben"]
    assert (ann.assigned, ann.answered, ann.started, ann.left) == (4, 2, 1, 1)
    assert (ben.assigned, ben.answered, ben.left) == (4, 0, 4)


def test_a_folder_that_is_not_there_yet_is_a_partial_wave(tmp_path):
    assert Folder(tmp_path / "none").collect().status.state == "partial"


def test_filled_columns_that_the_sheet_does_not_have_are_named_with_their_cells(side_by_side):
    folder, rows = side_by_side
    rows = [row | {"annotator_c_tone": "Positive", "own remarks": "", "": ""} for row in rows]
    rows[1]["own remarks"] = "see above"
    folder.write("side_by_side.csv", rows)
    status = folder.collect().status
    assert [(column.file, column.name, column.cells) for column in status.not_read] == [
        ("side_by_side.csv", "annotator_c_tone", 4),
        ("side_by_side.csv", "own remarks", 1),
    ]


def test_columns_of_the_sheet_itself_are_not_named(folder, book):
    folder.write("ben.csv", folder.filled("ben", notes="n", flag="x"))
    book.save()
    assert folder.collect().status.not_read == []


def test_rows_that_were_deleted_are_left_not_lost(folder):
    folder.write("ann.csv", folder.filled()[:3])
    assert folder.collect().status.annotators["ann"].left == 1


def test_two_halves_of_a_sheet_add_up(folder):
    rows = folder.filled()
    folder.write("a.csv", rows[:2])
    folder.write("b.csv", rows[2:])
    assert folder.collect().status.annotators["ann"].answered == 4


def test_saying_the_same_twice_is_no_contradiction(folder):
    folder.write("a.csv", folder.filled())
    folder.write("b.csv", folder.filled())
    status = folder.collect().status.annotators["ann"]
    assert status.answered == 4 and len(status.files) == 2


def test_flags_and_notes_come_back_even_without_an_answer(folder):
    rows = folder.rows()
    rows[0] |= {"flag": "x", "notes": "'=odd"}
    folder.write("ann.csv", rows)
    collected = folder.collect()
    assert collected.flags == {rows[0]["item_id"]: ["ann"]}
    assert collected.notes == {rows[0]["item_id"]: {"ann": "=odd"}}


def test_second_showings_are_kept_apart(tmp_path):
    sample = {name: type(item)(**{**vars(item), "repeated_by": ("ann",)}) for name, item in items().items()}
    folder = Folder(tmp_path, sample=sample, repeats=0.5)
    rows = folder.rows()
    for row in rows:
        row |= {"tone": "Positive" if row["item_id"] in sample else "Negative", "stars": "1"}
    folder.write("ann.csv", rows)
    collected = folder.collect()
    assert {one["ann"] for one in collected.ratings["tone"].values()} == {"Positive"}
    assert {one["ann"] for one in collected.repeats["tone"].values()} == {"Negative"}
    assert set(collected.repeats["tone"]) == set(sample)
    assert collected.status.annotators["ann"].repeats_answered == 4


def test_an_answer_to_an_item_of_someone_else_is_kept_and_counted(tmp_path):
    sample = {
        name: type(item)(**{**vars(item), "annotators": ("ben",)}) if name == IDS[0] else item
        for name, item in items().items()
    }
    folder = Folder(tmp_path)
    rows = folder.filled()
    folder.sample = sample
    folder.write("ann.csv", rows)
    collected = folder.collect()
    assert collected.ratings["tone"][IDS[0]] == {"ann": "Positive"}
    assert collected.status.annotators["ann"].unassigned == 1


def test_yes_to_exclusive_features_is_reported(tmp_path):
    folder = Folder(
        tmp_path, codebook(COMPLAINT, PRAISE, exclusive=(Exclusive(order=["complaint", "praise"]),))
    )
    rows = folder.rows()
    rows[0] |= {"complaint": "yes", "praise": "yes"}
    folder.write("ann.csv", rows)
    assert folder.collect().status.exclusive == [
        {"item_id": rows[0]["item_id"], "annotator": "ann", "features": ["complaint", "praise"]}
    ]


def test_results_name_files_without_the_place_of_the_project(folder):
    folder.write("ann.csv", folder.filled(tone="positive"))
    collected = folder.collect()
    assert collected.answers[0].files == collected.status.annotators["ann"].files == ["ann.csv"]


@pytest.fixture
def side_by_side(tmp_path):
    """A wave whose annotators share one sheet, and that sheet filled in by both."""
    folder = Folder(tmp_path, codebook(TONE), layout="side_by_side", blind=False, formats=["csv"])
    sheet = make_side_by_side_sheet("shop", "first", folder.wave, list(items().values()), folder.book, {})
    text = csv_sheet(sheet, side_by_side_columns(sheet, folder.wave.annotators)).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    for row in rows:
        row |= {"annotator_a_tone": "Positive", "annotator_b_tone": LABELS[row["item_id"]], "agreement": "?"}
    return folder, rows


def test_a_lost_id_of_a_shared_sheet_is_told_as_it_was_given_out(side_by_side):
    folder, rows = side_by_side
    given_out = rows[1]["sheet"]
    rows[1]["sheet"] = ""
    folder.write("side_by_side.csv", rows)
    assert f"(expected {given_out})" in folder.refusal()


def test_answers_of_another_annotator_in_a_row_of_one_person_are_refused(side_by_side):
    folder, rows = side_by_side
    rows = [row | {"sheet": row["sheet"].replace("/side_by_side/", "/ann/")} for row in rows]
    folder.write("ann.csv", rows)
    refusal = folder.refusal()
    assert "row 2, column `annotator_b_tone`" in refusal
    assert "is for the answers of `ben`" in refusal and "a sheet of `ann`" in refusal
    folder.write("ann.csv", [row | {"annotator_b_tone": ""} for row in rows])
    assert folder.collect().ratings["tone"] == {name: {"ann": "Positive"} for name in IDS}


def test_what_is_wrong_with_a_row_of_two_annotators_is_said_once(side_by_side):
    folder, rows = side_by_side
    rows[1]["item_id"] = "inew"
    folder.write("side_by_side.csv", rows)
    refusal = folder.refusal()
    assert refusal.count("has no item `inew`") == 1 and "things are wrong" not in refusal


def test_a_side_by_side_sheet_gives_each_annotator_their_column(side_by_side):
    folder, rows = side_by_side
    rows[0]["notes"] = "hm"
    folder.write("side_by_side.csv", rows)
    collected = folder.collect()
    assert collected.ratings["tone"] == {name: {"ann": "Positive", "ben": LABELS[name]} for name in IDS}
    assert collected.notes == {rows[0]["item_id"]: {"side_by_side": "hm"}}
    assert collected.status.blind is False and collected.status.layout == "side_by_side"


def test_what_is_collected_can_be_written_and_read(folder, tmp_path):
    folder.write("ann.csv", [row | {"own": "x"} for row in folder.filled(notes="n")])
    collected = folder.collect()
    write_collected(collected, tmp_path / "out" / "answers.jsonl", tmp_path / "out" / "status.json")
    again = read_collected(tmp_path / "out" / "answers.jsonl", tmp_path / "out" / "status.json")
    assert again == collected and again.status.not_read


def test_the_order_of_files_and_rows_makes_no_difference(tmp_path):
    outputs = []
    for number, reverse in enumerate((False, True)):
        folder = Folder(tmp_path / str(number))
        for name in ("ann", "ben"):
            rows = folder.filled(name)
            folder.write(f"{name}.csv", rows[::-1] if reverse else rows)
        outputs.append(folder.collect().ratings)
    assert outputs[0] == outputs[1] and list(outputs[0]["tone"]) == IDS


def test_temporary_and_other_files_are_passed_over_and_listed(folder):
    folder.write("ann.csv", folder.filled())
    for name in (".~lock.ann.csv#", "~$ann.xlsx", ".DS_Store", "README.md"):
        (folder.path / name).write_text("x")
    status = folder.collect().status
    assert status.ignored == ["README.md"]
    assert [path.name for path in sheet_files(folder.path)] == ["ann.csv"]


REFUSALS = {
    "an unknown item": (
        lambda row: row.update(item_id="i0123456789abcdef"),
        "has no item `i0123456789abcdef`",
    ),
    "a lost item id": (lambda row: row.update(item_id=""), "has no item ``"),
    "a sheet of another wave": (
        lambda row: row.update(sheet=row["sheet"].replace("first", "second")),
        "a sheet of the wave `second` of `shop`, not of `first`",
    ),
    "an unknown annotator": (
        lambda row: row.update(sheet=row["sheet"].replace("ann", "anna")),
        "no annotator `anna`; did you mean `ann`",
    ),
    "another codebook": (
        lambda row: row.update(sheet=row["sheet"].rsplit("/", 1)[0] + "/0123456789ab"),
        "add `accept_codebooks: [0123456789ab]`",
    ),
    "a broken sheet id": (
        lambda row: row.update(sheet="shop"),
        "is not the id of a sheet (expected shop/first/",
    ),
    "a label outside the set": (lambda row: row.update(tone="Postive"), "did you mean `Positive`"),
    "a flag that is none": (lambda row: row.update(flag="see notes"), "neither yes nor no"),
}


@pytest.mark.parametrize(("spoil", "message"), REFUSALS.values(), ids=REFUSALS)
def test_a_row_that_cannot_be_used_is_refused_with_its_place(folder, spoil, message):
    rows = folder.filled()
    spoil(rows[2])
    folder.write("ann.csv", rows)
    refusal = folder.refusal()
    assert message in refusal and "ann.csv, row 4" in refusal


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        (("first", "second"), "put the file into the folder of its own wave"),
        (("/ann/", "/cid/"), "take the file out of the folder, or add `cid` to the wave's `annotators`"),
        (("shop/first/ann/", ""), "sheet ids must stay as they were given out"),
    ],
)
def test_a_sheet_that_does_not_belong_here_is_not_to_be_corrected(folder, change, remedy):
    rows = [row | {"sheet": row["sheet"].replace(*change)} for row in folder.filled()]
    folder.write("ann.csv", rows)
    refusal = folder.refusal()
    assert refusal.endswith(f"-> {remedy}")
    rows[1]["tone"] = "Postive"
    rows[1]["sheet"] = folder.filled()[1]["sheet"]
    folder.write("ann.csv", rows)
    assert f"{remedy}; correct these cells in the file" in folder.refusal()


def test_an_empty_file_is_to_be_saved_again_or_left_out(folder):
    folder.write("ann.csv", folder.filled())
    (folder.path / "ann.csv").write_bytes(b"")
    assert "save it again with its rows, or leave it out" in folder.refusal()


def test_an_earlier_codebook_that_still_holds_is_accepted(tmp_path):
    folder = Folder(tmp_path)
    earlier = codebook(TONE, STARS, guidelines="An older text.")
    rows = folder.rows(book=earlier)
    for row in rows:
        row |= {"tone": "Neutral", "stars": "1"}
    folder.write("ann.csv", rows)
    assert "accept_codebooks" in folder.refusal()
    folder.wave = wave(accept_codebooks=[earlier.short_hash])
    assert folder.collect().status.annotators["ann"].answered == 4


def test_the_same_annotator_twice_with_different_answers_is_refused_with_both_places(folder):
    folder.write("a.csv", folder.filled())
    folder.write("b.csv", folder.filled(stars="2"))
    refusal = folder.refusal()
    assert "`ann` answers `stars` with `2` here, but with `4` in" in refusal
    assert "a.csv, row" in refusal and "b.csv, row" in refusal


def test_one_row_twice_with_different_answers_is_refused(folder):
    rows = folder.filled()
    folder.write("ann.csv", [*rows, rows[0] | {"tone": "Neutral", "stars": "1"}])
    assert "`ann` answers" in folder.refusal()


def test_up_to_ten_problems_are_listed_at_once(folder):
    rows = folder.filled()
    for row in rows:
        row |= {"tone": "Postive", "stars": "9"}
    folder.write("ann.csv", rows * 2)
    refusal = folder.refusal()
    assert "16 things are wrong" in refusal and refusal.count("  row ") == 10 and "and 6 more" in refusal


def test_a_missing_column_is_refused_with_its_name(folder):
    rows = [{name: cell for name, cell in row.items() if name != "stars"} for row in folder.filled()]
    folder.write("ann.csv", rows)
    assert "column `stars` is missing" in folder.refusal()


def test_a_renamed_id_column_is_refused(folder):
    rows = [
        {"id" if name == "item_id" else name: cell for name, cell in row.items()} for row in folder.filled()
    ]
    folder.write("ann.csv", rows)
    assert "column `item_id` is missing" in folder.refusal()


def test_a_column_that_is_there_twice_is_refused(folder):
    folder.write("ann.csv", folder.filled())
    path = folder.path / "ann.csv"
    path.write_bytes(path.read_bytes().replace(b"notes,sheet", b"tone,sheet"))
    assert "2 columns called `tone`" in folder.refusal()


def test_a_row_with_more_cells_than_the_header_is_refused(folder):
    folder.write("ann.csv", folder.filled())
    path = folder.path / "ann.csv"
    lines = path.read_bytes().splitlines()
    lines[2] += b",and,more"
    path.write_bytes(b"\r\n".join(lines))
    assert "more cells than the header" in folder.refusal()


def broken_workbook():
    """A workbook with XML in it that breaks off."""
    whole, broken = io.BytesIO(), io.BytesIO()
    Workbook().save(whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(broken, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content[: len(content) // 2] if name.endswith("sheet1.xml") else content)
    return broken.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("ann.csv", b"", "the file is empty"),
        ("ann.csv", b"a,b\n1,2\n", "column `item_id` is missing"),
        ("ann.csv", "item_id,sheet,tone,stars\n1,2,é,3\n".encode("latin-1"), "not valid UTF-8"),
        ("ann.csv", b'item_id,sheet,tone,stars\n1,2,"x\n', "not valid CSV"),
        ("ann.xlsx", b"PK\x03\x04 cut short", "cannot be read as a workbook"),
        ("ann.xlsx", broken_workbook(), "cannot be read as a workbook"),
        ("ann.xls", b"\xd0\xcf\x11\xe0", "save it as .xlsx"),
        ("ann.ods", b"PK", "save it as .xlsx"),
        ("ann.html", b"<html>", "export button"),
        ("ann.zip", b"PK", "unpack it"),
        ("ann.json", b'{"kind": "goldpan answers", "answers": [', "not valid JSON"),
        ("ann.json", b'{"answers": []}', "this is no filled sheet"),
        ("ann.json", b"[]", "this is no filled sheet"),
        ("ann.jsonl", b'{"text": "x"}\n', "this is no filled sheet"),
        ("ann.jsonl", b"", "this is no filled sheet"),
    ],
)
def test_a_file_that_is_no_filled_sheet_is_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    assert message in Folder(tmp_path).refusal()


class FilledBook:
    """An XLSX sheet with all items answered, open for spoiling."""

    def __init__(self, folder):
        sheet = folder.sheet()
        self.folder = folder
        self.book = load_workbook(io.BytesIO(xlsx_sheet(sheet, task_columns(sheet))))
        self.page = self.book["items"]
        self.column = {cell.value: cell.column for cell in self.page[1]}
        for row in range(2, 6):
            self.page.cell(row, self.column["tone"], "Neutral")
            self.page.cell(row, self.column["stars"], 3)

    def save(self):
        self.book.save(self.folder.path / "ann.xlsx")


@pytest.fixture
def book(folder):
    return FilledBook(folder)


def test_an_xlsx_sheet_with_numbers_is_read(folder, book):
    book.save()
    assert {one["ann"] for one in folder.collect().ratings["stars"].values()} == {3}


def test_a_renamed_page_and_an_added_page_do_no_harm(folder, book):
    book.page.title = "my work"
    book.book.create_sheet("scratch")["A1"] = "hello"
    book.save()
    assert len(folder.collect().ratings["tone"]) == 4


def test_hidden_and_filtered_rows_are_read(folder, book):
    book.page.row_dimensions[3].hidden = True
    book.save()
    assert len(folder.collect().ratings["tone"]) == 4


def test_a_formula_as_an_answer_is_refused(folder, book):
    book.page.cell(3, book.column["stars"], "=1+2")
    book.save()
    assert "column `stars` holds a formula" in folder.refusal()


def test_an_error_value_as_an_answer_is_refused(folder, book):
    book.page.cell(3, book.column["tone"], "#REF!")
    book.page.cell(3, book.column["tone"]).data_type = "e"
    book.save()
    assert "holds the error #REF!" in folder.refusal()


def test_merged_answers_are_refused(folder, book):
    letter = book.page.cell(1, book.column["tone"]).column_letter
    book.page.merge_cells(f"{letter}2:{letter}4")
    book.save()
    assert "these cells are merged" in folder.refusal()


def test_a_workbook_without_the_sheet_is_refused(folder):
    other = Workbook()
    other.active["A1"] = "text"
    other.save(folder.path / "ann.xlsx")
    assert "no page has the columns `item_id` and `sheet`" in folder.refusal()


def test_a_copied_page_is_refused(folder, book):
    book.book.copy_worksheet(book.page)
    book.save()
    assert "2 pages have the columns" in folder.refusal()


def test_a_date_where_a_number_belongs_is_refused(folder, book):
    book.page.cell(3, book.column["stars"], datetime.datetime(2026, 5, 1))
    book.save()
    assert "made a date of it" in folder.refusal()
