"""Reading JSON Lines: what is a row, and what is wrong with a line that is not."""

import gzip

import pytest
import zstandard

from goldpan.errors import SourceError
from goldpan.records.jsonl import read_jsonl


@pytest.fixture
def rows(tmp_path):
    """Read rows from bytes."""

    def read(content: bytes):
        path = tmp_path / "in.jsonl"
        path.write_bytes(content)
        return list(read_jsonl(path))

    return read


def test_each_line_is_a_row_with_its_number(rows):
    assert [(row.line, row.data) for row in rows(b'{"a": 1}\n{"a": 2}\n')] == [(1, {"a": 1}), (2, {"a": 2})]


def test_blank_lines_are_passed_over_but_counted(rows):
    assert [row.line for row in rows(b'\n{"a": 1}\n  \n{"a": 2}')] == [2, 4]


def test_a_line_separator_inside_a_string_does_not_end_the_row(rows):
    (row,) = rows('{"a": "x\u2028y\x85z"}\n'.encode())
    assert row.data == {"a": "x\u2028y\x85z"}


def test_windows_line_ends_and_a_byte_order_mark_are_dropped(rows):
    assert [row.data for row in rows(b'\xef\xbb\xbf{"a": 1}\r\n{"a": 2}\r\n')] == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_compressed_data_is_recognised_by_content(rows, compress):
    assert [row.data for row in rows(compress(b'{"a": 1}\n') + compress(b'{"a": 2}\n'))] == [
        {"a": 1},
        {"a": 2},
    ]


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
@pytest.mark.parametrize("lost", [1, 5, 40])
def test_compressed_data_that_is_cut_short_is_an_error(rows, compress, lost):
    whole = compress(b"".join(b'{"a": %d}\n' % number for number in range(2_000)))
    with pytest.raises(SourceError, match="breaks off or is damaged"):
        rows(whole[:-lost])


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        (b'{"a": 1', "bad_json", "not valid JSON"),
        (b'{"a": NaN}', "bad_json", "not valid JSON"),
        (b'{"a": -Infinity}', "bad_json", "not valid JSON"),
        (b'{"a": 1e999}', "bad_json", "not valid JSON"),
        (b'{"a": "\\ud800"}', "bad_json", "not valid JSON"),
        (b'{"a": 12345678901234567890123}', "bad_json", "does not fit 64 bits"),
        (b'{"a": [-9223372036854775809]}', "bad_json", "does not fit 64 bits"),
        (b'{"a": "caf\xe9"}', "bad_encoding", "byte 11 of the line is not UTF-8"),
        (b"[1, 2]", "not_an_object", "holds an array"),
        (b'"text"', "not_an_object", "holds a string"),
        (b"null", "not_an_object", "holds null"),
        (b"[" * 100_000, "bad_json", "not valid JSON"),
    ],
)
def test_a_bad_line_is_a_row_with_its_error(rows, line, code, says):
    before, bad, after = rows(b'{"a": 1}\n' + line + b'\n{"a": 3}\n')
    assert (before.data, after.data) == ({"a": 1}, {"a": 3})
    assert (bad.line, bad.data, bad.error.code) == (2, {}, code)
    assert says in str(bad.error)


def test_the_largest_integers_of_64_bits_are_kept(rows):
    (row,) = rows(b'{"a": 18446744073709551615, "b": -9223372036854775808, "c": "12345678901234567890123"}')
    assert row.data == {"a": 2**64 - 1, "b": -(2**63), "c": "12345678901234567890123"}


def test_a_json_document_over_several_lines_is_recognised(rows):
    assert "JSON Lines" in rows(b'[\n{"a": 1}\n]\n')[0].error.remedy


def test_a_missing_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(SourceError, match=r"gone\.jsonl: cannot be read"):
        list(read_jsonl(tmp_path / "gone.jsonl"))
