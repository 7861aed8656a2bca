"""Merging answers: each strategy, who decided, and that nothing is decided silently."""

import numpy as np
import pytest

from goldpan.errors import StudyError
from goldpan.statistics.scales import Scale
from goldpan.tasks.features import Binary, Classification, Exclusive, Score
from goldpan.waves.codebook import CANNOT_TELL, Codebook
from goldpan.waves.collect.adjudication import Decision
from goldpan.waves.merging.merged import FeatureAnswers, Resolution, resolution_counts
from goldpan.waves.merging.strategies import merge_feature
from goldpan.waves.merging.wave import disagreements, merge_wave, to_decide

NOMINAL = Scale("nominal")


def given(ratings, annotators=("a", "b"), scale=NOMINAL, llm=None, decisions=None):
    """Answers of one item per tuple, in the order of the annotators; `...` is no answer."""
    by_item = {
        f"i{number}": {
            name: value for name, value in zip(annotators, row, strict=True) if value is not Ellipsis
        }
        for number, row in enumerate(ratings, 1)
    }
    return FeatureAnswers("f", scale, by_item, annotators, tuple(by_item), llm or {}, decisions or {})


def one(answers, strategy, **more):
    """The merged row of a single item."""
    annotators = tuple("abcdefg"[: len(answers)])
    (row,) = merge_feature(given([answers], annotators, **more), strategy)
    return row


STRATEGIES_OF_TWO = ["adjudicate", "conservative", "majority_llm", "annotator_a", "annotator_b"]


@pytest.mark.parametrize("strategy", STRATEGIES_OF_TWO)
def test_agreement_passes_whatever_the_strategy(strategy):
    row = one(["x", "x"], strategy, llm={"i1": "y"})
    assert (row.final_label, row.resolution, row.annotator_agreement) == ("x", "agreement", True)
    assert not row.llm_decided


@pytest.mark.parametrize(
    ("strategy", "label", "resolution"),
    [
        ("adjudicate", None, "awaiting_adjudication"),
        ("conservative", None, "needs_review"),
        ("annotator_a", "x", "annotator_a"),
        ("annotator_b", "y", "annotator_b"),
    ],
)
def test_two_who_differ_are_resolved_by_the_strategy(strategy, label, resolution):
    row = one(["x", "y"], strategy)
    assert (row.final_label, row.resolution, row.annotator_agreement) == (label, resolution, False)
    assert row.resolved == (label is not None)
    assert not row.llm_decided


@pytest.mark.parametrize(
    ("llm", "label", "resolution", "llm_decided"),
    [
        ({"i1": "x"}, "x", "majority_a_llm", True),
        ({"i1": "y"}, "y", "majority_b_llm", True),
        ({"i1": "z"}, None, "needs_review", False),
        ({"i1": None}, None, "needs_review", False),
        ({}, None, "needs_review", False),
        ({"i2": "x"}, None, "needs_review", False),
    ],
)
def test_the_llm_tips_the_scales_between_two_only_where_it_supports_one(llm, label, resolution, llm_decided):
    row = one(["x", "y"], "majority_llm", llm=llm)
    assert (row.final_label, row.resolution, row.llm_decided) == (label, resolution, llm_decided)


@pytest.mark.parametrize("strategy", ["adjudicate", "conservative", "annotator_a", "annotator_b"])
def test_other_strategies_never_look_at_the_llm(strategy):
    assert one(["x", "y"], strategy, llm={"i1": "y"}) == one(["x", "y"], strategy)


def test_an_llm_that_cannot_tell_supports_the_annotator_who_cannot_tell():
    row = one(["x", None], "majority_llm", llm={"i1": None})
    assert (row.final_label, row.resolution, row.resolved) == (None, "majority_b_llm", True)


@pytest.mark.parametrize(
    ("answers", "label", "resolution"),
    [
        (["x", "x", "y"], "x", "majority"),
        (["y", "x", "x"], "x", "majority"),
        (["x", "y", "z"], None, "needs_review"),
        (["x", "x", "y", "y"], None, "needs_review"),
        (["x", "x", "y", "z"], None, "needs_review"),
        (["x", "x", "x", "y", "z"], "x", "majority"),
        ([None, None, "x"], None, "majority"),
        (["x", "y", ...], None, "needs_review"),
        (["x", "x", ...], "x", "agreement"),
    ],
)
def test_a_majority_is_more_than_half_of_those_who_answered(answers, label, resolution):
    row = one(answers, "majority", llm={"i1": "x"})
    assert (row.final_label, row.resolution) == (label, resolution)
    assert not row.llm_decided


def test_equal_numbers_written_differently_agree():
    row = one([1, 1.0, "1"], "majority", scale=Scale("ordered"))
    assert (row.final_label, row.resolution) == (1, "agreement")


@pytest.mark.parametrize(
    ("answers", "labels", "resolution"),
    [
        ([["p", "q"], ["q", "p"], ["p", "q"]], ["p", "q"], "agreement"),
        ([["p", "q"], ["p"], ["q"]], ["p", "q"], "majority"),
        ([["q", "p"], ["q"], ["r"]], ["q"], "majority"),
        ([["p"], ["q"], ["r"]], None, "needs_review"),
        ([["p"], [], []], [], "majority"),
        ([["p"], ["p"], ["q"], ["q"]], None, "needs_review"),
        ([None, None, ["p"]], None, "majority"),
        ([None, ["p"], ["p"]], ["p"], "majority"),
    ],
)
def test_a_majority_of_sets_is_taken_label_by_label(answers, labels, resolution):
    row = one(answers, "majority", scale=Scale("sets", ("p", "q", "r")))
    assert row.resolution == resolution
    found = sorted(row.final_label) if isinstance(row.final_label, list) else row.final_label
    assert found == labels


def test_a_decision_holds_whatever_the_strategy_and_the_answers():
    for strategy in STRATEGIES_OF_TWO:
        for answers in (["x", "y"], ["x", "x"], [..., ...]):
            row = one(answers, strategy, decisions={"i1": "z"})
            assert (row.final_label, row.resolution) == ("z", "adjudicated")


def test_a_decision_can_be_that_nobody_can_tell():
    row = one(["x", "y"], "adjudicate", decisions={"i1": None})
    assert (row.final_label, row.resolution, row.resolved) == (None, "adjudicated", True)


def test_a_decision_leaves_the_answers_and_their_shares_as_they_were():
    row = one(["x", "y"], "adjudicate", decisions={"i1": "x"})
    assert row.answers == {"a": "x", "b": "y"}
    assert row.soft_label == {"x": 0.5, "y": 0.5}
    assert row.annotator_agreement is False


@pytest.mark.parametrize("strategy", ["adjudicate", "conservative", "majority_llm"])
def test_a_single_answer_passes_and_is_named_so(strategy):
    row = one(["x", ...], strategy)
    assert (row.final_label, row.resolution, row.annotator_agreement) == ("x", "single", None)


def test_the_answer_of_annotator_a_is_not_replaced_by_that_of_b():
    assert one([..., "x"], "annotator_a").resolution == "needs_review"


def test_an_item_nobody_answered_is_a_row_too():
    rows = merge_feature(given([("x", "x"), (..., ...)]), "adjudicate")
    assert [row.resolution for row in rows] == ["agreement", "unanswered"]
    assert resolution_counts(rows) == {"agreement": 1, "unanswered": 1}


@pytest.mark.parametrize(
    ("strategy", "count"),
    [
        ("majority", 2),
        ("dawid_skene", 2),
        ("majority_llm", 1),
        ("majority_llm", 3),
        ("annotator_b", 1),
    ],
)
def test_a_strategy_that_does_not_fit_the_number_of_annotators_is_refused(strategy, count):
    with pytest.raises(StudyError, match=strategy):
        one(["x"] * count, strategy)


def test_soft_labels_are_the_shares_of_the_answers():
    assert one(["x", "y", "x", None], "majority").soft_label == {"x": 0.5, CANNOT_TELL: 0.25, "y": 0.25}


def test_soft_labels_of_sets_are_the_shares_that_hold_each_label():
    row = one([["p", "q"], ["p"], []], "majority", scale=Scale("sets", ("p", "q")))
    assert row.soft_label == {"p": round(2 / 3, 6), "q": round(1 / 3, 6)}


def noisy_answers(items=400, annotators=5):
    """Five annotators, of whom three nearly always answer x."""
    generator = np.random.default_rng(3)
    truth = generator.integers(0, 2, size=items)
    good = np.where(generator.random((items, 2)) < 0.92, truth[:, None], 1 - truth[:, None])
    biased = np.where(generator.random((items, 3)) < 0.8, 0, truth[:, None])
    codes = np.concatenate([good, biased], axis=1)
    return ["xy"[value] for value in truth], [tuple("xy"[code] for code in row) for row in codes]


def test_dawid_skene_is_right_more_often_than_the_majority():
    truth, answers = noisy_answers()
    right = {}
    for strategy in ("majority", "dawid_skene"):
        rows = merge_feature(given(answers, tuple("abcde")), strategy)
        right[strategy] = np.mean([row.final_label == label for row, label in zip(rows, truth, strict=True)])
    assert right["dawid_skene"] > right["majority"] + 0.1


def test_dawid_skene_gives_posteriors_as_soft_labels():
    _, answers = noisy_answers()
    rows = merge_feature(given(answers, tuple("abcde")), "dawid_skene")
    assert all(sum(row.soft_label.values()) == pytest.approx(1, abs=1e-5) for row in rows)
    assert all(row.final_label == next(iter(row.soft_label)) for row in rows if row.resolved)


def test_dawid_skene_keeps_decisions_and_unanswered_items():
    _, answers = noisy_answers(50)
    rows = merge_feature(given([*answers, (...,) * 5], tuple("abcde"), decisions={"i1": "z"}), "dawid_skene")
    assert (rows[0].final_label, rows[0].resolution) == ("z", "adjudicated")
    assert rows[-1].resolution == "unanswered"


def test_dawid_skene_of_numbers_gives_numbers_back():
    answers = [(1, 1, 2), (3, 3, 3), (2, 2, 2), (1, 1, 1)] * 5
    rows = merge_feature(given(answers, tuple("abc"), Scale("ordered", ("1", "2", "3"))), "dawid_skene")
    assert [row.final_label for row in rows[:4]] == [1, 3, 2, 1]


def test_dawid_skene_of_sets_decides_each_label():
    answers = [(["p"], ["p"], ["p", "q"]), (["q"], ["q"], ["q"]), ([], [], [])] * 10
    rows = merge_feature(given(answers, tuple("abc"), Scale("sets", ("p", "q", "r"))), "dawid_skene")
    assert [row.final_label for row in rows[:3]] == [["p"], ["q"], []]


@pytest.mark.parametrize("kind", ["text", "ranking"])
def test_dawid_skene_of_open_answers_is_refused(kind):
    with pytest.raises(StudyError, match="closed set"):
        one(["x"] * 3, "dawid_skene", scale=Scale(kind))


def test_three_who_are_evenly_split_need_review_under_dawid_skene():
    rows = merge_feature(given([("x", "y", "z")], tuple("abc")), "dawid_skene")
    assert rows[0].resolution == "needs_review"


def test_an_item_on_which_all_differ_is_no_guess_of_the_model():
    rows = merge_feature(
        given([("x", "x", "y"), ("x", "y", "z"), ("y", "y", "y")], tuple("abc")), "dawid_skene"
    )
    assert (rows[1].final_label, rows[1].resolution) == (None, "needs_review")
    assert rows[1].soft_label == {"x": 0.333333, "y": 0.333333, "z": 0.333333}
    assert [row.resolution for row in rows] == ["dawid_skene", "needs_review", "dawid_skene"]


def test_two_answers_of_three_annotators_that_differ_are_no_guess_of_the_model_either():
    answers = [("x", "x", "x"), ("y", "y", "y"), ("x", "y", ...)] * 20
    rows = merge_feature(given(answers, tuple("abc")), "dawid_skene")
    assert rows[2].resolution == "needs_review"


def test_sets_without_anything_in_common_are_no_guess_of_the_model():
    sure = [(["p"], ["p"], ["p"]), (["q"], ["q"], ["q"]), (["r"], ["r"], ["r"])] * 10
    answers = [(["p"], ["q"], ["r"]), (["p"], ["p", "q"], ["p", "r"]), (["p"], [], ...), *sure]
    rows = merge_feature(given(answers, tuple("abc"), Scale("sets", ("p", "q", "r"))), "dawid_skene")
    assert [(row.final_label, row.resolution) for row in rows[:3]] == [
        (None, "needs_review"),
        (["p"], "dawid_skene"),
        (None, "needs_review"),
    ]


def test_a_feature_that_nobody_has_answered_can_be_merged_by_the_model():
    for scale in (NOMINAL, Scale("ordered", ("1", "2")), Scale("sets", ("p", "q"))):
        (row,) = merge_feature(given([(...,) * 3], tuple("abc"), scale), "dawid_skene")
        assert row.resolution == "unanswered"


TOXIC = Binary(type="binary", name="toxic", description="d")
PRAISE = Binary(type="binary", name="praise", description="d")
TOPIC = Classification(type="classification", name="topic", description="d", labels=["x", "y"])
GRADE = Score(type="score", name="grade", description="d", min=1, max=5)


def decision(item, feature, value):
    return Decision(item, feature, value, "", "", "somewhere")


def wave(ratings, decisions=None, exclusive=(), **more):
    book = Codebook((TOPIC, TOXIC, PRAISE, GRADE), "hash", exclusive=exclusive)
    return merge_wave(
        book,
        items=("i2", "i1"),
        annotators=("ann", "ben"),
        ratings=ratings,
        strategy=more.get("strategy", "adjudicate"),
        predictions=more.get("predictions", {}),
        decisions=decisions or {},
    )


def test_a_wave_has_a_row_for_each_item_and_feature_in_their_order():
    rows = wave({"topic": {"i1": {"ann": "x", "ben": "x"}}})
    assert [(row.item_id, row.feature) for row in rows] == [
        (item, feature) for item in ("i2", "i1") for feature in ("topic", "toxic", "praise", "grade")
    ]


def test_the_llms_predictions_are_joined_by_item_and_feature():
    rows = wave(
        {"topic": {"i1": {"ann": "x", "ben": "y"}, "i2": {"ann": "x", "ben": "y"}}},
        strategy="majority_llm",
        predictions={"i1": {"topic": {"type": "ClassificationPrediction", "label": "y"}}},
    )
    found = {row.item_id: row.resolution for row in rows if row.feature == "topic"}
    assert found == {"i1": "majority_b_llm", "i2": "needs_review"}


BOTH = {"toxic": {"i1": {"ann": True, "ben": True}}, "praise": {"i1": {"ann": True, "ben": True}}}


def test_features_that_exclude_each_other_and_are_both_yes_need_review():
    rows = wave(BOTH, exclusive=(Exclusive(order=["toxic", "praise"]),))
    found = {row.feature: row for row in rows if row.item_id == "i1"}
    assert found["toxic"].resolution == found["praise"].resolution == Resolution.NEEDS_REVIEW
    assert found["toxic"].final_label is None
    assert [row.resolution for row in wave(BOTH) if row.item_id == "i1"][1:3] == ["agreement"] * 2


def test_a_decision_between_excluding_features_holds():
    decisions = {"toxic": {"i1": decision("i1", "toxic", True)}}
    rows = wave(BOTH, decisions, (Exclusive(order=["toxic", "praise"]),))
    found = {row.feature: row.resolution for row in rows if row.item_id == "i1"}
    assert (found["toxic"], found["praise"]) == ("adjudicated", "needs_review")


def test_what_is_to_be_decided_are_answered_rows_without_a_label():
    rows = wave({"topic": {"i1": {"ann": "x", "ben": "y"}, "i2": {"ann": "x", "ben": "x"}}})
    assert [(row.item_id, row.feature) for row in to_decide(rows)] == [("i1", "topic")]
    (asked,) = disagreements(rows, {"i1": {"ben": "hard to say"}})
    assert (asked.answers, asked.notes) == ({"ann": "x", "ben": "y"}, {"ben": "hard to say"})
