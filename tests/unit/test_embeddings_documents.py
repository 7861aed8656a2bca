"""The settings of an embedding, and the texts they make of records."""

import pytest
from pydantic import ValidationError

from goldpan.embeddings.documents import UnusableRecord, iter_blocks, label_of, text_of
from goldpan.errors import SourceError
from goldpan.study.embedding import Embedding
from tests.tiny_models import write_records


def settings(**given) -> Embedding:
    return Embedding(source="notes", model="m", **given)


def skips(records, **given) -> list[str]:
    """Codes of the records that are skipped."""
    return [
        skip.code
        for block in iter_blocks(settings(on_error="skip", **given), records)
        for skip in block.skipped
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"template": "{title}", "text": ["body"]}, "leave text out"),
        ({"template": "no field"}, "names no field"),
        ({"text": []}, "at least 1"),
        ({"text": ["a", "a"]}, "named twice"),
        ({"compute_dtype": "float16", "device": "cpu"}, "for GPUs"),
        ({"group": "/train"}, "pattern"),
        ({"device": "gpu"}, "pattern"),
        ({"max_length": 2}, "greater than or equal to 3"),
        ({"normalise": True}, "Extra inputs"),
    ],
)
def test_settings_that_make_no_sense_are_refused(given, message):
    with pytest.raises(ValidationError, match=message):
        settings(**given)


def test_every_key_is_described():
    for name, key in Embedding.model_json_schema()["properties"].items():
        assert key.get("description"), name


def test_fields_are_joined_in_their_order_and_empty_ones_are_left_out():
    data = {"title": "A title", "note": "", "more": None, "body": {"text": "the body"}, "year": 1999}
    given = settings(text=["year", "title", "note", "more", "body.text"], separator=" | ")
    assert text_of(given, data) == "1999 | A title | the body"


def test_a_template_is_filled_in_one_pass():
    given = settings(template="{title}: {body.text} {title}")
    assert text_of(given, {"title": "{body}", "body": {"text": "x"}}) == "{body}: x {body}"


@pytest.mark.parametrize("data", [{"text": ""}, {"text": " \n\t"}, {"text": None}])
def test_a_text_of_nothing_but_space_is_empty(data):
    with pytest.raises(UnusableRecord) as caught:
        text_of(settings(), data)
    assert caught.value.code == "empty_text"


def test_a_template_with_nothing_filled_in_is_empty():
    with pytest.raises(UnusableRecord) as caught:
        text_of(settings(template="Title: {title}"), {"title": ""})
    assert caught.value.code == "empty_text"


@pytest.mark.parametrize("value", [True, ["a"], {"a": 1}])
def test_a_field_that_is_not_text_is_of_the_wrong_type(value):
    with pytest.raises(UnusableRecord) as caught:
        text_of(settings(), {"text": value})
    assert caught.value.code == "wrong_type"


@pytest.mark.parametrize(("value", "label"), [(3, 3.0), (True, 1.0), (0.5, 0.5), (None, None), ("a", "a")])
def test_labels_are_numbers_texts_or_null(value, label):
    assert label_of({"scores": {"score": value}}, "scores.score") == label


@pytest.mark.parametrize("value", [[1], {"a": 1}, "a\0b"])
def test_other_labels_are_of_the_wrong_type(value):
    with pytest.raises(UnusableRecord) as caught:
        label_of({"score": value}, "score")
    assert caught.value.code == "wrong_type"


def test_each_record_that_cannot_be_embedded_is_skipped_with_its_reason(tmp_path):
    rows = [
        {"id": "!notes/a:1", "skip": "bad_json: the row is not JSON"},
        {"id": "empty", "data": {"text": " "}},
        {"id": "lacks", "data": {"body": "x"}},
        {"id": "number", "data": {"text": ["x"]}},
        {"id": "twice", "data": {"text": "x"}},
        {"id": "twice", "data": {"text": "y"}},
        {"id": "nul\0", "data": {"text": "x"}},
    ]
    records = write_records(tmp_path / "records.jsonl", rows=rows)

    expected = ["bad_json", "empty_text", "missing_field", "wrong_type", "duplicate_id", "bad_id"]
    assert skips(records) == expected


def test_a_label_that_is_missing_skips_the_record(tmp_path):
    rows = [
        {"data": {"text": "x", "score": 1}},
        {"data": {"text": "x"}},
        {"data": {"text": "x", "score": [1]}},
    ]
    records = write_records(tmp_path / "records.jsonl", rows=rows)

    assert skips(records, labels="score") == ["missing_field", "wrong_type"]


def test_on_error_stop_names_the_file_the_record_and_the_row(tmp_path):
    records = write_records(tmp_path / "records.jsonl", ["fine", ""])
    with pytest.raises(SourceError) as caught:
        list(iter_blocks(settings(), records))
    message = str(caught.value)
    assert str(records) in message and "'d2'" in message and "row 2" in message and "empty_text" in message
    assert "on_error: skip" in message


def test_rows_that_the_source_skipped_do_not_stop_the_run(tmp_path):
    records = write_records(tmp_path / "records.jsonl", ["fine"], [{"skip": "bad_json: no"}])
    (block,) = iter_blocks(settings(), records)
    assert (len(block.documents), len(block.skipped)) == (1, 1)


def test_blocks_end_after_so_many_records_or_characters(tmp_path):
    texts = ["x"] * 5 + ["y" * 9_000_000] * 3
    records = write_records(tmp_path / "records.jsonl", texts)

    blocks = list(iter_blocks(settings(block_size=4), records))

    assert [block.rows for block in blocks] == [4, 3, 1]
    assert [doc.id for block in blocks for doc in block.documents] == [f"d{n}" for n in range(1, 9)]
