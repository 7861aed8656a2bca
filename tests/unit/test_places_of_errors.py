"""Errors name files as one would type them in the project's folder, where commands are given."""

from __future__ import annotations

from pathlib import Path

import pytest

from goldpan.cli import main
from goldpan.errors import GoldpanError, SeveralErrors
from goldpan.records.read import build_records
from goldpan.study import load_project
from tests.projects import WorkflowProject, note_rows, notes_study


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorkflowProject:
    """A project whose name has a space and an umlaut, as the working folder."""
    project = WorkflowProject.create(tmp_path / "das Projékt")
    wave = {"stage": "topics", "sample": 3, "annotators": ["ann"]}
    project.write_study(notes_study() | {"waves": {"check": wave}})
    project.write_rows("notes/a.jsonl", note_rows(3))
    monkeypatch.chdir(project.root)
    return project


def said_by(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    assert main(list(command)) != 0
    return capsys.readouterr().err


def test_each_kind_of_file_is_named_from_the_project_on(
    project: WorkflowProject, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {}
    loaded = load_project(root=project.root)
    project.write("notes/b.jsonl", '{"id": "x", "text": "a"}\n{"id": \n')
    with pytest.raises(GoldpanError) as raised:
        build_records(
            loaded.study.sources["notes"],
            "notes",
            "b.jsonl",
            loaded.root / "notes/b.jsonl",
            Path("out.jsonl"),
        )
    said["notes/b.jsonl"] = str(raised.value)
    (project.root / "notes/b.jsonl").unlink()
    (project.root / "config/tasks/topic.user.j2").rename(project.root / "away.j2")
    said["config/tasks/topic"] = said_by(capsys, "validate", "notes")
    (project.root / "away.j2").rename(project.root / "config/tasks/topic.user.j2")
    project.write("config/tasks/topic.yaml", "task: [")
    said["config/tasks/topic.yaml"] = said_by(capsys, "validate", "notes")
    project.write("config/studies/notes.yaml", "study: notes\nno_such_key: 1\n")
    said["config/studies/notes.yaml"] = said_by(capsys, "validate", "notes")
    for name, text in said.items():
        assert name in text, text
        assert str(project.root) not in text, text


def test_a_sheet_is_named_from_the_project_on(project: WorkflowProject) -> None:
    root = project.root
    loaded = load_project(root=root)
    assert loaded.root.is_absolute()
    error = GoldpanError(
        f"of {root}/results/notes/a.h5 and `{root}/heads/x.json` one is another's",
        where=f"{root}/annotations/notes/check/ann.csv, row 3",
        remedy=f"see {root}/README.md",
    )
    assert str(root) not in str(error) and str(SeveralErrors([error, error])).count(str(root)) == 0
    assert str(error).startswith("annotations/notes/check/ann.csv, row 3: of results/notes/a.h5 and `heads/x")
    # What an error holds stays as it is: programs read it.
    assert error.where == f"{root}/annotations/notes/check/ann.csv, row 3"


@pytest.mark.parametrize(
    "text", ["{}", "{}-other/x", "/mnt{}/x", "sqlite:///{}/x.db", "file://{}/x", "~{}/x"]
)
def test_what_is_no_path_below_the_folder_stays(project: WorkflowProject, text: str) -> None:
    text = text.format(project.root)
    assert str(GoldpanError(text)) == text


def test_in_the_root_of_the_disk_paths_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir("/")
    assert str(GoldpanError("x", where=f"{tmp_path}/a")) == f"{tmp_path}/a: x"
