"""Gold that the data already have: an evaluation against fields of the records, without a wave."""

import csv

import orjson
import pytest
from pydantic import ValidationError

from goldpan.errors import ReconciliationError, SourceError, StudyError
from goldpan.evaluation.evaluate import EvaluationInputs, EvaluationOutputs, evaluate, evaluate_files
from goldpan.statistics.figures import figure
from goldpan.study import load_project
from goldpan.study.evaluation import Evaluation
from goldpan.study.model import Study
from goldpan.tasks.features import Classification
from goldpan.workflow.before_run import check_before_run
from tests.evaluation_builders import (
    FEATURES,
    gold_item,
    inputs,
    prediction,
    settings,
    stage_row,
    write_lines,
)
from tests.projects import TOPIC_TASK, WorkflowProject, note_rows, notes_study
from tests.wave_builders import COMPLAINT, ORDER, PARTS, STARS, TONE, TOPICS

TONES = {"tone": TONE}
P, N = "Positive", "Negative"
LID = {"part": "lid", "count": None, "broken": False}


def record(number, **data):
    return {"id": f"r{number}", "source": "shop", "file": "reviews", "line": number + 1, "data": data}


def of_fields(folder, records, rows, gold, **changes):
    """Settings and inputs of an evaluation of `rows` against fields of `records`."""
    chosen = Evaluation.model_validate({"source": "shop", "gold": gold, "predictions": ["big"], **changes})
    return chosen, EvaluationInputs(
        gold=[write_lines(folder / "records.jsonl", records)],
        predictions={"big": [write_lines(folder / "big" / "features.jsonl", rows)]},
    )


def only(report):
    return report.features[0].models[0]


def test_figures_and_intervals_are_those_of_a_wave_with_the_same_gold(tmp_path):
    labels = [P, N, P, "Neutral"] * 10
    answers = [P, N, N, "Neutral"] * 10
    rows = [stage_row(n, {"tone": prediction(TONE, answer)}) for n, answer in enumerate(answers)]
    records = [record(n, tone=label) for n, label in enumerate(labels)]
    chosen, files = of_fields(tmp_path / "fields", records, rows, {"tone": "tone"})
    by_fields = evaluate("e", chosen, TONES, files)
    wave = inputs(
        tmp_path / "wave", [gold_item(n, {"tone": label}) for n, label in enumerate(labels)], {"big": rows}
    )
    by_wave = evaluate("e", settings("big"), TONES, wave)
    assert only(by_fields).figures == only(by_wave).figures
    assert only(by_fields).confusion == only(by_wave).confusion
    assert figure(only(by_fields).figures, "accuracy").raw.value == 0.75


def grouped(tmp_path, group, records=60, of=5, **changes):
    """An evaluation of records of which five have one product, all right or all wrong."""
    rows = [stage_row(n, {"tone": prediction(TONE, P)}) for n in range(records)]
    there = [
        record(n, tone=P if n // of % 3 else N, meta={"product": f"p{n // of}"}, brand=n)
        for n in range(records)
    ]
    chosen, files = of_fields(tmp_path, there, rows, {"tone": "tone"}, group=group, **changes)
    return evaluate("e", chosen, TONES, files)


def test_records_of_one_group_are_drawn_together_so_that_intervals_are_as_wide_as_groups_differ(tmp_path):
    one_by_one = figure(only(grouped(tmp_path, None)).figures, "accuracy").raw
    report = grouped(tmp_path, "meta.product")
    accuracy = figure(only(report).figures, "accuracy").raw
    assert accuracy.value == one_by_one.value == pytest.approx(2 / 3)
    assert one_by_one.interval.method == "Clopper-Pearson"
    assert accuracy.interval.method.startswith("bootstrap over groups")
    # Five alike are as good as one: the interval is that of 12 records, not of 60.
    widths = [measured.interval.high - measured.interval.low for measured in (one_by_one, accuracy)]
    assert 1.7 < widths[1] / widths[0] < 2.6
    assert report.notes[0].startswith(
        "Records of one `meta.product` may be alike, so intervals are by bootstrap over 12 groups of 60"
    )
    assert report.as_json()["gold_fields"]["group"] == "meta.product"
    assert only(report).prevalence.reason.startswith("records of one group may be alike")


def test_where_all_of_all_groups_are_right_the_interval_is_that_of_as_many_items_as_groups(tmp_path):
    rows = [stage_row(n, {"tone": prediction(TONE, P)}) for n in range(40)]
    records = [record(n, tone=P, product=n // 5) for n in range(40)]
    chosen, files = of_fields(tmp_path, records, rows, {"tone": "tone"}, group="product")
    interval = figure(only(evaluate("e", chosen, TONES, files)).figures, "accuracy").raw.interval
    assert interval.low <= 0.025 ** (1 / 8) + 1e-6


def test_groups_of_one_record_change_nothing_and_are_said_to_be_none(tmp_path):
    report = grouped(tmp_path, "brand")
    assert only(report).figures == only(grouped(tmp_path, None)).figures
    assert report.notes[0] == "No two records have one `brand`, so each is taken by itself."


def test_a_group_that_no_record_has_is_refused_and_one_without_is_a_group_of_its_own(tmp_path):
    with pytest.raises(StudyError, match="no record has a field `nothing`"):
        grouped(tmp_path, "nothing")
    rows = [stage_row(n, {"tone": prediction(TONE, P)}) for n in range(20)]
    records = [record(n, tone=P, product="" if n < 5 else "one" if n < 10 else n) for n in range(20)]
    chosen, files = of_fields(tmp_path, records, rows, {"tone": "tone"}, group="product")
    notes = evaluate("e", chosen, TONES, files).notes
    assert "over 16 groups of 20 records" in notes[0]
    assert notes[1] == "5 records have no `product`: each is a group of its own."
    with pytest.raises(ValidationError, match="`group` goes with `source`"):
        Evaluation.model_validate({"wave": "w", "predictions": ["big"], "group": "product"})


def test_where_every_record_must_have_gold_one_without_is_named_and_nothing_is_measured(tmp_path):
    rows = [stage_row(n, {"tone": prediction(TONE, P)}) for n in range(4)]
    records = [record(0, tone=P), record(1), record(2, tone="  "), record(3, tone="Negativ e")]
    chosen, files = of_fields(tmp_path, records[:3], rows, {"tone": "tone"})
    assert evaluate("e", chosen, TONES, files).without_any_label == 2
    chosen, files = of_fields(tmp_path, records, rows, {"tone": "tone"}, every_record=True)
    with pytest.raises(SourceError) as refused:
        evaluate("e", chosen, TONES, files)
    assert refused.value.where == "shop/reviews, line 2"
    assert "record `r1`, field `tone`: `tone`: there is no value" in refused.value.what
    assert "line 3: record `r2`" in refused.value.what
    assert "line 4: record `r3`" in refused.value.what
    with pytest.raises(ValidationError, match="`every_record` goes with `source`"):
        Evaluation.model_validate({"wave": "w", "predictions": ["big"], "every_record": True})


def test_an_evaluation_that_leaves_the_key_out_is_recorded_as_before():
    chosen = {"source": "shop", "gold": {"tone": "tone"}}
    assert "every_record" not in Evaluation.model_validate(chosen).model_dump(mode="json")


@pytest.mark.parametrize(
    ("feature", "cell", "value"),
    [
        (TONE, " positive ", P),
        (TONE, "POSITIVE", P),
        (COMPLAINT, "TRUE", True),
        (COMPLAINT, "1.0", True),
        (COMPLAINT, 0, False),
        (COMPLAINT, False, False),
        (STARS, "4.0", 4),
        (STARS, "4,0", 4),
        (STARS, 4.0, 4),
        (TOPICS, TOPICS.label_list[:2], TOPICS.label_list[:2]),
        (TOPICS, "; ".join(TOPICS.label_list[:2]).upper(), TOPICS.label_list[:2]),
        (ORDER, ORDER.items, ORDER.items),
        (ORDER, " > ".join(ORDER.items), ORDER.items),
        (PARTS, [LID], [LID]),
        (PARTS, orjson.dumps([LID]).decode(), [LID]),
    ],
)  # fmt: skip
def test_a_value_is_what_people_mean_by_it_for_every_type_of_feature(tmp_path, feature, cell, value):
    rows = [stage_row(0, {feature.name: prediction(feature, value)})]
    chosen, files = of_fields(tmp_path, [record(0, right=cell)], rows, {feature.name: "data.right"})
    report = evaluate("e", chosen, {feature.name: feature}, files)
    assert report.features[0].items.evaluated == 1
    assert not only(report).mistakes


def test_what_was_taken_for_another_spelling_is_said(tmp_path):
    rows = [stage_row(n, {"tone": prediction(TONE, P)}) for n in range(3)]
    records = [record(n, tone=cell) for n, cell in enumerate([P, "positive", "POSITIVE"])]
    chosen, files = of_fields(tmp_path, records, rows, {"tone": "tone"})
    (note,) = evaluate("e", chosen, TONES, files).notes
    assert (
        note == "tone: values that are not written as the label they mean: 2, as 'positive' for 'Positive'."
    )


def test_labels_that_differ_in_case_only_stay_apart(tmp_path):
    us = Classification(name="us", type="classification", description="x", labels=["us", "US"])
    rows = [stage_row(0, {"us": prediction(us, "us")})]
    chosen, files = of_fields(tmp_path, [record(0, us="US")], rows, {"us": "us"})
    assert len(only(evaluate("e", chosen, {"us": us}, files)).mistakes) == 1


def test_records_without_gold_are_counted_said_and_not_evaluated(tmp_path):
    records = [
        record(0, tone=P),
        record(1, tone=""),
        record(2, tone=None),
        record(3),
        record(4, tone="(cannot tell)"),
    ]
    records.append({**record(5), "skip": "bad_json: cut off"})
    rows = [stage_row(n, {"tone": prediction(TONE, P)}) for n in range(6)]
    chosen, files = of_fields(tmp_path, records, rows, {"tone": "tone"})
    outputs = EvaluationOutputs(tmp_path / "e.json", tmp_path / "e.html", tmp_path / "e.errors.csv")
    report = evaluate_files("e", chosen, TONES, files, outputs)
    assert (report.drawn, report.without_any_label, report.features[0].items.evaluated) == (6, 4, 2)
    page = outputs.html.read_text()
    assert "shop have in their own fields (tone: tone); 6 records. 4 of them have no label" in page
    said = orjson.loads(outputs.json.read_bytes())
    assert said["wave"] is None
    assert said["gold_fields"] == {"sources": ["shop"], "fields": {"tone": "tone"}}
    (mistake,) = csv.DictReader(outputs.errors.open())
    assert mistake["id"] == "r4"


def test_labelled_records_are_not_taken_for_a_sample_of_the_others(tmp_path):
    rows = [stage_row(n, {"tone": prediction(TONE, P)}) for n in range(100)]
    records = [record(n, tone=P if n < 60 else "") for n in range(100)]
    chosen, files = of_fields(tmp_path, records, rows, {"tone": "tone"})
    assert "not the same corpus" in only(evaluate("e", chosen, TONES, files)).prevalence.reason


def test_values_that_are_no_label_are_named_and_stop_the_evaluation(tmp_path):
    records = [record(0, tone=P), *(record(n, tone="Postive") for n in range(1, 9))]
    chosen, files = of_fields(
        tmp_path, records, [stage_row(0, {"tone": prediction(TONE, P)})], {"tone": "tone"}
    )
    with pytest.raises(SourceError) as refused:
        evaluate("e", chosen, TONES, files)
    said = str(refused.value)
    assert "shop/reviews, line 2" in said
    assert (
        "record `r1`, field `tone`: `tone`: `Postive` is not one of the labels; did you mean `Positive`?"
        in said
    )
    assert "shop/reviews, line 3: record `r2`" in said
    assert "and 3 more such values" in said
    assert "leave the field empty" in said


@pytest.mark.parametrize(
    ("feature", "cell", "expected"),
    [
        (COMPLAINT, "maybe", "neither yes nor no"),
        (COMPLAINT, ["yes"], "neither yes nor no"),
        (STARS, "six", "is not a number"),
        (STARS, 17, "outside"),
        (TOPICS, ["no such topic"], "not one of the labels"),
        (TOPICS, [None], "not one of the labels"),
        (ORDER, ORDER.items[:1], "leaves out"),
        (PARTS, "{", "not valid JSON"),
        (TONE, {"label": P}, "not one of the labels"),
    ],
)  # fmt: skip
def test_no_type_takes_what_is_none_of_its_values(tmp_path, feature, cell, expected):
    chosen, files = of_fields(tmp_path, [record(0, right=cell)], [], {feature.name: "right"})
    with pytest.raises(SourceError, match=expected):
        evaluate("e", chosen, {feature.name: feature}, files)


def test_a_field_that_no_record_has_is_named_with_the_nearest(tmp_path):
    chosen, files = of_fields(tmp_path, [record(0, label=P)], [], {"tone": "data.labl"})
    with pytest.raises(StudyError, match="no record has a field `labl`; did you mean `label`"):
        evaluate("e", chosen, TONES, files)


def test_gold_that_is_empty_everywhere_is_no_evaluation(tmp_path):
    chosen, files = of_fields(tmp_path, [record(0, label="")], [], {"tone": "label"})
    with pytest.raises(StudyError, match="label are empty in all 1"):
        evaluate("e", chosen, TONES, files)


def test_two_records_of_one_id_are_refused(tmp_path):
    chosen, files = of_fields(tmp_path, [record(0, tone=P), record(0, tone=N)], [], {"tone": "tone"})
    with pytest.raises(ReconciliationError, match="two records `r0`"):
        evaluate("e", chosen, TONES, files)


def test_free_text_is_not_measured(tmp_path):
    chosen, files = of_fields(tmp_path, [record(0, gist="x")], [], {"gist": "gist"})
    with pytest.raises(StudyError, match="free text"):
        evaluate("e", chosen, {"gist": FEATURES["gist"]}, files)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"wave": "first"}, "either `wave` or `source`"),
        ({"source": None}, "either `wave` or `source`"),
        ({"gold": None}, "`source` and `gold` go together|valid dictionary"),
        ({"gold": {}}, "at least 1 item"),
        ({"split": "test"}, "leave `split` out"),
        ({"features": ["depth"]}, "`gold` names no field for `depth`"),
    ],
)
def test_settings_that_do_not_fit_are_explained(changes, message):
    with pytest.raises(ValidationError, match=message):
        Evaluation.model_validate({"source": "notes", "gold": {"topic": "label"}, **changes})


def study(**evaluation):
    told = notes_study()
    told["sources"]["other"] = {"files": "other.csv"}
    told["evaluations"] = {"e": {"source": "notes", "gold": {"topic": "label"}, **evaluation}}
    return told


def test_without_predictions_the_stages_asked_about_the_source_are_evaluated():
    assert list(Study.model_validate(study()).evaluations["e"].predictions) == ["topics"]


def test_stages_that_mean_different_things_by_a_feature_have_no_gold_in_common(tmp_path):
    project = WorkflowProject.create(tmp_path)
    for number, labels in enumerate((["animals", "machines"], ["animals", "weather"])):
        feature = {**TOPIC_TASK["features"][0], "name": "subject", "labels": labels}
        project.write_task({**TOPIC_TASK, "task": f"task{number}", "features": [feature]})
    stages = notes_study()["stages"]["topics"]
    project.write_study(
        notes_study()
        | {"stages": {f"s{number}": {**stages, "task": f"task{number}"} for number in (0, 1)}}
        | {"evaluations": {"e": {"source": "notes", "gold": {"subject": "right"}}}}
    )
    project.write_rows("notes/a.jsonl", [{**row, "right": "animals"} for row in note_rows(6)])
    said = project.goldpan("validate", check=False)
    assert said.returncode != 0
    assert "the feature `subject` is not the same in all tasks that are evaluated" in said.stdout


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": "nots"}, "there is no source `nots`"),
        ({"source": "other"}, "no stage is asked about the source"),
        ({"source": "other", "predictions": "topics"}, "are about `notes`, not about `other`"),
    ],
)
def test_names_must_lead_to_predictions_about_the_source(changes, message):
    with pytest.raises(ValidationError, match=message):
        Study.model_validate(study(**changes))


def test_validate_finds_names_that_are_not_there(tmp_path):
    project = WorkflowProject.create(tmp_path)
    project.write_rows("notes/a.jsonl", [*note_rows(2), {"id": "n9", "text": "late", "label": "weather"}])
    told = notes_study()
    source = {"source": "notes"}
    told["evaluations"] = {
        "good": {**source, "gold": {"topic": "label"}},
        "typo": {**source, "gold": {"topic": "data.label", "urgent": "hurry"}},
        "other": {**source, "gold": {"topc": "label"}},
    }
    project.write_study(told)
    said = project.goldpan("validate", check=False).stdout
    assert "evaluation good: 1 features, 1 predictions" in said
    assert "evaluations.typo.gold: no row has a field `hurry`" in said
    assert "evaluations.other.gold: no task says what the feature `topc` is; did you mean `topic`" in said


def gold_project(folder, rows):
    project = WorkflowProject.create(folder)
    project.write_rows("notes/a.jsonl", rows)
    told = notes_study()
    told["evaluations"] = {"good": {"source": "notes", "gold": {"topic": "kind"}}}
    project.write_study(told)
    return project


def test_gold_that_is_no_label_is_found_by_validate_and_before_a_run_pays(tmp_path):
    rows = [{**row, "kind": ["animals", "Tier"][row["id"] == "n3"]} for row in note_rows(6)]
    project = gold_project(tmp_path, rows)
    said = project.goldpan("validate", check=False).stdout
    assert "evaluation good" not in said
    with pytest.raises(SourceError) as refused:
        check_before_run(load_project(root=project.root))
    for text in (said, str(refused.value)):
        assert "notes/a.jsonl:4" in text and "field `kind`" in text
        assert "`Tier` is not one of the labels" in text
        assert "another field in evaluations.good.gold" in text


def test_gold_is_looked_at_in_the_first_thousand_rows_and_empty_fields_are_fine(tmp_path):
    rows = [
        {"id": f"n{at}", "text": "a", "kind": {0: "animals", 1_000: "Tier"}.get(at, "")}
        for at in range(1_001)
    ]
    project = gold_project(tmp_path, rows)
    check_before_run(load_project(root=project.root))
    assert "evaluation good: 1 features" in project.goldpan("validate", check=False).stdout


def test_heads_are_measured_against_fields_too_and_a_note_warns_of_what_they_learned_from(tmp_path):
    chosen, files = of_fields(
        tmp_path,
        [record(n, tone=label) for n, label in enumerate([P, N])],
        [{"id": f"r{n}", "label_mood": P} for n in range(2)],
        {"tone": "tone"},
        predictions={"big": {"annotated": "all", "heads": {"tone": "mood"}}},
    )
    report = evaluate("e", chosen, TONES, files)
    assert figure(only(report).figures, "accuracy").raw.value == 0.5
    assert "measured here on what it learned from" in report.notes[0]
