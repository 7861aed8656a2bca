"""Reading which records a file holds without parsing their data."""

import pytest

from goldpan.errors import SourceError
from goldpan.files import write_bytes
from goldpan.records.read import build_records, iter_heads, iter_records
from goldpan.study.model import Source


def test_heads_are_those_of_the_records_even_where_ids_look_like_json(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id": "a\\",\\"data\\":{", "data": 1}\n{"id": "b", "x": ",\\"data\\":"}\n')
    output = tmp_path / "records.jsonl"
    build_records(Source(files=["rows.jsonl"], id=["id"]), "src", "rows.jsonl", path, output)
    records = list(iter_records(output))
    heads = [head for head, _ in iter_heads(output)]
    assert heads == [{key: record[key] for key in ("id", "source", "file", "line")} for record in records]
    assert [head["id"] for head in heads] == ['a","data":{', "b"]


def test_the_line_comes_whole_beside_the_head(tmp_path):
    line = b'{"id":"a","source":"s","file":"f","line":1,"data":{"text":"t"}}'
    write_bytes(tmp_path / "records.jsonl", line + b"\n")
    assert [whole for _, whole in iter_heads(tmp_path / "records.jsonl")] == [line]


@pytest.mark.parametrize(
    "line", [b'{"id":"a"}', b'{"id":"a","source":"s","file":"f","line":1,"data":{"te', b'{"id":,"data":{}}']
)
def test_a_damaged_line_is_named(tmp_path, line):
    write_bytes(tmp_path / "records.jsonl", b'{"id":"a","source":"s","file":"f","line":1,"data":{}}\n' + line)
    with pytest.raises(SourceError, match=r"records\.jsonl:2"):
        list(iter_heads(tmp_path / "records.jsonl"))
