"""A value that is put at a path is found there, and nothing else is changed by it."""

import pytest

from goldpan.records.look_up import look_up, put


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"expected": {"topic": "new"}}),
        ({"expected": None}, {"expected": {"topic": "new"}}),
        ({"expected": {"other": 1, "topic": "old"}}, {"expected": {"other": 1, "topic": "new"}}),
        ({"expected.topic": "old"}, {"expected.topic": "new"}),
        ({"expected": "a text"}, {"expected": "a text", "expected.topic": "new"}),
    ],
)
def test_what_is_put_is_looked_up_again_and_the_rest_stays(before, after):
    put(before, "expected.topic", "new")
    assert before == after and look_up(before, "expected.topic") == (True, "new")


def test_objects_that_others_hold_are_not_changed():
    shared = {"deep": {"a": 1}}
    row = {"expected": shared}
    put(row, "expected.deep.b", 2)
    assert shared == {"deep": {"a": 1}} and row == {"expected": {"deep": {"a": 1, "b": 2}}}
