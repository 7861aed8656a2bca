"""A study runs from files to features, and only what is stale runs again."""

import pytest

from tests.projects import WorkflowProject, note_rows, notes_study


@pytest.fixture
def project(tmp_path):
    made = WorkflowProject.create(tmp_path / "project")
    made.write_study(notes_study())
    made.write_rows("notes/a.jsonl", note_rows(10))
    made.write_rows("notes/b.jsonl", note_rows(5, start=10))
    return made


def test_every_record_has_a_row_of_features(project):
    project.run()
    rows = project.rows("stages/topics/features.jsonl")
    assert [row["id"] for row in rows] == [f"n{at}" for at in range(15)]
    assert {row["state"] for row in rows} == {"ok"}
    summary = project.json("stages/topics/summary.json")
    assert summary["records"] == sum(summary["states"].values()) == 15


def test_a_second_run_has_nothing_to_do(project):
    project.run()
    assert "Nothing to be done" in project.run().stdout


def test_each_of_several_samples_is_asked_and_their_agreement_is_the_confidence(tmp_path):
    made = WorkflowProject.create(tmp_path / "project")
    made.write_study(notes_study(samples=3))
    made.write_rows("notes/a.jsonl", note_rows(4))
    made.run()
    assert made.json("stages/topics/round1/requests/plan.json")["requests"]["asked"] == 12
    for row in made.rows("stages/topics/features.jsonl"):
        assert row["sample_states"] == {"ok": 3}
        # The local baseline is deterministic, so that all samples agree.
        assert {prediction["confidence"] for prediction in row["features"].values()} == {1.0}
