"""The paper kit in a run: made when it is named, from what is there, and alone."""

import json

import pytest

from tests.projects import ran

TARGET = "results/notes/paper/methods.md"


@pytest.fixture(scope="module")
def written(finished, tmp_path_factory):
    """A finished project whose kit was made by naming it."""
    project = finished.copy(tmp_path_factory.mktemp("paper") / "project")
    project.done = project.run(TARGET)
    return project


def kit_of(project):
    folder = project.root / "results/notes/paper"
    return {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_naming_a_file_of_the_kit_makes_the_kit_alone(written):
    assert ran(written.done) == {"paper"}
    assert (written.root / TARGET).read_text().startswith("# Methods of the study notes\n")


def test_a_run_does_not_make_the_kit(finished):
    assert not (finished.root / "results/notes/paper").exists()


def test_the_command_writes_the_same_bytes_as_the_rule(written):
    before = kit_of(written)
    said = written.goldpan("paper", "notes").stdout
    assert said.startswith(f"{len(before)} files in results/notes/paper;")
    assert kit_of(written) == before


def test_the_numbers_of_a_real_run_are_those_of_its_artifacts(written):
    quotations = json.loads((written.root / "results/notes/paper/numbers.json").read_text())
    compared = [one for one in quotations if one["artifact"].endswith(("summary.json", "chain.json"))]
    assert len(compared) > 15
    for quotation in compared:
        value = json.loads((written.root / quotation["artifact"]).read_text())
        for step in quotation["key"]:
            value = value[step]
        assert value == quotation["value"], quotation


def test_the_kit_says_that_the_baseline_answered(written):
    text = (written.root / TARGET).read_text()
    assert "answers of the stages topics, details come from goldpan's built-in baseline" in text


def test_another_statement_makes_the_kit_anew_and_nothing_else(written, tmp_path):
    project = written.copy(tmp_path / "project")
    study = project.root / "config/studies/notes.yaml"
    study.write_text(study.read_text() + "statement: {funding: Grant 17}\n")
    done = project.run(TARGET, "results/notes/stages/details/features.jsonl")
    assert ran(done) == {"paper"}
    assert "Funding: Grant 17" in (project.root / TARGET).read_text()
