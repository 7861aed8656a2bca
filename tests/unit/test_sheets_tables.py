"""CSV and XLSX sheets as they are given out."""

import csv
import io

import pytest
from openpyxl import load_workbook

from goldpan.errors import StudyError
from goldpan.waves.sheets.csv_sheet import csv_sheet
from goldpan.waves.sheets.sheet import make_sheet, make_side_by_side_sheet
from goldpan.waves.sheets.table import side_by_side_columns, task_columns
from goldpan.waves.sheets.xlsx_sheet import escape, unescape, xlsx_sheet
from tests.wave_builders import ALL_FEATURES, COMPLAINT, TONE, codebook, items, labelled, wave

HOSTILE = (
    '=HYPERLINK("http://x")',
    "+1 of them",
    "@SUM(1)",
    "-",
    "a;b,c\td",
    'quote "here"',
    "two\nlines\r\nmore",
)


def sheet_of(texts=None, features=ALL_FEATURES, annotator="ann", **changes):
    sample = items(texts) if texts else items()
    return make_sheet("shop", "first", wave(**changes), annotator, list(sample.values()), codebook(*features))


def csv_rows(sheet, columns=None):
    text = csv_sheet(sheet, columns or task_columns(sheet)).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def workbook(sheet, columns=None):
    return load_workbook(io.BytesIO(xlsx_sheet(sheet, columns or task_columns(sheet))))


def column_letter(page, name):
    return next(cell.column_letter for cell in page[1] if cell.value == name)


def side_by_side(**options):
    sample = list(items().values())
    predictions = {
        item.item_id: {"tone": {"type": "ClassificationPrediction", "label": "Neutral"}} for item in sample
    }
    study_wave = wave(layout="side_by_side", blind=False, formats=["csv"], **options)
    sheet = make_side_by_side_sheet("shop", "first", study_wave, sample, codebook(TONE), predictions)
    return sheet, side_by_side_columns(sheet, study_wave.annotators)


def test_a_csv_sheet_has_a_row_for_each_item_and_a_column_for_each_feature():
    rows = csv_rows(sheet_of())
    assert len(rows) == 4
    assert list(rows[0]) == [
        "item_id", "text", *(feature.name for feature in ALL_FEATURES), "flag", "notes", "sheet",
    ]  # fmt: skip


def test_a_csv_sheet_starts_with_a_byte_order_mark():
    sheet = sheet_of()
    assert csv_sheet(sheet, task_columns(sheet)).startswith(b"\xef\xbb\xbf")


def test_each_row_says_which_sheet_it_belongs_to():
    sheet = sheet_of()
    assert {row["sheet"] for row in csv_rows(sheet)} == {f"shop/first/ann/{sheet.codebook.short_hash}"}


def test_no_cell_of_a_csv_sheet_begins_like_a_formula():
    rows = csv_rows(sheet_of(HOSTILE))
    assert not [
        cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    ]


def test_hostile_texts_stand_whole_in_a_csv_sheet():
    shown = {row["text"] for row in csv_rows(sheet_of(HOSTILE))}
    assert {"a;b,c\td", 'quote "here"', "two\nlines\r\nmore", "'-", "'+1 of them"} <= shown


def test_a_field_called_like_a_feature_gets_another_name():
    sheet = make_sheet(
        "shop", "first", wave(), "ann", list(items(tone="sweet", flag="red").values()), codebook(TONE)
    )
    row = csv_rows(sheet)[0]
    assert (row["item_tone"], row["item_flag"], row["tone"]) == ("sweet", "red", "")


def test_annotators_get_their_items_in_orders_of_their_own():
    orders = [[row["item_id"] for row in csv_rows(sheet_of(map(str, range(30)), annotator=name))]
              for name in ("ann", "ben")]  # fmt: skip
    assert orders[0] != orders[1] and sorted(orders[0]) == sorted(orders[1])


def test_without_shuffling_items_come_in_the_order_of_the_corpus():
    rows = csv_rows(sheet_of(map(str, range(30)), shuffle=False))
    assert [row["text"] for row in rows] == [str(n) for n in range(30)]


def test_labels_that_a_spreadsheet_cannot_tell_apart_are_refused():
    with pytest.raises(StudyError, match="cannot tell `1` from `01`"):
        csv_rows(sheet_of(features=[labelled("1", "01")]))


def test_a_field_that_no_record_has_is_refused():
    with pytest.raises(StudyError, match="did you mean `text`"):
        sheet_of(show=["txet"])


def test_show_picks_fields_in_its_order_and_goes_inside():
    sample = list(items(meta={"lang": "en"}, hidden="x").values())
    sheet = make_sheet("shop", "first", wave(show=["meta.lang", "text"]), "ann", sample, codebook(TONE))
    assert list(csv_rows(sheet)[0])[:4] == ["item_id", "meta.lang", "text", "tone"]


def test_an_xlsx_sheet_has_a_frozen_header_and_a_codebook():
    book = workbook(sheet_of())
    assert book["items"].freeze_panes == "A2"
    meanings = {(row[1].value, row[2].value) for row in book["codebook"].iter_rows()}
    assert ("Positive", "glad to have it") in meanings


def test_only_the_answers_of_an_xlsx_sheet_can_be_edited():
    page = workbook(sheet_of())["items"]
    assert page.protection.sheet
    open_columns = {page.cell(1, cell.column).value for cell in page[2] if not cell.protection.locked}
    assert open_columns == {*(feature.name for feature in ALL_FEATURES), "flag", "notes"}


def test_answers_of_an_xlsx_sheet_are_picked_from_a_hidden_list():
    book = workbook(sheet_of())
    page, lists = book["items"], book["lists"]
    assert lists.sheet_state == "veryHidden"
    letter = column_letter(page, "tone")
    rule = next(one for one in page.data_validations.dataValidation if f"{letter}2" in str(one.sqref))
    cells = lists[rule.formula1.removeprefix("lists!").replace("$", "")]
    assert [row[0].value for row in cells] == ["Positive", "Negative", "Neutral", "(cannot tell)"]


def test_no_cell_of_an_xlsx_sheet_is_a_formula():
    page = workbook(sheet_of(HOSTILE))["items"]
    assert not [cell for row in page.iter_rows() for cell in row if cell.data_type == "f"]


def test_control_characters_and_escapes_do_not_break_an_xlsx_sheet():
    page = workbook(sheet_of(["bell \x07 and _x0041_"]))["items"]
    assert unescape(page[f"{column_letter(page, 'text')}2"].value) == "bell ␇ and _x0041_"


def test_a_text_too_long_for_a_cell_says_that_it_is_cut():
    sheet = sheet_of(["x" * 40_000])
    page = workbook(sheet)["items"]
    for text in (page[f"{column_letter(page, 'text')}2"].value, csv_rows(sheet)[0]["text"]):
        assert 32_000 < len(text) < 32_767 and text.endswith("[the rest does not fit into a cell]")


def test_the_same_sheet_gives_the_same_xlsx_bytes():
    sheet = sheet_of()
    assert xlsx_sheet(sheet, task_columns(sheet)) == xlsx_sheet(sheet, task_columns(sheet))


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("line_x000D_\nbreak", "line\r\nbreak"),
        ("_x005F_x0041_", "_x0041_"),
        ("_x0041_", "_x0041_"),
        ("_x00_", "_x00_"),
    ],
)
def test_what_spreadsheet_programs_write_for_odd_texts_is_understood(written, text):
    assert unescape(written) == text


@pytest.mark.parametrize("text", ["_x0041_", "_x000D_", "_x005F_x0041_", "plain", "_x00_"])
def test_xlsx_escapes_are_reversible(text):
    assert unescape(escape(text)) == text


def test_a_side_by_side_sheet_has_the_classic_columns():
    sheet, columns = side_by_side()
    assert [column.name for column in columns] == [
        "item_id", "text", "llm_tone", "annotator_a_tone", "annotator_b_tone", "agreement", "notes", "sheet",
    ]  # fmt: skip
    assert csv_rows(sheet, columns)[0]["llm_tone"] == "Neutral"


def test_agreement_in_a_side_by_side_workbook_is_a_formula_over_the_answers():
    page = workbook(*side_by_side())["items"]
    a, b = column_letter(page, "annotator_a_tone"), column_letter(page, "annotator_b_tone")
    cell = page[f"{column_letter(page, 'agreement')}2"]
    assert cell.value == f'=IF(OR({a}2="",{b}2=""),"",IF(AND(EXACT({a}2,{b}2)),"yes","no"))'


def test_a_feature_called_like_a_column_is_refused():
    with pytest.raises(StudyError, match="name of a column"):
        codebook(COMPLAINT.model_copy(update={"name": "notes"}))
