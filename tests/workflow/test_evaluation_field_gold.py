"""Gold that the data already have, from the study to the report, in a real run."""

import pytest

from goldpan.errors import SourceError
from goldpan.evaluation.run import evaluate_in_project
from goldpan.study import load_project
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

    project.write_rows("notes/a.jsonl", rows)
    assert "evaluation" in ran(project.run())
    report = project.json("evaluation/own.json")
    assert (report["drawn"], report["without_any_label"], report["wave"]) == (40, 4, None)
    features = {feature["feature"]: feature for feature in report["features"]}
    evaluated = {name: feature["items"]["evaluated"] for name, feature in features.items()}
    assert evaluated == {"topic": 36, "urgent": 36, "length": 36}
    figures = {figure["name"]: figure for figure in features["urgent"]["models"][0]["figures"]}
    assert figures["accuracy"]["raw"]["interval"]
    assert "40 records. 4 of them have no label" in project.artifact("evaluation/own.html").read_text()
    assert project.artifact("evaluation/own.errors.csv").exists()

    records = project.artifact("sources/notes/a.jsonl.jsonl")
    records.write_bytes(records.read_bytes().replace(b"WEATHER", b"wether"))
    with pytest.raises(
        SourceError, match="`wether` is not one of the labels; did you mean `weather`"
    ) as refused:
        evaluate_in_project(load_project(root=project.root), "own")
    assert refused.value.where == "notes/a.jsonl:3"
