"""A small project that was never run, and the same one run to its end."""

import pytest

from tests.projects import WorkflowProject, note_rows, two_stage_study


@pytest.fixture(scope="session")
def fresh(tmp_path_factory):
    """A project that was never run."""
    project = WorkflowProject.create(tmp_path_factory.mktemp("fresh") / "project")
    project.write_study(two_stage_study())
    project.write_rows("notes/a.jsonl", note_rows(30))
    return project


@pytest.fixture(scope="session")
def finished(fresh, tmp_path_factory):
    """The same project, run to its end."""
    project = fresh.copy(tmp_path_factory.mktemp("finished") / "project")
    project.run()
    return project


@pytest.fixture
def unrun(fresh, tmp_path):
    """A copy of the project that was never run."""
    return fresh.copy(tmp_path / "project")
