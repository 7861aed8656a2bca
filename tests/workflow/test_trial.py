"""A trial with `limit`, and the full run after it, which pays for the other rows alone."""

import pytest

from tests.projects import WorkflowProject, note_rows, notes_study


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    """A project of 3 and 8 rows, of which a trial has asked 5."""
    project = WorkflowProject.create(tmp_path_factory.mktemp("trial") / "project")
    project.write_study(notes_study())
    project.write_rows("notes/a.jsonl", note_rows(3))
    project.write_rows("notes/{b}.jsonl", note_rows(8, start=3))
    project.run("--config", "limit=5")
    return project


@pytest.fixture
def project(trial, tmp_path):
    """A copy of it."""
    return trial.copy(tmp_path / "project")


def test_a_trial_asks_and_pays_for_its_rows_and_says_that_it_is_one(project):
    assert project.paid() == 5
    assert [row["id"] for row in project.rows("stages/topics/features.jsonl")] == [
        "n0",
        "n1",
        "n2",
        "n3",
        "n4",
    ]
    assert project.json("stages/topics/summary.json")["trial"] == {"notes": 5}
    assert "a trial: only the first 5 rows of notes" in project.goldpan("summary").stdout


def test_the_full_run_pays_for_what_the_trial_did_not_ask(project):
    rows = project.rows("stages/topics/features.jsonl")
    project.run()
    assert project.paid() == 11
    assert project.rows("stages/topics/features.jsonl")[:5] == rows
    assert "trial" not in project.json("stages/topics/summary.json")
    assert "trial" not in project.goldpan("summary").stdout


def test_a_limit_without_a_value_asks_nothing(project):
    done = project.run("--config", "limit=", check=False)
    assert done.returncode != 0
    assert "the limit of a run must be a whole number from 1" in done.stdout
    misspelt = project.run("--config", "limt=5", check=False)
    assert misspelt.returncode != 0
    assert "There is no setting `limt`; did you mean `limit`?" in misspelt.stdout
    assert project.paid() == 5
