"""Sources that are workbooks: typed cells, and what is wrong with those that cannot be used."""

import datetime
import gzip

import pytest
from openpyxl import Workbook

from goldpan.errors import SourceError
from goldpan.records.read import build_records, iter_records
from goldpan.study.model import Source


@pytest.fixture
def build(tmp_path):
    """Records of a workbook with these pages (title -> rows); keywords are those of the source."""

    def run(pages, compress=lambda content: content, **source):
        book = Workbook()
        book.remove(book.active)
        for title, rows in pages.items():
            page = book.create_sheet(title)
            for row in rows:
                page.append(row)
        path = tmp_path / "in.xlsx"
        book.save(path)
        path.write_bytes(compress(path.read_bytes()))
        output = tmp_path / "out.jsonl"
        build_records(Source(files="in.xlsx", **source), "notes", "in.xlsx", path, output)
        return list(iter_records(output))

    return run


ROWS = [
    ["id", "text", "year", "day", "seen"],
    [1, "one", 2020, datetime.datetime(2024, 2, 1), True],
    [None, None, None, None, None],
    [2, "two", 1.5, datetime.datetime(2024, 2, 1, 10, 30), None],
]


def test_cells_have_the_values_that_json_has(build):
    first, second = build({"data": ROWS})
    assert first["data"] == {"id": 1, "text": "one", "year": 2020, "day": "2024-02-01", "seen": True}
    assert second["data"] == {"id": 2, "text": "two", "year": 1.5, "day": "2024-02-01T10:30:00", "seen": None}
    assert (first["line"], second["line"]) == (2, 4)


def test_declared_types_hold_whatever_the_spreadsheet_made_of_them(build):
    rows = [["code", "n", "flag", "text"], [7, "12", 1, None], ["x8", 3.0, True, "a"]]
    types = {"code": "string", "n": "integer", "flag": "boolean", "text": "string"}
    assert [record["data"] for record in build({"data": rows}, fields=types)] == [
        {"code": "7", "n": 12, "flag": True, "text": ""},
        {"code": "x8", "n": 3, "flag": True, "text": "a"},
    ]


def test_the_first_page_is_read_or_the_one_that_is_named(build):
    pages = {"one": [["text"], ["a"]], "two": [["text"], ["b"]]}
    assert build(pages)[0]["data"] == {"text": "a"}
    assert build(pages, page="two")[0]["data"] == {"text": "b"}
    with pytest.raises(SourceError, match="`one`, `two`"):
        build(pages, page="three")


def test_a_compressed_workbook_is_read(build):
    assert build({"data": [["text"], ["a"]]}, gzip.compress)[0]["data"] == {"text": "a"}


@pytest.mark.parametrize(
    ("row", "said"),
    [(["=1+1", "b"], "never computed"), (["#N/A", "b"], "the error #N/A"), (["a", "b", "c"], "beyond the 2")],
)
def test_a_row_that_cannot_be_used_is_named_by_its_number(build, row, said):
    with pytest.raises(SourceError, match=said) as error:
        build({"data": [["text", "more"], ["x", "y"], row]})
    assert "row 3" in str(error.value)


def test_a_file_that_is_no_workbook_is_refused(build):
    with pytest.raises(SourceError, match="save it again"):
        build({"data": ROWS}, lambda content: content[: len(content) // 2])


def test_a_missing_column_is_named(build):
    with pytest.raises(SourceError, match="no column `txt`"):
        build({"data": ROWS}, fields={"txt": "string"})
