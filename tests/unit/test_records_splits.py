"""The group of a record, the same for gold sets and for the labels of heads, and the split of a group."""

import pytest

from goldpan.errors import StudyError
from goldpan.records.splits import SPLITS, group_of, split_of
from goldpan.study.wave import Split

RECORD = {"id": "r1", "source": "news", "file": "a", "data": {"author": {"name": "Li"}, "year": 1990}}


@pytest.mark.parametrize(
    ("key", "group"),
    [
        (None, "r1"),
        ("source", "news"),
        ("file", "news/a"),
        ("data.author.name", "Li"),
        ("data.author", '{"name":"Li"}'),
        ("data.year", "1990"),
    ],
)
def test_the_group_is_the_value_of_its_key(key, group):
    assert group_of(RECORD, key, "`group`") == group


def test_a_group_by_what_records_themselves_say_needs_no_data():
    assert group_of({"id": "r1", "source": "news", "file": "a"}, "file", "`group`") == "news/a"


@pytest.mark.parametrize("data", [{}, {"author": None}, {"author": {}}])
def test_a_record_without_the_field_is_an_error_that_names_it_and_the_setting(data):
    with pytest.raises(StudyError, match=r"'r1' has no `data\.author\.name`") as raised:
        group_of({**RECORD, "data": data}, "data.author.name", "`gold.group` of the wave")
    assert raised.value.remedy == "correct `gold.group` of the wave"


def test_a_group_stays_in_its_split_and_splits_have_about_their_shares():
    shares = Split(train=0.6, dev=0.2, test=0.2)
    splits = [split_of(f"g{number}", shares, seed=3) for number in range(2000)]
    assert splits == [split_of(f"g{number}", shares, seed=3) for number in range(2000)]
    assert [splits.count(name) / 2000 for name in SPLITS] == pytest.approx([0.6, 0.2, 0.2], abs=0.04)
