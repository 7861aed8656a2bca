"""Conditions: what they mean, and what is refused before anything is paid."""

from typing import Any

import pytest

from goldpan.errors import WhereError
from goldpan.tasks.features import parse_feature
from goldpan.tasks.where import Where, values_of_row

FEATURES = [
    parse_feature({"description": "What.", **feature}, "test")
    for feature in (
        {"name": "score", "type": "score", "min": 0, "max": 3},
        {"name": "ratio", "type": "score", "min": 0, "max": 1, "integer": False},
        {"name": "topic", "type": "classification", "labels": ["Nature", "Money"], "rationale": True},
        {"name": "tags", "type": "multilabel", "labels": ["a", "b  c"]},
        {"name": "flag", "type": "binary", "abstain": True},
        {"name": "summary", "type": "text"},
        {"name": "people", "type": "extraction", "fields": [{"name": "name"}]},
    )
]
VALUES: dict[str, Any] = {
    "score": 2,
    "ratio": 0.5,
    "topic": "Nature",
    "topic_rationale": "It names trees.",
    "tags": ["b  c"],
    "flag": None,
    "summary": "About trees.",
    "people": [],
    "id": "r1",
    "source": "reports",
    "file": "a.csv",
    "line": 7,
    "data": {
        "year": "2021",
        "pages": 12,
        "note": None,
        "Page no": "7",
        "author": {"known": True},
        "bad": "n/a",
    },
    "answers": {"first": {"score": 1}},
}


def holds(text: str) -> bool:
    return Where.parse(text, FEATURES).matches(VALUES)


def error_of(text: str) -> str:
    with pytest.raises(WhereError) as caught:
        Where.parse(text, FEATURES)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "score == 2",
        "score != 1",
        "2 == score",
        "1 <= score < 3",
        "score >= 0",
        "score in [1, 2]",
        "score not in (0, 1)",
        "score > ratio",
        "ratio == 0.5",
        "topic == 'Nature' and score == 2",
        "topic == 'Money' or score == 2",
        "not (topic == 'Money')",
        "topic in ['Nature', 'Money']",
        "'b  c' in tags",
        "'a' not in tags",
        "'trees' in summary",
        "'names' in topic_rationale",
        "not people",
        "flag is None",
        "flag == null",
        "score is not None",
        "source == 'reports' and file != 'b.csv' and id == 'r1'",
        "data.pages > 10",
        "data.author.known",
        "data['Page no'] == 7",
        "data.note is None",
        "data.absent.deeper is None",
        "answers.first.score == 1",
        "data.year > 2020",
        "data.year == 2021",
        "data.year == '2021'",
        "data.bad != 3",
        "data.bad != 'n/a' and data.bad > 3 or score == 2",
        " score\n == 2 ",
        "true",
    ],
)
def test_it_holds(text):
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        "score == 1",
        "0 <= score < 2",
        "score not in [2]",
        "'a' in tags",
        "people",
        "data.absent",
        "data.bad == 3",
        "score == 2 and false",
    ],
)
def test_it_does_not_hold(text):
    assert not holds(text)


@pytest.mark.parametrize(
    "text",
    ["flag", "flag == true", "flag == false", "flag != true", "data.note > 3", "data.note == 'x'"],
)
def test_a_comparison_with_nothing_does_not_hold(text):
    assert not holds(text)


@pytest.mark.parametrize("text", ["data.note in ['x']", "data.note not in ['x']", "'x' not in data.note"])
def test_membership_of_nothing_does_not_hold(text):
    assert not holds(text)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("scor == 1", 1, "there is no feature `scor`; did you mean `score`?"),
        ("score == 1 and topik == 'Money'", 16, "did you mean `topic`?"),
        ("topic == 'nature'", 10, "`topic` has no label 'nature'; did you mean `Nature`?"),
        ("topic in ['Money', 'Trees']", 20, "`topic` has no label 'Trees'"),
        ("'c' in tags", 1, "`tags` has no label 'c'"),
        ("tags == 'a'", 9, "`tags` is a list of labels; ask `'label' in it`"),
        ("score == 4", 10, "`score` goes from 0 to 3"),
        ("score > 3", 9, "`score` goes from 0 to 3"),
        ("3 < score", 1, "`score` goes from 0 to 3"),
        ("score < 0", 9, "`score` goes from 0 to 3"),
        ("score in [1, 9]", 14, "`score` goes from 0 to 3"),
        ("score == 1.5", 10, "`score` is a whole number and never 1.5"),
        ("score == '1'", 10, "`score` is a number and cannot be compared with '1'"),
        ("score == true", 10, "`score` is a number and cannot be compared with True"),
        ("topic == 1", 10, "`topic` is a label and cannot be compared with 1"),
        ("topic > 'Money'", 9, "`topic` is a label and has no order"),
        ("summary > 3", 11, "`summary` is text and cannot be compared with 3"),
        ("flag == 1", 9, "`flag` is true or false and cannot be compared with 1"),
        ("score == topic", 1, "a number and a label cannot be compared"),
        ("people == 'x'", 11, "`people` is a list of objects"),
        ("score", 1, "`score` is a number; compare it with something"),
        ("score < None", 9, "None has no order"),
        ("topic is 'Money'", 10, "`is` goes with None, True or False"),
        ("'é' in summary and scor == 1", 20, "there is no feature `scor`"),
        ("1 == 1", 1, "compares two constants"),
        ("score in topic", 1, "`in` goes with a list of constants"),
        ("score.real == 1", 1, "`score` is a number and has no fields"),
        ("score = 1", 7, "not a condition"),
        ("score == 1 and", 1, "not a condition"),
        ("", 1, "not a condition"),
        ("len(people) > 1", 1, "is not a feature or a field"),
        ("__import__('os').getcwd()", 1, "is not a condition"),
        ("[s for s in tags]", 1, "is not a condition"),
        ("score + 1 == 2", 1, "is not a feature or a field"),
        ("data.x == [1]", 11, "is not a feature or a field"),
        ("f'{score}' == 'a'", 1, "is not a feature or a field"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_column(text, column, message):
    error = error_of(text)
    assert message in error and f"column {column}: " in error


@pytest.mark.parametrize(
    "text", ["(" * 500 + "score == 1" + ")" * 500, "score == 1 or " * 400 + "score == 1"]
)
def test_an_endless_condition_is_refused(text):
    error_of(text)


def test_a_condition_over_records_knows_no_features():
    with pytest.raises(WhereError, match="there is no feature `score`"):
        Where.parse("score == 1", None)
    assert Where.parse("data.pages > 10", None).matches(VALUES)


def test_extra_names_can_be_used():
    assert Where.parse("round > 1", None, ["round"]).matches({"round": 2})


def test_features_that_two_tasks_share_are_taken_together():
    other = parse_feature(
        {"name": "score", "type": "score", "description": "What.", "min": 2, "max": 9}, "test"
    )
    assert not Where.parse("score == 9", [*FEATURES, other]).matches(VALUES)


def test_a_number_that_text_does_not_spell_stops_the_filter():
    with pytest.raises(WhereError, match=r"`data\.bad` is 'n/a' here, which cannot be compared with 3"):
        holds("data.bad > 3")


def test_values_of_a_row_hold_rationales_and_the_record():
    predictions = {
        "topic": {"type": "ClassificationPrediction", "label": "Money", "rationale": "It names cash."}
    }
    values = values_of_row({"id": "r1", "data": {}}, predictions)
    assert values == {"id": "r1", "data": {}, "topic": "Money", "topic_rationale": "It names cash."}
