"""Records that a filter left out, in waves: drawn as strata of their own, and blind like any others."""

import numpy as np
import pytest
from pydantic import ValidationError

from goldpan.errors import StudyError
from goldpan.evaluation.evaluate import evaluate
from goldpan.evaluation.lost import Step, lost_positives
from goldpan.statistics.figures import figure, figures
from goldpan.statistics.label_measures import OneLabelMeasures
from goldpan.statistics.melded import WeightClass, melded_interval
from goldpan.statistics.samples import sample_of_predictions
from goldpan.statistics.sampling_design import Design
from goldpan.study.left_out import LeftOut
from goldpan.waves.items import item_id
from goldpan.waves.sampling.answered import StageFiles
from goldpan.waves.sampling.draw import draw_sample
from goldpan.waves.sampling.left_out import AnsweredOrLeftOut
from goldpan.waves.steps.left_out_values import left_out_values
from tests.evaluation_builders import gold_item, inputs, prediction, settings, stage_row
from tests.wave_builders import COMPLAINT, PARTS, TOPICS, wave, write_stage

NO = {"complaint": False}


def answered(number, said, **row):
    return (
        {"id": f"r{number}", "features": {"complaint": prediction(COMPLAINT, said)}, **row},
        {"n": number},
    )


def skipped(number, reason, state="skipped"):
    return ({"id": f"r{number}", "state": state, "reason": reason}, {"n": number})


def pages(yes=10, no=20, left_out=100, failed=3):
    """Rows of a stage: answered yes, no, left out by a filter, failed."""
    states = ["yes"] * yes + ["no"] * no + ["filtered"] * left_out + ["failed"] * failed
    return [
        answered(number, state == "yes")
        if state in ("yes", "no")
        else skipped(number, "filtered: no keyword", "skipped")
        if state == "filtered"
        else skipped(number, "500", "failed")
        for number, state in enumerate(states)
    ]


def draw(folder, rows, features=(COMPLAINT,), **changes):
    """Draw the sample of a wave over these rows."""
    features_file, records_file = write_stage(folder, rows)
    study_wave = wave(**({"sample": "all", "left_out": NO} | changes))
    by_name = {feature.name: feature for feature in features}
    answers = StageFiles(features_file, records_file)
    if study_wave.left_out is not None:
        values = left_out_values(study_wave.left_out, by_name, "waves.first")
        answers = AnsweredOrLeftOut(answers, values)
    return draw_sample("shop", "first", study_wave, by_name, answers)


def strata(sample):
    return {row.stratum: (row.population, row.sampled) for row in sample.counts.strata}


def test_left_out_records_are_a_stratum_that_can_have_a_number_of_its_own(tmp_path):
    numbers = {"yes": 10, "no": 5, "(filtered)": 25}
    sample = draw(
        tmp_path, pages(), sample=None, stratify={"by": "features.complaint", "allocation": numbers}
    )
    assert strata(sample) == {"yes": (10, 10), "no": (20, 5), "(filtered)": (100, 25)}
    of_filtered = [item for item in sample.items.values() if item.stratum == "(filtered)"]
    assert {item.inclusion_probability for item in of_filtered} == {0.25}


def test_without_keys_the_answered_records_are_one_stratum_beside_those_left_out(tmp_path):
    numbers = {"(answered)": 10, "(filtered)": 10}
    sample = draw(tmp_path, pages(), sample=None, stratify={"allocation": numbers})
    assert strata(sample) == {"(answered)": (30, 10), "(filtered)": (100, 10)}


def test_left_out_records_are_divided_by_what_is_known_of_them_only(tmp_path):
    keys = ["features.complaint", "data.n", "confidence.complaint"]
    rows = [answered(0, True), skipped(1, "filtered: x")]
    sample = draw(tmp_path, rows, stratify={"by": keys, "bins": {"data.n": [1]}})
    assert set(strata(sample)) == {"yes | below 1 | (missing)", "(filtered) | 1 and more"}


def test_failed_refused_and_otherwise_skipped_records_are_no_negatives_but_counted(tmp_path):
    rows = [
        answered(0, True),
        skipped(1, "filtered: x"),
        skipped(2, "500", "failed"),
        skipped(3, "no", "refused"),
        skipped(4, "?", "invalid"),
        skipped(5, "upstream: stage a is failed for this record"),
        skipped(6, "blank: no text"),
        skipped(7, "no_items: stage a found no `parts`"),
    ]
    sample = draw(tmp_path, rows)
    assert {item.id for item in sample.items.values()} == {"r0", "r1"}
    assert sample.counts.outside == {"failed": 1, "invalid": 1, "refused": 1, "skipped": 3}
    assert sample.counts.left_out == {"filtered": 1}


def test_records_without_items_are_drawn_where_the_wave_says_so(tmp_path):
    rows = [answered(0, True), skipped(1, "filtered: x"), skipped(2, "no_items: none")]
    sample = draw(tmp_path, rows, left_out={"no_items": NO})
    assert set(strata(sample)) == {"(answered)", "(no items)"} and sample.counts.outside == {"skipped": 1}


def test_what_a_left_out_record_stands_for_is_kept_with_the_wave(tmp_path):
    sample = draw(tmp_path, [answered(0, True), skipped(1, "filtered: x")])
    assert sample.llm[item_id("r1")]["features"] == {"complaint": prediction(COMPLAINT, False)}
    assert sample.llm[item_id("r1")]["left_out"] == "filtered"


def test_an_item_of_a_sheet_has_nothing_that_tells_that_it_was_left_out(tmp_path):
    sample = draw(tmp_path, [answered(0, True), skipped(1, "filtered: no keyword")])
    first, second = (sample.items[item_id(name)] for name in ("r0", "r1"))
    assert first.data.keys() == second.data.keys() == {"n"}


def test_a_wave_of_which_nothing_was_left_out_is_drawn_as_one_that_says_nothing_of_it(tmp_path):
    rows = pages(left_out=0)
    by = {"by": "features.complaint", "allocation": "equal"}
    said, silent = (draw(tmp_path, rows, sample=10, stratify=by, left_out=said) for said in (NO, None))
    assert said.items == silent.items and said.llm == silent.llm


def test_a_number_for_what_was_left_out_is_no_mistake_where_nothing_was(tmp_path):
    numbers = {"yes": 5, "no": 5, "(filtered)": 5}
    by = {"by": "features.complaint", "allocation": numbers}
    sample = draw(tmp_path, pages(left_out=0), sample=None, stratify=by)
    assert strata(sample) == {"yes": (5, 10), "no": (5, 20)} or strata(sample) == {
        "yes": (10, 5),
        "no": (20, 5),
    }
    assert sample.counts.shortfall == {"(filtered)": 5}


def test_a_wave_of_which_all_was_left_out_can_be_drawn(tmp_path):
    sample = draw(tmp_path, pages(yes=0, no=0, left_out=7, failed=0))
    assert strata(sample) == {"(filtered)": (7, 7)}


def test_without_left_out_there_is_nothing_to_draw_there(tmp_path):
    with pytest.raises(StudyError, match="skipped: 7"):
        draw(tmp_path, pages(yes=0, no=0, left_out=7, failed=0), left_out=None)


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"complain": False}, "there is no feature `complain`.*complaint"),
        ({"complaint": "perhaps"}, "^[^`]*`complaint`[^`]*: `perhaps` is neither yes nor no"),
    ],
)
def test_a_feature_or_a_value_that_is_not_there_is_named(said, what):
    with pytest.raises(StudyError, match=what):
        left_out_values(LeftOut(filtered=said), {"complaint": COMPLAINT}, "waves.first")


def test_of_each_feature_it_must_be_said_what_such_records_stand_for():
    with pytest.raises(StudyError, match="nothing is said about `topics`"):
        left_out_values(LeftOut(filtered=NO), {"complaint": COMPLAINT, "topics": TOPICS}, "waves.first")


def test_lists_may_be_what_a_record_stands_for():
    features = {"topics": TOPICS, "parts": PARTS}
    said = left_out_values(LeftOut(filtered={"topics": [], "parts": []}), features, "waves.first")
    assert said.predictions["filtered"] == {
        "topics": prediction(TOPICS, []),
        "parts": prediction(PARTS, []),
    }


@pytest.mark.parametrize("left_out", [{}, {"filtered": {}}, {"filtered": NO, "blank": NO}])
def test_a_wave_refuses_what_says_nothing_or_another_reason(left_out):
    with pytest.raises(ValidationError):
        wave(left_out=left_out)


def evaluated(folder, gold, rows):
    """Precision, recall and F1 of yes, weighted, of a chain on gold items; and its whole evaluation."""
    values = left_out_values(LeftOut(filtered=NO), {"complaint": COMPLAINT}, "waves.first")
    given = inputs(folder, gold, {"chain": [row for row, _ in rows]}, left_out=values)
    report = evaluate("first", settings("chain"), {"complaint": COMPLAINT}, given)
    (model,) = report.features[0].models
    yes = next(label for label in model.labels if label.label == "yes")
    return {one.name: one for one in yes.figures}, model


def full(row):
    return {**stage_row(0, {}), **row[0]}, row[1]


def test_a_left_out_record_counts_as_what_it_stands_for_and_a_failed_one_as_wrong(tmp_path):
    rows = [full(row) for row in pages(yes=6, no=0, left_out=6, failed=2)]
    gold = [gold_item(number, {"complaint": number < 7}) for number in range(14)]
    _, model = evaluated(tmp_path, gold, rows)
    assert model.left_out == {"filtered": 6} and model.failed == {"failed": 2}
    # 6 found, 1 left out though it is one, 5 left out rightly, 2 failed.
    assert model.figure("accuracy").raw.value == pytest.approx(11 / 14)
    assert {mistake.state for mistake in model.mistakes} == {"filtered", "failed"}


def test_a_census_has_the_plain_figures(tmp_path):
    rows = [full(row) for row in pages(yes=10, no=20, left_out=30, failed=0)]
    gold = [
        gold_item(n, {"complaint": n % 5 == 0}, stratum="(filtered)" if n >= 30 else "(answered)")
        for n in range(60)
    ]
    by_design, _ = evaluated(tmp_path, gold, rows)
    is_positive, said = np.arange(60) % 5 == 0, np.arange(60) < 10
    assert by_design["recall"].weighted == by_design["recall"].raw
    assert by_design["recall"].raw.value == pytest.approx((is_positive & said).sum() / is_positive.sum())
    assert by_design["precision"].raw.value == pytest.approx((is_positive & said).sum() / said.sum())


def of_yes(codes, sizes, items):
    """Precision, recall and F1 of rows of gold and prediction from strata of these sizes."""
    weights = np.repeat(np.array(sizes) / items, items)
    sample = sample_of_predictions(
        np.array(codes),
        Design(np.repeat(np.arange(len(items)), items), weights / weights.mean()),
        np.array([0, 1]),
    )
    return figures(sample, OneLabelMeasures(sample.codes))


def test_recall_has_width_where_no_positive_was_found_among_those_left_out():
    codes = [[1, 1]] * 40 + [[0, 0]] * 60
    recall = figure(of_yes(codes, [40, 9000], [40, 60]), "recall").weighted
    assert recall.value == 1 and recall.interval.high == 1
    # As many as 1 - 0.025 ** (1 / 60) = 6 % of 9000 may have been missed.
    assert recall.interval.low == pytest.approx(40 / (40 + 0.0596 * 9000), abs=0.02)


def test_a_stratum_of_one_item_widens_the_interval_by_what_it_stands_for():
    codes = [[1, 1]] * 40 + [[0, 0]]
    small, large = (
        figure(of_yes(codes, [40, size], [40, 1]), "recall").weighted.interval for size in (2, 400)
    )
    assert large.low < 0.2 < 0.9 < small.low


def test_one_weight_class_has_the_interval_of_clopper_and_pearson():
    interval = melded_interval([WeightClass(100, 3.0, 40, 30)], 0.75, seed=1)
    assert (interval.low, interval.high) == pytest.approx((0.5880, 0.8731), abs=0.01)


def test_positives_that_were_lost_are_shared_out_among_the_steps():
    steps = {"r0": Step(0, "sieve", "left out"), "r1": Step(1, "asked", "said no")}
    records = [f"r{number}" for number in range(8)]
    is_found = np.array([False, False] + [True] * 6)
    design = Design(np.array([0, *[1] * 7]), np.array([9.0, *[1.0] * 7]))
    lost = lost_positives(steps, records, np.ones(8, dtype=bool), is_found, design)
    assert [(step.stage, step.items, step.weighted.value) for step in lost.steps] == [
        ("sieve", 1, 9 / 16),
        ("asked", 1, 1 / 16),
        ("found", 6, 6 / 16),
    ]


def test_a_step_that_lost_no_positive_of_the_sample_has_an_interval_all_the_same():
    steps = {f"r{number}": Step(0, "sieve", "left out") for number in range(10, 40)}
    records = [f"r{number}" for number in range(40)]
    first = np.arange(40) < 10
    design = Design(first.astype(int), np.where(first, 1.0, 50.0))
    sieve = lost_positives(steps, records, first, first, design).steps[0]
    assert (sieve.items, sieve.weighted.value) == (0, 0.0) and sieve.weighted.interval.high > 0.5
