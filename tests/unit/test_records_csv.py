"""Reading CSV: what is a row, and what is wrong with a table that cannot be used."""

import gzip

import pytest

from goldpan.errors import SourceError
from goldpan.records.tables import read_csv


@pytest.fixture
def rows(tmp_path):
    """Read rows from bytes."""

    def read(content: bytes, delimiter=",", encoding="utf-8-sig", required=()):
        path = tmp_path / "in.csv"
        path.write_bytes(content)
        return list(read_csv(path, delimiter, encoding, list(required)))

    return read


def test_rows_are_numbered_by_the_line_they_begin_at(rows):
    found = rows(b'id,text\n1,"two\nlines"\n\n2,x\r\n3,y')
    assert [(row.line, row.data["text"]) for row in found] == [(2, "two\nlines"), (5, "x"), (6, "y")]


def test_quotes_delimiters_and_newlines_inside_a_cell_are_kept(rows):
    (row,) = rows(b'text,n\n"a ""b"", c\r\nd",1\n')
    assert row.data == {"text": 'a "b", c\r\nd', "n": "1"}


def test_a_unicode_line_separator_does_not_end_a_row(rows):
    (row,) = rows("text,n\na\u2028b\x85c,1\n".encode())
    assert row.data["text"] == "a\u2028b\x85c"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "UTF8"])
def test_a_byte_order_mark_is_no_part_of_the_first_name(rows, encoding):
    (row,) = rows(b'\xef\xbb\xbf"text",n\na,1\n', encoding=encoding)
    assert row.data == {"text": "a", "n": "1"}


def test_a_very_long_cell_is_read_whole(rows):
    (row,) = rows(b"text\n" + b"x" * 3_000_000 + b"\n")
    assert len(row.data["text"]) == 3_000_000


@pytest.mark.parametrize(("encoding", "text"), [("cp1252", "café €"), ("utf-16", "日本"), ("latin-1", "ü")])
def test_a_given_encoding_is_used(rows, encoding, text):
    (row,) = rows(f"text,n\n{text},1\n".encode(encoding), encoding=encoding)
    assert row.data["text"] == text


def test_a_given_delimiter_is_used(rows):
    assert rows(b"a;b\n1,5;2\n", delimiter=";")[0].data == {"a": "1,5", "b": "2"}


def test_compressed_data_is_recognised_by_content(rows):
    assert rows(gzip.compress(b"a\n1\n"))[0].data == {"a": "1"}


def test_compressed_data_that_is_cut_short_is_an_error(rows):
    with pytest.raises(SourceError, match="breaks off or is damaged"):
        rows(gzip.compress(b"a\n" + b"1\n" * 10_000)[:-6])


@pytest.mark.parametrize("content", [b"", b"\n\n", b"a,b\n", b"a,b"])
def test_a_file_without_rows_yields_none(rows, content):
    assert rows(content) == []


def test_the_row_index_of_table_tools_may_have_no_name(rows):
    assert rows(b",text\n0,a\n")[0].data == {"": "0", "text": "a"}


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        (b"1", "bad_row", "the row has 1 cells, but the header has 2"),
        (b"1,2,3", "bad_row", "the row has 3 cells, but the header has 2"),
        (b"1,a\0b", "bad_row", "column `text` holds a NUL byte"),
        (b"1,caf\xe9", "bad_encoding", "column `text` holds bytes that are not"),
    ],
)
def test_a_bad_row_is_a_row_with_its_error(rows, line, code, says):
    before, bad, after = rows(b"id,text\n0,a\n" + line + b"\n2,c\n")
    assert (before.data["id"], after.data["id"]) == ("0", "2")
    assert (bad.line, bad.data, bad.error.code) == (3, {}, code)
    assert says in str(bad.error)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a,b,a\n1,2,3\n", "column `a` twice"),
        (b"a,,c\n1,2,3\n", "column 2 of the header has no name"),
        (b",\n1,2\n", "column 2 of the header has no name"),
        (b'a,b\n1,2\n3,"never closed\n4,5\n', "in.csv:3: a cell that begins in this row never ends"),
        (b'a,b\n1,"x" y\n', "in.csv:2: not valid CSV"),
        ("a,b\n1,2\n".encode("utf-16"), "the header is not in the given encoding"),
        ("a,b\n1,2\n".encode("utf-16-le"), "the header is not in the given encoding"),
    ],
)
def test_a_file_whose_rows_cannot_be_told_is_an_error(rows, content, says):
    with pytest.raises(SourceError) as caught:
        rows(content)
    assert says in str(caught.value)


def test_an_unclosed_quote_does_not_read_the_whole_file_into_memory(rows):
    with pytest.raises(SourceError, match="never ends"):
        rows(b'a,b\n1,"' + b"x" * 20_000_000)


def test_data_that_is_not_utf16_after_all_is_an_error(rows):
    with pytest.raises(SourceError, match="not of the encoding utf-16"):
        rows("a,b\n1,2\n".encode("utf-16") + b"x", encoding="utf-16")


def test_an_unknown_encoding_is_an_error(rows):
    with pytest.raises(SourceError, match="there is no encoding `utf-9`"):
        rows(b"a\n1\n", encoding="utf-9")


def test_a_quote_cannot_be_the_delimiter(rows):
    with pytest.raises(SourceError, match="cannot be a delimiter"):
        rows(b"a\n1\n", delimiter='"')


def test_a_missing_column_is_an_error_that_lists_those_there_are(rows):
    with pytest.raises(SourceError, match="there is no column `body`; the columns are: id, text"):
        rows(b"id,text\n1,a\n", required=["id", "body"])


def test_a_single_column_hints_at_the_delimiter(rows):
    with pytest.raises(SourceError, match="give its `delimiter`"):
        rows(b"id;text\n1;a\n", required=["text"])
