"""Looks at a test split are counted beside the labels: each once, whoever looks and however often."""

import subprocess
import sys
from dataclasses import replace

import pytest

from goldpan.errors import GoldpanError
from goldpan.records.inputs import source_files
from goldpan.records.test_looks import LookAtTest, hash_of_rows, looks, looks_file, record_look
from goldpan.study.load import load_project
from goldpan.study.model import Source
from tests.projects import WorkflowProject, notes_study

LOOK = LookAtTest("study: search better", "a" * 64, "b" * 64, 50, "2026-01-31", "the seed and rewrites-1")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "annotations" / "first.test_looks.jsonl"


def test_nobody_has_looked_where_there_is_no_file(file):
    assert looks(file) == ()


def test_a_look_is_a_line_and_comes_back(file):
    assert record_look(file, LOOK) == (LOOK,)
    assert looks(file) == (LOOK,)
    assert len(file.read_bytes().splitlines()) == 1


def test_the_same_look_again_is_no_new_one_whoever_looks(file):
    record_look(file, LOOK)
    before = file.read_bytes()
    again = replace(LOOK, by="study: evaluation notes", day="2027-01-01")
    assert record_look(file, again) == (LOOK,)
    assert file.read_bytes() == before


@pytest.mark.parametrize("other", [{"asked": "c" * 64}, {"rows": "c" * 64}])
def test_another_prompt_or_other_rows_are_another_look(file, other):
    record_look(file, LOOK)
    assert len(record_look(file, replace(LOOK, **other))) == 2
    assert len(looks(file)) == 2


def test_a_look_keeps_its_number_when_others_follow(file):
    record_look(file, LOOK)
    record_look(file, replace(LOOK, asked="c" * 64))
    assert len(record_look(file, LOOK)) == 1


def test_the_hash_of_rows_is_of_ids_and_labels_and_not_of_their_order():
    rows = {"a": {"topic": "x"}, "b": {"topic": None}}
    assert hash_of_rows(rows) == hash_of_rows(dict(reversed(rows.items())))
    assert hash_of_rows(rows) != hash_of_rows({**rows, "b": {"topic": "x"}})
    assert hash_of_rows(rows) != hash_of_rows({"a": rows["a"]})


@pytest.mark.parametrize("damage", [b'{"by": "x"}\n', b"not JSON\n", b'{"by": "x", "asked": "y', b"[]\n"])
def test_a_damaged_file_is_named_and_never_written_over(file, damage):
    record_look(file, LOOK)
    file.write_bytes(file.read_bytes() + damage)
    before = file.read_bytes()
    with pytest.raises(GoldpanError, match=r"test_looks\.jsonl"):
        record_look(file, replace(LOOK, asked="c" * 64))
    assert file.read_bytes() == before


def test_processes_that_look_at_once_are_all_counted(file):
    code = (
        "import sys; from pathlib import Path\n"
        "from goldpan.records.test_looks import LookAtTest, record_look\n"
        "for number in range(5):\n"
        "    record_look(Path(sys.argv[1]), LookAtTest('x', f'{sys.argv[2]}-{number}', 'rows', 1, 'day'))\n"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(file), str(who)]) for who in range(3)]
    assert [process.wait(timeout=600) for process in started] == [0, 0, 0]
    assert len(looks(file)) == 15


def test_the_file_is_no_data_of_a_source_that_takes_all_files(tmp_path):
    (tmp_path / "notes.jsonl").write_text("{}\n")
    record_look(tmp_path / "notes.jsonl.test_looks.jsonl", LOOK)
    source = Source.model_validate({"files": ["*.jsonl"], "format": "jsonl"})
    assert list(source_files(source, tmp_path).values()) == [tmp_path / "notes.jsonl"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["data/notes.csv"], "data/notes.csv.test_looks.jsonl"),
        (["data/*.csv"], "data/notes.test_looks.jsonl"),
        (["data/**/*.csv", "more/a.csv"], "data/notes.test_looks.jsonl"),
        (["data/a.csv", "data/b.csv"], "data/notes.test_looks.jsonl"),
        (["*.csv"], "notes.test_looks.jsonl"),
        (["data/2024-*/part/*.csv"], "data/notes.test_looks.jsonl"),
    ],
)
def test_looks_at_gold_in_fields_lie_beside_the_data_whatever_files_come_later(tmp_path, files, expected):
    project = WorkflowProject.create(tmp_path / "project")
    study = notes_study()
    study["sources"]["notes"] |= {"files": files}
    study["evaluations"] = {
        "topics": {"source": "notes", "gold": {"topic": "topic"}, "predictions": "topics"}
    }
    study["optimised"] = {
        "better": {"stage": "topics", "improver": {"provider": "main"}, "budget": {"answers": 900}}
    }
    project.write_study(study)
    loaded = load_project(root=project.root)
    file = looks_file(loaded, loaded.study.evaluations["topics"])
    assert file == project.root / expected
