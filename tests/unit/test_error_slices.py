"""The slices that are looked at, the bad one among them, and what is said where there is none."""

import numpy as np
import pytest

from goldpan.error_analysis.confusion import confusion_pairs
from goldpan.error_analysis.items import ErrorItem, ErrorItems
from goldpan.error_analysis.report import alpha_of_each_test
from goldpan.error_analysis.slice_candidates import slice_candidates
from goldpan.error_analysis.slices import worst_slices
from goldpan.records.record_slice import RecordSlice, paths_of
from goldpan.study.error_analysis import ErrorAnalysis

SETTINGS = ErrorAnalysis()
ALPHA = alpha_of_each_test(SETTINGS.alpha, models=1, features=1)


def item(number, data, gold="yes", predicted="yes", **changes):
    keys = {
        "item_id": f"i{number:06d}",
        "id": f"r{number}",
        "source": "notes",
        "file": "a.jsonl",
        "data": data,
        "gold": gold,
        "predicted": predicted,
        "gold_key": gold,
        "predicted_key": predicted or None,
        "state": "ok" if predicted else "refused",
        "is_right": gold == predicted,
    }
    return ErrorItem(**(keys | changes))


def items(rows, kind="binary", labels=("no", "yes"), **changes):
    return ErrorItems("f", kind, labels, "m", tuple(rows), **changes)


def record(data):
    return {"source": "notes", "file": "a.jsonl", "data": data}


def simulated(seed, rows=600, worse=0.0):
    """Rows with 40 slices by five fields; with `worse` the value 3 of the first has that many more errors."""
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, 8, (rows, 5))
    wrong = generator.random(rows) < 0.15 + worse * (codes[:, 0] == 3)
    return items(
        item(
            number,
            {f"field{place}": f"v{code}" for place, code in enumerate(codes[number])},
            predicted="no" if wrong[number] else "yes",
        )
        for number in range(rows)
    )


def names(found):
    return [known.name for known in found]


def test_every_field_is_looked_at_by_what_it_holds():
    rows = [
        record(
            {
                "topic": ("sport", "art", "food")[n % 3],
                "meta": {"lang": "en" if n % 2 else "de", "year": 1990 + n % 30},
                "tags": ["new", "long"] if n % 4 else ["new"],
                "parts": [{"kind": "a"}, {"kind": "b" if n % 5 else "c"}],
                "text": f"number {n} " + "x" * (n % 37),
                "id": f"id-{n:05d}",
                **({"note": "seen"} if n % 2 else {}),
            }
        )
        for n in range(120)
    ]
    found = {candidate.condition.name for candidate in slice_candidates(rows, None, 20)}
    aliases = {alias for candidate in slice_candidates(rows, None, 20) for alias in candidate.aliases}
    assert {"topic: sport", "topic: art", "topic: food"} <= found
    assert {"meta.lang: en", "meta.lang: de", "tags: long", "parts.kind: b", "parts.kind: c"} <= found
    assert {"meta.year: below 1997", "meta.year: at least 2012"} <= found
    # All rows have it, or too few do not.
    assert not {"tags: new", "parts.kind: a", "source: notes"} & (found | aliases)
    # Ids all have one length; texts do not.
    assert not [name for name in found | aliases if "id" in name.split()]
    assert len([name for name in found | aliases if name.startswith("length of text")]) == 4
    # The same rows under another name are one slice.
    assert {"note: seen", "note: no value"} <= aliases
    assert "note: seen" not in found


def test_numbers_with_a_decimal_comma_are_binned_as_numbers_not_by_the_length_of_their_text():
    records = [{"source": "s", "file": "f", "data": {"price": f"{7 * n},45"}} for n in range(40)]
    kinds = {made.condition.kind for made in slice_candidates(records, ["data.price"], 5)}
    assert kinds == {"number"}
    assert RecordSlice("data.price", "number", low=130.0, high=140.0).holds(records[19])
    assert not RecordSlice("data.price", "number", low=1.0, high=2.0).holds({"data": {"price": "1,234"}})


def test_a_slice_that_was_found_holds_the_same_rows_when_it_is_looked_up():
    generator = np.random.default_rng(2)
    rows = [
        record(
            {
                "size": float(generator.normal()) * 1e-7,
                "amount": str(round(float(generator.lognormal()), 2)),
                "count": int(generator.integers(0, 40)),
                "text": "y" * int(generator.integers(3, 400)) + str(number),
                "list": [int(member) for member in generator.integers(0, 3, 2)],
                "flag": bool(generator.random() < 0.5),
                "hole": None if generator.random() < 0.5 else "filled",
            }
        )
        for number in range(200)
    ]
    candidates = slice_candidates(rows, None, 20)
    assert {candidate.condition.kind for candidate in candidates} == {"value", "absent", "number", "length"}
    for candidate in candidates:
        kept = RecordSlice(**candidate.condition.as_json())
        assert [n for n, row in enumerate(rows) if kept.holds(row)] == candidate.rows.tolist(), kept


def test_only_named_fields_are_looked_at_and_gold_only_where_it_is_named():
    rows = [record({"a": n % 2, "label": n % 3}) for n in range(100)]
    assert {candidate.condition.key for candidate in slice_candidates(rows, ["data.a"], 20)} == {"data.a"}
    found = slice_candidates(rows, None, 20, {"data.label"})
    assert {candidate.condition.key for candidate in found} == {"data.a"}


def test_paths_go_into_objects_of_lists():
    data = {"a": {"b": 1, "c": []}, "d": [{"e": [1, 2]}, {"f": "x"}], "g": [[1], [2]]}
    assert list(dict.fromkeys(paths_of(data))) == ["data.a.b", "data.a.c", "data.d.e", "data.d.f", "data.g"]


def test_a_slice_with_30_points_more_errors_among_40_is_found():
    found = [
        names(worst_slices(simulated(seed, worse=0.3), SETTINGS, ALPHA).significant) for seed in range(40)
    ]
    assert sum("field0: v3" in of for of in found) >= 38
    assert sum(len(of) > 1 for of in found) <= 3


def test_where_no_slice_is_worse_none_is_reported_in_95_of_100_seeds():
    """At the share of alpha that slices have in the analysis of one model on one feature."""
    found = [worst_slices(simulated(seed), SETTINGS, ALPHA) for seed in range(100)]
    assert found[0].looked_at == 40
    assert sum(bool(of.significant) for of in found) <= 5
    assert all(
        of.finding.startswith("None of 40 slices has") and not of.rows for of in found if not of.significant
    )


def test_rows_of_a_bad_slice_are_the_wrong_ones_with_the_reason():
    looked = simulated(1, worse=0.5)
    found = worst_slices(looked, SETTINGS, ALPHA)
    (bad,) = found.significant
    assert bad.condition == RecordSlice("data.field0", "value", "v3")
    inside = [row for row in looked.items if row.data["field0"] == "v3"]
    assert (bad.items, bad.wrong) == (len(inside), sum(not row.is_right for row in inside))
    assert [row.item_id for row in found.rows] == [row.item_id for row in inside if not row.is_right]
    assert "field0: v3" in found.rows[0].why
    low, high = bad.difference.interval.low, bad.difference.interval.high
    assert 0 < low < bad.difference.value < high


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "No row is evaluated"),
        ([item(n, {"a": n % 2}) for n in range(100)], "All 100 evaluated rows are right"),
        ([item(n, {"a": n % 2}, predicted="no") for n in range(100)], "All 100 evaluated rows are wrong"),
        ([item(n, {"a": n % 2}, predicted="no" if n == 3 else "yes") for n in range(8)], "No slice has 20"),
        ([item(n, {}, predicted="no" if n == 3 else "yes") for n in range(100)], "No slice has 20"),
    ],
    ids=["none", "right", "wrong", "few", "fieldless"],
)
def test_where_nothing_can_be_looked_at_it_is_said_why(rows, said):
    found = worst_slices(items(rows), SETTINGS, ALPHA)
    assert said in found.finding
    assert found.reason == found.finding
    assert not found.significant


def test_rows_of_one_group_bear_less_than_as_many_of_their_own():
    def rate(group):
        rows = [
            item(n, {"a": n // 20 % 5}, predicted="no" if n // 20 % 3 == 0 else "yes", group=group(n))
            for n in range(400)
        ]
        return worst_slices(items(rows), SETTINGS, ALPHA)

    alone, grouped = rate(lambda n: ""), rate(lambda n: f"g{n // 20}")
    widths = [of.overall.interval.high - of.overall.interval.low for of in (alone, grouped)]
    assert widths[1] > 3 * widths[0]
    assert "20 groups" in " ".join(grouped.notes)
    assert "groups" not in " ".join(alone.notes)


def test_pairs_come_by_how_often_they_are_and_the_surest_first():
    rows = [item(n, {}, "a", "b", confidence=n / 100) for n in range(20)]
    rows += [item(20 + n, {}, "b", "a") for n in range(5)]
    rows += [item(30 + n, {}, "b", "") for n in range(3)]
    rows += [item(40 + n, {}, "b", "b") for n in range(8)]
    found = confusion_pairs(items(rows, "classification", ("a", "b", "c")))
    assert [(pair.gold, pair.predicted, pair.items, pair.of_gold) for pair in found.pairs] == [
        ("a", "b", 20, 20),
        ("b", "a", 5, 16),
        ("b", "refused", 3, 16),
    ]
    assert found.pairs[0].examples == tuple(f"i{n:06d}" for n in (19, 18, 17, 16, 15))
    assert found.pairs[0].least_sure == tuple(f"i{n:06d}" for n in range(5))
    assert found.matrix.predicted == ("a", "b", "(failed)")
    assert found.matrix.counts == ((0, 20, 0), (5, 8, 3))
    assert len(found.rows) == 28


def test_the_share_of_a_pair_in_grouped_gold_is_as_sure_as_its_groups_are_many():
    def share(group):
        rows = [item(n, {}, "a", "b" if n // 10 % 2 else "a", group=group(n)) for n in range(400)]
        (pair,) = confusion_pairs(items(rows, "classification", ("a", "b"))).pairs
        return pair.share

    alone, grouped = share(lambda n: ""), share(lambda n: f"g{n // 10}")
    assert alone.value == grouped.value == 0.5
    widths = [of.interval.high - of.interval.low for of in (alone, grouped)]
    assert widths[1] > 2 * widths[0]


def test_sets_of_labels_are_compared_label_by_label():
    rows = [
        item(n, {}, "a; b", "a; c", gold_key=("a", "b"), predicted_key=("a", "c"), is_right=False)
        for n in range(4)
    ]
    rows += [item(9 + n, {}, "a", "a", gold_key=("a",), predicted_key=("a",)) for n in range(6)]
    found = confusion_pairs(items(rows, "multilabel", ("a", "b", "c")))
    assert {(pair.name, pair.items, pair.of_gold) for pair in found.pairs} == {
        ("b -> (not given)", 4, 4),
        ("(not in gold) -> c", 4, 10),
    }
    assert found.matrix is None


@pytest.mark.parametrize("kind", ["extraction", "ranking", "score"])
def test_what_has_no_labels_has_no_pairs(kind):
    found = confusion_pairs(items([item(1, {}, "1.5", "2")], kind, ()))
    assert found.reason
    assert not found.pairs


def test_of_one_label_nothing_is_known_of_the_others():
    rows = [item(n, {}, predicted="no" if n < 3 else "yes") for n in range(10)]
    found = confusion_pairs(items(rows))
    assert [pair.name for pair in found.pairs] == ["yes -> no"]
    assert any("All gold labels are yes" in note for note in found.notes)
