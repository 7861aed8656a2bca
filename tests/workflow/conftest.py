"""A small project that was never run, and the same one run to its end; the order of files."""

import pytest

from tests.projects import WorkflowProject, note_rows, two_stage_study

_LONGEST_FIRST = (
    *("tutorial", "waves", "rounds", "corpus", "waiting"),
    *("incremental", "optimise", "waves_frozen"),
)
"""Files that take minutes. Shared among processes they come first, so that none is left for the end, when the
others have nothing to do; pytest-xdist by itself puts files with few tests last."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; all else stays in its order."""
    places = {f"test_{name}.py": place for place, name in enumerate(_LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


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
