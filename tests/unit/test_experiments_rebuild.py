"""What is made of the run files is always the same: after kills, edits, copies, and with several writers."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from goldpan.cli import main
from goldpan.experiments.history import LEADERBOARDS, REGISTRY, History
from tests.projects import CHECKOUT
from tests.recorded_runs import ROWS, a_run, contents

RECORD = """
import os, sys, time
from pathlib import Path
from goldpan.experiments.history import History
from tests.recorded_runs import ROWS, a_run
history = History(Path(sys.argv[1]))
if "GO" in os.environ:
    Path(f"{os.environ['GO']}-{os.getpid()}").touch()
while "GO" in os.environ and not Path(os.environ["GO"]).exists():
    time.sleep(0.001)
for argument in sys.argv[2:]:
    module, prompt, at = argument.split("/")
    history.record(a_run(module, prompt, at), ROWS)
"""
AT = "2026-01-01T00:00:00.000000Z"


def record_elsewhere(folder, *runs, **environment):
    """Start a process of its own that records runs, each `module/prompt/time`."""
    command = [sys.executable, "-c", RECORD, str(folder), *runs]
    return subprocess.Popen(command, cwd=CHECKOUT, env={**os.environ, **environment})


def recorded_by_one(folder, *runs):
    """What a history holds in which nothing went wrong."""
    for run in runs:
        History(folder).record(a_run(*run.split("/")), ROWS)
    return contents(folder)


def rebuilt(folder):
    assert main(["experiments", "rebuild", "--root", str(folder.parent)]) == 0
    return contents(folder)


@pytest.fixture
def runs(tmp_path):
    """The folder of a history in a project, with runs of two modules."""
    folder = tmp_path / "project" / "runs"
    recorded_by_one(folder, f"m1/p1/{AT}", f"m1/p2/{AT}", f"m2/p1/{AT}")
    return folder


def kill_between_run_and_registry(folder, run):
    marker = folder.parent / "stopped"
    stop = {"GOLDPAN_STOP_AT": "run_written", "GOLDPAN_STOP_FILE": str(marker)}
    process = record_elsewhere(folder, run, **stop)
    deadline = time.monotonic() + 60
    while not (marker.exists() and marker.read_text()):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_a_process_killed_between_run_and_registry_leaves_what_rebuild_makes_whole(runs, tmp_path, capsys):
    kill_between_run_and_registry(runs, f"m1/p3/{AT}")
    root = str(runs.parent)
    assert main(["experiments", "stats", "m1", "--root", root]) == 0
    said = capsys.readouterr().out
    assert REGISTRY in said and "m1.html" in said and "m2.html" not in said and "rebuild" in said
    whole = recorded_by_one(
        tmp_path / "other" / "runs", f"m1/p1/{AT}", f"m1/p2/{AT}", f"m2/p1/{AT}", f"m1/p3/{AT}"
    )
    made = rebuilt(runs)
    # Runs of one moment have their order from their ids, so a version may be another than as it was recorded.
    derived = {REGISTRY, f"{LEADERBOARDS}/m1.html", f"{LEADERBOARDS}/m2.html"}
    assert made.keys() == whole.keys()
    assert {name: made[name] for name in derived} == {name: whole[name] for name in derived}
    capsys.readouterr()
    assert main(["experiments", "stats", "m1", "--root", root]) == 0
    assert "rebuild" not in capsys.readouterr().out


def test_the_next_run_of_another_module_makes_up_for_a_kill(runs):
    kill_between_run_and_registry(runs, f"m1/p3/{AT}")
    History(runs).record(a_run("m2", "p2", AT), ROWS)
    after = contents(runs)
    assert after[f"{LEADERBOARDS}/m1.html"].count(a_run(prompt="p3").id.encode()) > 0
    assert rebuilt(runs) == after


@pytest.mark.parametrize("name", [REGISTRY, f"{LEADERBOARDS}/m1.html"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(path.read_bytes()[:100]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes().replace(b"m1", b"m2")),
        lambda path: path.write_text('{"runs": [3, {"module": []}], "unreadable": 3}'),
    ],
    ids=["deleted", "half written", "empty", "edited", "of another form"],
)
def test_what_is_gone_or_was_edited_is_told_and_made_again_to_the_same_bytes(runs, name, damage, capsys):
    before = contents(runs)
    damage(runs / name)
    assert main(["experiments", "stats", "m1", "--root", str(runs.parent)]) == 0
    assert f"not as the files of the runs are: {runs / name};" in capsys.readouterr().out
    assert rebuilt(runs) == before


def test_a_registry_that_is_gone_or_was_edited_is_whole_after_the_next_run(runs):
    for damage in (b"", b'{"runs": [3, {"module": []}], "unreadable": 3}', None):
        if damage is None:
            (runs / REGISTRY).unlink()
        else:
            (runs / REGISTRY).write_bytes(damage)
        History(runs).record(a_run("m2", "p1", AT), ROWS)
        after = contents(runs)
        assert rebuilt(runs) == after


def test_processes_that_record_in_one_second_at_once_leave_all_their_runs(tmp_path):
    folder = tmp_path / "project" / "runs"
    shares = [[f"m1/p{number}/{AT}" for number in range(start, 30, 3)] for start in range(3)]
    go = tmp_path / "go"
    processes = [record_elsewhere(folder, *share, GO=str(go)) for share in shares]
    while len(list(tmp_path.glob("go-*"))) < 3:
        assert all(process.poll() is None for process in processes)
        time.sleep(0.01)
    go.touch()
    assert [process.wait(timeout=120) for process in processes] == [0, 0, 0]
    at_once = contents(folder)
    assert len([name for name in at_once if name.endswith(".csv")]) == 30
    alone = recorded_by_one(tmp_path / "other" / "runs", *(run for share in shares for run in share))
    derived = [REGISTRY, f"{LEADERBOARDS}/m1.html"]
    # Each was alone when it counted the prompts before its own.
    versions = sorted(run.prompt_version for run in History(folder).read().runs)
    assert versions == list(range(1, 31))
    assert {name: at_once[name] for name in derived} == {name: alone[name] for name in derived}
    assert rebuilt(folder) == at_once


def test_a_clock_that_was_set_back_makes_no_difference_to_rebuild(runs):
    earlier = History(runs).record(a_run("m1", "p3", "2019-01-01T00:00:00.000000Z"), ROWS)
    assert earlier.prompt_version == 3
    after = contents(runs)
    assert rebuilt(runs) == after
    History(runs).record(a_run("m1", "p3", "2027-01-01T00:00:00.000000Z"), ROWS)
    assert contents(runs) == after


def test_files_copied_in_from_another_machine_are_told_and_merged(runs, tmp_path, capsys):
    other = tmp_path / "other" / "runs"
    recorded_by_one(other, f"m1/p2/{AT}", "m1/p9/2025-01-01T00:00:00.000000Z", f"m3/p1/{AT}")
    for path in other.glob("*.*"):
        if path.name != REGISTRY:
            shutil.copy2(path, runs / path.name)
    assert main(["experiments", "stats", "m1", "--root", str(runs.parent)]) == 0
    assert "m3.html" in capsys.readouterr().out
    merged = rebuilt(runs)
    together = recorded_by_one(
        tmp_path / "together" / "runs",
        *("m1/p9/2025-01-01T00:00:00.000000Z", f"m1/p1/{AT}", f"m1/p2/{AT}", f"m2/p1/{AT}", f"m3/p1/{AT}"),
    )
    derived = [REGISTRY, *(f"{LEADERBOARDS}/m{number}.html" for number in (1, 2, 3))]
    assert merged.keys() == together.keys()
    assert {name: merged[name] for name in derived} == {name: together[name] for name in derived}


def test_a_damaged_run_is_named_on_the_pages_until_it_is_recorded_anew(runs):
    before = contents(runs)
    path = History(runs).run_file(a_run(prompt="p2").id)
    path.write_bytes(path.read_bytes()[:-40])
    damaged = rebuilt(runs)
    for module in ("m1", "m2"):
        assert "could not be read" in (page := damaged[f"{LEADERBOARDS}/{module}.html"].decode())
        assert path.name in page
    History(runs).record(a_run(prompt="p2"), ROWS)
    after = contents(runs)
    assert {name: after[name] for name in before if "/" in name} == {
        name: before[name] for name in before if "/" in name
    }


def test_the_page_of_a_module_without_runs_is_removed_and_other_files_stay(runs):
    page = runs / LEADERBOARDS / "m2.html"
    own = runs / LEADERBOARDS / "notes.html"
    own.write_text("<title>mine</title>")
    run = a_run("m2")
    for path in (History(runs).run_file(run.id), History(runs).rows_file(run.id)):
        path.unlink()
    assert not rebuilt(runs).get(str(page.relative_to(runs)))
    assert own.exists() and not page.exists()
