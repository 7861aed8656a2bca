"""What a run pays for is what has changed, in numbers."""

import os
import shutil
import time

import pytest

from tests.projects import TOPIC_TASK, WorkflowProject, note_rows, two_stage_study

RECORDS = 60


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project that has run to its end."""
    made = WorkflowProject.create(tmp_path_factory.mktemp("finished") / "project")
    made.write_study(two_stage_study())
    made.write_rows("notes/a.jsonl", note_rows(RECORDS))
    made.run()
    return made


@pytest.fixture
def project(finished, tmp_path):
    """A copy of the finished project; that it is not stale elsewhere is a property of its own."""
    return finished.copy(tmp_path / "project")


def test_one_record_more_pays_for_one_request(project):
    before = project.paid()
    animals = project.json("stages/details/summary.json")["states"]["ok"]
    assert before == RECORDS + animals > RECORDS
    project.write_rows("notes/b.jsonl", note_rows(1, start=RECORDS + 1))
    project.run()
    more = project.json("stages/details/summary.json")["states"]["ok"] - animals
    assert project.paid() == before + 1 + more
    assert len(project.rows("stages/topics/features.jsonl")) == RECORDS + 1


def test_an_edited_prompt_pays_for_its_stage_only_and_taking_it_back_pays_nothing(project):
    before = project.paid()
    asked = project.json("stages/details/summary.json")["states"]["ok"]
    template = project.root / "config/tasks/detail.user.j2"
    original = template.read_text()
    template.write_text("Look closely:\n{{ data.text }}")
    run = project.run()
    assert project.paid() == before + asked
    assert "stage topics" not in run.stdout
    template.write_text(original)
    project.run()
    assert project.paid() == before + asked


def test_touched_files_pay_nothing(project):
    before = project.paid()
    time.sleep(1.1)
    for path in [*project.root.glob("notes/*"), *project.root.glob("config/tasks/*")]:
        os.utime(path)
    project.run()
    assert project.paid() == before


def test_deleted_results_pay_nothing_and_come_back_as_they_were(project):
    before = project.paid()
    features = project.artifact("stages/topics/features.jsonl").read_bytes()
    shutil.rmtree(project.root / "results")
    project.run()
    assert project.paid() == before
    assert project.artifact("stages/topics/features.jsonl").read_bytes() == features
    assert project.json("stages/topics/round1/requests/plan.json")["requests"]["asked"] == 0


def test_one_named_output_is_rebuilt_alone_and_then_there_is_nothing_to_do_even_in_another_place(project):
    before = project.paid()
    for name in (
        "round1/requests/0000.jsonl",
        "round1/batches/0000.json",
        "round1/raw/0000.jsonl",
        "summary.json",
    ):
        target = project.artifact(f"stages/topics/{name}")
        is_put_away = name.endswith(".jsonl")
        content = project.put_away(f"stages/topics/{name}") if is_put_away else target.read_bytes()
        target.unlink(missing_ok=is_put_away)
        run = project.run(f"results/notes/stages/topics/{name}")
        assert "1 of 1 steps (100%) done" in run.log, name
        assert target.read_bytes() == content, name
    assert project.paid() == before
    assert "Nothing to be done" in project.run().stdout


def test_a_changed_description_of_a_feature_is_a_changed_request(project):
    task = {**TOPIC_TASK, "features": [{**TOPIC_TASK["features"][0], "description": "Its subject."}]}
    project.write_task(task)
    plan = "stages/topics/round1/requests/plan.json"
    project.run(f"results/notes/{plan}")
    assert project.json(plan)["requests"]["asked"] == RECORDS


def test_a_removed_record_pays_nothing_and_leaves_the_features(project):
    before = project.paid()
    project.write_rows("notes/a.jsonl", note_rows(RECORDS - 1))
    project.run()
    assert project.paid() == before
    assert len(project.rows("stages/topics/features.jsonl")) == RECORDS - 1


def test_a_published_ledger_replays_the_study_without_a_provider(project, tmp_path):
    features = project.rows("stages/topics/features.jsonl")
    project.goldpan("ledger", "export", str(tmp_path / "ledger.jsonl.zst"))
    other = WorkflowProject.create(tmp_path / "replay")
    study = two_stage_study()
    study["providers"]["main"] = {"kind": "replay"}
    other.write_study(study)
    other.write_rows("notes/a.jsonl", note_rows(RECORDS))
    missed = other.run(check=False)
    assert missed.returncode != 0
    assert "the ledger has no answer for record 'n0'" in missed.stdout
    other.goldpan("ledger", "import", str(tmp_path / "ledger.jsonl.zst"))
    other.run()
    replayed = other.rows("stages/topics/features.jsonl")
    assert [row["features"] for row in replayed] == [row["features"] for row in features]
