"""What was exploded is gathered again, by parent or by a field, with every child and every skip."""

import pytest

from goldpan.errors import SourceError
from goldpan.records.read import iter_heads
from goldpan.stages import group
from goldpan.tasks.where import Where
from tests.exploding import by_field, by_parent, explode, exploded, record, row, stage

A, B = {"name": "Census"}, {"name": "DHS"}


def judged(folder, made, **scores):
    """A stage `judge` that gave exploded records these scores, in their order; None stands for failed."""
    values = iter(scores.values())
    rows = []
    for given in made:
        if "skip" in given:
            rows.append({**row(given["id"], "skipped"), "reason": given["skip"]})
            continue
        score = next(values)
        rows.append(row(given["id"], "failed") if score is None else row(given["id"], score=score))
    return stage(folder, "judge", made, rows)


def test_children_come_back_to_their_parent_with_what_was_said_of_them(tmp_path):
    made = exploded(tmp_path, [A, B, A], [B])
    grouped = by_parent(tmp_path, judged(tmp_path, made, a=1, b=2, c=3), "judge")
    assert [(given["id"], len(given["children"]), given["rows"]) for given in grouped] == [
        ("r0", 2, 2),
        ("r1", 1, 1),
    ]
    first = grouped[0]
    assert first["data"] == {"text": "r0"}
    assert first["answers"] == {"first": {}}
    assert first["children"] == [
        {"id": made[0]["id"], "item": A, "count": 2, "state": "ok", "answers": {"judge": {"score": 1}}},
        {"id": made[1]["id"], "item": B, "count": 1, "state": "ok", "answers": {"judge": {"score": 2}}},
    ]
    assert not {"item", "parent", "count", "skip"} & first.keys()


def test_a_parent_without_items_has_no_children_and_goes_on(tmp_path):
    made = exploded(tmp_path, [A], [])
    _, empty = by_parent(tmp_path, judged(tmp_path, made, a=1), "judge")
    assert (empty["id"], empty["children"], empty["rows"]) == ("r1", [], 1)
    assert "skip" not in empty


@pytest.mark.parametrize("skip", ["blank: empty", "filtered: not kept", "upstream: stage first is failed"])
def test_a_parent_that_was_skipped_keeps_its_reason(tmp_path, skip):
    earlier = stage(tmp_path, "first", [record("r", skip=skip)], [row("r", "skipped")])
    made = explode(tmp_path, [earlier])
    (grouped,) = by_parent(tmp_path, judged(tmp_path, made), "judge")
    assert grouped["id"] == "r"
    assert grouped["skip"] == skip
    assert grouped["children"] == []


def test_a_child_that_failed_stays_among_the_children_with_its_state(tmp_path):
    made = exploded(tmp_path, [A, B])
    (grouped,) = by_parent(tmp_path, judged(tmp_path, made, a=None, b=2), "judge")
    assert [child["state"] for child in grouped["children"]] == ["failed", "ok"]
    assert grouped["children"][0]["answers"] == {}
    assert "reason" in grouped["children"][0]


def test_a_filter_marks_the_children_that_it_leaves_out(tmp_path):
    made = exploded(tmp_path, [A, B])
    where = Where.parse("score > 1", None, ["score"])
    (grouped,) = by_parent(tmp_path, judged(tmp_path, made, a=1, b=2), "judge", where=where)
    assert [child["state"] for child in grouped["children"]] == ["skipped", "ok"]
    assert grouped["children"][0]["reason"] == "filtered: not (score > 1)"
    assert grouped["children"][0]["answers"] == {"judge": {"score": 1}}


def test_who_proposed_a_child_is_told(tmp_path):
    one = stage(tmp_path, "one", [record("r")], [row("r", mentions=[A])])
    two = stage(tmp_path, "two", [record("r")], [row("r", mentions=[A, B])])
    made = explode(tmp_path, [one, two])
    (grouped,) = by_parent(tmp_path, judged(tmp_path, made, a=1, b=1), "judge")
    assert [child["proposed_by"] for child in grouped["children"]] == [["one", "two"], ["two"]]
    assert grouped["answers"].keys() == {"one", "two"}


def test_what_was_exploded_twice_comes_back_level_by_level(tmp_path):
    made = exploded(tmp_path, [A, B])
    again = stage(tmp_path, "second", made, [row(given["id"], mentions=[B]) for given in made])
    deeper = explode(tmp_path, [again])
    outer = by_parent(tmp_path, judged(tmp_path, deeper, a=1, b=2), "judge")
    assert [(given["id"], given["item"], given["parent"]) for given in outer] == [
        (made[0]["id"], A, "r0"),
        (made[1]["id"], B, "r0"),
    ]
    assert "outer" not in outer[0]
    last = stage(tmp_path, "last", outer, [row(given["id"], score=1) for given in outer])
    (whole,) = by_parent(tmp_path, last, "last", "judge", "second")
    assert whole["id"] == "r0"
    assert [child["item"] for child in whole["children"]] == [A, B]


def test_children_that_stand_apart_come_together(tmp_path):
    made = exploded(tmp_path, [A, B], [A])
    mixed = [made[0], made[2], made[1]]
    grouped = by_parent(tmp_path, judged(tmp_path, mixed, a=1, b=2, c=3), "judge")
    assert [(given["id"], len(given["children"])) for given in grouped] == [("r0", 2), ("r1", 1)]


def of_values(folder, *values):
    """A stage whose records have these values in the field `data.company`; `...` for none."""
    records = [
        record(f"r{at}", data={} if value is ... else {"company": value}) for at, value in enumerate(values)
    ]
    return stage(folder, "first", records, [row(f"r{at}", score=at) for at in range(len(values))])


def test_records_of_one_value_become_one_record_named_by_it(tmp_path):
    grouped = by_field(tmp_path, of_values(tmp_path, "X", "Y", "X"), "data.company")
    assert [given["data"] for given in grouped] == [{"company": "X"}, {"company": "Y"}]
    assert all(given["id"].startswith("group__") and len(given["id"]) == 23 for given in grouped)
    assert [child["id"] for child in grouped[0]["children"]] == ["r0", "r2"]
    assert grouped[0]["children"][0]["answers"] == {"first": {"score": 0}}
    # They are no items, so that what they say is in their data.
    assert grouped[0]["children"][0]["data"] == {"company": "X"}


def test_the_id_of_a_group_does_not_depend_on_who_is_in_it(tmp_path):
    one = by_field(tmp_path, of_values(tmp_path, "X", "Y"), "data.company")
    other = by_field(tmp_path, of_values(tmp_path, "Z", "Y", "X", "X"), "data.company")
    assert {given["id"] for given in one} < {given["id"] for given in other}


@pytest.mark.parametrize(
    ("values", "groups"),
    [
        (("X", "X ", "\tX\n"), 1),
        (("caf\u00e9", "cafe\u0301"), 1),
        ((1, 1.0), 1),
        ((1, "1"), 2),
        ((None, ...), 1),
        ((None, "", "null"), 3),
        ((True, 1), 2),
        (("X", "x"), 2),
        ((["a", "b"], ["b", "a"]), 2),
        (({"a": 1, "b": 2}, {"b": 2, "a": 1}), 1),
    ],
)
def test_values_are_the_same_as_items_are(tmp_path, values, groups):
    made = by_field(tmp_path, of_values(tmp_path, *values), "data.company")
    assert len(made) == groups
    assert sum(given["rows"] for given in made) == len(values)


def test_records_can_be_grouped_by_their_item_and_by_what_was_said_of_it(tmp_path):
    made = exploded(tmp_path, [A, B], [A])
    grouped = by_field(tmp_path, judged(tmp_path, made, a=1, b=2, c=2), "item.name")
    assert [(given["data"], len(given["children"])) for given in grouped] == [
        ({"name": "Census"}, 2),
        ({"name": "DHS"}, 1),
    ]
    assert "data" not in grouped[0]["children"][0]
    grouped = by_field(tmp_path, judged(tmp_path, made, a=1, b=2, c=2), "score")
    assert [(given["data"], len(given["children"])) for given in grouped] == [
        ({"score": 1}, 1),
        ({"score": 2}, 2),
    ]
    assert by_field(tmp_path, judged(tmp_path, made, a=1, b=2, c=2), "answers.judge.score") == grouped


def test_rows_of_all_groups_add_up_to_those_gathered(tmp_path):
    made = exploded(tmp_path, [A], [], [B, A])
    grouped = by_field(tmp_path, judged(tmp_path, made, a=1, b=2, c=None), "item.name")
    assert sum(given["rows"] for given in grouped) == len(made)
    assert sum(len(given["children"]) for given in grouped) == 3


def test_a_group_that_fits_on_no_line_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(group, "LONGEST_LINE", 500)
    with pytest.raises(SourceError, match="the 20 records of one group have more than 500 bytes") as caught:
        by_field(tmp_path, of_values(tmp_path, *["X"] * 20), "data.company")
    assert "group__" in str(caught.value.where)


def test_groups_are_records_whose_heads_can_be_read(tmp_path):
    by_field(tmp_path, of_values(tmp_path, 'X","data":{"y'), "data.company")
    ((head, _),) = iter_heads(tmp_path / "grouped.jsonl")
    assert head["id"].startswith("group__")


def test_a_group_of_items_of_groups_has_its_own_children_only(tmp_path):
    made = exploded(tmp_path, [A, B])
    pages = by_parent(tmp_path, judged(tmp_path, made, a=1, b=2), "judge")
    found = [row(page["id"], mentions=[B]) for page in pages]
    again = explode(tmp_path, [stage(tmp_path, "again", pages, found)])
    by_parent(tmp_path, judged(tmp_path, again, a=3), "judge")
    line = (tmp_path / "grouped.jsonl").read_bytes()
    assert line.count(b'"children":') == line.count(b'"rows":') == 1


def test_a_group_by_a_field_of_nothing_but_records_without_items_is_skipped(tmp_path):
    items = exploded(tmp_path, [{"name": "a"}], [])
    rows = [row(record["id"], "skipped" if "skip" in record else "ok") for record in items]
    groups = by_field(tmp_path, stage(tmp_path, "located", items, rows), "item.name")
    assert [group.get("skip") for group in groups] == [None, "no_items: none of its records has an item"]
    assert [group["rows"] for group in groups] == [1, 1]
