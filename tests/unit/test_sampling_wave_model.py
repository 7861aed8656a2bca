"""The model of a wave in the study file: what is refused, and with which words."""

import pytest
from pydantic import ValidationError

from goldpan.study.wave import Wave
from tests.wave_builders import wave


def test_a_wave_is_blind_complete_and_adjudicated_by_default():
    given = wave()
    assert given.blind and given.overlap == "all" and given.strategy == "adjudicate" and given.shuffle
    assert given.annotations_folder("shop", "first") == "annotations/shop/first"


def test_one_name_may_stand_for_a_list():
    given = wave(formats="csv", show="text", features="tone", stratify={"by": "source"})
    assert given.formats == ["csv"] and given.show == ["text"] and given.features == ["tone"]


def test_yaml_truth_values_and_numbers_are_strata():
    given = wave(
        sample=None, stratify={"by": "features.complaint", "allocation": {True: 5, False: 3, 7: 2, "x": 1}}
    )
    assert given.stratify.allocation == {"yes": 5, "no": 3, "7": 2, "x": 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sample": None}, "`sample` is required"),
        ({"sample": 0}, "greater than or equal to 1"),
        ({"sample": 5, "stratify": {"by": "source", "allocation": {"a": 5}}}, "leave `sample` out"),
        ({"stratify": {"by": "label.tone"}}, "String should match pattern"),
        ({"stratify": {"by": "source", "bins": {"data.x": [1]}}}, "not among the keys of `by`"),
        ({"stratify": {"by": "data.x", "bins": {"data.x": [2, 1]}}}, "must grow"),
        ({"annotators": []}, "at least 1 item"),
        ({"annotators": ["ann", "Ann"]}, "named twice"),
        ({"annotators": ["ann", "llm"]}, "kept for goldpan's own files"),
        ({"annotators": ["ann lee"]}, "is not a name"),
        ({"overlap": 3}, "there are only 2"),
        ({"repeats": 0.9}, "less than or equal to 0.5"),
        ({"strategy": "dawid_skene"}, "needs 3 annotators"),
        ({"strategy": "majority"}, "needs 3 annotators"),
        ({"formats": ["pdf"]}, "Input should be"),
        ({"language": "la"}, "Input should be"),
        ({"order": "choice", "formats": ["csv"]}, "add `html` to `formats`"),
        ({"order": "uncertain", "shuffle": False}, "leave one out"),
        ({"formats": ["csv", "csv"]}, "named twice"),
        ({"layout": "side_by_side", "formats": ["csv"]}, "never blind"),
        (
            {
                "layout": "side_by_side",
                "blind": False,
                "formats": ["csv"],
                "annotators": [f"a{n}" for n in range(27)],
            },
            "room for 26 annotators",
        ),
        ({"layout": "side_by_side", "blind": False}, "html cannot go with"),
        (
            {"layout": "side_by_side", "blind": False, "formats": ["csv"], "repeats": 0.1},
            "cannot show an item twice",
        ),
        ({"blind": False, "formats": ["doccano"]}, "doccano cannot go with `blind: false`"),
        ({"gold": {"split": {"train": 0.5, "dev": 0.1, "test": 0.1}}}, "must add up to 1"),
        ({"gold": {"group": "document"}}, "String should match pattern"),
        ({"accept_codebooks": ["xyz"]}, "String should match pattern"),
        ({"n": 5}, "Extra inputs are not permitted"),
    ],
)
def test_a_wave_that_makes_no_sense_is_refused(changes, message):
    with pytest.raises(ValidationError) as error:
        wave(**changes)
    assert message in str(error.value)


def test_the_model_has_a_description_for_each_key_that_needs_one():
    plain = {"stage", "seed", "annotators", "layout", "stratify", "formats", "gold"}
    properties = Wave.model_json_schema()["properties"]
    assert [name for name, one in properties.items() if "description" not in one and name not in plain] == []
