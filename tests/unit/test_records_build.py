"""From a source file to its records file."""

import bz2
import gzip
import json
import lzma

import pyarrow
import pytest
from pyarrow import parquet

from goldpan.errors import SourceError
from goldpan.records.formats import FORMATS, format_of
from goldpan.records.read import RecordCounts, build_records, iter_records
from goldpan.study.model import Source


class Desk:
    """Builds records from what a test writes, in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.output = folder / "out" / "records.jsonl"

    def build(self, name, content, **options):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return build_records(Source(files=[name], **options), "src", name, path, self.output)

    def records(self):
        return list(iter_records(self.output))


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def lines(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_a_record_holds_the_row_and_where_it_stood(desk):
    desk.build("in.jsonl", '\n{"doi": "x", "text": "a"}\n', id=["doi"])
    assert desk.records() == [
        {"id": "x", "source": "src", "file": "in.jsonl", "line": 2, "data": {"doi": "x", "text": "a"}}
    ]


def test_records_with_line_separators_in_their_text_are_read_back(desk):
    desk.build("in.jsonl", '{"text": "a\u2028b"}\n{"text": "c"}\n')
    assert [record["data"]["text"] for record in desk.records()] == ["a\u2028b", "c"]


def test_ids_from_content_do_not_change_when_rows_are_reordered(desk):
    rows = [{"text": str(number)} for number in range(20)]
    desk.build("in.jsonl", lines(*rows))
    before = {record["data"]["text"]: record["id"] for record in desk.records()}
    desk.build("in.jsonl", lines(*reversed(rows)))
    assert {record["data"]["text"]: record["id"] for record in desk.records()} == before


def test_ids_do_not_change_when_a_type_is_declared(desk):
    desk.build("in.csv", "code,n\n007,1\n", id=["code"])
    before = [record["id"] for record in desk.records()]
    desk.build("in.csv", "code,n\n007,1\n", id=["code"], fields={"code": "integer", "n": "integer"})
    assert [record["id"] for record in desk.records()] == before == ["007"]


def test_the_same_rows_have_the_same_ids_in_every_format(desk):
    desk.build("in.jsonl", lines({"a": "x", "b": "y"}))
    from_jsonl = desk.records()[0]["id"]
    desk.build("in.csv", "b,a\ny,x\n")
    from_csv = desk.records()[0]["id"]
    parquet.write_table(pyarrow.table({"a": ["x"], "b": ["y"]}), desk.folder / "in.parquet")
    desk.build("in.parquet", (desk.folder / "in.parquet").read_bytes())
    assert desk.records()[0]["id"] == from_jsonl == from_csv


def test_cells_are_brought_to_their_declared_types(desk):
    types = {"i": "integer", "n": "number", "b": "boolean", "o": "object", "l": "array", "s": "string"}
    desk.build("in.csv", 'i,n,b,o,l,s,rest\n -3,1e2,TRUE,"{""a"": 1}",[1],,7\n', fields=types)
    assert desk.records()[0]["data"] == {
        "i": -3, "n": 100.0, "b": True, "o": {"a": 1}, "l": [1], "s": "", "rest": "7",
    }  # fmt: skip


def test_counts_add_up_over_usable_and_skipped_rows(desk):
    content = (
        b'{"id": 1, "n": 1}\n{bad\n{"id": 1, "n": 2}\n{"n": 3}\n{"id": 4, "n": "x"}\n[]\n{"id": 5, "n": 5}\n'
    )
    counts = desk.build("in.jsonl", content, id=["id"], fields={"n": "integer"}, on_error="skip")
    skipped = {"bad_json": 1, "duplicate_id": 1, "missing_id": 1, "not_an_object": 1, "wrong_type": 1}
    assert counts == RecordCounts(rows=7, records=2, skipped=skipped)
    assert len(desk.records()) == 7


def test_a_skipped_row_says_why_and_keeps_what_could_be_read(desk):
    desk.build("in.jsonl", '{"id": 1}\n{"id": 1, "n": 2}\n{"id"\n', id=["id"], on_error="skip")
    _, twice, broken = desk.records()
    assert (twice["id"], twice["data"]) == ("!src/in.jsonl:2", {"id": 1, "n": 2})
    assert twice["skip"].startswith("duplicate_id: the id `1` stands already at ")
    assert (broken["id"], broken["data"]) == ("!src/in.jsonl:3", {})
    assert broken["skip"].startswith("bad_json: ")


@pytest.mark.parametrize(
    ("name", "content", "options", "says"),
    [
        ("in.jsonl", '{"a": 1}\n{"a"\n', {}, "in.jsonl:2: bad_json"),
        ("in.jsonl", b'{"a": 1}\n{"a": "\xff"}\n', {}, "in.jsonl:2: bad_encoding"),
        ("in.jsonl", "{}\n3\n", {}, "in.jsonl:2: not_an_object"),
        ("in.jsonl", '{"a": 1}\n{"b": 1}\n', {"fields": {"a": "integer"}}, "no field `a`; it has: b"),
        ("in.jsonl", '{"a": true}\n', {"fields": {"a": "integer"}}, "in.jsonl:1: wrong_type: the field `a`"),
        ("in.jsonl", '{"a": null}\n', {"fields": {"a": "string"}}, "must be of type string, but it is null"),
        ("in.jsonl", '{"a": ""}\n', {"id": ["a"]}, "in.jsonl:1: missing_id: the id field `a` is empty"),
        ("in.jsonl", '{"x":' + "[" * 400 + "]" * 400 + "}\n", {}, "nested more deeply"),
        ("in.csv", "a,b\n1\n", {}, "in.csv:2: bad_row: the row has 1 cells"),
        ("in.csv", b"a,b\n1,\xff\n", {}, "in.csv:2: bad_encoding"),
        ("in.csv", "a,b\n,2\n", {"fields": {"a": "integer"}}, "in.csv:2: missing_field"),
        ("in.csv", "a,b\n1.5,2\n", {"fields": {"a": "integer"}}, "the cell holds '1.5'"),
        ("in.csv", f"a,b\n{2**64},2\n", {"fields": {"a": "integer"}}, "wrong_type"),
        ("in.csv", "a,b\n1_0,2\n", {"fields": {"a": "integer"}}, "wrong_type"),
        ("in.csv", "a,b\nnan,2\n", {"fields": {"a": "number"}}, "wrong_type"),
        ("in.csv", "a,b\nyes,2\n", {"fields": {"a": "boolean"}}, "not true, false, 1 or 0"),
        ("in.csv", "a,b\n[1],2\n", {"fields": {"a": "object"}}, "which is not that in JSON"),
    ],
)
def test_a_bad_row_stops_with_its_place_and_its_fault(desk, name, content, options, says):
    with pytest.raises(SourceError) as caught:
        desk.build(name, content, **options)
    assert says in str(caught.value)
    assert "on_error: skip" in caught.value.remedy


def test_a_duplicate_id_names_both_rows(desk):
    with pytest.raises(SourceError) as caught:
        desk.build("in.jsonl", lines({"id": 7}, {"id": 8}, {"id": "7"}), id=["id"])
    assert f"{desk.folder}/in.jsonl:3: duplicate_id: the id `7` stands already at" in str(caught.value)
    assert f"{desk.folder}/in.jsonl:1" in str(caught.value)


def test_rows_of_the_same_content_say_how_to_give_ids(desk):
    with pytest.raises(SourceError) as caught:
        desk.build("in.csv", "a,b\n1,2\n1,2\n")
    assert "the same content stands already at" in str(caught.value)
    assert "name the fields that tell the rows apart under `id`" in caught.value.remedy


def test_a_stopped_build_leaves_the_old_file_as_it_was(desk):
    desk.build("in.jsonl", '{"a": 1}\n')
    before = desk.output.read_bytes()
    with pytest.raises(SourceError):
        desk.build("in.jsonl", '{"a": 2}\n{bad\n')
    assert desk.output.read_bytes() == before
    assert [file.name for file in desk.output.parent.iterdir()] == [desk.output.name]


def test_a_missing_column_stops_even_when_bad_rows_are_skipped(desk):
    with pytest.raises(SourceError, match="there is no column `txet`"):
        desk.build("in.csv", "text\na\n", fields={"txet": "string"}, on_error="skip")


def test_a_file_without_rows_makes_no_records_and_says_so(desk):
    assert desk.build("in.jsonl", "") == RecordCounts(rows=0, records=0, note="the file has no rows")
    assert desk.records() == []


def test_a_file_that_is_cut_short_stops_even_when_bad_rows_are_skipped(desk):
    with pytest.raises(SourceError, match="breaks off"):
        desk.build("in.jsonl.gz", gzip.compress(b'{"a": 1}\n' * 1_000)[:-6], on_error="skip")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a.jsonl", "jsonl"),
        ("a.NDJSON.gz", "jsonl"),
        ("a.b.csv.zst", "csv"),
        ("a.tsv.gzip", "csv"),
        ("a.parquet", "parquet"),
        ("a.csv.bz2", "csv"),
        ("a.jsonl.XZ", "jsonl"),
        ("a.xlsx", "xlsx"),
    ],
)
def test_the_format_goes_by_the_name_before_the_compression(tmp_path, name, found):
    assert format_of(Source(files="*"), tmp_path / name) == FORMATS[found]


def test_a_given_format_wins_over_the_name(desk):
    desk.build("in.txt", '{"a": 1}\n', format="jsonl")
    assert desk.records()[0]["data"] == {"a": 1}


@pytest.mark.parametrize("name", ["a.json", "a", "a.gz", "a.txt"])
def test_a_name_that_does_not_tell_the_format_is_an_error(tmp_path, name):
    with pytest.raises(SourceError, match="give the `format`"):
        format_of(Source(files="*"), tmp_path / name)


@pytest.mark.parametrize("compress", [bz2.compress, lzma.compress, gzip.compress])
def test_compressed_files_are_read_by_their_content(desk, compress):
    desk.build("in.csv", compress(b"id,text\n1,one\n2,two\n"), id=["id"])
    assert [record["data"]["text"] for record in desk.records()] == ["one", "two"]


@pytest.mark.parametrize("compress", [bz2.compress, lzma.compress])
def test_a_compressed_file_that_breaks_off_is_an_error(desk, compress):
    whole = compress("".join(f"{number} {number * 7919}\n" for number in range(9_000)).encode())
    with pytest.raises(SourceError, match="breaks off or is damaged"):
        desk.build("in.csv", whole[:-9])


def test_a_text_that_begins_as_bzip2_does_is_a_text(desk):
    desk.build("in.csv", b"BZh9,text\n1,one\n")
    assert desk.records()[0]["data"] == {"BZh9": "1", "text": "one"}


def test_tsv_files_are_split_at_tabs(desk):
    desk.build("in.tsv", "a\tb\n1,5\t2\n")
    assert desk.records()[0]["data"] == {"a": "1,5", "b": "2"}


SEGMENT = {"conversation_id": "c1", "segment_id": "seg_001", "trace_segment": {"trace": [], "tools": []}}


def test_trace_records_are_named_by_conversation_and_segment(desk):
    desk.build("in.jsonl", lines(SEGMENT), format="traces")
    assert desk.records()[0]["id"] == "conv_c1__seg_001"


def test_a_given_id_wins_over_that_of_traces(desk):
    desk.build("in.jsonl", lines(SEGMENT), format="traces", id=["conversation_id", "segment_id"])
    assert desk.records()[0]["id"] == "c1__seg_001"


def test_trace_ids_that_differ_in_a_prefix_only_say_what_to_do(desk):
    with pytest.raises(SourceError, match=r"give `id: \[conversation_id, segment_id\]`"):
        desk.build("in.jsonl", lines(SEGMENT, SEGMENT | {"conversation_id": "conv_c1"}), format="traces")


def test_a_trace_without_its_conversation_is_an_error(desk):
    with pytest.raises(SourceError, match="the id field `conversation_id` is empty"):
        desk.build("in.jsonl", lines(SEGMENT | {"conversation_id": None}), format="traces")


def test_a_segment_without_a_trace_is_left_to_the_task(desk):
    counts = desk.build("in.jsonl", lines(SEGMENT | {"trace_segment": None}), format="traces")
    assert counts.records == 1


def test_bad_rows_of_two_sources_have_different_ids(desk):
    ids = set()
    for source in ("one", "other"):
        path = desk.folder / "in.jsonl"
        path.write_text("{bad\n")
        build_records(Source(files="x", on_error="skip"), source, "in.jsonl", path, desk.output)
        ids |= {record["id"] for record in desk.records()}
    assert len(ids) == 2


def test_the_real_traces_give_one_record_each(shared_data, tmp_path):
    path = shared_data / "traces" / "tau_bench_airline_segments.jsonl.gz"
    output = tmp_path / "records.jsonl"
    counts = build_records(Source(files="*", format="traces"), "traces", "t", path, output)
    assert counts == RecordCounts(rows=300, records=300)
    assert len({record["id"] for record in iter_records(output)}) == 300


@pytest.mark.parametrize("line", ["{bad", '{"id": "a"}', "[]"])
def test_a_damaged_records_file_names_the_line(tmp_path, line):
    path = tmp_path / "records.jsonl"
    path.write_text('{"id":"a","source":"s","file":"f","line":1,"data":{}}\n' + line + "\n")
    with pytest.raises(SourceError, match=r"records\.jsonl:2: this records file is damaged"):
        list(iter_records(path))


@pytest.mark.parametrize("value", ["", " \u00a0\t", None], ids=["empty", "white space", "null"])
def test_a_row_that_is_blank_is_skipped_even_where_errors_stop(desk, value):
    counts = desk.build("in.jsonl", lines({"text": value}, {"text": "a"}), not_blank=["text"])
    assert counts == RecordCounts(rows=2, records=1, skipped={"blank": 1})
    assert desk.records()[0]["skip"] == "blank: the field `text` is empty"


def test_two_blank_rows_of_one_content_are_both_kept(desk):
    counts = desk.build("in.jsonl", lines({"text": ""}, {"text": ""}), not_blank=["text"])
    assert counts.skipped == {"blank": 2}
    assert len({record["id"] for record in desk.records()}) == 2


def test_a_field_is_called_as_the_source_says_and_the_id_stays(desk):
    desk.build("in.jsonl", lines({"page": 1, "text": "a"}))
    (before,) = desk.records()
    desk.build("in.jsonl", lines({"page": 1, "text": "a"}), rename={"text": "paragraph_text", "none": "x"})
    (record,) = desk.records()
    assert list(record["data"]) == ["page", "paragraph_text"]
    assert record["id"] == before["id"]


def test_fields_may_swap_their_names(desk):
    desk.build("in.jsonl", lines({"a": 1, "b": 2}), rename={"a": "b", "b": "a"})
    assert desk.records()[0]["data"] == {"b": 1, "a": 2}


def test_a_name_that_the_row_has_already_is_a_bad_row(desk):
    with pytest.raises(SourceError, match="renamed to `b`"):
        desk.build("in.jsonl", lines({"a": 1, "b": 2}), rename={"a": "b"})
    counts = desk.build("in.jsonl", lines({"a": 1, "b": 2}), rename={"a": "b"}, on_error="skip")
    assert counts.skipped == {"bad_row": 1}


def test_two_fields_are_not_renamed_to_one():
    with pytest.raises(ValueError, match="both be called `c`"):
        Source(files="x", rename={"a": "c", "b": "c"})
