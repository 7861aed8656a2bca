"""Items become records that are named by what they hold; every parent, item and skip has its row."""

import itertools

import pytest

from goldpan.errors import ReconciliationError
from goldpan.records.ids import custom_id
from goldpan.records.read import iter_heads
from goldpan.tasks.features import Extraction, Field_
from goldpan.tasks.where import Where
from goldpan.tasks.where_types import COUNT, TEXT, item_kind
from tests.exploding import explode, exploded, record, row, stage

A, B = {"name": "Census", "year": 2001}, {"name": "DHS", "year": 2010}


def ids(made):
    return [given["id"] for given in made]


def test_each_item_is_a_record_with_its_parents_data_and_answers(tmp_path):
    earlier = stage(
        tmp_path,
        "first",
        [record("r", answers={"zeroth": {"topic": "x"}})],
        [row("r", mentions=[A, B], score=2)],
    )
    made = explode(tmp_path, [earlier])
    assert [given["item"] for given in made] == [A, B]
    assert all(given["parent"] == "r" and given["count"] == 1 for given in made)
    assert all(given["data"] == {"text": "r"} and given["line"] == 1 for given in made)
    # The list itself is left out: with each of its items it would grow by the square.
    assert made[0]["answers"] == {"zeroth": {"topic": "x"}, "first": {"score": 2}}
    assert "proposed_by" not in made[0]


def test_an_item_keeps_its_id_wherever_it_stands_in_the_answer(tmp_path):
    found = [A, B, {"name": "LSMS", "year": None}]
    sets = [set(ids(exploded(tmp_path, list(order)))) for order in itertools.permutations(found)]
    assert len(sets[0]) == 3
    assert all(other == sets[0] for other in sets)


def test_a_reordered_answer_makes_the_same_file(tmp_path):
    found = [B, A, {"name": "LSMS", "year": None}, A]
    files = set()
    for order in itertools.permutations(found):
        exploded(tmp_path, list(order), [])
        files.add((tmp_path / "exploded.jsonl").read_bytes())
    assert len(files) == 1


def test_an_id_is_of_the_parent_and_the_item(tmp_path):
    made = exploded(tmp_path, [A], [A])
    assert ids(made)[0].startswith("r0__")
    assert ids(made)[1].startswith("r1__")
    assert ids(made)[0].removeprefix("r0") == ids(made)[1].removeprefix("r1")
    assert len(ids(made)[0]) == len("r0__") + 16


def test_an_item_that_occurs_twice_is_one_record_with_a_count(tmp_path):
    made = exploded(tmp_path, [A, B, A, A])
    assert [(given["item"], given["count"]) for given in made] == [(A, 3), (B, 1)]


SAME = [
    pytest.param({"a": 1, "b": 2}, {"b": 2, "a": 1}, id="order of keys"),
    pytest.param({"a": {"x": 1, "y": 2}}, {"a": {"y": 2, "x": 1}}, id="order of keys inside"),
    pytest.param({"n": 1}, {"n": 1.0}, id="1 and 1.0"),
    pytest.param({"n": 0}, {"n": -0.0}, id="0 and -0.0"),
    pytest.param({"t": "caf\u00e9"}, {"t": "cafe\u0301"}, id="NFC and NFD"),
    pytest.param({"t": "a b"}, {"t": " a\n\u2028b\u00a0"}, id="white space"),
    pytest.param({"l": ["a b"]}, {"l": ["a  b"]}, id="white space in a list"),
]
DIFFERENT = [
    pytest.param({"n": 1}, {"n": "1"}, id="1 and its spelling"),
    pytest.param({"n": 1}, {"n": True}, id="1 and true"),
    pytest.param({"n": 1}, {"n": 1.5}, id="fractions"),
    pytest.param({"n": None}, {"n": "null"}, id="null and text"),
    pytest.param({"n": None}, {}, id="null and nothing"),
    pytest.param({"n": ""}, {"n": None}, id="empty text and null"),
    pytest.param({"t": "DHS"}, {"t": "dhs"}, id="case"),
    pytest.param({"l": ["a", "b"]}, {"l": ["b", "a"]}, id="order of a list"),
    pytest.param({"l": [["a"], []]}, {"l": [[], ["a"]]}, id="nested lists"),
    pytest.param({"a": "x", "b": "y"}, {"a": "y", "b": "x"}, id="values exchanged"),
    pytest.param({"t": "a{{ b }}"}, {"t": "a{{b}}"}, id="braces"),
    pytest.param({}, {"a": None}, id="empty item"),
    pytest.param({"n": 9007199254740993}, {"n": 9007199254740992.0}, id="whole numbers no float holds"),
    pytest.param({"t": "\ufb01ne"}, {"t": "fine"}, id="ligature"),
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_items_that_are_the_same_are_one_record(tmp_path, first, second):
    made = exploded(tmp_path, [first, second], [second, first])
    assert [given["count"] for given in made] == [2, 2]
    # Whichever comes first, the same one is asked about.
    assert made[0]["item"] == made[1]["item"]


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_items_that_differ_are_two_records(tmp_path, first, second):
    made = exploded(tmp_path, [first, second])
    assert len(set(ids(made))) == 2


def test_by_says_which_fields_make_an_item_the_same(tmp_path):
    found = [{"name": "DHS", "year": 1}, {"name": "DHS", "year": 2}, {"name": "DHS", "year": 2}]
    (made,) = exploded(tmp_path, found, by=["name"])
    assert made["count"] == 3
    assert made["item"] == {"name": "DHS", "year": 2}, "the spelling found most often"
    assert exploded(tmp_path, found[::-1], by=["name"]) == [made]


def test_a_field_of_by_that_an_item_lacks_counts_as_null(tmp_path):
    made = exploded(tmp_path, [{"year": 1}, {"name": None, "year": 2}, {"name": "", "year": 1}], by=["name"])
    assert [given["count"] for given in made] == [1, 2]


def test_an_edited_item_is_another_record_and_the_others_stay(tmp_path):
    before = ids(exploded(tmp_path, [A, B]))
    after = ids(exploded(tmp_path, [{**A, "year": 2002}, B]))
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_labels_are_items(tmp_path):
    earlier = stage(tmp_path, "first", [record("r")], [row("r")])
    labels = {"mentions": {"type": "MultilabelPrediction", "labels": ["water", "health"]}}
    earlier = stage(tmp_path, "first", [record("r")], [{**row("r"), "features": labels}])
    assert [given["item"] for given in explode(tmp_path, [earlier])] == ["health", "water"]


@pytest.mark.parametrize(
    ("answer", "skip"),
    [
        (row("r", mentions=[]), "no_items: stage first found no `mentions`"),
        (row("r", mentions=None), "no_items: stage first cannot tell `mentions` of this record"),
        (row("r", score=1), "no_items: stage first was not asked for `mentions` of this record"),
        (row("r", "failed"), "upstream: stage first is failed for this record"),
        (row("r", "pending"), "upstream: stage first is pending for this record"),
    ],
)
def test_a_parent_without_items_is_recorded_with_the_reason(tmp_path, answer, skip):
    (made,) = explode(tmp_path, [stage(tmp_path, "first", [record("r")], [answer])])
    assert (made["id"], made["parent"], made["skip"]) == ("r__none", "r", skip)
    assert "item" not in made
    assert "count" not in made


@pytest.mark.parametrize("reason", ["filtered: not (kept)", "blank: the field `text` is empty", "no_text: x"])
def test_a_skip_is_carried_through(tmp_path, reason):
    earlier = stage(tmp_path, "first", [record("r", skip=reason)], [row("r", "skipped")])
    (made,) = explode(tmp_path, [earlier])
    assert made["skip"] == reason
    assert made["id"] == "r__none"


KIND = item_kind(
    Extraction(
        name="mentions",
        type="extraction",
        description="M.",
        fields=[Field_(name="name"), Field_(name="year", type="integer", nullable=True)],
    )
)


def test_a_filter_sees_the_item_and_leaves_out_single_items(tmp_path):
    kinds = {"item": KIND, "count": COUNT, "parent": TEXT}
    where = Where.parse("item.year > 2005 and count == 1", [], record=kinds)
    made = exploded(tmp_path, [A, B, {"name": "E", "year": None}], where=where)
    assert ["skip" in given for given in made] == [True, False, True]
    assert made[0]["skip"] == "filtered: not (item.year > 2005 and count == 1)"


def test_a_filter_sees_the_earlier_features(tmp_path):
    where = Where.parse("score >= 2", None, ["score"])
    records = [record("a"), record("b")]
    rows = [row("a", mentions=[A], score=1), row("b", mentions=[A], score=2)]
    made = explode(tmp_path, [stage(tmp_path, "first", records, rows)], where=where)
    assert ["skip" in given for given in made] == [True, False]


def test_items_of_several_stages_are_united_and_say_who_found_them(tmp_path):
    records = [record("r"), record("q")]
    one = stage(tmp_path, "one", records, [row("r", mentions=[A], score=1), row("q", mentions=[])])
    two = stage(tmp_path, "two", records, [row("r", mentions=[B, A], score=3), row("q", "failed")])
    made = explode(tmp_path, [one, two])
    assert [(given.get("item"), given.get("proposed_by")) for given in made] == [
        (A, ["one", "two"]),
        (B, ["two"]),
        (None, None),
    ]
    assert made[0]["count"] == 2
    assert made[0]["answers"] == {"one": {"score": 1}, "two": {"score": 3}}
    # That a stage failed is not taken for that there is nothing.
    assert made[2]["skip"] == "upstream: stage two is failed for this record"


def test_items_of_one_stage_go_on_where_another_failed(tmp_path):
    one = stage(tmp_path, "one", [record("r")], [row("r", mentions=[A])])
    two = stage(tmp_path, "two", [record("r")], [row("r", "refused")])
    (made,) = explode(tmp_path, [one, two])
    assert made["proposed_by"] == ["one"]
    assert "skip" not in made


@pytest.mark.parametrize(("mine", "other"), [("ab", "ba"), ("ab", "a"), ("a", "ab")])
def test_stages_with_other_records_are_not_united(tmp_path, mine, other):
    stages = [
        stage(tmp_path, name, [record(i) for i in names], [row(i, mentions=[]) for i in names])
        for name, names in (("one", mine), ("two", other))
    ]
    with pytest.raises(ReconciliationError, match="does not have the records of the stages"):
        explode(tmp_path, stages)


def test_what_is_exploded_again_keeps_what_it_was_an_item_of(tmp_path):
    (first,) = exploded(tmp_path, [A])
    again = stage(tmp_path, "second", [first], [row(first["id"], mentions=[B, B])])
    (made,) = explode(tmp_path, [again])
    assert made["outer"] == {"item": A, "parent": "r0", "count": 1}
    assert (made["parent"], made["item"], made["count"]) == (first["id"], B, 2)


def test_ids_differ_though_ids_of_parents_begin_alike(tmp_path):
    parents = ["a", "a__", "a__none", "a__0123456789abcdef", "a_", "__", "none"]
    rows = [row(name, mentions=[A, B] if number % 2 else []) for number, name in enumerate(parents)]
    made = explode(tmp_path, [stage(tmp_path, "first", [record(name) for name in parents], rows)])
    assert len(set(ids(made))) == len(made) == 10
    assert len({custom_id(name) for name in ids(made)}) == len(made)


@pytest.mark.parametrize(
    "parent", ["x" * 63, "ä" * 40, "a/b c", "conv_1__seg_2", "p__s1", "x" * 44 + "--" + "0" * 20]
)
def test_requests_of_items_have_ids_of_their_own_that_fit(tmp_path, parent):
    found = [{"name": str(number)} for number in range(200)]
    made = explode(tmp_path, [stage(tmp_path, "first", [record(parent)], [row(parent, mentions=found)])])
    asked = {custom_id(name, sample) for name in ids(made) for sample in range(3)}
    assert len(asked) == 600
    assert max(map(len, asked)) <= 64


def test_ten_thousand_items_of_one_answer_are_as_many_records(tmp_path):
    found = [{"name": f"n{number}"} for number in range(10_000)]
    made = exploded(tmp_path, found)
    assert len(set(ids(made))) == 10_000
    # The list does not stand in each of its items.
    assert (tmp_path / "exploded.jsonl").stat().st_size < 3_000_000


@pytest.mark.parametrize(
    "text", ["a\nb", "a\u2028b\u2029c", "{{ data.text }}", "{% raw %}", '"', "\\", "\x00", "\ud7ff"]
)
def test_a_text_stands_in_the_record_as_it_was_answered(tmp_path, text):
    (made,) = exploded(tmp_path, [{"name": text}])
    assert made["item"] == {"name": text}
    assert [head["id"] for head, _ in iter_heads(tmp_path / "exploded.jsonl")] == [made["id"]]


def test_an_item_that_looks_like_the_head_of_a_record_is_not_taken_for_it(tmp_path):
    (made,) = exploded(tmp_path, [{"data": {"data": 1}, "id": "x", "name": ',"data":'}])
    ((head, _),) = iter_heads(tmp_path / "exploded.jsonl")
    assert head["id"] == made["id"]
