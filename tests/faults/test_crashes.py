"""Killed at any step of any round, a run ends by the same command as if nothing had been, and pays once."""

import contextlib
import multiprocessing
import os
import signal
import time

import pytest

from goldpan.crashpoints import NAMES, on_reaching
from goldpan.serve import running_server
from goldpan.serve.fault_plan import FaultPlan
from tests.faults.conftest import comparable, make_project, scripted_answer
from tests.projects import note_rows
from tests.stage_builders import answer_all, with_records

# Killed between the note that the paid call is sent and the call, a shard is in doubt: see the last test.
CERTAIN = [name for name in NAMES if name != "paying"]


@contextlib.contextmanager
def project_of_rounds(folder, rounds: int, *, rows: int, shards: int):
    """A project and its endpoint: two rows fail in round 1, one in every later round but the last."""
    faults = FaultPlan.of(
        {"fault": "row_error", "rows": "n[01]$", "batches": list(range(1, shards + 1))},
        {"fault": "row_error", "rows": "n0$", "batches": list(range(shards + 1, shards + rounds - 1))},
    )
    with running_server(folder / "server", answerer=scripted_answer, faults=faults) as server:
        limits = {"requests": -(-rows // shards)}
        project = make_project(folder / "project", server.base_url, limits=limits, max_rounds=rounds)
        project.write_rows("notes/a.jsonl", note_rows(rows))
        yield project, server


def undisturbed(folder, rounds: int, *, rows: int, shards: int):
    """What the same project comes to when nothing disturbs it: features, and requests asked by batch."""
    with project_of_rounds(folder, rounds, rows=rows, shards=shards) as (project, server):
        answer_all(with_records(project.root))
        return comparable(project), asked_by_batch(server)


def asked_by_batch(server) -> list[int]:
    """How many requests each batch that was paid for has carried."""
    return sorted(batch.total for batch in server.engine.list_batches())


def start_until(project, point: str, *arguments: str):
    """Start a run, in a process group of its own, that stops at a crash point.

    Returns:
        Its main process, and the file with the process id of the worker that stopped.
    """
    marker = project.root / f"stopped-{time.monotonic_ns()}"
    process = project.start(*arguments, GOLDPAN_STOP_AT=point, GOLDPAN_STOP_FILE=str(marker), own_group=True)
    deadline = time.monotonic() + 120
    while not (marker.exists() and marker.read_text()):
        assert time.monotonic() < deadline, f"{point} was not reached"
        assert process.poll() is None, f"the run ended before {point}:\n{process.communicate()[0]}"
        time.sleep(0.02)
    return process, marker


def kill_worker(process, marker) -> None:
    """Kill the step; Snakemake sees it fail, and ends."""
    os.kill(int(marker.read_text()), signal.SIGKILL)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 1, output


def kill_group(process, marker) -> None:
    """Kill Snakemake and all its workers at once, as a machine that goes down does."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def kill_main_process(process, marker) -> None:
    """Kill Snakemake alone: the orphaned worker goes on while the next run starts."""
    process.kill()
    process.wait()  # its output stays open, for the worker still writes there
    marker.write_text("go on")


@pytest.mark.timeout(1800)
def test_killed_at_each_point(tmp_path):
    """Each point once, of round 1, 2 or 3; the test after this one kills at all points of all rounds."""
    shape = {"rounds": 3, "rows": 5, "shards": 2}
    features, asked = undisturbed(tmp_path / "quiet", **shape)
    with project_of_rounds(tmp_path / "killed", **shape) as (project, server):
        # A kill at a later point lets the rounds go on, so those of a third of the points end a round.
        for at, point in enumerate(point for third in range(3) for point in CERTAIN[third::3]):
            kill = kill_worker if at % 2 else kill_group
            kill(*start_until(project, point))
        project.run()
        assert asked_by_batch(server) == asked == [1, 2, 2, 3]
        assert comparable(project) == features
        assert "Nothing to be done" in project.run().stdout


def take_steps(root, point: str) -> None:
    """The steps of all rounds, up to the first time that a point is reached: there the process is killed."""

    def kill(name: str) -> None:
        if name == point:
            os.kill(os.getpid(), signal.SIGKILL)

    with on_reaching(kill):
        answer_all(with_records(root))


def test_killed_at_each_point_of_rounds_1_2_and_3_by_the_steps_alone(tmp_path):
    """As above for each point of each round, in processes that begin with the modules loaded."""
    shape = {"rounds": 3, "rows": 5, "shards": 2}
    features, asked = undisturbed(tmp_path / "quiet", **shape)
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.stage_builders", "goldpan.providers.openai"])
    with project_of_rounds(tmp_path / "killed", **shape) as (project, server):
        for number in range(1, 4):
            for point in CERTAIN:
                process = processes.Process(target=take_steps, args=(project.root, point))
                process.start()
                process.join(120)
                assert process.exitcode == -signal.SIGKILL, f"{point} of round {number} was not reached"
        answer_all(with_records(project.root))
        assert asked_by_batch(server) == asked == [1, 2, 2, 3]
        assert comparable(project) == features


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("points", [NAMES[::2], NAMES[1::2]], ids=lambda points: points[0])
def test_orphaned_workers_of_a_killed_main_process_do_no_harm_in_any_round(points, tmp_path):
    """A round for each kill, for a worker that goes on may pass the next point before the next run does."""
    shape = {"rounds": len(points), "rows": 5, "shards": 1}
    features, asked = undisturbed(tmp_path / "quiet", **shape)
    with project_of_rounds(tmp_path / "killed", **shape) as (project, server):
        for point in points:
            kill_main_process(*start_until(project, point))
        project.run()
        assert asked_by_batch(server) == asked
        assert comparable(project) == features


def test_a_worker_killed_at_the_paid_call_is_in_doubt_until_there_is_proof(tmp_path):
    shape = {"rounds": 1, "rows": 5, "shards": 2}
    features, asked = undisturbed(tmp_path / "quiet", **shape)
    with project_of_rounds(tmp_path / "killed", **shape) as (project, server):
        kill_worker(*start_until(project, "paying"))
        for _ in range(3):
            run = project.run(check=False)
            if run.returncode == 0:
                break
            assert "goldpan batches adopt" in run.stdout
        assert run.returncode == 0, run.stdout
        assert asked_by_batch(server) == asked
        assert comparable(project) == features
