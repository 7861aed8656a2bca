"""A service that answers others, or nobody: how long it is waited for, and what is said."""

import re
import time
from collections import Counter
from functools import partial

import pytest

from goldpan.batches.online_work import OnlineWork
from goldpan.errors import OnlineError
from goldpan.ledger import Ledger
from goldpan.providers.online.watch import Traffic
from tests.online_service import ANSWER, Say, error_body, online_service
from tests.scripted_provider import answer_line
from tests.simulated_clock import SimulatedClock
from tests.stage_builders import answer_all, make_online, send, states

ROWS = 12


make = partial(make_online, rows=ROWS)


def test_answers_that_say_nothing_is_left_for_hours_are_waited_for_no_longer_than_patience(tmp_path):
    nothing_left = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6h3m0s"}

    with online_service(lambda call: Say(headers=nothing_left if call.number == 5 else {})) as service:
        run = make(tmp_path, service, patience_seconds=2)
        answer_all(run)
        assert states(run) == {"ok": ROWS}


def test_time_left_counts_the_time_that_the_service_wants_none(tmp_path):
    said: list[str] = []
    clock = SimulatedClock()
    with online_service() as service:
        run = make(tmp_path, service)
        send(run, run.plan(1))
        with Ledger(run.project.ledger) as ledger:
            (submission,) = ledger.submissions()
            work = OnlineWork(ledger, run.project, "topics", submission, say=said.append, clock=clock)
            work.resumed(iter([]))
            custom_ids = list(ledger.asked_by(submission.id))
            work.sending(custom_ids)
            for custom_id in custom_ids[:6]:
                work.written(custom_id, answer_line(custom_id, ANSWER) + b"\n")
            for _ in range(7):
                clock.sleep(1.0)
                work.look(Traffic(quiet_until=time.monotonic() + 3600, refusals=Counter()))
    assert re.search(r" 60:0\d left, ", said[-1]), said


@pytest.mark.parametrize("asked", ["1000000000", "7200"])
def test_a_retry_after_that_is_too_long_stops_nothing_while_others_are_answered(asked, tmp_path):
    def script(call):
        refused = call.text.startswith("Note 5:") and call.of_text == 1
        return Say(429, headers={"retry-after": asked}) if refused else Say(after=0.3)

    with online_service(script) as service:
        run = make(tmp_path, service, patience_seconds=2)
        answer_all(run)
        assert states(run) == {"ok": ROWS}


def test_a_retry_after_that_is_too_long_for_all_stops_the_run_at_once_and_says_how_long(tmp_path):
    def script(call):
        return Say() if call.number <= 1 else Say(429, headers={"retry-after": "7200"}, after=0.1)

    with online_service(script) as service:
        run = make(tmp_path, service)
        with pytest.raises(
            OnlineError,
            match=r"asks to come again in 2:00:00, and goldpan waits 10:00; it answered no request for"
            r" the last \d+ seconds",
        ):
            answer_all(run)
        assert states(run) == {"ok": 1}


def test_a_few_calls_that_hang_do_not_stop_a_run_that_asks_one_at_a_time(tmp_path):
    def script(call):
        hangs = call.text.startswith(("Note 3:", "Note 4:", "Note 5:")) and call.of_text <= 2
        return Say(after=30) if hangs else Say()

    with online_service(script) as service:
        run = make(tmp_path, service, rows=8, concurrency=1, timeout_seconds=1.5, patience_seconds=1)
        answer_all(run)
        assert states(run) == {"ok": 8}


def test_a_service_that_answers_nobody_stops_a_run_that_asks_one_at_a_time(tmp_path):
    with online_service(lambda call: Say() if call.number <= 2 else Say(500)) as service:
        run = make(tmp_path, service, rows=20, concurrency=1, patience_seconds=0.3)
        with pytest.raises(OnlineError, match=r"has answered no request for \d+ seconds"):
            answer_all(run)
        assert len(service.texts()) <= 2 + 5


def test_a_refusal_of_one_notes_content_shows_that_the_service_answers(tmp_path):
    """Five notes fail until patience ends, while the contents of all others are refused."""

    def script(call):
        number = int(call.text.removeprefix("Note ").partition(":")[0])
        if number == 0:
            return Say()
        if number <= 5:
            return Say(500)
        return Say(400, body=error_body(400, "content_filter", "filtered"), after=0.3)

    with online_service(script) as service:
        run = make(tmp_path, service, rows=60, stage={"max_rounds": 1}, patience_seconds=1, concurrency=8)
        answer_all(run)
        assert states(run) == {"ok": 1, "failed": 5, "refused": 54}
