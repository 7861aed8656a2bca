"""Sheets for Label Studio, doccano, Argilla and Prodigy, filled in as each tool exports them."""

from xml.etree import ElementTree

import orjson
import pytest

from goldpan.errors import SheetError, StudyError
from goldpan.tasks.features import Score
from goldpan.waves.collect.filled import GivenOut
from goldpan.waves.collect.folder import collect
from goldpan.waves.sheets.argilla import argilla_records, argilla_settings
from goldpan.waves.sheets.doccano import doccano_documents, doccano_labels
from goldpan.waves.sheets.label_studio import label_studio_config, label_studio_tasks
from goldpan.waves.sheets.prodigy import prodigy_tasks
from goldpan.waves.sheets.sheet import make_sheet
from tests.wave_builders import (
    ALL_FEATURES,
    COMPLAINT,
    GIST,
    ORDER,
    PARTS,
    STARS,
    TONE,
    TOPICS,
    codebook,
    items,
    wave,
)

RATIO = Score(name="ratio", type="score", description="How much?", min=0, max=1, integer=False)
LABELLED = (TONE, COMPLAINT, TOPICS, STARS)
FEATURES = (*ALL_FEATURES, RATIO)
FIRST, SECOND = list(items())[:2]
ANSWERS = {
    "tone": "Negative",
    "complaint": True,
    "praise": False,
    "topics": ["price", "delivery"],
    "stars": 2,
    "gist": "It broke = “bad”\nand more",
    "parts": [{"part": "lid", "count": None, "broken": True}],
    "order": ["looks", "price", "strength"],
    "ratio": 0.25,
}
ABSTAINED = dict.fromkeys(ANSWERS)


def sheet(*features):
    return make_sheet("shop", "first", wave(), "ann", list(items().values()), codebook(*features))


def collected(tmp_path, name, content, *features):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else orjson.dumps(content))
    return collect(tmp_path, GivenOut("shop", "first", wave(), codebook(*features), items()))


def refusal(tmp_path, name, content, *features):
    with pytest.raises(SheetError) as error:
        collected(tmp_path, name, content, *features)
    return str(error.value)


def answers_of(result, item_id):
    return {
        feature: ratings[item_id]["ann"] for feature, ratings in result.ratings.items() if item_id in ratings
    }


def lines(rows):
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


# Label Studio


def label_studio_export(*results_of):
    """Tasks as Label Studio exports them, the first ones with these results."""
    tasks = orjson.loads(label_studio_tasks(sheet(*FEATURES)))
    by_id = {task["data"]["item_id"]: task for task in tasks}
    for item_id, results in zip((FIRST, SECOND), results_of, strict=False):
        by_id[item_id]["annotations"] = [{"result": results, "was_cancelled": False, "lead_time": 7.5}]
    return tasks


def picked(name, *labels):
    return {"from_name": name, "to_name": "field-1", "type": "choices", "value": {"choices": list(labels)}}


def typed(name, text):
    return {"from_name": name, "to_name": "field-1", "type": "textarea", "value": {"text": [text]}}


LABEL_STUDIO_ANSWERS = [
    picked("tone", "Negative"),
    picked("complaint", "yes"),
    picked("praise", "no"),
    picked("topics", "delivery", "price"),
    picked("stars", "2"),
    typed("gist", ANSWERS["gist"]),
    typed("parts", '[{"part": "lid", "count": null, "broken": true}]'),
    typed("order", "looks > price > strength"),
    {"from_name": "ratio", "to_name": "field-1", "type": "number", "value": {"number": 0.25}},
]
PICKED = ("tone", "complaint", "praise", "topics", "stars")
LABEL_STUDIO_ABSTAINED = [
    picked(name if name in PICKED else f"{name}-cannot-tell", "(cannot tell)") for name in ANSWERS
]


def test_label_studio_gives_back_every_type_of_answer(tmp_path):
    export = label_studio_export(LABEL_STUDIO_ANSWERS, LABEL_STUDIO_ABSTAINED)
    result = collected(tmp_path, "export.json", export, *FEATURES)
    assert answers_of(result, FIRST) == ANSWERS and answers_of(result, SECOND) == ABSTAINED
    assert result.seconds == {"ann": {FIRST: 7.5, SECOND: 7.5}}


def test_label_studio_gives_back_flags_and_notes(tmp_path):
    export = label_studio_export([picked("flag", "flagged"), typed("notes", "odd")])
    result = collected(tmp_path, "export.json", export, *FEATURES)
    assert result.flags == {FIRST: ["ann"]} and result.notes == {FIRST: {"ann": "odd"}}


def test_a_cancelled_annotation_of_label_studio_is_no_answer(tmp_path):
    export = label_studio_export(LABEL_STUDIO_ANSWERS)
    task = next(task for task in export if "annotations" in task)
    task["annotations"][0]["was_cancelled"] = True
    assert collected(tmp_path, "export.json", export, *FEATURES).ratings == {}


def test_two_annotations_of_label_studio_that_differ_are_refused(tmp_path):
    export = label_studio_export([picked("tone", "Negative")])
    task = next(task for task in export if "annotations" in task)
    task["annotations"].append({"result": [picked("tone", "Positive")]})
    assert "`ann` answers `tone` with `Positive` here" in refusal(tmp_path, "export.json", export, *FEATURES)


def test_a_choice_of_label_studio_without_a_label_is_refused(tmp_path):
    export = label_studio_export([picked("tone")])
    assert "no labels are picked" in refusal(tmp_path, "export.json", export, *FEATURES)


def test_a_label_of_label_studio_outside_the_set_is_refused(tmp_path):
    export = label_studio_export([picked("tone", "Postive")])
    assert "did you mean `Positive`" in refusal(tmp_path, "export.json", export, *FEATURES)


def test_the_configuration_of_label_studio_has_a_control_for_each_feature():
    root = ElementTree.fromstring(label_studio_config(codebook(*FEATURES), ["text"]))
    controls = {node.get("name"): node.tag for node in root.iter() if node.get("toName")}
    assert controls["tone"] == "Choices" and controls["gist"] == "TextArea" and controls["ratio"] == "Number"
    assert {feature.name for feature in FEATURES} <= controls.keys()
    shown = {node.get("name") for node in root.iter("Text")}
    assert {node.get("toName") for node in root.iter() if node.get("toName")} <= shown


def test_hostile_labels_do_not_break_the_configuration_of_label_studio():
    label = '"><Choices name="x"/>&'
    hostile = TONE.model_copy(update={"labels": [label, "b"]})
    root = ElementTree.fromstring(label_studio_config(codebook(hostile), ["<b>"]))
    assert label in {node.get("value") for node in root.iter("Choice")}


# doccano


def doccano_export(*labels_of):
    """Documents as doccano exports them, the first items with these labels."""
    rows = [orjson.loads(line) for line in doccano_documents(sheet(*LABELLED)).splitlines()]
    for number, row in enumerate(rows):
        row |= {"id": number, "Comments": []}
    by_id = {row["item_id"]: row for row in rows}
    for item_id, labels in zip((FIRST, SECOND), labels_of, strict=False):
        by_id[item_id]["label"] = sorted(labels)
    return rows


def test_doccano_gives_back_labels_of_several_features(tmp_path):
    labels = ["tone: Negative", "complaint: yes", "topics: price", "topics: delivery", "stars: 2"]
    nothing = ["tone: (cannot tell)", "topics: (none)"]
    result = collected(tmp_path, "all.jsonl", lines(doccano_export(labels, nothing)), *LABELLED)
    assert answers_of(result, FIRST) == {
        name: ANSWERS[name] for name in ("tone", "complaint", "topics", "stars")
    }
    assert answers_of(result, SECOND) == {"tone": None, "topics": []}


def test_comments_in_doccano_are_notes(tmp_path):
    rows = doccano_export(["tone: Negative"])
    for row in rows:
        row["Comments"] = ["odd"]
    assert collected(tmp_path, "all.jsonl", lines(rows), *LABELLED).notes[FIRST] == {"ann": "odd"}


def test_two_labels_of_one_classification_in_doccano_are_refused(tmp_path):
    rows = doccano_export(["tone: Negative", "tone: Positive"])
    assert "only one can hold" in refusal(tmp_path, "all.jsonl", lines(rows), *LABELLED)


def test_an_unknown_label_of_doccano_is_refused(tmp_path):
    rows = doccano_export(["tone: Sad"])
    assert "`tone: Sad` is not one of the labels" in refusal(tmp_path, "all.jsonl", lines(rows), *LABELLED)


def test_the_labels_of_doccano_have_a_key_each():
    labels = orjson.loads(doccano_labels(codebook(*LABELLED)))
    keys = [label["suffix_key"] for label in labels]
    assert len(set(keys)) == len(keys) == len({label["text"] for label in labels})


def test_a_feature_that_doccano_cannot_ask_for_is_refused():
    with pytest.raises(StudyError, match="cannot ask for `gist`"):
        doccano_labels(codebook(TONE, GIST))


# Argilla


def argilla_export(*responses_of):
    """Records as Argilla exports them, the first items with these responses."""
    records = orjson.loads(argilla_records(sheet(*FEATURES)))
    by_id = {record["id"]: record for record in records}
    for item_id, responses in zip((FIRST, SECOND), responses_of, strict=False):
        by_id[item_id] |= {
            "status": "completed",
            "_server_id": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
            "responses": {name: [{"value": value, "user_id": "u"}] for name, value in responses.items()},
        }
    return records


def test_argilla_gives_back_every_type_of_answer(tmp_path):
    responses = ANSWERS | {
        "complaint": "yes",
        "praise": "no",
        "stars": "2",
        "ratio": "0.25",
        "order": "looks > price > strength",
        "parts": '[{"part": "lid", "count": null, "broken": true}]',
        "notes": "odd",
    }
    abstained = {name: ["(cannot tell)"] if name == "topics" else "(cannot tell)" for name in ANSWERS}
    result = collected(tmp_path, "records.json", argilla_export(responses, abstained), *FEATURES)
    assert answers_of(result, FIRST) == ANSWERS and answers_of(result, SECOND) == ABSTAINED
    assert result.notes == {FIRST: {"ann": "odd"}}


def test_suggestions_of_argilla_are_no_answers(tmp_path):
    export = argilla_export({})
    export[0]["suggestions"] = {"tone": {"value": "Positive", "score": 1.0, "agent": "m"}}
    assert collected(tmp_path, "records.json", export, *FEATURES).ratings == {}


def test_two_people_in_argilla_who_differ_are_refused(tmp_path):
    export = argilla_export({"tone": "Positive"})
    record = next(record for record in export if record["id"] == FIRST)
    record["responses"]["tone"].append({"value": "Negative", "user_id": "v"})
    assert "`tone` has two answers" in refusal(tmp_path, "records.json", export, *FEATURES)


def test_the_settings_of_argilla_ask_for_each_feature():
    settings = orjson.loads(argilla_settings(codebook(*FEATURES), ["text"]))
    kinds = {question["name"]: question["settings"]["type"] for question in settings["questions"]}
    assert kinds["topics"] == "multi_label_selection" and kinds["tone"] == "label_selection"
    assert kinds["order"] == kinds["gist"] == "text"
    assert set(kinds) == {feature.name for feature in FEATURES} | {"notes"}


# Prodigy


def prodigy_export(given):
    """Tasks as `db-out` writes them, those of the first item with these answers."""
    rows = [orjson.loads(line) for line in prodigy_tasks(sheet(*FEATURES)).splitlines()]
    for row in rows:
        row |= {"answer": "ignore", "_timestamp": 1, "_session_id": "s"}
        if row["item_id"] == FIRST and row["feature"] in given:
            row |= {"answer": "accept"} | given[row["feature"]]
    return rows


def test_prodigy_gives_back_every_type_of_answer(tmp_path):
    given = {
        "tone": {"accept": ["Negative"]},
        "complaint": {"accept": ["yes"]},
        "praise": {"accept": ["no"]},
        "topics": {"accept": ["delivery", "price"]},
        "stars": {"accept": ["2"]},
        "gist": {"answer_text": ANSWERS["gist"]},
        "parts": {"answer_text": '[{"part": "lid", "count": null, "broken": true}]'},
        "order": {"answer_text": "looks > price > strength"},
        "ratio": {"answer_text": "0.25"},
    }
    result = collected(tmp_path, "ann.jsonl", lines(prodigy_export(given)), *FEATURES)
    assert answers_of(result, FIRST) == ANSWERS and answers_of(result, SECOND) == {}


def test_what_was_rejected_in_prodigy_is_flagged(tmp_path):
    rows = prodigy_export({"tone": {"answer": "reject", "accept": ["Negative"]}})
    result = collected(tmp_path, "ann.jsonl", lines(rows), *FEATURES)
    assert result.ratings == {} and result.flags == {FIRST: ["ann"]}


def test_no_two_tasks_of_prodigy_are_duplicates():
    tasks = [orjson.loads(line) for line in prodigy_tasks(sheet(ORDER, PARTS)).splitlines()]
    assert len({task["_task_hash"] for task in tasks}) == len(tasks) == 8
    assert len({task["_input_hash"] for task in tasks}) == 4


# All of them


@pytest.mark.parametrize(
    ("name", "export"),
    [
        ("a.json", lambda: label_studio_export(LABEL_STUDIO_ANSWERS)),
        ("a.jsonl", lambda: doccano_export(["tone: Negative"])),
        ("a.json", lambda: argilla_export({"tone": "Negative"})),
        ("a.jsonl", lambda: prodigy_export({"tone": {"accept": ["Negative"]}})),
    ],
    ids=["label_studio", "doccano", "argilla", "prodigy"],
)
def test_an_export_of_another_wave_is_refused(tmp_path, name, export):
    text = orjson.dumps(export()) if name.endswith("json") else lines(export())
    features = LABELLED if b"Comments" in text else FEATURES
    other = text.replace(b"shop/first/", b"shop/second/")
    assert "a sheet of the wave `second` of `shop`" in refusal(tmp_path, name, other, *features)


@pytest.mark.parametrize("name", ["untouched.json", "records.json"])
def test_untouched_tasks_are_no_answers(tmp_path, name):
    content = (label_studio_tasks if name == "untouched.json" else argilla_records)(sheet(*FEATURES))
    assert collected(tmp_path, name, content, *FEATURES).status.annotators["ann"].left == 4


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", [{"data": {"item_id": FIRST}}]),
        ("a.json", [{"data": {"item_id": FIRST, "sheet": "s"}, "annotations": [{"result": ["x"]}]}]),
        (
            "a.json",
            [{"id": FIRST, "fields": {}, "metadata": {"sheet": "s"}, "responses": {"tone": "Positive"}}],
        ),
        ("a.jsonl", {"text": "t", "label": ["tone: Positive"], "sheet": "s"}),
        ("a.jsonl", {"_view_id": "choice", "feature": "tone", "sheet": "s", "accept": "Positive"}),
    ],
)
def test_an_export_of_another_form_is_refused_with_the_place(tmp_path, name, content):
    assert "not the form expected" in refusal(tmp_path, name, content, *LABELLED)
