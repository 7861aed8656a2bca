"""What is read from a page: lines in order, paragraphs over lines and pages, furniture, where all stood."""

import pytest

from goldpan.errors import StudyError
from goldpan.records.pdf.cleaning import raw_range
from goldpan.study.load import load_study
from tests.made_pdfs import Page
from tests.pdf_desk import PdfDesk, texts

SENTENCE = "The farmers of the valley were asked each spring what they had sown in the year before. "


@pytest.fixture
def desk(tmp_path):
    return PdfDesk(tmp_path)


def page_of(*lines, **options):
    page = Page(**options)
    page.lines(72, 72, lines)
    return page


def test_a_record_has_its_document_page_label_text_and_place(desk):
    records = desk.pages(page_of("one", "two"), page_of("three"), document={"labels": "i"})
    assert [record["data"] for record in records] == [
        {
            "document": "in.pdf", "page": 1, "pages": [1, 1], "page_label": "i", "text": "one two",
            "raw": "one\ntwo", "start": 0, "end": 7, "map": [[0, 0, 3], [4, 4, 3]],
        },
        {
            "document": "in.pdf", "page": 2, "pages": [2, 2], "page_label": "ii", "text": "three",
            "raw": "three", "start": 8, "end": 13, "map": [[0, 0, 5]],
        },
    ]  # fmt: skip
    assert [record["line"] for record in records] == [1, 2]


def test_a_page_without_a_label_has_none(desk):
    assert desk.pages(page_of("one"))[0]["data"]["page_label"] is None


def columns(first, second):
    page = Page()
    page.line(72, 60, "A title that goes across both of the columns of this page here", size=14)
    for number, (left, right) in enumerate(zip(first, second, strict=True)):
        page.line(72, 100 + 14 * number, left)
        page.line(320, 100 + 14 * number, right)
    page.line(72, 300, "And a last line below that goes across both of the columns, as the title does")
    return page


def test_columns_are_read_one_after_the_other_although_they_were_drawn_line_by_line(desk):
    left = [f"left words of line {number} here" for number in range(8)]
    right = [f"right words of line {number} here" for number in range(8)]
    lines = desk.raw_text(columns(left, right)).split("\n")
    assert lines[0].startswith("A title")
    assert lines[1:-1] == left + right
    assert lines[-1].startswith("And a last line")


def test_the_right_column_comes_last_although_it_was_drawn_first(desk):
    page = Page()
    left = [f"left words of line {number} here" for number in range(8)]
    right = [f"right words of line {number} here" for number in range(8)]
    page.lines(320, 100, right)
    page.lines(72, 100, left)
    assert desk.raw_text(page).split("\n") == left + right


def test_a_paragraph_goes_on_in_the_next_column(desk):
    left = [f"left words of line {number} here" for number in range(8)]
    right = [f"right words of line {number} here" for number in range(8)]
    assert " ".join(left + right) in texts(desk.pages(columns(left, right)))[0]


def test_the_rows_of_a_table_stay_rows(desk):
    page = Page()
    for number in range(8):
        page.line(72, 100 + 14 * number, f"crop {number}")
        page.line(320, 100 + 14 * number, f"{number}.5")
    assert desk.raw_text(page).split("\n")[:2] == ["crop 0 0.5", "crop 1 1.5"]


def test_lines_that_were_drawn_from_the_bottom_are_read_from_the_top(desk):
    page = Page()
    for number in reversed(range(9)):
        page.line(72, 100 + 14 * number, f"This is line {number}")
    assert desk.raw_text(page).split("\n") == [f"This is line {number}" for number in range(9)]


def test_a_page_that_is_turned_is_read_as_its_text_runs(desk):
    page = Page(rotate=90)
    for number in range(6):
        page.line(100 + 14 * number, 700, f"this is line {number} of it", turned=True)
    assert desk.raw_text(page).split("\n") == [f"this is line {number} of it" for number in range(6)]


def test_a_stamp_along_the_margin_comes_last(desk):
    page = Page()
    page.line(20, 500, "stamp of an archive", turned=True)
    page.lines(72, 72, ["one of the lines", "two of the lines"])
    assert desk.raw_text(page) == "one of the lines\ntwo of the lines\nstamp of an archive"


def test_a_raised_figure_stays_in_its_line(desk):
    page = Page()
    page.line(72, 100, "Ada Byron")
    page.line(121, 96, "1", size=7)
    page.line(125.5, 100, ", Mary Shelley")
    assert desk.raw_text(page) == "Ada Byron1, Mary Shelley"


def test_space_between_paragraphs_an_indent_and_a_short_last_line_each_end_one(desk):
    page = Page()
    y = page.paragraph(72, 100, SENTENCE * 3)
    y = page.paragraph(72, y, SENTENCE * 2 + "So it was.") - 7.7
    page.paragraph(72, y, SENTENCE * 2, indent=20)
    paragraphs = texts(desk.pages(page, unit="paragraph"))
    assert paragraphs == [(SENTENCE * 3).strip(), SENTENCE * 2 + "So it was.", (SENTENCE * 2).strip()]


def test_a_heading_is_a_paragraph_of_its_own(desk):
    page = Page()
    page.line(72, 100, "What was asked", size=14, bold=True)
    page.paragraph(72, 118, SENTENCE * 2)
    assert texts(desk.pages(page, unit="paragraph"))[0] == "What was asked"


def test_the_items_of_a_list_are_paragraphs(desk):
    page = page_of("These were sown:", "\u2022 maize in the plain", "\u2022 teff above", "2. Then barley")
    assert len(desk.pages(page, unit="paragraph")) == 4


def halves():
    """A paragraph that goes over a page, between running heads, footers and page numbers."""
    first, second, third = Page(), Page(), Page()
    for number, page in enumerate((first, second, third), 1):
        page.line(72, 40, "Journal of Valleys")
        page.line(290, 810, str(number + 6))
    first.lines(72, 100, ["The farmers of the valley were asked each spring what they had sown in agri-"])
    second.lines(
        72, 100, ["culture of the year before, and they told it to whoever came to them.", "So it was."]
    )
    third.lines(72, 100, ["Other things were asked, too."])
    return first, second, third


def test_a_paragraph_goes_on_over_the_page_and_the_furniture_between(desk):
    first, second = desk.pages(*halves(), unit="paragraph")
    data = first["data"]
    assert "sown in agriculture of the year before, and" in data["text"]
    assert (data["page"], data["pages"]) == (1, [1, 2])
    assert "agri-\nJournal of Valleys\n8\nculture" in data["raw"]
    start = data["text"].index("agriculture")
    assert data["raw"][slice(*raw_range(data["map"], start, start + 11))].startswith("agri-\nJournal")
    assert second["data"]["page"] == 3


def test_furniture_is_dropped_with_its_numbers_or_kept(desk):
    dropped = " ".join(texts(desk.pages(*halves(), furniture="drop")))
    kept = " ".join(texts(desk.pages(*halves(), furniture="keep")))
    assert "Journal" not in dropped and "7" not in dropped
    assert kept.count("Journal of Valleys") == 3 and "9" in kept


def test_kept_furniture_does_not_cut_a_paragraph(desk):
    found = texts(desk.pages(*halves(), unit="paragraph", furniture="keep"))
    assert found.count("Journal of Valleys") == 3
    assert any("sown in agriculture of the year" in text for text in found)


def test_heads_that_differ_on_left_and_right_pages_are_furniture(desk):
    pages = []
    for number in range(1, 7):
        page = Page()
        page.line(72, 40, "A. Author and others" if number % 2 else "The Title of the Book")
        page.paragraph(72, 200, f"Words of page {number}. " * 5)
        pages.append(page)
    assert not [text for text in texts(desk.pages(*pages)) if "Author" in text or "Title" in text]


def test_a_line_that_recurs_within_the_text_is_no_furniture(desk):
    pages = []
    for number in range(4):
        page = Page()
        page.lines(72, 300, ["The same words.", f"Words of page {number}."])
        pages.append(page)
    assert all(text.startswith("The same words.") for text in texts(desk.pages(*pages)))


def test_a_document_of_one_page_has_no_furniture(desk):
    assert "Journal" in texts(desk.pages(halves()[0]))[0]


def test_windows_hold_so_many_pages_the_last_one_what_is_left(desk):
    pages = [page_of(f"words of page {number}") for number in range(1, 6)]
    records = desk.pages(*pages, unit="window", pages=2)
    assert [record["data"]["pages"] for record in records] == [[1, 2], [3, 4], [5, 5]]
    assert records[0]["data"]["raw"] == "words of page 1\nwords of page 2"


def test_a_word_that_is_broken_over_the_pages_of_a_window_is_one(desk):
    (record,) = desk.pages(page_of("in agri-"), page_of("culture"), unit="window", pages=2)
    assert record["data"]["text"] == "in agriculture"


def test_the_raw_texts_are_parts_of_one_raw_text(desk):
    whole = desk.raw_text(*halves())
    for pdf in ({}, {"unit": "paragraph"}, {"unit": "window", "pages": 2}):
        for record in desk.pages(*halves(), **pdf):
            data = record["data"]
            assert whole[data["start"] : data["end"]] == data["raw"]


def test_ids_come_from_the_text_and_not_from_its_place(desk):
    three = [page_of(f"words of page {number}") for number in range(3)]
    before = [record["id"] for record in desk.pages(*three)]
    after = [record["id"] for record in desk.pages(page_of("a new page"), *three)]
    assert after[1:] == before
    assert len(set(after)) == 4
    assert all(identifier.startswith("in.pdf__") for identifier in after)


def test_pages_of_one_text_have_ids_of_their_own(desk):
    records = desk.pages(page_of("the same"), page_of("the same"))
    assert len({record["id"] for record in records}) == 2


def test_ids_may_be_made_of_fields(desk):
    records = desk.read(
        (desk.folder / "in.pdf").read_bytes() if desk.pages(page_of("a"), page_of("b")) else b"",
        settings={"id": ["document", "page"]},
    )
    assert [record["id"] for record in records] == ["in.pdf__1", "in.pdf__2"]


def test_a_window_needs_its_number_of_pages(tmp_path):
    for pdf in ("{unit: window}", "{unit: page, pages: 2}"):
        (tmp_path / "s.yaml").write_text(f"study: s\nsources:\n  a: {{files: x.pdf, pdf: {pdf}}}\n")
        with pytest.raises(StudyError, match="`pages` says how many pages a window has"):
            load_study(tmp_path / "s.yaml")


def test_a_page_with_nothing_but_furniture_keeps_its_text(desk):
    pages = [*halves(), page_of("Journal of Valleys")]
    assert texts(desk.pages(*pages))[-1] == "Journal of Valleys"
