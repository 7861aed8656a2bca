"""A study runs from files to features, and only what is stale runs again."""

import re
import shlex
import shutil
import subprocess
import sys

import pytest

from tests.projects import CHECKOUT, WorkflowProject, note_rows, notes_study
from tests.tutorial_run import TUTORIAL


def write_project(root):
    made = WorkflowProject.create(root)
    made.write_study(notes_study())
    made.write_rows("notes/a.jsonl", note_rows(10))
    made.write_rows("notes/b.jsonl", note_rows(5, start=10))
    return made


@pytest.fixture
def project(tmp_path):
    return write_project(tmp_path / "project")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The same project run to its end; not to be changed."""
    made = write_project(tmp_path_factory.mktemp("finished") / "project")
    made.run()
    return made


def test_every_record_has_a_row_of_features(finished):
    rows = finished.rows("stages/topics/features.jsonl")
    assert [row["id"] for row in rows] == [f"n{at}" for at in range(15)]
    assert {row["state"] for row in rows} == {"ok"}
    summary = finished.json("stages/topics/summary.json")
    assert summary["records"] == sum(summary["states"].values()) == 15


def test_a_second_run_has_nothing_to_do(finished):
    assert "Nothing to be done" in finished.run().stdout


def test_each_of_several_samples_is_asked_and_their_agreement_is_the_confidence(tmp_path):
    made = WorkflowProject.create(tmp_path / "project")
    made.write_study(notes_study(samples=3))
    made.write_rows("notes/a.jsonl", note_rows(4))
    made.run()
    assert made.json("stages/topics/round1/requests/plan.json")["requests"]["asked"] == 12
    for row in made.rows("stages/topics/features.jsonl"):
        assert row["sample_states"] == {"ok": 3}
        # The local baseline is deterministic, so that all samples agree; a mean has no confidence.
        confidences = {name: says.get("confidence") for name, says in row["features"].items()}
        assert set(confidences.values()) <= {1.0, None} and confidences["topic"] == 1.0


def documented_commands():
    """The Snakemake commands for one artifact, as the docs have them but for the page that is typed."""
    pages = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]
    found = set()
    for page in pages:
        if page == TUTORIAL:
            continue
        for command in re.findall(r"snakemake [^`\n]*?(?:results/|FILE )[^`\n#]*", page.read_text("utf-8")):
            found.add(command.strip())
    return sorted(found)


def test_the_docs_name_commands_for_one_artifact():
    assert len(documented_commands()) >= 4


def is_of_a_study_of_ours(command):
    return any(name in command for name in ("two_step", "keywords_golden"))


@pytest.mark.parametrize("command", [one for one in documented_commands() if not is_of_a_study_of_ours(one)])
def test_a_documented_command_for_one_artifact_is_one(project, command):
    names = {
        "WAVE": "check",
        "NAME": "notes",
        "STAGE": "topics",
        "TABLE": "answers",
        "SEARCH": "better",
        "ERRORS": "known",
        "EXPORT": "lessons",
        "FILE": "results/notes/stages/topics/summary.json",
    }
    for name, value in names.items():
        command = command.replace(name, value)
    study = notes_study()
    study["waves"] = {"check": {"stage": "topics", "sample": 5, "annotators": ["ann"]}}
    study["tables"] = {"answers": {"stage": "topics"}}
    study["evaluations"] = {"known": {"source": "notes", "gold": {"topic": "topic"}}}
    study["errors"] = {"known": {}}
    search = {"stage": "topics", "evaluation": "known", "improver": {"provider": "main"}}
    study["optimised"] = {"better": search | {"budget": {"answers": 100}}}
    study["exports"] = {"lessons": {"stage": "topics"}}
    project.write_study(study)
    arguments = shlex.split(command)[1:]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments, "--dry-run"],
        cwd=project.root,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_raw_lines_of_a_round_that_the_ledger_answers_are_refused_with_the_reason(finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    shutil.rmtree(project.root / "results")
    done = project.run("results/notes/stages/topics/round1/raw/0000.jsonl", check=False)
    assert done.returncode != 0
    assert "a plan whose requests the ledger has all answered has none" in done.stdout
    assert "Traceback" not in done.stdout


@pytest.fixture
def elsewhere(tmp_path):
    """A study file in a folder of its own, with its data and without a config/config.yaml."""
    folder = tmp_path / "elsewhere"
    made = WorkflowProject.create(folder)
    made.write_study(notes_study())
    made.write_rows("notes/a.jsonl", note_rows(4))
    (folder / "config" / "studies" / "notes.yaml").rename(folder / "notes.yaml")
    for name in ("Snakefile", "rules", "workflow", "profiles", "config/config.yaml"):
        (folder / name).unlink()
    (folder / "config" / "studies").rmdir()
    return folder


def test_a_study_of_another_folder_is_run_there(elsewhere):
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", "-s", CHECKOUT / "Snakefile", "-d", elsewhere,
         "--config", "study=notes.yaml"],
        cwd=CHECKOUT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (elsewhere / "results" / "notes" / "stages" / "topics" / "features.jsonl").exists()


def test_a_study_of_another_folder_is_not_run_here_and_the_right_command_is_told(project, elsewhere):
    done = project.run("--config", f"study={elsewhere / 'notes.yaml'}", check=False)
    assert done.returncode != 0
    assert "this study belongs to a project in another folder" in done.stdout
    assert f"-d {elsewhere}" in done.stdout
    assert not (project.root / "results").exists()


def test_a_ledger_where_none_can_lie_is_an_error_that_names_the_place(project):
    done = project.run("--config", "ledger=/proc/nowhere/ledger.sqlite", check=False)
    assert done.returncode != 0
    assert "/proc/nowhere: the ledger cannot lie here" in done.stdout
