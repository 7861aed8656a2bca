"""Where labels come from: gold sets, answers of one or several LLMs, fields of records; and the settings."""

import pytest
from pydantic import ValidationError

from goldpan.errors import HeadError, ReconciliationError
from goldpan.heads.aggregate import aggregate
from goldpan.heads.labels import read_labels
from goldpan.study.head import Annotated, Head, Target
from goldpan.waves.gold.gold_set import write_gold_lines
from tests.evaluation_builders import gold_item, prediction, stage_row
from tests.head_builders import head_settings, write_records, write_rows
from tests.wave_builders import COMPLAINT, STARS, TONE


def features_file(path, stars, **changes):
    """A `features.jsonl` in which record r<n> has stars[n]."""
    rows = [stage_row(n, {"stars": prediction(STARS, value)}, **changes) for n, value in enumerate(stars)]
    return write_rows(path, rows)


def stage_settings(**changes):
    """Settings that learn `stars` from a stage."""
    labels = {"stage": "rate"} | changes.pop("labels", {})
    return head_settings(["stars"], labels=labels, **changes)


def values_of(labels):
    """The values of `stars` by record."""
    return {id: label.values["stars"] for id, label in labels.items()}


def test_a_gold_set_brings_its_splits_and_groups(tmp_path):
    items = [
        gold_item(n, {"stars": n}, split=split, group=f"g{n}") for n, split in enumerate(["train", "dev"])
    ]
    write_gold_lines(tmp_path / "gold.jsonl", items)
    labels = read_labels(head_settings(["stars"], labels={"wave": "first"}), [tmp_path / "gold.jsonl"])
    assert [(one.id, one.split, one.group) for one in labels.values()] == [
        ("r0", "train", "g0"),
        ("r1", "dev", "g1"),
    ]
    assert values_of(labels) == {"r0": 0, "r1": 1}


def test_what_nobody_could_tell_or_resolve_is_no_label(tmp_path):
    write_gold_lines(
        tmp_path / "gold.jsonl", [gold_item(0, {"stars": None}), gold_item(1, {"tone": "Neutral"})]
    )
    labels = read_labels(head_settings(["stars"], labels={"wave": "first"}), [tmp_path / "gold.jsonl"])
    assert values_of(labels) == {"r0": None, "r1": None}


def test_a_target_may_be_called_otherwise_than_its_feature(tmp_path):
    write_gold_lines(tmp_path / "gold.jsonl", [gold_item(0, {"stars": 4})])
    settings = head_settings({"rating": {"field": "stars"}}, labels={"wave": "first"})
    assert read_labels(settings, [tmp_path / "gold.jsonl"])["r0"].values == {"rating": 4}


def test_answers_that_are_not_ok_are_no_labels(tmp_path):
    rows = [
        stage_row(0, {"stars": prediction(STARS, 3)}),
        stage_row(1, {}, state="refused", reason="refusal"),
        stage_row(2, {"stars": prediction(STARS, None)}),
    ]
    labels = read_labels(stage_settings(), [write_rows(tmp_path / "features.jsonl", rows)])
    assert values_of(labels) == {"r0": 3, "r2": None}


@pytest.mark.parametrize(
    ("how", "expected"), [("mean", 2.5), ("median", 2.0), ("min", 1), ("max", 5), ("majority", 2)]
)
def test_answers_of_several_llms_become_one(tmp_path, how, expected):
    files = [features_file(tmp_path / f"{n}.jsonl", [stars]) for n, stars in enumerate([5, 2, 2, 1])]
    labels = read_labels(stage_settings(labels={"stage": ["a", "b", "c", "d"], "aggregate": how}), files)
    assert values_of(labels) == {"r0": expected}
    assert labels["r0"].answers == {"stars": 4}


def test_samples_of_one_llm_become_one(tmp_path):
    samples = [
        {"state": "ok", "reason": None, "features": {"stars": prediction(STARS, n)}} for n in (1, 2, 4)
    ]
    samples.append({"state": "invalid", "reason": "no", "features": {"stars": prediction(STARS, 5)}})
    path = features_file(tmp_path / "features.jsonl", [1], samples=samples)
    assert values_of(read_labels(stage_settings(labels={"aggregate": "max"}), [path])) == {"r0": 4}
    assert values_of(read_labels(stage_settings(), [path])) == {"r0": 1}


def test_a_tie_is_nobodys_decision():
    assert aggregate(["law", "art"], "majority") is None
    assert aggregate(["law", "art", "law", "art", "war"], "majority") is None
    assert aggregate([True, False, True], "majority") is True


def test_labels_have_no_mean():
    with pytest.raises(HeadError, match="'law' is not a number, so it has no mean"):
        aggregate(["law", "art"], "mean")


def test_records_may_carry_labels_inside_their_fields(tmp_path):
    records = write_records(tmp_path / "a.jsonl", [{"scores": {"edu": 3}}, {"scores": {}}])
    settings = head_settings({"edu": {"field": "scores.edu"}})
    labels = read_labels(settings, [records])
    assert [label.values["edu"] for label in labels.values()] == [3, None]


def test_answers_of_a_stage_are_grouped_by_a_field_of_their_records(tmp_path):
    records = write_records(tmp_path / "a.jsonl", [{"id": f"r{n}", "site": f"s{n // 2}"} for n in range(4)])
    features = features_file(tmp_path / "features.jsonl", [1, 2, 3, 4])
    labels = read_labels(stage_settings(group="data.site"), [features], [records])
    assert [label.group for label in labels.values()] == ["s0", "s0", "s1", "s1"]


def test_an_answered_record_that_is_in_no_file_is_an_error(tmp_path):
    records = write_records(tmp_path / "a.jsonl", [{"id": "r0", "site": "s0"}])
    features = features_file(tmp_path / "features.jsonl", [1, 2])
    with pytest.raises(ReconciliationError, match="'r1' was answered but is in no records file"):
        read_labels(stage_settings(group="data.site"), [features], [records])


def test_two_rows_of_one_record_are_an_error(tmp_path):
    rows = [stage_row(0, {"stars": prediction(STARS, n)}) for n in (1, 2)]
    with pytest.raises(ReconciliationError, match="two rows of record 'r0'"):
        read_labels(stage_settings(), [write_rows(tmp_path / "features.jsonl", rows)])


def test_binary_and_classification_answers_keep_their_values(tmp_path):
    features = {"tone": prediction(TONE, "Neutral"), "complaint": prediction(COMPLAINT, False)}
    path = write_rows(tmp_path / "features.jsonl", [stage_row(0, features)])
    settings = head_settings(["tone", "complaint"], labels={"stage": "rate"})
    assert read_labels(settings, [path])["r0"].values == {"tone": "Neutral", "complaint": False}


def test_labels_in_yaml_are_read_as_text():
    target = Target(kind="ordinal", labels=[False, 1, 2.0, 2.5, "many"])
    assert target.labels == ["no", "1", "2", "2.5", "many"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"labels": {}}, "give one of"),
        ({"labels": {"wave": "w", "stage": "s"}}, "give one of"),
        ({"labels": {"stage": ["a", "b"]}}, "several stages need `aggregate`"),
        ({"labels": {"wave": "w", "aggregate": "mean"}}, "`aggregate` goes with `stage`"),
        ({"labels": {"wave": "w"}, "group": "source"}, "brings its own groups"),
        ({"hidden": 3}, "goes with `architecture: mlp`"),
        ({"targets": {"a": {"kind": "regression", "labels": [1, 2]}}}, "a regression has no labels"),
        ({"targets": {}}, "at least 1 item"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(changes, problem):
    given = {"embedding": "small", "labels": {"source": "notes"}, "targets": ["a"]}
    with pytest.raises(ValidationError, match=problem):
        Head(**(given | changes))


def test_annotating_needs_heads_that_can_be_told_apart():
    with pytest.raises(ValidationError, match="at least one head"):
        Annotated(embedding="small")
    with pytest.raises(ValidationError, match="two heads called `a`"):
        Annotated(embedding="small", heads=["a"], regression_head_checkpoints={"a": "a.pt"})
