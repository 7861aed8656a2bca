"""Record ids and custom_ids: stable, unambiguous, and within what providers take."""

import itertools
import re

import pytest

from goldpan.records.ids import custom_id, record_id, trace_id
from goldpan.records.rows import RowError

AWKWARD_VALUES = ["a", "b", "a_", "_b", "__", "a__b", "b__c", "_", "c", "a__", "__b"]


def test_one_id_field_gives_its_value_as_it_is():
    assert record_id({"doi": "10.1/x y", "text": "..."}, ["doi"]) == "10.1/x y"


def test_several_id_fields_are_joined_in_the_order_named():
    assert record_id({"b": 2, "a": "one"}, ["a", "b"]) == "one__2"


@pytest.mark.parametrize("width", [2, 3])
def test_different_tuples_have_different_ids(width):
    fields = [f"f{n}" for n in range(width)]
    tuples = list(itertools.product(AWKWARD_VALUES, repeat=width))
    ids = {record_id(dict(zip(fields, values, strict=True)), fields) for values in tuples}
    assert len(ids) == len(tuples)


def test_the_content_id_does_not_depend_on_the_order_of_keys():
    assert record_id({"a": 1, "b": 2}, None) == record_id({"b": 2, "a": 1}, None)


def test_the_content_id_depends_on_every_value():
    assert record_id({"a": 1, "b": [2, 3]}, None) != record_id({"a": 1, "b": [2, 4]}, None)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ({}, "is not there"),
        ({"id": None}, "is empty"),
        ({"id": ""}, "is empty"),
        ({"id": "  "}, "is empty"),
        ({"id": ["a"]}, "is an array"),
        ({"id": {"a": 1}}, "is an object"),
        ({"id": True}, "is a boolean"),
        ({"id": "!a.csv:3"}, "begins with `!`"),
    ],
)
def test_an_unusable_id_value_is_an_error_that_names_the_field(data, fault):
    with pytest.raises(RowError, match=re.escape(f"the id field `id` {fault}")) as caught:
        record_id(data, ["id"])
    assert caught.value.code == "missing_id"


def test_a_trace_id_is_made_of_conversation_and_segment():
    assert trace_id({"conversation_id": 12345, "segment_id": "001"}) == "conv_12345__seg_001"


def test_prefixes_that_trace_ids_already_have_are_not_doubled():
    assert trace_id({"conversation_id": "conv_7", "segment_id": "seg_001"}) == "conv_7__seg_001"


def test_trace_ids_stay_apart_when_an_id_holds_the_joint():
    one = trace_id({"conversation_id": "a__seg_b", "segment_id": "c"})
    other = trace_id({"conversation_id": "a", "segment_id": "b__seg_c"})
    assert one != other


def test_the_custom_id_of_a_trace_is_readable():
    record = trace_id({"conversation_id": "12345", "segment_id": "seg_001"})
    assert custom_id(record) == "req__conv_12345__seg_001"


def test_samples_of_a_record_have_ids_of_their_own():
    assert [custom_id("a", sample) for sample in range(3)] == ["req__a", "req__a__s1", "req__a__s2"]


@pytest.mark.parametrize(
    "record", ["a", "x" * 59, "x" * 60, "y" * 500, "ü", "a b", "", "a/b", "日本語" * 40, "\x00", "-", "__"]
)
@pytest.mark.parametrize("sample", [0, 1, 99])
def test_a_custom_id_fits_the_strictest_provider(record, sample):
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", custom_id(record, sample))


def test_ids_that_clean_to_the_same_text_stay_apart():
    records = ["a b", "a-b", "a/b", "a_b", "x" * 100 + "1", "x" * 100 + "2"]
    assert len({custom_id(record) for record in records}) == len(records)


def test_an_id_that_looks_like_a_changed_one_is_changed_itself():
    changed = custom_id("a b").removeprefix("req__")
    assert custom_id(changed) != custom_id("a b")


def test_an_id_that_ends_like_a_sample_is_not_taken_for_one():
    assert custom_id("a__s1") != custom_id("a", sample=1)


def test_a_prefix_outside_the_alphabet_is_refused():
    with pytest.raises(ValueError, match="prefix"):
        custom_id("a", prefix="re q")


def test_ids_are_those_that_commit_8786769_made():
    fields = ["a", "b"]
    assert record_id({"a": "a_", "b": "b"}, fields) == "a___b-0b9e6aab304ed5fc"
    assert record_id({"a": "a", "b": "_b"}, fields) == "a___b-e85686f8a4ce6dcf"
    assert record_id({"a": "a__b", "b": "c"}, fields) == "a__b__c-528239e9b39f37f5"
    assert record_id({"b": 1, "a": "ü"}, None) == "4e7ff4080b1a00acdaf71eb0cdf2d504"
    assert custom_id("a/b") == "req__a-b--c14cddc033f64b9dea80"
    assert custom_id("x" * 60, 2) == f"req__{'x' * 33}--42f2d97335669f86846b__s2"
    assert custom_id("a__s1") == "req__a__s1--e1802f0a61174b27ee11"
