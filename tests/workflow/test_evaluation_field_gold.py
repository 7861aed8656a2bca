"""Gold that the data already have, from the study to the report, in a real run."""

import pytest

from tests.projects import WorkflowProject, note_rows, notes_study, ran

LABELS = {0: "Animals", 1: "machines ", 2: "WEATHER"}


@pytest.mark.timeout(300)
def test_a_stage_is_evaluated_against_fields_of_its_source(tmp_path):
    project = WorkflowProject.create(tmp_path)
    rows = note_rows(40)
    for number, row in enumerate(rows[:36]):
        row["label"] = LABELS[number % 3]
        row["meta"] = {"hurry": "yes" if number % 2 else 0}
        row["size"] = str(number % 6)
    study = notes_study()
    gold = {"topic": "label", "urgent": "data.meta.hurry", "length": "size"}
    study["evaluations"] = {"own": {"source": "notes", "gold": gold}}
    project.write_study(study)

    project.write_rows("notes/a.jsonl", [*rows[:39], rows[39] | {"label": "wether"}])
    wrong = project.run(check=False).stdout
    assert "notes/a.jsonl:40" in wrong
    assert "record `n39`, field `label`: `topic`: `wether` is not one of the labels" in wrong
    assert "did you mean `weather`" in wrong
    paid = project.paid()

    project.write_rows("notes/a.jsonl", rows)
    assert "evaluation" in ran(project.run())
    assert project.paid() == paid
    report = project.json("evaluation/own.json")
    assert (report["drawn"], report["without_any_label"], report["wave"]) == (40, 4, None)
    features = {feature["feature"]: feature for feature in report["features"]}
    evaluated = {name: feature["items"]["evaluated"] for name, feature in features.items()}
    assert evaluated == {"topic": 36, "urgent": 36, "length": 36}
    figures = {figure["name"]: figure for figure in features["urgent"]["models"][0]["figures"]}
    assert figures["accuracy"]["raw"]["interval"]
    assert "40 records. 4 of them have no label" in project.artifact("evaluation/own.html").read_text()
    assert project.artifact("evaluation/own.errors.csv").exists()
