"""The commands that look after batches, against a service that has forgotten some of them."""

import io
import re
import sqlite3

import pytest

from goldpan.batches.shard import asked_rows
from goldpan.cli import main
from goldpan.ledger import Ledger, Orphan
from tests.projects import note_rows, printed_table
from tests.scripted_provider import answer_line
from tests.scripted_service import Answer, answer, batch_object, refusal, scripted_service
from tests.stage_builders import STAGE, make_stage

GOOD = {"topic": "animals", "topic_rationale": "a cat", "urgent_detected": False, "length": 2}
GONE = refusal(404, "No such batch.")


@pytest.fixture
def service():
    with scripted_service() as running:
        yield running


@pytest.fixture
def run(tmp_path, service):
    """A stage of four notes in two shards, which the ledger has as batch_1 and batch_2."""
    provider = {"kind": "openai", "base_url": service.base_url}
    poll = {"first": 0.01, "longest": 0.01, "patience": 0.05}
    run = make_stage(
        tmp_path, note_rows(4), provider, model="m", limits={"requests": 2}, poll=poll, max_rounds=1
    )
    plan = run.plan(1)
    with Ledger(run.project.ledger) as ledger:
        for number, shard in enumerate(plan.shards, 1):
            asked = asked_rows(run.project.root / run.paths.asked(STAGE, 1), shard.name)
            submission = ledger.record_intent(
                asked, shard=shard.hash, provider="main", study="notes", stage=STAGE, round=1, task="topic",
                task_hash=plan.tasks["topic"], model="m", requests=2, bytes=10,
            )  # fmt: skip
            ledger.record_batch(submission.id, f"batch_{number}", 1_700_000_000, "in_progress")
    return run


@pytest.fixture
def goldpan(run, capsys):
    """Run a command within this process; returns exit code, stdout and stderr."""

    def call(*words: str) -> tuple[int, str, str]:
        code = main([*words, "--study", "notes", "--root", str(run.project.root)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def counts(total: int, completed: int, failed: int = 0) -> dict:
    return {"request_counts": {"total": total, "completed": completed, "failed": failed}}


def test_list_shows_when_a_batch_was_submitted_and_last_looked_at(goldpan, service):
    service.on("GET", "/batches/batch_1", answer(batch_object("batch_1", "in_progress")))
    goldpan("batches", "status", "batch_1")
    first, second = printed_table(goldpan("batches", "list")[1])
    time = r"\d{4}-\d\d-\d\d \d\d:\d\d"
    assert re.fullmatch(time, first["submitted"]) and re.fullmatch(time, first["looked at"])
    assert second["looked at"] == "-"


def test_status_shows_percent_times_and_goes_on_past_a_404(goldpan, service):
    service.on("GET", "/batches/batch_1", GONE)
    times = {"completed_at": 1_700_007_200, "expires_at": 1_700_086_400}
    state = batch_object("batch_2", "completed", output_file_id="f", **counts(2, 1), **times)
    service.on("GET", "/batches/batch_2", answer(state))
    code, out, err = goldpan("batches", "status")
    (row,) = printed_table(out)
    assert (row["batch"], row["status"], row["percent"], row["elapsed"]) == (
        "batch_2",
        "completed",
        "50 %",
        "2.0 h",
    )
    assert row["made"].startswith("2023-11-1") and row["expires"].startswith("2023-11-1")
    assert code == 1
    assert "batch_1: the service answered 404 (t): No such batch." in err
    assert "goldpan batches give-up" in err


def test_status_shows_a_status_that_goldpan_does_not_know(goldpan, service):
    service.on("GET", "/batches/batch_1", answer(batch_object("batch_1", "paused")))
    code, out, _ = goldpan("batches", "status", "batch_1")
    assert (code, printed_table(out)[0]["status"]) == (0, "paused")


def test_cancel_all_goes_on_past_errors_and_ends_with_1(goldpan, service, run):
    service.on("GET", "/batches/batch_1", GONE)
    service.on("GET", "/batches/batch_2", answer(batch_object("batch_2", "in_progress")))
    service.on("POST", "/batches/batch_2/cancel", answer(batch_object("batch_2", "cancelling")))
    code, out, err = goldpan("batches", "cancel", "all", "--yes")
    assert code == 1
    assert "batch_2: cancelling" in out
    assert "batch_1: the service answered 404" in err
    with Ledger(run.project.ledger) as ledger:
        assert [known.status for known in ledger.submissions()] == ["in_progress", "cancelling"]


def test_cancelling_what_has_ended_promises_nothing(goldpan, service, run):
    for name in ("batch_1", "batch_2"):
        service.on("GET", f"/batches/{name}", answer(batch_object(name, "completed")))
        service.on("POST", f"/batches/{name}/cancel", answer(batch_object(name, "completed")))
    code, out, _ = goldpan("batches", "cancel", "all", "--yes")
    assert (code, out) == (0, "batch_1: completed\nbatch_2: completed\n")


def test_an_orphan_is_listed_with_what_to_do_and_can_be_cancelled(goldpan, service, run):
    with Ledger(run.project.ledger) as ledger:
        ledger.record_orphan(Orphan("batch_9", 1, "in_progress", 2, 1_700_000_000, 1_700_000_100.0))
    assert "goldpan batches cancel batch_9" in goldpan("batches", "list")[2]
    service.on("GET", "/batches/batch_9", answer(batch_object("batch_9", "in_progress")))
    service.on("POST", "/batches/batch_9/cancel", answer(batch_object("batch_9", "cancelled")))
    code, out, _ = goldpan("batches", "cancel", "batch_9", "--yes")
    assert (code, out) == (0, "batch_9: cancelled\n")
    assert "goldpan batches cancel batch_9" not in goldpan("batches", "list")[2]
    assert service.count("POST", "/batches/batch_1/cancel") == 0


@pytest.mark.parametrize("status", [None, "paused"])
def test_an_orphan_of_unknown_status_is_said_to_be_at_work_and_is_cancelled(goldpan, service, run, status):
    with Ledger(run.project.ledger) as ledger:
        ledger.record_orphan(Orphan("batch_9", 1, status, 2, 1_700_000_000, 1_700_000_100.0))
    assert "goldpan batches cancel batch_9 --study notes" in goldpan("batches", "list")[2]
    service.on("GET", "/batches/batch_9", answer(batch_object("batch_9", "in_progress")))
    service.on("POST", "/batches/batch_9/cancel", answer(batch_object("batch_9", "cancelled")))
    assert goldpan("batches", "cancel", "batch_9", "--yes")[0] == 0
    assert "nothing can be stopped" in goldpan("batches", "list")[2]


def in_doubt(run) -> None:
    with sqlite3.connect(run.project.ledger) as database:
        database.execute("UPDATE submissions SET state = 'intent', batch_id = NULL, sent_at = 1 WHERE id = 1")


def state_of(run) -> str:
    with Ledger(run.project.ledger) as ledger:
        return ledger.submission(1).state


def test_the_word_that_there_is_none_holds_alone_where_the_list_cannot_be_read_and_this_is_said(
    goldpan, service, run
):
    in_doubt(run)
    service.on("GET", "/batches", refusal(403, "Not for you."))
    code, _, err = goldpan("batches", "adopt", "1", "none")
    assert code == 0 and "could not be read, so your word alone holds" in err and "Not for you." in err
    assert state_of(run) == "void"


def test_the_word_that_there_is_none_is_not_taken_where_nobody_can_be_asked(goldpan, run):
    in_doubt(run)
    rename_stage(run, provider="former")
    code, _, err = goldpan("batches", "adopt", "1", "none")
    assert code != 0 and "which the study no longer names" in err
    assert state_of(run) == "intent"


def rename_stage(run, provider="main") -> None:
    with sqlite3.connect(run.project.ledger) as database:
        database.execute("UPDATE submissions SET stage = 'of_old', provider = ? WHERE id = 1", (provider,))


def test_a_batch_of_a_stage_that_is_gone_is_looked_after_like_all_others(goldpan, service, run):
    rename_stage(run)
    for number in (1, 2):
        service.on("GET", f"/batches/batch_{number}", answer(batch_object(f"batch_{number}", "expired")))
    code, out, _ = goldpan("batches", "status")
    assert code == 0 and [row["batch"] for row in printed_table(out)] == ["batch_1", "batch_2"]
    assert goldpan("batches", "wait", "--poll-interval", "0.01")[0] == 0
    assert goldpan("batches", "give-up", "batch_1", "--record", "--yes")[0] == 0


def test_a_batch_of_a_provider_that_is_gone_does_not_keep_others_from_being_looked_after(
    goldpan, service, run
):
    rename_stage(run, provider="former")
    open_, done = (batch_object("batch_2", status) for status in ("in_progress", "expired"))
    service.on("GET", "/batches/batch_2", answer(open_), answer(done))
    service.on("POST", "/batches/batch_2/cancel", answer(batch_object("batch_2", "cancelling")))
    code, out, _ = goldpan("batches", "cancel", "all", "--yes")
    assert code == 1 and "batch_2: cancelling" in out
    for words in (("status",), ("wait", "--poll-interval", "0.01")):
        code, out, err = goldpan("batches", *words)
        assert code == 1 and ("batch_2" in out or "all other batches are terminal" in out)
        assert "batch_1 is with provider `former`, which the study no longer names" in err
        assert "put `former` back" in err and "name that study" not in err


def test_wait_asks_as_often_as_it_is_told(goldpan, service):
    for number in (1, 2):
        open_, done = (batch_object(f"batch_{number}", status) for status in ("in_progress", "expired"))
        service.on("GET", f"/batches/batch_{number}", answer(open_), answer(open_), answer(done))
    code, _, err = goldpan("batches", "wait", "--poll-interval", "0.01")
    assert code == 0
    assert err.splitlines()[0] == "2 of 2 batches open, 0 rows done"
    assert len(err.splitlines()) == 3


@pytest.mark.parametrize("interval", ["0", "-1", "nan", "soon"])
def test_an_interval_must_be_one(interval, goldpan):
    with pytest.raises(SystemExit) as caught:
        goldpan("batches", "wait", "--poll-interval", interval)
    assert caught.value.code == 2


def test_wait_goes_on_past_a_forgotten_batch_and_says_which(goldpan, service):
    service.on("GET", "/batches/batch_1", GONE)
    open_, done = (batch_object("batch_2", status) for status in ("in_progress", "expired"))
    service.on("GET", "/batches/batch_2", *[answer(open_)] * 6, answer(done))
    code, _, err = goldpan("batches", "wait")
    assert code == 1
    assert service.count("GET", "/batches/batch_2") == 7
    assert "batch_1" in err and "the provider does not know it (404)" in err


def test_wait_takes_no_batch_back_for_lack_of_room(goldpan, service, run):
    failed = batch_object("batch_1", "failed", errors={"data": [{"code": "token_limit_exceeded"}]})
    service.on("GET", "/batches/batch_1", answer(failed))
    service.on("GET", "/batches/batch_2", answer(batch_object("batch_2", "expired")))
    assert goldpan("batches", "wait")[0] == 0
    with Ledger(run.project.ledger) as ledger:
        assert [known.state for known in ledger.submissions()] == ["created", "created"]


# Giving up.


def states_of(run) -> list[str]:
    with Ledger(run.project.ledger) as ledger:
        return sorted(answer.state for _, answer in ledger.all_answers())


def test_give_up_asks_first_and_no_answer_is_a_no(goldpan, run, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    code, out, _ = goldpan("batches", "give-up", "batch_1", "--record")
    assert code == 1 and "nothing was given up" in out
    assert states_of(run) == []


def test_rows_of_a_batch_given_up_are_recorded_as_missing_with_the_reason(goldpan, service, run):
    service.on("GET", "/batches/batch_1", GONE)
    code, out, _ = goldpan("batches", "give-up", "batch_1", "--record", "--yes")
    assert code == 0 and "0 rows had a line, 2 are recorded as missing" in out
    with Ledger(run.project.ledger) as ledger:
        answers = [answer for _, answer in ledger.all_answers()]
        assert next((known.state, known.status) for known in ledger.submissions()) == ("settled", "given_up")
    assert {(one.state, one.retryable) for one in answers} == {("missing", False)}
    assert answers[0].reason == "given_up: batch batch_1 was given up by `goldpan batches give-up`"
    assert "nothing to give up" in goldpan("batches", "give-up", "batch_1", "--record", "--yes")[1]


def test_rows_of_a_batch_given_up_are_asked_again_also_where_no_round_was_left(goldpan, service, run):
    service.on("GET", "/batches/batch_1", GONE)
    assert goldpan("batches", "give-up", "batch_1", "--ask-again", "--yes")[0] == 0
    with Ledger(run.project.ledger) as ledger:
        assert all(answer.may_be_asked(max_rounds=1) for _, answer in ledger.all_answers())
    assert run.plan(2).requests["asked"] == 2


def test_what_can_be_had_of_a_batch_given_up_is_kept(goldpan, service, run):
    state = batch_object("batch_1", "completed", output_file_id="out", error_file_id="err", **counts(2, 2))
    service.on("GET", "/batches/batch_1", answer(state))
    line = answer_line("req__n0", GOOD)
    service.on("GET", "/files/out/content", Answer(200, line + b"\n" + line[:50], chunked=True))
    code, out, _ = goldpan("batches", "give-up", "batch_1", "--ask-again", "--yes")
    assert code == 0 and "1 rows had a line, 1 will be asked again" in out
    assert states_of(run) == ["missing", "ok"]


def test_one_must_say_what_becomes_of_the_rows(goldpan):
    with pytest.raises(SystemExit) as caught:
        goldpan("batches", "give-up", "batch_1")
    assert caught.value.code == 2


def test_the_plan_shows_what_is_under_way_as_long_as_something_is(goldpan, run):
    (row,) = printed_table(goldpan("plan")[1])
    assert (row["records"], row["answered"], row["under way"], row["to ask"]) == ("4", "0", "4", "0")
    with Ledger(run.project.ledger) as ledger:
        for number in (1, 2):
            ledger.settle(number, [], status="cancelled", note=str)
    assert "under way" not in goldpan("plan")[1]
