"""The limit of a source: which rows of which files a trial reads, and what is no limit."""

import bz2

import orjson
import pytest

from goldpan.cli import main
from goldpan.cli.summary import print_trial
from goldpan.errors import SourceError, StudyError
from goldpan.evaluation.evaluate import evaluate
from goldpan.records.inputs import source_files
from goldpan.records.limit import LimitedRows, build_limited_records, rows_within_limit, trial_of
from goldpan.records.read import build_records
from goldpan.study.load import load_project, load_study
from goldpan.study.model import Source
from tests.evaluation_builders import FEATURES, everything
from tests.projects import WorkflowProject, note_rows, notes_study


def jsonl(rows):
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


@pytest.fixture
def folder(tmp_path):
    """Files of 3, 4 and 2 rows; the second is compressed."""
    rows = note_rows(9)
    (tmp_path / "a.jsonl").write_bytes(jsonl(rows[:3]))
    (tmp_path / "b.jsonl.bz2").write_bytes(bz2.compress(jsonl(rows[3:7])))
    (tmp_path / "c.jsonl").write_bytes(jsonl(rows[7:]))
    return tmp_path


def limited(folder, limit, **source):
    settings = Source(files=["*.jsonl*"], id=["id"], **source)
    return rows_within_limit(settings, limit, source_files(settings, folder))


@pytest.mark.parametrize(
    ("limit", "rows", "has_more"),
    [
        (1, {"a.jsonl": 1}, True),
        (3, {"a.jsonl": 3}, True),
        (5, {"a.jsonl": 3, "b.jsonl.bz2": 2}, True),
        (9, {"a.jsonl": 3, "b.jsonl.bz2": 4, "c.jsonl": 2}, False),
        (10_000, {"a.jsonl": 3, "b.jsonl.bz2": 4, "c.jsonl": 2}, False),
    ],
)
def test_files_give_their_rows_in_their_order_until_the_limit(folder, limit, rows, has_more):
    assert limited(folder, limit) == LimitedRows(limit, rows, has_more)


def test_a_file_beyond_the_limit_may_be_damaged_and_one_within_may_not(folder):
    damaged = folder / "b.jsonl.bz2"
    damaged.write_bytes(damaged.read_bytes()[:40])
    assert limited(folder, 3) == LimitedRows(3, {"a.jsonl": 3}, has_more=True)
    with pytest.raises(SourceError):
        limited(folder, 4)


def test_skipped_rows_count_and_bad_ones_beyond_the_limit_are_not_met(folder):
    (folder / "a.jsonl").write_bytes(b'{"id": "x"}\n{"id": "y", "text": "t"}\nno JSON\n')
    source = Source(files=["a.jsonl"], id=["id"], fields={"text": "string"}, on_error="skip")
    assert rows_within_limit(source, 2, source_files(source, folder)).rows == {"a.jsonl": 2}
    counts = build_records(source, "s", "a.jsonl", folder / "a.jsonl", folder / "out.jsonl", 2)
    assert (counts.rows, counts.records, counts.skipped) == (2, 1, {"missing_field": 1})
    whole = build_records(source, "s", "a.jsonl", folder / "a.jsonl", folder / "out.jsonl")
    assert whole.skipped == {"bad_json": 1, "missing_field": 1}


@pytest.mark.parametrize("limit", ["0", "-1", "ten", "1.5", "1.0", "true", "null", "'5'", "[5]"])
def test_what_is_no_number_of_rows_is_an_error_that_names_the_key(tmp_path, limit):
    path = tmp_path / "s.yaml"
    path.write_text(f"study: s\nsources:\n  a: {{files: x.jsonl, limit: {limit}}}\n")
    with pytest.raises(StudyError, match=r"sources\.a\.limit: "):
        load_study(path)


@pytest.fixture
def project(tmp_path):
    """A project of two files and 11 rows."""
    project = WorkflowProject.create(tmp_path / "project")
    project.write_study(notes_study())
    project.write_rows("notes/a.jsonl", note_rows(4))
    project.write_rows("notes/b.jsonl", note_rows(7, start=4))
    return project


@pytest.mark.parametrize("limit", [0, -1, "ten", 1.5, True, ""])
def test_a_run_is_not_limited_by_nonsense(project, limit):
    with pytest.raises(StudyError, match=r"a whole number from 1, not .*(?s:.*)--config limit=20"):
        load_project("notes", root=project.root, limit=limit)


@pytest.mark.parametrize("limit", ["0", "-1", "ten", "1.5", ""])
def test_a_command_is_not_limited_by_nonsense(project, limit, capsys):
    assert main(["plan", "notes", "--root", str(project.root), f"--limit={limit}"]) == 1
    assert "must be a whole number from 1" in capsys.readouterr().err


def test_the_smaller_of_two_limits_holds(project):
    study = notes_study()
    study["sources"]["notes"]["limit"] = 5
    study["sources"]["others"] = {"files": ["notes/b.jsonl"], "id": ["id"]}
    project.write_study(study)
    limits = []
    for limit in (None, 3, 8):
        sources = load_project("notes", root=project.root, limit=limit).study.sources
        limits.append((sources["notes"].limit, sources["others"].limit))
    assert limits == [(5, None), (3, 3), (5, 8)]


def test_a_plan_and_a_check_are_of_the_trial_and_say_so(project, capsys):
    place = ["notes", "--root", str(project.root)]
    assert main(["validate", *place, "--limit", "6"]) == 0
    assert "source notes: 2 files, of which the first 6 rows are read" in capsys.readouterr().out
    assert main(["plan", *place, "--limit", "6", "--json"]) == 0
    (planned,) = orjson.loads(capsys.readouterr().out)
    assert planned["note"] == "a trial: only the first 6 rows of notes"
    assert planned["plan"]["requests"]["asked"] == 6
    assert main(["plan", *place, "--limit", "11", "--json"]) == 0
    (planned,) = orjson.loads(capsys.readouterr().out)
    assert (planned["note"], planned["plan"]["requests"]["asked"]) == (None, 11)


def build(project, *files):
    """The records of some files, as a run makes them."""
    paths = source_files(project.study.sources["notes"], project.root)
    for name in files:
        (file,) = [file for file in paths if file.startswith(name)]
        output = project.root / project.paths.records("notes", file)
        build_limited_records(project, "notes", file, paths[file], output)


def test_records_are_of_a_trial_until_all_are_made_without_a_limit(project, capsys):
    trial = load_project("notes", root=project.root, limit=5)
    source = trial.study.sources["notes"]
    limit_file = trial.root / trial.paths.limit("notes")
    rows_within_limit(source, 5, source_files(source, trial.root)).write(limit_file)
    build(trial, "a", "b")
    assert trial_of(trial, ["notes"]) == {"notes": 5}
    whole = load_project("notes", root=project.root)
    for file, expected in (("a", {"notes": 5}), ("b", {})):
        build(whole, file)
        assert trial_of(whole, ["notes"]) == expected
        assert limit_file.exists()
        print_trial(whole)
        assert ("only the first 5 rows of notes" in capsys.readouterr().out) == bool(expected)
    build(trial, "b")
    assert trial_of(whole, ["notes"]) == {"notes": 5}
    (project.root / "notes/a.jsonl").unlink()
    (project.root / "notes/b.jsonl").unlink()
    print_trial(whole)


def test_an_evaluation_says_which_predictions_are_of_a_trial(tmp_path):
    chosen, given = everything(tmp_path)
    model = next(iter(chosen.predictions))
    report = evaluate("e", chosen, FEATURES, given.__class__(**{**vars(given), "trials": {model: {"s": 20}}}))
    assert report.as_json()["notes"][0] == (
        f"{model}: these predictions are of a trial: only the first 20 rows of s."
    )
