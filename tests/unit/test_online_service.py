"""A service that misbehaves while it is asked online: nothing is lost, and nothing is answered twice."""

import base64
import re
import time
from collections import Counter
from functools import partial

import pytest

from goldpan.batches.budget import spending_of
from goldpan.batches.online import asking_in_mode
from goldpan.batches.online_work import OnlineWork
from goldpan.batches.stage import StageRun
from goldpan.cli import main
from goldpan.crashpoints import Killed, on_reaching
from goldpan.errors import BudgetError, FirstRefusedError, OnlineError
from goldpan.files import read_json
from goldpan.ledger import Ledger
from goldpan.providers.base import Surroundings
from goldpan.providers.engine import completion
from goldpan.providers.engine.store import Store
from goldpan.providers.online.address import online_address
from goldpan.providers.online.watch import Traffic
from goldpan.stages.rows import read_features
from goldpan.study import load_project
from tests.online_service import ANSWER, Say, error_body, online_service
from tests.projects import DETAIL_TASK, WorkflowProject, note_rows, notes_study
from tests.scripted_provider import answer_line, error_line
from tests.simulated_clock import SimulatedClock
from tests.stage_builders import STAGE, answer_all, at, make_online, records_made, send, states

ROWS = 12
KEY = "sk-test-0123456789abcdef/+"


make = partial(make_online, rows=ROWS)


def again(run: StageRun | None, service, *, root=None, provider=None, **changes) -> StageRun:
    """The stage after a change of its study, by another process as it were."""
    root = root or run.project.root
    settings = {"kind": "openai", "base_url": service.base_url, "grace_seconds": 0.2, "patience_seconds": 2}
    settings |= provider or {}
    study = notes_study(settings, **{"model": "m", "mode": "online", **changes})
    WorkflowProject(root).write_study(study)
    return records_made(StageRun(load_project("notes", root=root), STAGE))


PASSING = [
    Say(500),
    Say(503, headers={"retry-after": "0"}),
    Say(429, headers={"retry-after-ms": "50"}),
    Say(408),
    Say(502, body="<html>bad gateway</html>"),
    Say(cut=0),
    Say(cut=40),
    Say(cut=40, stall=30),
    Say(after=30),
    Say(425),
    Say(409),
]


def test_what_may_pass_is_asked_again_until_each_note_is_answered_once(tmp_path):
    """The first call about each note goes wrong, but for the first of all."""

    def script(call):
        number = int(call.text.removeprefix("Note ").partition(":")[0])
        return Say() if number == 0 or call.of_text > 1 else PASSING[number % len(PASSING)]

    with online_service(script) as service:
        run = make(tmp_path, service, timeout_seconds=1.5)
        answer_all(run)
        assert states(run) == {"ok": ROWS}
        assert set(service.answered.values()) == {1} and len(service.answered) == ROWS
        assert len(service.calls) == 2 * ROWS - 1


def test_a_storm_of_429_is_waited_out_as_the_service_wishes(tmp_path):
    def script(call):
        return Say(429, headers={"retry-after": "1"}) if 1 < call.number <= 9 else Say(after=0.01)

    with online_service(script) as service:
        run = make(tmp_path, service, rows=40)
        answer_all(run)
        storm, after = service.calls[1:9], service.calls[9:]
        too_early = [call for call in after if call.at - storm[-1].at < 0.9]
        assert len(too_early) <= 4, "but for those that were on their way when the first 429 came"
        assert states(run) == {"ok": 40} and set(service.answered.values()) == {1}


ODD_HEADERS = [
    {
        "x-ratelimit-remaining-requests": "-1",
        "x-ratelimit-limit-requests": "-5",
        "x-ratelimit-reset-requests": "1ms",
    },
    {"x-ratelimit-remaining-tokens": "1e309", "x-ratelimit-reset-tokens": "1e9s"},
    {"x-ratelimit-remaining-tokens": "", "x-ratelimit-reset-tokens": ""},
    {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "never"},
    {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-limit-requests": "0",
        "x-ratelimit-reset-requests": "-5s",
    },
    {"retry-after": "-3"},
    {"retry-after": "soon", "date": "yesterday"},
    {"retry-after-ms": "nan"},
]


def test_limits_that_make_no_sense_hold_nobody_up(tmp_path):
    """They come with refusals and with answers."""

    def script(call):
        headers = ODD_HEADERS[call.number % len(ODD_HEADERS)]
        return Say(503 if call.number == 9 else 200, headers=headers)

    with online_service(script) as service:
        run = make(tmp_path, service, rows=24)
        answer_all(run)
        assert states(run) == {"ok": 24} and set(service.answered.values()) == {1}
        assert len(service.calls) == 25


def test_the_first_request_goes_alone_and_its_refusal_stops_the_others(tmp_path):
    def script(call):
        return Say(400, body=error_body(400, "unsupported_parameter", f"No temperature for {KEY}"))

    with online_service(script) as service:
        (tmp_path / ".env").write_text(f"A_KEY={KEY}\n")
        run = make(tmp_path, service, api_key_env="A_KEY")
        for attempt in (1, 2):
            with pytest.raises(FirstRefusedError, match=r"unsupported_parameter.*No temperature for \[key\]"):
                answer_all(run)
            assert len(service.calls) == attempt and states(run) == {}
        with Ledger(run.project.ledger) as ledger:
            assert {submission.state for submission in ledger.submissions()} == {"void"}
    with online_service() as service:
        run = again(run, service, params={"temperature": 0}, budget_usd=1.0, price_usd_per_million=[1, 1])
        run.plan(1)
        answer_all(run)
        assert states(run) == {"ok": ROWS} and len(service.calls) == ROWS


def two_tasks(root, service, rows=ROWS, **changes) -> StageRun:
    """Every second note is asked another task."""
    make(root, service, rows=rows)
    WorkflowProject(root).write_task({**DETAIL_TASK, "prompt": {"user": "topic.user.j2"}})
    words = " or ".join(f"data.text == {row['text']!r}" for row in note_rows(rows)[::2])
    tasks = [{"task": "detail", "when": words}, {"task": "topic"}]
    return again(None, service, root=root, task=tasks, **changes)


def is_detail(call) -> bool:
    return "depth" in str(call.body["tools"])


REFUSED_FORM = error_body(400, "invalid_function_parameters")


def test_the_first_request_of_each_task_is_sent_alone_and_refused_alone(tmp_path):
    """One task is taken, the other is not: of that no second request is sent."""

    def script(call):
        return Say(400, body=REFUSED_FORM, after=0.3) if is_detail(call) else Say()

    with online_service(script) as service:
        run = two_tasks(tmp_path, service)
        with pytest.raises(FirstRefusedError, match=r"no other like it was.*invalid_function_parameters"):
            answer_all(run)
        refused = [call for call in service.calls if is_detail(call)]
        assert len(refused) == 1 and service.answered.total() >= 1
        assert states(run) == {"ok": service.answered.total()}, "what the other task was answered is kept"


def test_a_call_of_one_task_that_may_be_paid_is_not_forgotten_when_another_task_is_refused(tmp_path):
    def script(call):
        return Say(400, body=REFUSED_FORM) if is_detail(call) else Say(after=3)

    with online_service(script) as service:
        # The other task's first call is given up after a second, and the service may have answered it.
        run = two_tasks(tmp_path, service, price_usd_per_million=[1, 1], provider={"timeout_seconds": 1})
        with pytest.raises(FirstRefusedError):
            answer_all(run)
        with Ledger(run.project.ledger) as ledger:
            (submission,) = ledger.submissions()
            assert submission.is_open and submission.lost_calls == 1, "not the one that was refused"
            assert spending_of(ledger, "notes", STAGE, run.stage).open_usd > 0


@pytest.mark.parametrize("times", [1, 2])
def test_once_the_task_that_was_refused_is_corrected_the_run_goes_on(times, tmp_path):
    """What the other task was answered stays, and what was refused is not asked as it was."""

    def script(call):
        if not is_detail(call):
            return Say()
        is_corrected = "How deep, anew." in str(call.body)
        return Say(answer={"depth": 1}) if is_corrected else Say(400, body=REFUSED_FORM, after=0.3)

    with online_service(script) as service:
        run = two_tasks(tmp_path, service)
        for _ in range(times):
            with pytest.raises(FirstRefusedError):
                answer_all(run)
        (feature,) = DETAIL_TASK["features"]
        feature = {**feature, "description": "How deep, anew."}
        task = {**DETAIL_TASK, "prompt": {"user": "topic.user.j2"}, "features": [feature]}
        WorkflowProject(tmp_path).write_task(task)
        # The workflow makes all anew that was planned by the other task.
        for path in at(run, run.paths.stage(STAGE)).rglob("*.json"):
            path.unlink()
        run = records_made(StageRun(load_project("notes", root=tmp_path), STAGE))
        answer_all(run)
        assert [row["state"] for _, row in read_features(at(run, run.paths.features(STAGE)))] == ["ok"] * ROWS
        assert set(service.answered.values()) == {1} and len(service.answered) == ROWS


def test_one_note_that_a_filter_refuses_is_no_reason_to_stop(tmp_path):
    def script(call):
        refused = call.text.startswith("Note 0:")
        return Say(400, body=error_body(400, "content_filter", "no such talk")) if refused else Say()

    with online_service(script) as service:
        run = make(tmp_path, service)
        answer_all(run)
        assert states(run) == {"ok": ROWS - 1, "refused": 1} and len(service.calls) == ROWS


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [(401, "invalid_api_key", "api_key_env"), (429, "insufficient_quota", "credit"), (403, None, "no")],
)
def test_an_account_that_is_refused_stops_the_run_and_keeps_what_was_answered(status, code, words, tmp_path):
    with online_service() as service:
        answers = iter([Say()] * 5)
        service._script = lambda call: next(answers, None) or Say(status, body=error_body(status, code))
        run = make(tmp_path, service)
        with pytest.raises(OnlineError, match=words):
            answer_all(run)
        assert states(run) == {"ok": 5} and sum(service.answered.values()) == 5
        service._script = lambda call: Say()
        answer_all(again(run, service))
        assert states(run) == {"ok": ROWS} and set(service.answered.values()) == {1}


def test_a_note_that_fails_for_too_long_is_left_to_the_next_round(tmp_path):
    def script(call):
        return Say(500, after=0.05) if call.text.startswith("Note 3:") and call.of_text == 1 else Say()

    with online_service(script) as service:
        run = make(tmp_path, service, patience_seconds=0.3)
        answer_all(run)
        assert states(run) == {"ok": ROWS} and set(service.answered.values()) == {1}
        settled = [at(run, run.paths.settled(STAGE, number)).read_text() for number in (1, 2)]
        assert '"failed": 1' in settled[0] and '"left": 1' in settled[0] and '"ok": 1' in settled[1]


def test_a_service_that_is_silent_for_all_stops_the_run_and_burns_no_attempt(tmp_path):
    with online_service(lambda call: Say() if call.number <= 3 else Say(500)) as service:
        run = make(tmp_path, service, rows=60, patience_seconds=2)
        with pytest.raises(OnlineError, match="has answered no request"):
            answer_all(run)
        assert states(run) == {"ok": 3}
        service._script = lambda call: Say()
        answer_all(again(run, service))
        assert states(run) == {"ok": 60} and set(service.answered.values()) == {1}


def test_nonsense_with_a_200_is_an_answer_like_any_other_and_asked_again_next_round(tmp_path):
    def script(call):
        return Say(body="<p>busy</p>") if call.text.startswith("Note 3:") and call.of_text == 1 else Say()

    with online_service(script) as service:
        run = make(tmp_path, service)
        answer_all(run)
        assert states(run) == {"ok": ROWS} and len(service.calls) == ROWS + 1


def test_a_key_that_is_echoed_is_kept_nowhere(tmp_path, capfd):
    spelled = (KEY, base64.b64encode(f"Bearer {KEY}".encode()).decode())

    def script(call):
        assert call.headers["Authorization"] == f"Bearer {KEY}"
        if call.of_text > 1 or call.number == 1:
            return Say()
        body = error_body(500, "x", f"you sent {spelled}")
        return Say(500, body=body) if call.number % 2 else Say(400, body=body)

    with online_service(script) as service:
        (tmp_path / ".env").write_text(f"A_KEY={KEY}\n")
        run = make(tmp_path, service, api_key_env="A_KEY")
        answer_all(run)
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != ".env"]
    assert any("online" in path.parts for path in files)
    said = "".join(capfd.readouterr())
    for content in [*(path.read_bytes() for path in files), said.encode()]:
        assert KEY.encode() not in content and spelled[1].encode() not in content
    assert b"[key]" in b"".join(path.read_bytes() for path in files)


def test_ctrl_c_keeps_the_answers_that_came(tmp_path):
    def interrupt(point):
        if point == "answer_written" and len(service.answered) >= 5:
            raise KeyboardInterrupt

    with online_service() as service:
        run = make(tmp_path, service)
        with on_reaching(interrupt), pytest.raises(KeyboardInterrupt):
            answer_all(run)
        kept = states(run)["ok"]
        assert 0 < kept < ROWS
        answer_all(again(run, service))
        assert states(run) == {"ok": ROWS}
        assert sum(count > 1 for count in service.answered.values()) <= 12


def test_the_budget_is_held_by_what_is_spent_and_what_is_under_way(tmp_path):
    usage = {"prompt_tokens": 10_000, "completion_tokens": 10_000, "total_tokens": 20_000}

    def script(call):
        asked = {"model": "m", "messages": [], "tools": [{"function": {"name": "topic"}}]}
        return Say(body={**completion(asked, ANSWER, call.text), "usage": usage}, after=0.01)

    # An answer costs 0.02 USD, which nobody could know before: the plan says a hundredth of it.
    money = {"price_usd_per_million": [1, 1], "budget_usd": 0.5}
    with online_service(script) as service:
        run = make(tmp_path, service, rows=100, stage=money)
        for _ in range(2):
            with pytest.raises(BudgetError, match=r"above the budget of 0\.5000 USD"):
                answer_all(run)
            assert states(run) == {"ok": 25} and sum(service.answered.values()) == 25
        answer_all(again(run, service, **{**money, "budget_usd": 5.0}))
        assert states(run) == {"ok": 100} and set(service.answered.values()) == {1}
        summary = read_json(at(run, run.paths.summary(STAGE)))
        assert summary["cost_usd"] == 2.0


MONEY = {"price_usd_per_million": [1, 1], "budget_usd": 0.1}
USAGE = {"prompt_tokens": 10_000, "completion_tokens": 0, "total_tokens": 10_000}


def costing(call, **how) -> Say:
    """An answer for 0.01 USD."""
    asked = {"model": "m", "messages": [], "tools": [{"function": {"name": "topic"}}]}
    return Say(body={**completion(asked, ANSWER, call.text), "usage": USAGE}, **how)


def test_the_budget_counts_calls_that_broke_off_for_they_may_be_paid(tmp_path):
    """Two of three calls do; each may have cost 0.01 USD, so after ten no other request is begun."""
    with online_service(lambda call: costing(call, cut=40 if call.number % 3 else None)) as service:
        run = make(tmp_path, service, rows=60, stage=MONEY, concurrency=2, patience_seconds=60)
        with pytest.raises(BudgetError):
            answer_all(run)
        assert len(service.calls) <= 20 and service.answered.total() < 8
        with Ledger(run.project.ledger) as ledger:
            (submission,) = ledger.submissions()
        assert submission.lost_calls >= 3


def kill_after_four_answers(run, service):
    def stop(point):
        if point == "answer_written" and service.answered.total() >= 4:
            raise Killed

    with on_reaching(stop), pytest.raises(Killed):
        answer_all(run)


def test_what_was_under_way_at_a_kill_stays_in_what_is_spent(tmp_path):
    with online_service(lambda call: costing(call, after=0.05)) as service:
        run = make(tmp_path, service, stage={"price_usd_per_million": [1, 1]})
        kill_after_four_answers(run, service)
        answer_all(run)
        assert states(run) == {"ok": ROWS} and service.answered.total() > ROWS
        with Ledger(run.project.ledger) as ledger:
            (submission,) = ledger.submissions()
            spending = spending_of(ledger, "notes", STAGE, run.stage)
        assert submission.lost_calls >= service.answered.total() - ROWS
        assert spending.settled_usd == pytest.approx(ROWS * 0.01) and spending.open_usd > 0


def test_what_was_under_way_at_a_kill_stays_in_what_is_spent_where_the_batch_is_cancelled(
    tmp_path, monkeypatch
):
    with online_service(lambda call: costing(call, after=0.05)) as service:
        run = make(tmp_path, service, stage={"price_usd_per_million": [1, 1]})
        kill_after_four_answers(run, service)
        (batch,) = run.connect().own_batches()
        monkeypatch.chdir(tmp_path)
        assert main(["batches", "cancel", batch.id, "--yes"]) == 0
        made = service.answered.total()
        answer_all(run)
        with Ledger(run.project.ledger) as ledger:
            submission = ledger.submissions()[0]
            spending = spending_of(ledger, "notes", STAGE, run.stage)
        kept = submission.paid
        assert submission.status == "cancelled" and 0 < kept < made
        assert submission.lost_calls >= made - kept and spending.open_usd > 0
        assert submission.lost_calls <= ROWS - kept


def test_what_was_refused_or_never_sent_when_a_run_stops_is_not_reckoned_as_paid(tmp_path):
    with online_service() as service:
        service._script = lambda call: costing(call) if call.number <= 2 else Say(503)
        run = make(tmp_path, service, rows=40, patience_seconds=1, stage={"price_usd_per_million": [1, 1]})
        for _ in range(2):
            with pytest.raises(OnlineError):
                answer_all(run)
        with Ledger(run.project.ledger) as ledger:
            (submission,) = ledger.submissions()
            assert submission.lost_calls == 0 and not ledger.sent(submission.id)
            assert spending_of(ledger, "notes", STAGE, run.stage).open_usd == 0


def test_calls_that_were_given_up_when_a_run_stops_are_reckoned_as_paid_once_each(tmp_path):
    with online_service() as service:
        service._script = lambda call: costing(call) if call.number <= 2 else Say(after=30)
        run = make(
            tmp_path,
            service,
            rows=20,
            patience_seconds=1,
            timeout_seconds=0.7,
            stage={"price_usd_per_million": [1, 1]},
        )
        with pytest.raises(OnlineError):
            answer_all(run)
        unanswered = len(service.calls) - 2
        service._script = costing
        answer_all(run)
        with Ledger(run.project.ledger) as ledger:
            (submission,) = ledger.submissions()
        assert submission.lost_calls == unanswered


def test_answers_that_do_not_say_what_they_cost_are_held_against_the_budget_as_planned(tmp_path, capfd):
    def script(call):
        body = costing(call).body
        del body["usage"]
        return Say(body=body)

    with online_service(script) as service:
        run = make(tmp_path, service, stage={"price_usd_per_million": [20, 20]})
        answer_all(run)
        with Ledger(run.project.ledger) as ledger:
            (submission,) = ledger.submissions()
            spending = spending_of(ledger, "notes", STAGE, run.stage)
        assert spending.total_usd == pytest.approx(submission.estimated_usd) and spending.settled_usd == 0
    assert capfd.readouterr().err.count("does not say how many tokens it took") == 1


def test_looking_at_batches_asks_nobody(tmp_path):
    with online_service() as service:
        run = make(tmp_path, service)
        plan = run.plan(1)
        send(run, plan)
        provider = run.connect()
        (batch,) = provider.own_batches()
        assert provider.retrieve(batch.id).status == "validating" and not service.calls


def test_cancelled_and_given_up_it_keeps_what_was_answered(tmp_path, monkeypatch):
    """By commands, while no run is going on: a batch of which 4 requests are answered."""

    def stop(point):
        if point == "answer_written" and len(service.answered) >= 4:
            raise Killed

    for command in (["cancel"], ["give-up", "--ask-again"]):
        root = tmp_path / command[0]
        with online_service(lambda call: Say(after=0.05)) as service:
            run = make(root, service, concurrency=1)
            with on_reaching(stop), pytest.raises(Killed):
                answer_all(run)
            (batch,) = run.connect().own_batches()
            monkeypatch.chdir(root)
            assert main(["batches", "wait"]) == 0, "which nobody would end"
            assert main(["batches", command[0], batch.id, *command[1:], "--yes"]) == 0
            answer_all(run)
            kept = states(run)
            assert kept["ok"] + kept.get("failed", 0) == ROWS
            assert kept["ok"] == ROWS if "--ask-again" in command else 4 <= kept["ok"] <= 6
            asked_twice = service.answered.total() - len(service.answered)
            assert asked_twice <= 2, "what was under way at the stop"


def test_services_behind_litellm_and_the_responses_endpoint_are_asked_at_their_address(tmp_path):
    with online_service() as service:
        run = make(tmp_path, service, kind="litellm", custom_llm_provider="hosted_vllm")
        answer_all(run)
        assert states(run) == {"ok": ROWS} and set(service.answered.values()) == {1}
    settings = run.project.study.providers["main"]
    address = online_address(settings, Surroundings(tmp_path, tmp_path))
    assert address.url("/v1/responses") == f"{service.base_url}/responses"


def test_a_batch_that_another_process_is_at_work_on_is_left_to_it(tmp_path):
    with online_service() as service:
        run = make(tmp_path, service)
        send(run, run.plan(1))
        provider = run.connect()
        (batch,) = provider.own_batches()
        with Ledger(run.project.ledger) as ledger, Store(tmp_path / ".goldpan/online").locked(batch.id):
            ask = asking_in_mode(ledger, run.project, STAGE, provider)
            (submission,) = ledger.submissions()
            assert not ask(submission).is_terminal and not provider.end(batch.id).is_terminal
        assert not service.calls


def test_every_few_seconds_it_is_said_how_it_goes(tmp_path):
    said: list[str] = []
    clock = SimulatedClock()
    with online_service() as service:
        run = make(tmp_path, service, stage={"price_usd_per_million": [1, 1]})
        send(run, run.plan(1))
        with Ledger(run.project.ledger) as ledger:
            (submission,) = ledger.submissions()
            work = OnlineWork(ledger, run.project, STAGE, submission, say=said.append, clock=clock)
            work.resumed(iter([]))
            custom_ids = list(ledger.asked_by(submission.id))
            work.sending(custom_ids)
            for custom_id in custom_ids[:3]:
                work.written(custom_id, answer_line(custom_id, ANSWER) + b"\n")
            work.written(custom_ids[3], error_line(custom_ids[3], 500) + b"\n")
            traffic = Traffic(at_once=9, refusals=Counter({"429": 2, "timeout": 1}))
            for _ in range(7):
                clock.sleep(1.0)
                work.look(traffic)
            traffic.quiet_until = time.monotonic() + 3600
            clock.sleep(5.0)
            work.look(traffic)
            assert ledger.counts() == {"ok": 3, "failed": 1}, "taken as it goes"
            assert len(ledger.sent(submission.id)) == ROWS - 4
    line, in_quiet = said
    assert "quiet for" in in_quiet and re.search(r"\b(59|6\d):\d\d left", in_quiet)
    assert line.startswith("topics, round 1: 4/12 requests, 0.8 a second, 0:10 left, 0.")
    assert line.endswith("1 failed, up to 9 at once (asked again: 2 x 429, 1 x timeout)")
