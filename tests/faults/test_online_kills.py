"""Killed at any moment while it is asked online, a run goes on: what was answered is never asked again."""

import multiprocessing
import os
import signal

import pytest

from goldpan.batches.stage import StageRun
from goldpan.crashpoints import on_reaching
from goldpan.ledger import Ledger
from goldpan.study import load_project
from tests.online_service import Say, online_service
from tests.projects import note_rows
from tests.stage_builders import STAGE, answer_all, make_stage, records_made

ROWS = 24
SAID = "said.txt"
# Point, and how often it is passed before: the kill comes at another moment of the run each time.
KILLS = [
    *(("created", 0), ("sending", 0), ("answer_written", 0), ("sending", 1), ("answer_written", 4)),
    *(("taken", 0), ("sending", 2), ("answer_written", 7), ("taken", 0), ("settling", 0), ("settled", 0)),
]


def take_steps(root, point: str, passed: int) -> None:
    """Answer the stage in this process, which is killed at a point; what it says goes into a file."""
    os.dup2(os.open(root / SAID, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    left = [passed]

    def kill(name: str) -> None:
        if name == point:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    with on_reaching(kill):
        answer_all(records_made(StageRun(load_project("notes", root=root), STAGE)))


@pytest.mark.timeout(300)
def test_killed_eleven_times_it_asks_again_only_what_was_in_flight_and_says_so(tmp_path):
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.stage_builders", "goldpan.providers.online", "aiohttp"])
    # Too slow for the whole batch to be answered between two kills.
    with online_service(lambda call: Say(after=0.03)) as service:
        provider = {"kind": "openai", "base_url": service.base_url, "concurrency": 2}
        run = make_stage(tmp_path, note_rows(ROWS), provider, model="m", mode="online")
        in_flight = 0
        for point, passed in KILLS:
            with Ledger(run.project.ledger) as ledger:
                known = ledger.counts().get("ok", 0)
            process = processes.Process(target=take_steps, args=(tmp_path, point, passed))
            process.start()
            process.join(120)
            assert process.exitcode == -signal.SIGKILL, f"{point} was not reached"
            with Ledger(run.project.ledger) as ledger:
                assert ledger.counts().get("ok", 0) >= known
                in_flight += sum(len(ledger.sent(known.id)) for known in ledger.submissions(only_open=True))
        answer_all(run)
        with Ledger(run.project.ledger) as ledger:
            assert ledger.counts() == {"ok": ROWS}
            assert sum(known.paid for known in ledger.submissions()) == ROWS
        twice = sum(service.answered.values()) - ROWS
        assert len(service.answered) == ROWS and 0 < twice <= in_flight
        said = (tmp_path / SAID).read_text()
        assert "were under way when the run before this one was stopped" in said
