"""A whole evaluation from files to files."""

import csv
import dataclasses
from random import Random

import orjson
import pytest

from goldpan.errors import ReconciliationError, SourceError, StudyError
from goldpan.evaluation.evaluate import EvaluationInputs, EvaluationOutputs, evaluate, evaluate_files
from goldpan.evaluation.page import evaluation_page
from goldpan.statistics.figures import figure
from goldpan.tasks.features import Classification
from goldpan.waves.merging.files import shown_by, write_merged
from goldpan.waves.merging.merged import Merged, Resolution
from tests.evaluation_builders import (
    FEATURES,
    everything,
    gold_item,
    inputs,
    prediction,
    sample_item,
    settings,
    stage_row,
    write_gold,
    write_lines,
)
from tests.wave_builders import COMPLAINT, GIST, PARTS, STARS, TONE

TONES = {"tone": TONE}
P, N = "Positive", "Negative"
NEUTRAL = "Neutral"


def tone_row(number, label, confidence=None, **changes):
    return stage_row(number, {"tone": prediction(TONE, label, confidence)}, **changes)


def only(report):
    """The only model of the only feature."""
    return report.features[0].models[0]


def raw(model, name):
    return model.figure(name).raw.value


def outputs(folder):
    return EvaluationOutputs(folder / "e.json", folder / "e.html", folder / "errors.csv")


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """Settings and inputs of an evaluation of everything, its report and the folder it was written to."""
    folder = tmp_path_factory.mktemp("everything")
    chosen, given = everything(folder)
    return chosen, given, evaluate_files("reviews", chosen, FEATURES, given, outputs(folder)), folder


@pytest.mark.parametrize("content", ["{", "[]", '{"states": []}', '{"records": "62"}', '{"tokens": 3}'])
def test_a_summary_that_cannot_be_read_is_named_with_what_to_do(content, tmp_path):
    summary = tmp_path / "summary.json"
    summary.write_text(content)
    given = inputs(
        tmp_path, [gold_item(0, {"tone": P})], {"big": [tone_row(0, P)]}, summaries={"big": summary}
    )
    with pytest.raises(SourceError, match=r"not a summary\.json that this goldpan can read") as caught:
        evaluate("reviews", settings("big"), TONES, given)
    assert caught.value.where == str(summary) and "run again" in caught.value.remedy


def test_rows_are_joined_by_id_whatever_their_order(tmp_path):
    labels = [P, N, NEUTRAL, P, N, NEUTRAL, NEUTRAL]
    gold = [gold_item(n, {"tone": label}) for n, label in enumerate(labels)]
    rows = [tone_row(n, label) for n, label in enumerate(labels)]
    Random(3).shuffle(rows)
    report = evaluate("e", settings("m"), TONES, inputs(tmp_path, gold, {"m": rows}))
    assert raw(only(report), "accuracy") == 1
    assert not only(report).mistakes


def test_failed_rows_count_as_wrong_and_are_shown_apart(tmp_path):
    gold = [gold_item(n, {"tone": P}) for n in range(5)]
    rows = [tone_row(0, P), tone_row(1, P)]
    rows += [stage_row(2, {}, state="refused"), stage_row(3, {}, state="failed")]
    model = only(evaluate("e", settings("m"), TONES, inputs(tmp_path, gold, {"m": rows})))
    assert raw(model, "accuracy") == pytest.approx(2 / 5)
    assert model.failed == {"failed": 1, "missing": 1, "refused": 1}
    assert figure(model.answered, "accuracy").raw.value == 1
    assert [one.state for one in model.mistakes] == ["failed", "missing", "refused"]
    assert model.confusion.predicted == (P, "(failed)") and model.confusion.counts == ((2, 3),)


def test_labels_the_llm_decided_are_left_out_and_both_figures_given(tmp_path):
    gold = [gold_item(n, {"tone": P}) for n in range(4)]
    gold += [gold_item(n, {"tone": N}, resolutions={"tone": "majority_a_llm"}) for n in (4, 5)]
    # The model is right where it decided, of course.
    rows = [tone_row(n, N if n >= 3 else P) for n in range(6)]
    report = evaluate("e", settings("m"), TONES, inputs(tmp_path, gold, {"m": rows}))
    assert report.features[0].items.llm_decided == 2
    assert raw(only(report), "accuracy") == pytest.approx(3 / 4)
    assert figure(only(report).with_llm_decided, "accuracy").raw.value == pytest.approx(5 / 6)


def test_items_without_a_gold_label_are_left_out_and_counted(tmp_path):
    gold = [gold_item(n, {"tone": P}) for n in range(3)]
    gold.append(gold_item(3, {}, resolutions={"tone": "needs_review"}))
    never_resolved = gold_item(4, {})
    sample = write_lines(tmp_path / "sample.jsonl", [])
    sample.write_bytes(b"".join(sample_item(item).as_line() for item in [*gold, never_resolved]))
    rows = [tone_row(n, P) for n in range(5)]
    report = evaluate("e", settings("m"), TONES, inputs(tmp_path, gold, {"m": rows}, sample=sample))
    items = report.features[0].items
    assert (report.drawn, report.without_any_label) == (5, 1)
    assert (items.in_split, items.unresolved, items.evaluated) == (4, 1, 3)


def test_a_wave_that_is_half_decided_is_said_to_leave_out_the_hard_items(tmp_path):
    gold = [gold_item(n, {"tone": P}) for n in range(3)]
    rows = [
        Merged(one.item_id, "tone", P, Resolution.AGREEMENT, True, {}, {"ann": P, "ben": P}) for one in gold
    ]
    for number, resolution in enumerate((Resolution.AWAITING_ADJUDICATION, Resolution.NEEDS_REVIEW), 3):
        item = gold_item(number, {}).item_id
        rows.append(Merged(item, "tone", None, resolution, False, {}, {"ann": P, "ben": N}))
    rows.append(Merged(gold_item(5, {}).item_id, "tone", None, Resolution.UNANSWERED, None, {}, {}))
    rows.append(
        Merged(gold[0].item_id, "stars", None, Resolution.NEEDS_REVIEW, False, {}, {"ann": 1, "ben": 2})
    )
    table = tmp_path / "merged.csv"
    write_merged(table, rows, shown_by([TONE, STARS]))
    given = inputs(tmp_path, gold, {"m": [tone_row(n, P) for n in range(3)]}, merged=table)
    chosen = settings("m", features=["tone"])
    evaluate_files("e", chosen, {"tone": TONE, "stars": STARS}, given, outputs(tmp_path))
    said = "tone: 2 of 5 answered items of the wave await a decision"
    (note,) = orjson.loads((tmp_path / "e.json").read_bytes())["notes"]
    assert said in note and "the hard ones" in note
    assert said in (tmp_path / "e.html").read_text()


def test_a_wave_that_is_decided_says_nothing_of_hard_items(evaluated):
    _, _, report, _ = evaluated
    assert not report.notes


def test_people_are_compared_with_the_llm_on_items_that_nobody_could_resolve_too(tmp_path):
    gold = [gold_item(n, {"tone": P}) for n in range(25)]
    disputed = [gold_item(n, {}) for n in range(25, 40)]
    sample, table = tmp_path / "sample.jsonl", tmp_path / "merged.csv"
    sample.write_bytes(b"".join(sample_item(item).as_line() for item in [*gold, *disputed]))
    answers = {"ann": P, "ben": P, "cat": N}
    rows = [
        Merged(item.item_id, "tone", None, Resolution.NEEDS_REVIEW, False, {}, answers)
        for item in [*gold, *disputed]
    ]
    write_merged(table, rows, shown_by([TONE]))
    predictions = {"m": [tone_row(n, P) for n in range(40)]}
    given = inputs(tmp_path, gold, predictions, sample=sample, merged=table)
    found = only(evaluate("e", settings("m"), TONES, given)).alternative
    assert [one.items for one in found.against] == [40, 40, 40]


def test_cannot_tell_is_a_label_of_classifications_and_no_number_of_scores(tmp_path):
    features = {"tone": TONE, "stars": STARS}
    gold = [gold_item(n, {"tone": None, "stars": None if n else 3}) for n in range(4)]
    row = {"tone": prediction(TONE, None), "stars": prediction(STARS, None)}
    rows = [stage_row(n, row) for n in range(4)]
    tone, stars = evaluate("e", settings("m"), features, inputs(tmp_path, gold, {"m": rows})).features
    assert raw(tone.models[0], "accuracy") == 1
    assert (stars.items.cannot_tell, stars.items.evaluated) == (3, 1)
    assert stars.models[0].failed == {"abstained": 1} and raw(stars.models[0], "mae") == 2


def test_only_the_splits_asked_for_are_evaluated(tmp_path):
    gold = [gold_item(n, {"tone": P}, split="test" if n < 2 else "train") for n in range(6)]
    rows = [tone_row(n, P if n < 2 else N) for n in range(6)]
    files = inputs(tmp_path, gold, {"m": rows})
    assert raw(only(evaluate("e", settings("m", split="test"), TONES, files)), "accuracy") == 1
    assert raw(only(evaluate("e", settings("m"), TONES, files)), "accuracy") == pytest.approx(1 / 3)
    with pytest.raises(StudyError, match="no item of the gold set is in split dev"):
        evaluate("e", settings("m", split="dev"), TONES, files)


def test_the_baselines_stand_beside_the_figures(tmp_path):
    gold = [gold_item(n, {"stars": value}) for n, value in enumerate([1, 4, 4, 4, 5])]
    rows = [stage_row(n, {"stars": prediction(STARS, 4)}) for n in range(5)]
    feature = evaluate("e", settings("m"), {"stars": STARS}, inputs(tmp_path, gold, {"m": rows})).features[0]
    majority, mean = feature.baselines
    assert (majority.answer, figure(majority.figures, "accuracy").raw.value) == ("4", 0.6)
    assert float(mean.answer) == pytest.approx(3.6)
    assert figure(mean.figures, "rmse").raw.value == pytest.approx((9.2 / 5) ** 0.5)
    assert feature.models[0].over_baseline.mcnemar.p_value == 1


def test_always_not_duplicate_is_right_on_90_8_percent_of_the_products(tmp_path, shared_data):
    with (shared_data / "products" / "test.csv").open(newline="") as handle:
        labels = [row["label"] for row in csv.DictReader(handle)]
    match = Classification(
        name="match", type="classification", description="Same?", labels=["duplicate", "not duplicate"]
    )
    gold = [gold_item(n, {"match": label}) for n, label in enumerate(labels)]
    rows = [
        stage_row(n, {"match": prediction(match, "not duplicate" if n % 20 else "duplicate")})
        for n in range(len(labels))
    ]
    report = evaluate("e", settings("m"), {"match": match}, inputs(tmp_path, gold, {"m": rows}))
    baseline = report.features[0].baselines[0]
    accuracy = figure(baseline.figures, "accuracy").raw
    assert baseline.answer == "not duplicate"
    assert round(100 * accuracy.value, 1) == 90.8
    assert accuracy.interval.low < accuracy.value < accuracy.interval.high
    assert figure(baseline.figures, "cohen_kappa").raw.value == pytest.approx(0)
    # A model that is right less often than the baseline is said to be.
    lead = figure(only(report).over_baseline.differences, "accuracy").raw
    assert lead.value < 0 and lead.interval.high < 0.01


def test_every_type_of_feature_is_evaluated_and_a_rerun_gives_the_same_bytes(evaluated, tmp_path):
    chosen, given, report, folder = evaluated
    evaluate_files("reviews", chosen, FEATURES, given, outputs(tmp_path))
    for file in ("e.json", "e.html", "errors.csv"):
        assert (tmp_path / file).read_bytes() == (folder / file).read_bytes()
    assert [one.feature for one in report.features] == [name for name in FEATURES if name != "gist"]
    for feature in report.features:
        big, _ = feature.models
        assert big.alternative.winning_rate is not None
        assert big.calibration.items == feature.items.evaluated
        assert feature.items.is_weighted
        assert [one.first for one in feature.comparisons] == ["big"]
    assert report.sources[0].cost_per_record_usd == pytest.approx(0.01)
    assert report.sources[0].is_baseline


def test_the_json_says_all_that_was_found(evaluated):
    *_, report, folder = evaluated
    found = orjson.loads((folder / "e.json").read_bytes())
    assert found["format"] == "goldpan-evaluation-1"
    assert found["models"][0]["files"]["big/features.jsonl"]
    tone = next(one for one in found["features"] if one["feature"] == "tone")
    model = tone["models"][0]
    accuracy = next(one for one in model["figures"] if one["name"] == "accuracy")
    expected = report.features[0].models[0].figure("accuracy").weighted
    assert accuracy["weighted"]["value"] == pytest.approx(expected.value, abs=1e-6)
    assert accuracy["weighted"]["interval"]["low"] < accuracy["weighted"]["value"]
    for part in ("labels", "confusion", "calibration", "prevalence", "alternative_annotator_test"):
        assert model[part], part


def test_the_table_of_mistakes_has_them_all_neutralised(evaluated):
    *_, report, folder = evaluated
    with (folder / "errors.csv").open(newline="", encoding="utf-8-sig") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == sum(len(model.mistakes) for one in report.features for model in one.models)
    assert {row["feature"] for row in rows} >= {"tone", "stars", "parts"}
    assert rows[0]["field_text"].startswith("<script>") and rows[0]["id"].startswith("r")
    assert {row["state"] for row in rows} == {"ok"}


def test_a_cell_that_a_spreadsheet_would_run_is_neutralised(tmp_path):
    gold = [gold_item(0, {"tone": P}, data={"text": "=cmd|' /C calc'!A0"})]
    given = inputs(tmp_path, gold, {"m": [tone_row(0, N)]})
    evaluate_files("e", settings("m"), TONES, given, outputs(tmp_path))
    assert ",'=cmd|" in (tmp_path / "errors.csv").read_text(encoding="utf-8-sig")


def test_mistakes_come_with_the_surest_first(tmp_path):
    gold = [gold_item(n, {"tone": P}) for n in range(4)]
    rows = [tone_row(n, N, confidence) for n, confidence in enumerate([0.6, 0.9, None, 0.7])]
    model = only(evaluate("e", settings("m"), TONES, inputs(tmp_path, gold, {"m": rows})))
    assert [one.confidence for one in model.mistakes] == [0.9, 0.7, 0.6, None]


def test_mistakes_of_scores_come_with_the_largest_first(tmp_path):
    gold = [gold_item(n, {"stars": 1}) for n in range(3)]
    rows = [stage_row(n, {"stars": prediction(STARS, n + 2)}) for n in range(3)]
    model = only(evaluate("e", settings("m"), {"stars": STARS}, inputs(tmp_path, gold, {"m": rows})))
    assert [one.predicted for one in model.mistakes] == ["4", "3", "2"]


def test_only_the_fields_asked_for_are_shown(tmp_path):
    gold = [gold_item(0, {"tone": P}, data={"text": "t", "secret": "s", "deep": {"er": "d"}})]
    chosen = settings("m", show=["text", "deep.er"])
    model = only(evaluate("e", chosen, TONES, inputs(tmp_path, gold, {"m": [tone_row(0, N)]})))
    assert model.mistakes[0].fields == {"text": "t", "deep.er": "d"}


def test_predictions_of_heads_are_evaluated_with_a_warning_about_what_they_learned_from(tmp_path):
    gold = [gold_item(n, {"tone": P}, split="train") for n in range(3)]
    rows = [{"id": f"r{n}", "label_mood": P} for n in range(3)]
    chosen = settings(predictions={"head": {"annotated": "all", "heads": {"tone": "mood"}}})
    files = EvaluationInputs(
        [write_gold(tmp_path / "gold.jsonl", gold)],
        {
            "head": [
                write_lines(tmp_path / "a.jsonl", rows[:2]),
                write_lines(tmp_path / "b.jsonl", rows[2:]),
            ]
        },
    )
    report = evaluate("e", chosen, TONES, files)
    assert raw(only(report), "accuracy") == 1
    assert any("test split alone" in note for note in report.notes)


def test_few_items_are_said_to_be_few(tmp_path):
    gold = [gold_item(n, {"tone": P}) for n in range(3)]
    report = evaluate("e", settings("m"), TONES, inputs(tmp_path, gold, {"m": [tone_row(0, P)]}))
    assert any("too few" in note for note in report.features[0].notes)


def test_a_feature_without_gold_labels_is_reported_and_not_an_error(tmp_path):
    gold = [gold_item(0, {"tone": P}, resolutions={"complaint": "needs_review"})]
    features = TONES | {"complaint": COMPLAINT}
    report = evaluate("e", settings("m"), features, inputs(tmp_path, gold, {"m": [tone_row(0, P)]}))
    assert not report.features[1].models and report.features[1].notes


def test_predictions_of_other_records_are_noticed(tmp_path):
    gold = [gold_item(n, {"tone": P}) for n in range(3)]
    report = evaluate("e", settings("m"), TONES, inputs(tmp_path, gold, {"m": [tone_row(99, P)]}))
    assert "no gold item has a row" in report.notes[0]
    assert raw(only(report), "accuracy") == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": ["tune"]}, r"no feature `tune`.*tone"),
        ({"features": ["gist"]}, "free text"),
        ({"match": {"tone": ["part"]}}, "no extraction"),
        ({"match": {"parts": ["prt"]}}, "no field `prt`"),
    ],
)
def test_settings_that_lead_nowhere_are_refused(tmp_path, changes, message):
    gold = [gold_item(0, {"tone": P})]
    features = {"tone": TONE, "gist": GIST, "parts": PARTS}
    with pytest.raises(StudyError, match=message):
        evaluate("e", settings("m", **changes), features, inputs(tmp_path, gold, {"m": [tone_row(0, P)]}))


def test_gold_items_that_are_not_of_the_sample_are_refused(tmp_path):
    gold = [gold_item(0, {"tone": P})]
    sample = tmp_path / "sample.jsonl"
    sample.write_bytes(sample_item(gold_item(1, {})).as_line())
    with pytest.raises(ReconciliationError, match="not in the sample"):
        evaluate("e", settings("m"), TONES, inputs(tmp_path, gold, {"m": [tone_row(0, P)]}, sample=sample))


def test_a_gold_file_given_twice_is_refused(tmp_path):
    given = inputs(tmp_path, [gold_item(0, {"tone": P})], {"m": [tone_row(0, P)]})
    twice = EvaluationInputs([*given.gold, *given.gold], given.predictions)
    with pytest.raises(ReconciliationError, match="twice"):
        evaluate("e", settings("m"), TONES, twice)


def test_a_model_that_does_not_predict_a_feature_is_left_out_of_it_and_named(tmp_path):
    gold = [gold_item(n, {"tone": P, "complaint": True}) for n in range(6)]
    both = [
        stage_row(n, {"tone": prediction(TONE, P), "complaint": prediction(COMPLAINT, True)})
        for n in range(6)
    ]
    alone = [tone_row(n, P) for n in range(6)]
    report = evaluate(
        "e",
        settings("both", "alone"),
        {"tone": TONE, "complaint": COMPLAINT},
        inputs(tmp_path, gold, {"both": both, "alone": alone}),
    )
    tone, complaint = report.features
    assert [model.model for model in tone.models] == ["both", "alone"]
    assert [model.model for model in complaint.models] == ["both"]
    assert len(tone.comparisons) == 1 and not complaint.comparisons
    assert "alone does not predict this feature." in complaint.notes


def test_a_feature_that_no_model_predicts_has_a_section_without_figures(tmp_path):
    gold = [gold_item(n, {"tone": P, "complaint": True}) for n in range(6)]
    given = inputs(tmp_path, gold, {"m": [tone_row(n, P) for n in range(6)]})
    features = {"tone": TONE, "complaint": COMPLAINT}
    report = evaluate_files("e", settings("m"), features, given, outputs(tmp_path))
    assert not report.features[1].models
    assert "m does not predict this feature." in (tmp_path / "e.html").read_text()


def test_figures_of_three_items_say_in_json_and_page_why_they_have_no_interval(tmp_path):
    gold = [gold_item(n, {"tone": P if n < 3 else N}) for n in range(9)]
    rows = [tone_row(n, P if n < 3 else N) for n in range(9)]
    evaluate_files("e", settings("m"), TONES, inputs(tmp_path, gold, {"m": rows}), outputs(tmp_path))
    (model,) = orjson.loads((tmp_path / "e.json").read_bytes())["features"][0]["models"]
    of_label = {label["label"]: label["figures"][1]["raw"] for label in model["labels"]}
    why = "no interval: 3 items, 5 are needed"
    assert of_label[P] == {"value": 1.0, "interval": None, "reason": why}
    assert of_label[N]["reason"] is None
    assert of_label[N]["interval"]["low"] == pytest.approx(0.025 ** (1 / 6), abs=1e-6)
    page = (tmp_path / "e.html").read_text()
    assert f"1.000 ({why})" in page
    assert "[1.000, 1.000]" not in page


def test_items_that_are_gone_from_the_sources_are_no_mistakes_of_the_model(tmp_path):
    gold = [gold_item(n, {"tone": P}) for n in range(6)]
    gold.append(gold_item(6, {"tone": P}, source="elsewhere"))
    rows = {"m": [tone_row(n, P) for n in range(4)], "n": [tone_row(n, P) for n in (0, 1, 2, 3, 4)]}
    rows["m"][3] = stage_row(3, {}, state="failed")
    sample = write_lines(tmp_path / "sample.jsonl", [dataclasses.asdict(sample_item(item)) for item in gold])
    known = inputs(
        tmp_path, gold, rows, sample=sample, other_sources={"m": {"elsewhere"}, "n": {"elsewhere"}}
    )
    report = evaluate("e", settings("m", "n"), TONES, known).as_json()
    (feature,) = report["features"]
    assert (feature["items"]["gone"], feature["items"]["evaluated"]) == (2, 5)
    assert [model["failed"] for model in feature["models"]] == [{"failed": 1, "missing": 1}, {"missing": 1}]
    assert any("2 of 7 gold items are gone from the sources" in note for note in report["notes"])
    # Of predictions that know none of the items nobody can tell what is gone.
    none = inputs(tmp_path, gold, {"m": [tone_row(9, P)]}, other_sources={"m": set()})
    (feature,) = evaluate("e", settings("m"), TONES, none).as_json()["features"]
    assert (feature["items"]["gone"], feature["models"][0]["failed"]) == (0, {"missing": 7})


def test_a_note_says_that_gold_labels_which_the_llm_decided_are_left_out(tmp_path):
    gold = [gold_item(n, {"tone": P}) for n in range(4)]
    gold += [gold_item(n, {"tone": N}, resolutions={"tone": "majority_a_llm"}) for n in (4, 5)]
    given = inputs(tmp_path, gold, {"m": [tone_row(n, P) for n in range(6)]})
    report = evaluate("e", settings("m"), TONES, given)
    said = "The gold label of 2 more items was decided by an LLM"
    assert any(note.startswith(said) for note in report.as_json()["features"][0]["notes"])
    assert evaluation_page(report, 5).count(said) == 1


def test_a_figure_that_is_undefined_says_why(tmp_path):
    gold = [gold_item(n, {"tone": P}) for n in range(6)]
    given = inputs(tmp_path, gold, {"m": [tone_row(n, P) for n in range(6)]})
    model = only(evaluate("e", settings("m"), TONES, given)).as_json()
    kappa = next(found for found in model["figures"] if found["name"] == "cohen_kappa")
    assert kappa["raw"]["value"] is None and kappa["raw"]["reason"].startswith("undefined: only one label")
    wrong = inputs(tmp_path, gold, {"m": [tone_row(n, N) for n in range(6)]})
    labels = only(evaluate("e", settings("m"), TONES, wrong)).as_json()["labels"]
    reasons = {
        (label["label"], found["name"]): found["raw"]["reason"]
        for label in labels
        for found in label["figures"]
        if found["raw"]["value"] is None
    }
    assert reasons[P, "precision"] == "undefined: there is no such prediction"
    assert reasons[N, "recall"] == "undefined: no gold item has the label"


@pytest.mark.parametrize(("split", "is_part"), [("all", False), (["test"], True)])
def test_gold_that_is_split_by_groups_is_said_to_have_intervals_of_single_items(tmp_path, split, is_part):
    gold = [gold_item(n, {"tone": P}, group=f"files/{n % 2}", split="test") for n in range(6)]
    given = inputs(tmp_path, gold, {"m": [tone_row(0, P)]}, gold_group="file")
    said = [note for note in evaluate("e", settings("m", split=split), TONES, given).notes if "group" in note]
    assert len(said) == 1 and "The 6 evaluated items come in 2 groups by `file`" in said[0]
    assert "Intervals take items as drawn one by one" in said[0]
    assert ("`split: all`" in said[0]) == is_part


def test_gold_whose_groups_are_single_items_says_nothing_of_groups(tmp_path):
    gold = [gold_item(n, {"tone": P}, group=f"files/{n}") for n in range(6)]
    given = inputs(tmp_path, gold, {"m": [tone_row(0, P)]}, gold_group="file")
    assert not any("group" in note for note in evaluate("e", settings("m"), TONES, given).notes)
