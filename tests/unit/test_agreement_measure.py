"""Measuring a feature: what is compared, what is left out, and that nothing is left out silently."""

import json

import numpy as np
import pytest

from goldpan.errors import SheetError
from goldpan.statistics.scales import Scale, scale_of
from goldpan.tasks.features import (
    Binary,
    Classification,
    Extraction,
    Field_,
    Multilabel,
    Ranking,
    Score,
    Text,
)
from goldpan.waves.agreement.measure import FeatureRatings, measure
from goldpan.waves.codebook import CANNOT_TELL


def by_item(**columns):
    """Ratings from one list of answers per annotator; `...` is no answer."""
    return {
        f"item {number:03}": {
            name: value for name, value in zip(columns, row, strict=True) if value is not Ellipsis
        }
        for number, row in enumerate(zip(*columns.values(), strict=True))
    }


def nominal(ratings, **more):
    return measure(FeatureRatings("topic", Scale("nominal"), ratings, **more))


FEATURES = [
    (Binary(type="binary", name="f", description="d"), Scale("nominal", ("no", "yes"))),
    (
        Classification(type="classification", name="f", description="d", labels={"b": "", "a": ""}),
        Scale("nominal", ("b", "a")),
    ),
    (Multilabel(type="multilabel", name="f", description="d", labels=["b", "a"]), Scale("sets", ("b", "a"))),
    (Score(type="score", name="f", description="d", min=1, max=3), Scale("ordered", ("1", "2", "3"))),
    (Score(type="score", name="f", description="d", min=0, max=1, integer=False), Scale("ordered")),
    (
        Extraction(type="extraction", name="f", description="d", fields=[Field_(name="x")]),
        Scale("sets"),
    ),
    (Ranking(type="ranking", name="f", description="d", items=["a", "b"]), Scale("ranking")),
    (Text(type="text", name="f", description="d"), Scale("text")),
]


@pytest.mark.parametrize(("feature", "scale"), FEATURES, ids=lambda one: getattr(one, "type", ""))
def test_each_type_of_feature_has_its_scale(feature, scale):
    assert scale_of(feature) == scale


def test_answers_are_joined_by_item_and_not_by_position():
    first = {"i1": {"a": "x"}, "i2": {"a": "y"}, "i3": {"a": "x"}}
    answers = {"i3": "x", "i1": "x", "i2": "y"}
    ratings = {item: {**given, "b": answers[item]} for item, given in first.items()}
    assert nominal(ratings).observed.value == 1.0
    assert nominal(dict(reversed(ratings.items()))).as_json() == nominal(ratings).as_json()


@pytest.mark.parametrize(("one", "other"), [(1, "1"), (1, 1.0), (True, "yes"), (2.50, "2.5")])
def test_one_label_written_in_two_ways_is_one_label(one, other):
    result = nominal(by_item(a=[one, "z"], b=[other, "z"]))
    assert result.observed.value == 1.0


@pytest.mark.parametrize(
    ("one", "other"), [("NA", "na"), ("None", "null"), ("1", "01"), ("a", "a "), ("", " "), ("nan", "NaN")]
)
def test_labels_that_differ_in_writing_stay_apart(one, other):
    assert nominal(by_item(a=[one, "z"], b=[other, "z"])).observed.value == 0.5


@pytest.mark.parametrize("label", ["nan", "inf", "1_000", "1e999", "٣", "(cannot tell)"])
def test_a_label_that_looks_like_a_number_or_an_abstention_is_just_a_label(label):
    result = nominal(by_item(a=[label, "x", None, label], b=[label, "x", None, "x"]))
    assert [one.label for one in result.labels].count(label) == (2 if label == CANNOT_TELL else 1)
    assert result.observed.value == 0.75


def test_the_classic_coefficients_stand_for_two_annotators():
    names = [one.name for one in nominal(by_item(a=list("xyxy"), b=list("xyyy"))).coefficients]
    assert names == ["cohen_kappa", "scott_pi", "gwet_ac1", "pabak", "krippendorff_alpha_nominal"]


def test_ordered_labels_are_weighted_in_their_given_order():
    order = ("low", "middle", "high")
    answers = by_item(a=["low", "middle", "high", "low"], b=["low", "high", "high", "middle"])
    result = measure(FeatureRatings("f", Scale("ordered", order), answers))
    assert result.headline == "cohen_kappa_quadratic"
    assert result.coefficient("cohen_kappa_quadratic").value > result.coefficient("cohen_kappa").value
    alphabetical = measure(FeatureRatings("f", Scale("ordered", tuple(sorted(order))), answers))
    quadratic = [one.coefficient("cohen_kappa_quadratic").value for one in (result, alphabetical)]
    assert quadratic[0] != pytest.approx(quadratic[1])


@pytest.mark.parametrize("labels", [None, ("low", "high")])
def test_a_label_without_a_place_in_the_order_is_refused(labels):
    with pytest.raises(SheetError, match="medium"):
        measure(FeatureRatings("f", Scale("ordered", labels), by_item(a=["medium"], b=["low"])))


def test_numbers_outside_the_declared_bounds_take_their_place():
    result = measure(FeatureRatings("f", Scale("ordered", ("1", "2")), by_item(a=[0, 1, 2], b=[0, 1, 1])))
    assert [one.label for one in result.labels] == ["0", "1", "2"]


def test_ratio_alpha_is_left_out_for_negative_numbers():
    result = measure(FeatureRatings("f", Scale("ordered"), by_item(a=[-1, 0, 1], b=[-1, 1, 1])))
    assert result.coefficient("krippendorff_alpha_interval").value is not None
    assert result.coefficient("krippendorff_alpha_ratio") is None


def test_items_with_one_answer_are_counted_and_left_out():
    result = nominal(by_item(a=["x", "y", "x"], b=["x", "y", ...]))
    assert (result.items, result.paired_items) == (3, 2)
    assert result.observed.value == 1.0
    assert any("1 of 3 items" in note for note in result.notes)


def test_an_abstention_is_a_label_on_a_nominal_scale():
    result = nominal(by_item(a=["x", None, None, "y"], b=["x", None, "y", "y"]))
    assert result.observed.value == 0.75
    assert result.labels[-1].label == CANNOT_TELL
    assert result.labels[-1].counts == (2, 1)


def test_an_abstention_is_left_out_on_an_ordered_scale_and_counted():
    result = measure(FeatureRatings("f", Scale("ordered"), by_item(a=[1, None, 3, 2], b=[1, None, 3, 3])))
    assert result.paired_items == 3
    assert [one.abstained for one in result.annotators] == [1, 1]
    assert any("2 answers are abstentions" in note for note in result.notes)


def test_one_label_only_gives_null_with_a_reason_and_full_observed_agreement():
    result = nominal(by_item(a=["x"] * 20, b=["x"] * 20))
    assert result.observed.value == 1.0
    assert result.coefficient("cohen_kappa").as_json()["value"] is None
    assert "one label" in result.coefficient("cohen_kappa").reason


@pytest.mark.parametrize(
    "ratings", [{}, {"i": {}}, by_item(a=["x", "y"]), by_item(a=["x", ...], b=[..., "x"])]
)
def test_nothing_to_compare_is_reported_and_no_error(ratings):
    result = nominal(ratings)
    assert result.paired_items == 0
    assert result.observed.value is None
    assert all(one.value is None and one.reason for one in result.coefficients)
    assert result.notes


@pytest.mark.parametrize("annotators", [("a", "b"), ("a", "b", "c")])
@pytest.mark.parametrize("ratings", [{}, {"i1": {}, "i2": {}}])
@pytest.mark.parametrize(("feature", "scale"), FEATURES, ids=lambda one: getattr(one, "type", ""))
def test_a_feature_of_any_type_that_nobody_has_answered_is_no_error(feature, scale, ratings, annotators):
    result = measure(FeatureRatings(feature.name, scale, ratings, annotators))
    assert result.paired_items == 0
    assert all(one.value is None and one.reason for one in result.coefficients)


def test_many_annotators_with_missing_answers_get_the_coefficients_of_many():
    result = nominal(by_item(a=list("xyxyx"), b=["x", "y", ..., "y", "y"], c=["x", ..., "x", "y", "x"]))
    names = [one.name for one in result.coefficients]
    assert names[:2] == ["fleiss_kappa", "mean_pairwise_kappa"]
    assert "krippendorff_alpha_nominal" in names
    assert all(one.interval.low <= one.value <= one.interval.high for one in result.coefficients)
    assert [(pair.first, pair.second, pair.items) for pair in result.pairs] == [
        ("a", "b", 4),
        ("a", "c", 4),
        ("b", "c", 3),
    ]


def test_mean_pairwise_kappa_is_the_mean_of_the_pairs():
    result = nominal(by_item(a=list("xyxyxxyy"), b=list("xyyyxxyy"), c=list("xyxyyxyx")))
    kappas = [pair.coefficients[0].value for pair in result.pairs]
    assert result.coefficient("mean_pairwise_kappa").value == pytest.approx(sum(kappas) / 3)


def test_the_pairs_of_very_many_annotators_have_kappa_in_brief():
    generator = np.random.default_rng(1)
    answers = {f"p{number:02}": list(generator.choice(["x", "y"], size=30)) for number in range(12)}
    result = nominal(by_item(**answers))
    mean = result.coefficient("mean_pairwise_kappa")
    first_two = nominal(by_item(a=answers["p00"], b=answers["p01"])).coefficient("cohen_kappa")
    assert len(result.pairs) == 66
    (kappa,) = result.pairs[0].coefficients
    assert (kappa.value, kappa.standard_error) == (first_two.value, first_two.standard_error)
    assert (kappa.interval, result.pairs[0].confusion) == (None, None)
    assert mean.interval.low < mean.value < mean.interval.high
    assert mean.value == pytest.approx(np.mean([pair.coefficients[0].value for pair in result.pairs]))
    assert any("With more than 8 annotators each pair has kappa" in note for note in result.notes)


def test_a_pair_without_a_kappa_is_left_out_of_the_mean_and_said_so():
    result = nominal(by_item(a=list("xyxy"), b=["x", "y", "y", "y"], c=["x", ..., ..., ...]))
    mean = result.coefficient("mean_pairwise_kappa")
    assert mean.value == result.pairs[0].coefficients[0].value
    assert "2 of 3 pairs" in mean.reason


def test_the_confusion_matrix_has_the_first_annotator_in_its_rows():
    matrix = nominal(by_item(a=list("xxyy"), b=list("xyyy"))).pairs[0].confusion
    assert (matrix.rows, matrix.columns, matrix.labels) == ("a", "b", ("x", "y"))
    assert matrix.counts.tolist() == [[1, 1], [0, 2]]


def test_labels_are_compared_one_against_all_others():
    result = nominal(by_item(a=list("xxyyz"), b=list("xyyyz")))
    by_label = {one.label: one for one in result.labels}
    assert by_label["x"].specific.value == pytest.approx(2 / 3)
    assert by_label["y"].specific.value == pytest.approx(4 / 5)
    assert by_label["z"].kappa.value == 1.0
    assert by_label["x"].bias_index == pytest.approx(1 / 5)


def test_multilabel_answers_are_compared_as_sets_and_by_label():
    answers = by_item(a=[["x", "y"], ["x"], [], ["y"]], b=[["y", "x"], ["x", "y"], [], ["x"]])
    result = measure(FeatureRatings("f", Scale("sets", ("x", "y", "z")), answers))
    assert result.observed.value == 0.5
    assert [one.name for one in result.coefficients] == [
        "krippendorff_alpha_masi",
        "krippendorff_alpha_jaccard",
    ]
    by_label = {one.label: one for one in result.labels}
    assert by_label["x"].counts == (2, 3)
    assert by_label["x"].specific.value == pytest.approx(4 / 5)
    assert by_label["z"].specific.reason


def test_extracted_objects_are_compared_whatever_the_order_of_their_keys():
    first, same = {"name": "Ann", "age": 3}, {"age": 3, "name": "Ann"}
    result = measure(FeatureRatings("f", Scale("sets"), by_item(a=[[first], []], b=[[same], []])))
    assert result.observed.value == 1.0
    assert result.coefficient("krippendorff_alpha_masi").value == 1.0


def test_rankings_that_nearly_agree_get_credit():
    answers = by_item(a=[["a", "b", "c"], ["c", "b", "a"]], b=[["a", "c", "b"], ["c", "b", "a"]])
    result = measure(FeatureRatings("f", Scale("ranking"), answers))
    assert result.observed.value == 0.5
    assert result.coefficient("krippendorff_alpha_kendall").value > 0.5


def test_free_text_has_observed_agreement_and_no_coefficient():
    result = measure(FeatureRatings("f", Scale("text"), by_item(a=["one ", "two"], b=["one", "zwei"])))
    assert (result.observed.value, result.coefficients, result.headline) == (0.5, (), None)


def test_a_list_feature_refuses_an_answer_that_is_no_list():
    with pytest.raises(SheetError, match="list"):
        measure(FeatureRatings("f", Scale("sets"), by_item(a=["x"], b=[["x"]])))


def test_self_agreement_compares_the_two_showings_of_an_item():
    first = by_item(ann=["x", "y", "y", "x", ...], ben=["x", "y", "x", "x", "x"])
    second = by_item(ann=["x", "x", "y", ..., "x"])
    (own,) = nominal(first, repeats=second).repeats
    assert (own.first, own.second) == ("ann, first", "ann, second")
    assert (own.items, own.observed.value) == (3, pytest.approx(2 / 3))


def test_very_many_numbers_get_alpha_only_and_say_so():
    numbers = [number / 7 for number in range(300)]
    shifted = [number + 0.01 for number in numbers]
    result = measure(FeatureRatings("f", Scale("ordered"), by_item(a=numbers, b=shifted)))
    assert "distinct values" in result.coefficient("cohen_kappa").reason
    assert result.coefficient("krippendorff_alpha_interval").value > 0.99
    assert result.labels == ()


def test_the_result_can_be_written_as_json_and_has_no_nan():
    result = nominal(by_item(a=["x", "x", "y", ...], b=["x", "x", ..., "y"], c=[...] * 4))
    assert json.loads(json.dumps(result.as_json(), allow_nan=False)) == result.as_json()


def test_an_ordered_result_explains_why_the_kappas_differ():
    answers = by_item(a=[1, 2, 3, 4, 5, 1], b=[2, 2, 4, 4, 4, 1])
    notes = " ".join(measure(FeatureRatings("f", Scale("ordered", tuple("12345")), answers)).notes)
    assert "Of the 3 disagreements 3 (100%) are between labels next to each other" in notes
    assert "of numbers by their values" in notes


def test_a_rare_label_is_named_as_the_cause_of_a_low_kappa():
    answers = by_item(a=["no"] * 95 + ["yes"] * 5, b=["no"] * 92 + ["yes"] * 4 + ["no"] * 4)
    assert any("prevalence index" in note for note in nominal(answers).notes)


def test_no_error_is_claimed_for_annotators_who_are_all_alike_however_many():
    ratings = {f"i{n}": dict.fromkeys("abcdefghij", "xyz"[n % 3]) for n in range(12)}
    result = measure(FeatureRatings("f", Scale("nominal"), ratings))
    kappas = [kappa for pair in result.pairs for kappa in pair.coefficients]
    assert {kappa.value for kappa in kappas} == {1.0}
    assert {kappa.standard_error for kappa in kappas} == {None}


def test_very_many_labels_of_three_have_no_kappa_of_two():
    ratings = {f"i{n}": {name: str(n + at) for at, name in enumerate("abc")} for n in range(220)}
    result = measure(FeatureRatings("f", Scale("nominal"), ratings))
    assert result.coefficient("cohen_kappa") is None
    assert "distinct values" in result.coefficient("fleiss_kappa").reason
