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
from tests.projects import note_rows, until
from tests.stage_builders import STAGE, answer_all, at, make_stage, records_made

ROWS = 24
SAID = "said.txt"
# Point, and how often it is passed before: the kill comes at another moment of the run each time.
KILLS = [
    *(("created", 0), ("sending", 0), ("answer_written", 0), ("sending", 1), ("answer_written", 4)),
    *(("taken", 0), ("sending", 2), ("answer_written", 7), ("taken", 0), ("settling", 0), ("settled", 0)),
    # In the second round, which asks the one note again that was not answered.
    *(("planning", 0), ("created", 0), ("sending", 0), ("answer_written", 0), ("settled", 0)),
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
def test_killed_at_sixteen_points_it_asks_again_only_what_was_in_flight_and_says_so(tmp_path):
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.stage_builders", "goldpan.providers.online", "aiohttp"])

    def script(call):
        is_nonsense = call.text.startswith("Note 3:") and not settled.exists()
        # Too slow for the whole batch to be answered between two kills.
        return Say(after=0.03, body="<p>busy</p>" if is_nonsense else None)

    with online_service(script) as service:
        provider = {"kind": "openai", "base_url": service.base_url, "concurrency": 2}
        run = make_stage(tmp_path, note_rows(ROWS), provider, model="m", mode="online")
        settled = at(run, run.paths.settled(STAGE, 1))
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
            assert {known.round for known in ledger.submissions()} == {1, 2}
        twice = sum(service.answered.values()) - ROWS - 1
        assert len(service.answered) == ROWS and 0 < twice <= in_flight
        said = (tmp_path / SAID).read_text()
        assert "were under way when the run before this one was stopped" in said


@pytest.mark.timeout(300)
def test_killed_while_the_service_is_silent_it_knows_what_was_under_way(tmp_path):
    """Five notes are answered; about the others comes nothing, or half an answer, until the kill."""
    processes = multiprocessing.get_context("forkserver")
    answers = 5
    hanging = [Say(after=300), Say(cut=40, stall=300)]

    def script(call):
        return Say() if call.number <= answers else hanging[call.number % 2]

    with online_service(script) as service:
        provider = {"kind": "openai", "base_url": service.base_url, "concurrency": 4}
        run = make_stage(tmp_path, note_rows(ROWS), provider, model="m", mode="online")
        process = processes.Process(target=take_steps, args=(tmp_path, "never", 0))
        process.start()

        def is_hanging() -> bool:
            if len(service.calls) < answers + 4:
                return False
            with Ledger(run.project.ledger) as ledger:
                return ledger.counts().get("ok") == answers

        until(is_hanging)
        os.kill(process.pid, signal.SIGKILL)
        process.join(60)
        with Ledger(run.project.ledger) as ledger:
            (submission,) = ledger.submissions(only_open=True)
            under_way = len(ledger.sent(submission.id))
        asked_by_then = set(service.texts())
        service._script = lambda call: Say()
        answer_all(run)
        with Ledger(run.project.ledger) as ledger:
            assert ledger.counts() == {"ok": ROWS}
        assert set(service.answered.values()) == {1} and len(service.answered) == ROWS
        assert under_way >= len(asked_by_then) - answers == 4
        again = [text for text, count in service.texts().items() if count > 1]
        assert len(again) == 4, "what was under way, and nothing that was answered"
