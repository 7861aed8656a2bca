"""Reading Parquet: values as JSON has them, and files that cannot be used."""

import datetime
import decimal
import gzip

import pyarrow
import pytest
from pyarrow import parquet

from goldpan.errors import SourceError
from goldpan.records.columnar import read_parquet


@pytest.fixture
def written(tmp_path):
    """Write columns to a Parquet file."""

    def write(columns, **options):
        path = tmp_path / "in.parquet"
        parquet.write_table(pyarrow.table(columns), path, **options)
        return path

    return write


def test_rows_are_numbered_over_all_row_groups(written):
    path = written({"n": list(range(1_000))}, row_group_size=300)
    assert [(row.line, row.data["n"]) for row in read_parquet(path, [])] == [(n + 1, n) for n in range(1_000)]


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("text", "text"),
        (7, 7),
        (1.5, 1.5),
        (float("nan"), None),
        (True, True),
        (None, None),
        ([[1], [2]], [[1], [2]]),
        ({"a": [{"b": "c"}]}, {"a": [{"b": "c"}]}),
        (b"caf\xc3\xa9", "café"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (datetime.datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05"),
        (datetime.timedelta(minutes=2), 120.0),
        (decimal.Decimal("12.50"), "12.50"),
    ],
)
def test_values_become_what_json_has(written, value, read):
    (row,) = read_parquet(written({"v": [value]}), [])
    assert row.data == {"v": read}


@pytest.mark.parametrize(
    ("column", "code"),
    [
        (pyarrow.array([b"ok", b"\xff\xfe"]), "bad_encoding"),
        (pyarrow.array([b"ok", b"\xff\xfe"]).view(pyarrow.string()), "bad_encoding"),
        (pyarrow.array([1.0, float("inf")]), "bad_row"),
    ],
    ids=["binary", "text", "infinite"],
)
def test_a_bad_value_spoils_its_row_only(written, column, code):
    good, bad = read_parquet(written({"v": column}), [])
    assert good.error is None
    assert (bad.line, bad.data, bad.error.code) == (2, {}, code)


def test_a_compressed_file_is_unpacked(written):
    path = written({"a": [1]})
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert [row.data for row in read_parquet(path, [])] == [{"a": 1}]


def test_a_compressed_file_that_is_cut_short_is_an_error(written):
    path = written({"a": [1]})
    path.write_bytes(gzip.compress(path.read_bytes())[:-5])
    with pytest.raises(SourceError, match="breaks off or is damaged"):
        list(read_parquet(path, []))


def test_a_file_that_is_cut_short_is_an_error(written):
    path = written({"a": [1]})
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(SourceError, match="not a whole Parquet file"):
        list(read_parquet(path, []))


def test_a_file_that_is_not_parquet_is_an_error(tmp_path):
    path = tmp_path / "in.parquet"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(SourceError, match=r"in\.parquet, after row 0: not a whole Parquet file"):
        list(read_parquet(path, []))


def test_two_columns_of_one_name_are_an_error(tmp_path):
    path = tmp_path / "in.parquet"
    parquet.write_table(pyarrow.Table.from_arrays([[1], [2]], names=["a", "a"]), path)
    with pytest.raises(SourceError, match="two columns `a`"):
        list(read_parquet(path, []))


def test_a_missing_column_is_an_error_that_lists_those_there_are(written):
    with pytest.raises(SourceError, match="there is no column `b`; the columns are: a"):
        list(read_parquet(written({"a": [1]}), ["b"]))
