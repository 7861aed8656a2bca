"""Killed at any step of paid work, a run ends by a plain rerun as if nothing had been, and pays no more."""

import os
import signal
import subprocess
import time

import pytest

from goldpan.crashpoints import NAMES
from tests.faults.conftest import SHARDS, comparable, make_project


def wait_for(path, process) -> int:
    """Wait until a worker has stopped at its crash point; returns its process id."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if path.exists() and path.read_text():
            return int(path.read_text())
        assert process.poll() is None, f"the run ended before the crash point: {process.communicate()[0]}"
        time.sleep(0.02)
    raise AssertionError("the crash point was not reached")


def start_until(project, point: str) -> tuple[subprocess.Popen, int]:
    """Start a run that stops at a crash point; returns its main process and the stopped worker's id."""
    marker = project.root / "stopped"
    environment = {**project.env(), "GOLDPAN_STOP_AT": point, "GOLDPAN_STOP_FILE": str(marker)}
    process = subprocess.Popen(
        project.command(), cwd=project.root, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return process, wait_for(marker, process)


@pytest.mark.parametrize("point", NAMES)
def test_a_killed_worker_costs_nothing_and_loses_nothing(point, tmp_path, server, undisturbed):
    project = make_project(tmp_path / "project", server.base_url)
    process, worker = start_until(project, point)
    os.kill(worker, signal.SIGKILL)
    process.communicate(timeout=120)
    assert process.returncode != 0
    project.run()
    assert len(server.engine.list_batches()) == SHARDS
    assert comparable(project) == undisturbed


@pytest.mark.parametrize("point", NAMES)
def test_a_killed_main_process_costs_nothing_and_loses_nothing(point, tmp_path, server, undisturbed):
    project = make_project(tmp_path / "project", server.base_url)
    process, _worker = start_until(project, point)
    process.kill()
    process.wait()
    # The orphaned worker goes on while the next run starts: the worst that can happen.
    (project.root / "stopped").write_text("go on")
    project.run()
    assert len(server.engine.list_batches()) == SHARDS
    assert comparable(project) == undisturbed
    assert "Nothing to be done" in project.run().stdout
