"""Several samples of a record become one prediction of each feature, by a stated rule."""

import pytest

from goldpan.errors import StudyError
from goldpan.evaluation.coding import FeatureValues
from goldpan.evaluation.predictions import _StageRow
from goldpan.stages.aggregate import aggregate_samples
from goldpan.study import load_study
from goldpan.study.wave import Stratify
from goldpan.tasks.features import PREDICTION_TYPES, Multilabel, Score
from goldpan.waves.sampling.strata import Strata
from tests.projects import WorkflowProject, notes_study
from tests.wave_builders import COMPLAINT, GIST, ORDER, PARTS, STARS, TONE, TOPICS

PORTION = Score(name="portion", type="score", description="How much?", min=0, max=1, integer=False)
FEW = Multilabel(
    name="few", type="multilabel", description="Which?", labels=["a", "b", "c"], min_labels=1, max_labels=2
)


def predictions(feature, values):
    kind, key = PREDICTION_TYPES[feature.type]
    return [{feature.name: {"type": kind, key: value}} for value in values]


def made(feature, values, how=None):
    """The value that samples with these values become, and the note about it."""
    features, notes = aggregate_samples(predictions(feature, values), {feature.name: feature}, how)
    return features[feature.name][PREDICTION_TYPES[feature.type][1]], notes[feature.name]


@pytest.mark.parametrize(
    ("feature", "values", "value"),
    [
        (TONE, ["Neutral", "Positive", "Positive"], "Positive"),
        (COMPLAINT, [False, True, True], True),
        (TONE, ["Neutral", None, None], None),
        (ORDER, [["a"], ["b"], ["b"]], ["b"]),
        (TOPICS, [["price"], ["price", "quality"], ["delivery", "price"]], ["price"]),
        (TOPICS, [["quality", "price"], ["price", "quality"], []], ["quality", "price"]),
        (TOPICS, [["price"], ["quality"], ["delivery"]], []),
        # More than half of the samples give each, which is more than the feature may have; none are too few.
        (FEW, [["a", "b"], ["a", "c"], ["b", "c"]], ["a", "b"]),
        (FEW, [["a"], ["b"], ["c"], ["b"]], ["b"]),
        (TOPICS, [None, None, ["price"]], None),
    ],
)
def test_labels_go_by_majority(feature, values, value):
    assert made(feature, values)[0] == value


@pytest.mark.parametrize(
    ("values", "value"),
    [(["Neutral", "Positive"], "Neutral"), (["Negative", "Positive", "Positive", "Negative"], "Negative")],
)
def test_in_a_tie_the_value_that_came_first_stands_and_the_tie_is_recorded(values, value):
    assert made(TONE, values) == (
        value,
        {"by": "majority", "answers": len(values), "agreement": 0.5, "tie": True},
    )


@pytest.mark.parametrize(
    ("feature", "values", "how", "value", "exact"),
    [
        (STARS, [1, 2, 5], None, 3, 2.666667),
        (STARS, [1, 2], None, 2, 1.5),
        (STARS, [2, 3], None, 3, 2.5),
        (STARS, [1, 2, 5], "median", 2, None),
        (STARS, [1, 2, 4, 5], "median", 3, None),
        (STARS, [5, 5, 1], "majority", 5, None),
        (STARS, [4, 5, 5], "first", 4, None),
        (PORTION, [0.1, 0.1, 0.1], None, 0.1, None),
        (PORTION, [0.25, 0.5], "mean", 0.375, None),
        (STARS, [4, None, None], None, None, None),
        (STARS, [4, 4, None], None, 4, None),
    ],
)
def test_scores_go_by_their_mean_or_as_the_stage_says(feature, values, how, value, exact):
    got, note = made(feature, values, how)
    assert got == value
    assert note.get("exact") == exact


@pytest.mark.parametrize("how", ["mean", "median"])
def test_what_has_no_mean_goes_the_way_of_its_type(how):
    assert made(TONE, ["Neutral", "Positive", "Positive"], how) == (
        "Positive",
        {"by": "majority", "answers": 3, "agreement": 0.666667},
    )
    assert made(GIST, ["one", "two", "two"], how)[0] == "one"


def test_texts_and_extractions_are_the_first_unless_a_majority_is_asked_for():
    assert made(GIST, ["one", "two", "two"])[0] == "one"
    assert made(GIST, ["one", "two", "two"], "majority")[0] == "two"
    assert made(PARTS, [[{"part": "lid"}], [], []], "majority")[0] == []


def test_a_single_answered_sample_has_no_agreement():
    assert made(TONE, ["Neutral"]) == ("Neutral", {"by": "majority", "answers": 1})


def test_a_prediction_has_the_rationale_of_a_sample_that_says_the_same_or_is_nearest():
    tones = [("Neutral", "dull"), ("Positive", "likes it"), ("Positive", "loves it")]
    samples = [
        {
            "tone": {"type": "ClassificationPrediction", "label": label, "rationale": why},
            "stars": {"type": "ScorePrediction", "score": score, "rationale": f"{score} of 5"},
        }
        for (label, why), score in zip(tones, (1, 2, 5), strict=True)
    ]
    features, _ = aggregate_samples(samples, {"tone": TONE, "stars": STARS}, None)
    assert features["tone"] == {
        "type": "ClassificationPrediction",
        "label": "Positive",
        "rationale": "likes it",
        "confidence": 0.666667,
    }
    assert (features["stars"]["score"], features["stars"]["rationale"]) == (3, "2 of 5")
    assert "confidence" not in features["stars"]


@pytest.mark.parametrize("confidence", [{}, {"confidence": 0.0}])
@pytest.mark.parametrize("how", ["mean", "median"])
def test_a_mean_has_no_confidence_in_strata_and_calibration_whichever_goldpan_made_it(how, confidence):
    sample = {"type": "ScorePrediction", "score": 5}
    row = {
        "id": "n1",
        "state": "ok",
        "features": {"stars": {"type": "ScorePrediction", "score": 4, **confidence}},
        "samples": [{"features": {"stars": sample}}, {"features": {"stars": {**sample, "score": 3}}}],
        "aggregated": {"stars": {"by": how, "answers": 2, "agreement": 0.5}},
    }
    strata = Strata(Stratify(by=["confidence.stars"]), {"stars": STARS}, "here")
    assert "missing" in strata.name(row, {})
    assert _StageRow({})(row, FeatureValues(STARS)).confidence is None
    by_vote = {**row, "aggregated": {"stars": {"by": "majority", "answers": 2, "agreement": 0.5}}}
    by_vote["features"] = {"stars": {**sample, "confidence": 0.5}}
    assert "missing" not in strata.name(by_vote, {})
    assert _StageRow({})(by_vote, FeatureValues(STARS)).confidence == 0.5


def test_one_sample_cannot_be_aggregated(tmp_path):
    project = WorkflowProject.create(tmp_path)
    project.write_study(notes_study(aggregate="mean"))
    with pytest.raises(StudyError, match="ask for more than one"):
        load_study(tmp_path / "config/studies/notes.yaml")
