"""Bundles replayed by the real workflow: elsewhere, without key and network, and once they were changed."""

import os
import shutil
import subprocess
import sys

import orjson
import pytest
import zstandard

from goldpan.bundle.archive import opened
from goldpan.models.installed import is_installed
from tests.bundles import bundled, members_of, with_member, write_members
from tests.projects import CHECKOUT, WorkflowProject, note_rows
from tests.stage_builders import answer_all, make_stage

# Of every process of a replay: a call is written down, and refused.
NO_NETWORK = """
import os, socket, sys

def _refuse(event, arguments):
    if event == "socket.connect" and arguments[0].family in (socket.AF_INET, socket.AF_INET6):
        with open(os.environ["CALLS_SEEN"], "a") as calls:
            calls.write(f"{arguments[1]}\\n")
        raise OSError("this test has no network")

sys.addaudithook(_refuse)
"""


@pytest.fixture
def goldpan_offline(tmp_path):
    """Gives a goldpan command in a folder, whose processes reach nobody; what they tried is in `calls`."""
    guard = tmp_path / "guard"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(NO_NETWORK)
    calls = tmp_path / "calls"
    paths = [str(guard), str(CHECKOUT / "src"), os.environ.get("PYTHONPATH", "")]
    environment = {name: value for name, value in os.environ.items() if "KEY" not in name}
    environment |= {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "CALLS_SEEN": str(calls)}

    def call(*arguments, cwd):
        cwd.mkdir(exist_ok=True)
        done = subprocess.run(
            [sys.executable, "-m", "goldpan", *arguments],
            cwd=cwd,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            timeout=580,
        )
        assert not calls.exists(), f"it called {calls.read_text()}\n{done.stdout}"
        return done

    return call


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    """The quickstart, run to its end."""
    project = WorkflowProject.create(tmp_path_factory.mktemp("quickstart") / "project", study="quickstart")
    for folder in ("config/tasks", "config/studies", "examples", "annotations"):
        shutil.copytree(CHECKOUT / folder, project.root / folder, dirs_exist_ok=True)
    if not is_installed():
        study = (project.root / "config/studies/quickstart.yaml").read_text()
        (project.root / "config/studies/quickstart.yaml").write_text(study.split("\nembeddings:")[0] + "\n")
    project.run()
    return project


@pytest.fixture(scope="module")
def notes(tmp_path_factory):
    """A bundle of a small study."""
    folder = tmp_path_factory.mktemp("notes")
    run = make_stage(folder / "project", note_rows(6))
    answer_all(run)
    return bundled(run, folder / "notes.zip").path


def test_the_guard_sees_a_call(tmp_path, goldpan_offline):
    code = "import socket; socket.create_connection(('127.0.0.1', 9))"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "guard"), "CALLS_SEEN": str(tmp_path / "calls")}
    assert subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True).returncode
    assert (tmp_path / "calls").read_text() == "('127.0.0.1', 9)\n"


def test_the_quickstart_is_repeated_to_the_byte_elsewhere_without_network(
    quickstart, tmp_path, goldpan_offline
):
    bundle, folder = tmp_path / "b.zip", tmp_path / "wo änders"
    made = quickstart.goldpan("bundle", "quickstart", "-o", str(bundle))
    assert f"{bundle}: " in made.stdout
    done = goldpan_offline("replay", str(bundle), "--into", "hier drin", cwd=folder)
    assert done.returncode == 0, done.stdout
    results = folder / "hier drin" / "project" / "results" / "quickstart"
    names = ["evaluation/baseline.json", "evaluation/baseline.html", "waves/check/gold/gold.csv"]
    names += [f"stages/{stage}/features.jsonl" for stage in ("relevance", "assetization", "critic")]
    names += [f"waves/check/gold/{split}.jsonl" for split in ("train", "dev", "test")]
    for name in names:
        assert (results / name).read_bytes() == quickstart.artifact(name).read_bytes(), name
    with opened(bundle) as archive:
        expected = archive.manifest.expected
    assert set(names) <= {artifact.path for artifact in expected}
    assert f"{len(expected)} of {len(expected)} artifacts are the same to the byte" in done.stdout
    again = goldpan_offline("bundle", "--root", "hier drin/project", "-o", "../again.zip", cwd=folder)
    assert again.returncode == 0, again.stdout
    assert (tmp_path / "again.zip").read_bytes() == bundle.read_bytes()


def test_a_study_that_was_never_run_is_said_to_be_so_and_nothing_to_be_changed(tmp_path):
    run = make_stage(tmp_path / "project", note_rows(3))
    done = WorkflowProject(run.project.root).goldpan("bundle", "notes", check=False)
    assert done.returncode == 1 and "was never answered to the end" in done.stdout, done.stdout
    assert "was changed" not in done.stdout and "goldpan run --study notes" in done.stdout


def test_a_sheet_that_came_back_after_the_run_stops_the_bundle(quickstart, tmp_path):
    project = quickstart.copy(tmp_path / "project")
    sheet = project.root / "annotations/quickstart/check/ann.made-up.csv"
    sheet.write_text(sheet.read_text() + "\n")
    done = project.goldpan("bundle", "quickstart", "-o", str(tmp_path / "b.zip"), check=False)
    assert done.returncode == 1 and "something was changed since it was run" in done.stdout
    assert "results/quickstart/waves/check/answers.jsonl" in done.stdout
    assert not (tmp_path / "b.zip").exists()


def test_a_prompt_that_somebody_changed_in_the_bundle_and_its_hash_is_told(notes, tmp_path, goldpan_offline):
    name = "project/config/tasks/topic.user.j2"
    forged = with_member(members_of(notes), name, b"Another note:\n{{ data.text }}", "task")
    write_members(tmp_path / "b.zip", forged)
    done = goldpan_offline("replay", "../b.zip", cwd=tmp_path / "in")
    assert done.returncode == 1
    assert "the ledger has no answer for record 'n0'" in done.stdout and "stage topics" in done.stdout
    assert "not made: stages/topics/features.jsonl" in done.stdout


def test_a_ledger_that_somebody_changed_with_its_hash_is_told_by_what_it_changes(
    notes, tmp_path, goldpan_offline
):
    members = members_of(notes)
    lines = zstandard.ZstdDecompressor().decompressobj().decompress(members["ledger.jsonl.zst"])
    rows = [orjson.loads(line) for line in lines.splitlines()]
    answer = next(row for row in rows if "answer" in row)
    said = orjson.loads(answer["answer"]["line"])
    call = said["response"]["body"]["choices"][0]["message"]["tool_calls"][0]["function"]
    arguments = orjson.loads(call["arguments"])
    arguments["length"] = 5 - arguments["length"]
    call["arguments"] = orjson.dumps(arguments).decode()
    answer["answer"]["line"] = orjson.dumps(said).decode()
    changed = b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
    packed = zstandard.ZstdCompressor().compress(changed)
    write_members(tmp_path / "b.zip", with_member(members, "ledger.jsonl.zst", packed, "ledger"))
    done = goldpan_offline("replay", "../b.zip", cwd=tmp_path / "in")
    assert done.returncode == 1
    assert "differs: stages/topics/features.jsonl" in done.stdout


def test_a_source_that_was_left_out_is_asked_for_and_then_replayed(tmp_path, goldpan_offline):
    run = make_stage(tmp_path / "project", note_rows(3))
    answer_all(run)
    bundled(run, tmp_path / "b.zip", with_sources=False)
    done = goldpan_offline("replay", "../b.zip", cwd=tmp_path / "in")
    assert done.returncode == 1 and "project/notes/a.jsonl (" in done.stdout
    place = tmp_path / "in" / "notes-replay" / "project" / "notes"
    shutil.copytree(tmp_path / "project" / "notes", place, dirs_exist_ok=True)
    done = goldpan_offline("replay", "../b.zip", cwd=tmp_path / "in")
    assert done.returncode == 0, done.stdout
