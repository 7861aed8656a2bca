"""Every request that was asked gets one outcome, whatever the provider's files hold."""

import json
from types import SimpleNamespace

import orjson
import pytest

from goldpan.batches.answered_twice import notes_on
from goldpan.batches.settle import settle_round, settle_shard
from goldpan.cli.summary import print_failures
from goldpan.errors import InDoubtError
from goldpan.ledger import Ledger
from goldpan.providers.base import Batch, BatchError
from tests.projects import TOPIC_TASK, WorkflowProject, note_rows
from tests.scripted_provider import answer_line, error_line
from tests.stage_builders import STAGE, asked_of, make_stage, send

GOOD = {"topic": "animals", "topic_rationale": "a cat", "urgent_detected": False, "length": 2}
BAD = {**GOOD, "topic": "plants"}
COMPLETED = Batch("batch_1", "completed", total=3)


@pytest.fixture
def sent(tmp_path):
    """Three notes that were sent: `settle` their shard with lines, and look at what came of each."""
    run = make_stage(tmp_path, note_rows(3))
    send(run, run.plan(1))
    keys = {row["custom_id"]: bytes.fromhex(row["key"]) for row in asked_of(run)}

    def settle(lines: list[bytes], batch: Batch = COMPLETED) -> dict:
        raw = tmp_path / "raw.jsonl"
        raw.write_bytes(b"".join(line + b"\n" for line in lines))
        with Ledger(run.project.ledger) as ledger:
            (submission,) = ledger.submissions()
            settle_shard(ledger, run.project, STAGE, submission.id, batch, raw)
            outcomes = ledger.answers(list(keys.values()))
            note = orjson.loads(ledger.submission(submission.id).note)
        return {"noticed": note, **{id_: outcomes[key] for id_, key in keys.items()}}

    return SimpleNamespace(settle=settle, project=WorkflowProject(tmp_path), run=run)


def states(settled: dict) -> list[str]:
    return [settled[f"req__n{number}"].state for number in range(3)]


def test_lines_are_joined_by_id_in_any_order(sent):
    topics = ["animals", "machines", "weather"]
    lines = [answer_line(f"req__n{number}", {**GOOD, "topic": topics[number]}) for number in (2, 0, 1)]
    settled = sent.settle(lines)
    assert states(settled) == ["ok"] * 3
    for number, topic in enumerate(topics):
        assert topic.encode() in settled[f"req__n{number}"].line


def test_requests_in_neither_file_are_missing_and_may_be_asked_again(sent):
    settled = sent.settle([answer_line("req__n1", GOOD)])
    assert states(settled) == ["missing", "ok", "missing"]
    assert settled["noticed"]["missing"] == 2
    assert settled["req__n0"].may_be_asked(max_rounds=2)


def test_of_two_answers_to_a_request_the_first_good_one_counts(sent):
    first, second = {**GOOD, "length": 1}, {**GOOD, "length": 5}
    lines = [
        error_line("req__n0", 500),
        answer_line("req__n0", first),
        answer_line("req__n0", second),
        answer_line("req__n1", first),
        error_line("req__n1", 500),
        answer_line("req__n2", BAD),
        error_line("req__n2", 400),
    ]
    settled = sent.settle(lines)
    assert states(settled) == ["ok", "ok", "invalid"]
    assert b'\\"length\\":1' in settled["req__n0"].line
    assert (settled["noticed"]["duplicates"], settled["noticed"]["contradicting"]) == (3, 1)
    assert settled["noticed"]["contradicting_example"] == "req__n0"


def test_the_same_answer_twice_contradicts_nothing_whatever_the_ids_and_spelling_around_it(sent):
    line = answer_line("req__n0", GOOD)
    respelled = orjson.loads(line)
    respelled["id"] = "batch_req_other"
    body = respelled["response"]["body"]
    body["id"] = "chatcmpl-other"
    call = body["choices"][0]["message"]["tool_calls"][0]
    call["id"], call["function"]["arguments"] = "call_other", json.dumps(GOOD, indent=1)
    settled = sent.settle([line, orjson.dumps(respelled), line])
    assert (settled["noticed"]["duplicates"], settled["noticed"]["contradicting"]) == (2, 0)


def test_answers_that_contradict_each_other_are_said_when_settled_and_in_the_summary(tmp_path, capsys):
    run = make_stage(tmp_path, note_rows(3))
    plan = run.plan(1)
    send(run, plan)
    raw = run.project.root / run.paths.raw(STAGE, 1, plan.shards[0].name)
    lines = [answer_line(f"req__n{number}", GOOD) for number in range(3)]
    raw.parent.mkdir(parents=True, exist_ok=True)
    raw.write_bytes(b"\n".join([*lines, answer_line("req__n1", {**GOOD, "length": 5})]) + b"\n")
    with Ledger(run.project.ledger) as ledger:
        (submission,) = ledger.submissions()
        batches = [(plan.shards[0].name, submission.id, COMPLETED, raw)]
        asked = run.project.root / run.paths.asked(STAGE, 1)
        settled = run.project.root / run.paths.settled(STAGE, 1)
        noticed = settle_round(ledger, run.project, plan, batches, asked, settled).noticed
    (note,) = notes_on(noticed)
    assert "1 line answers its request a second time" in note and "`req__n1`" in note
    assert orjson.loads(settled.read_bytes())["noticed"][plan.shards[0].name]["contradicting"] == 1
    print_failures(run.project)
    assert f"{STAGE}: round 1: {note}" in capsys.readouterr().out


def test_a_settled_round_of_an_earlier_goldpan_says_nothing_of_it():
    assert notes_on({"shard": {"lines": 3, "duplicates": 1, "unknown": 0, "missing": 0, "damaged": 0}}) == []


def test_lines_of_requests_that_were_never_asked_are_counted_and_left_out(sent):
    lines = [answer_line(f"req__n{number}", GOOD) for number in range(5)]
    settled = sent.settle(lines)
    assert settled["noticed"]["unknown"] == 2
    assert states(settled) == ["ok"] * 3


def test_damaged_lines_without_an_id_are_counted_and_their_requests_missing(sent):
    lines = [answer_line("req__n0", GOOD), b"{not json", b'{"response": {}}', b"[]"]
    settled = sent.settle(lines)
    assert settled["noticed"]["damaged"] == 3
    assert states(settled) == ["ok", "missing", "missing"]


def test_a_damaged_line_is_invalid_by_its_custom_id_and_kept_as_it_came(sent):
    damaged = answer_line("req__n1", GOOD)[:-40] + b"\xe9"
    settled = sent.settle([answer_line("req__n0", GOOD), damaged])
    assert states(settled) == ["ok", "invalid", "missing"]
    outcome = settled["req__n1"]
    assert outcome.reason.startswith("damaged line: the line is not valid JSON")
    assert outcome.may_be_asked(max_rounds=2)
    assert outcome.line == damaged


def test_two_lines_that_ran_into_each_other_are_both_damaged(sent):
    settled = sent.settle([answer_line("req__n0", GOOD)[:200] + answer_line("req__n1", GOOD)])
    assert states(settled) == ["invalid", "invalid", "missing"]
    assert settled["noticed"]["damaged"] == 1


def test_a_whole_line_makes_good_a_damaged_one(sent):
    whole = answer_line("req__n0", GOOD)
    assert states(sent.settle([whole[:150], whole]))[0] == "ok"
    assert states(sent.settle([whole, whole[:150]]))[0] == "ok"


def test_a_custom_id_in_other_case_or_with_spaces_is_known(sent):
    settled = sent.settle([answer_line("REQ__N0", GOOD), answer_line(" req__n1 ", GOOD)])
    assert states(settled) == ["ok", "ok", "missing"]
    assert settled["noticed"]["unknown"] == 0


def test_a_custom_id_that_may_be_one_of_two_is_nobodys(tmp_path):
    run = make_stage(tmp_path, [{"id": "a", "text": "one"}, {"id": "A", "text": "two"}])
    send(run, run.plan(1))
    keys = {row["custom_id"]: bytes.fromhex(row["key"]) for row in asked_of(run)}
    other = next(iter(keys)).swapcase()
    assert other not in keys
    raw = tmp_path / "raw.jsonl"
    raw.write_bytes(answer_line(other, GOOD) + b"\n")
    with Ledger(run.project.ledger) as ledger:
        (submission,) = ledger.submissions()
        with pytest.raises(InDoubtError, match="lines of requests of another batch"):
            settle_shard(ledger, run.project, STAGE, submission.id, COMPLETED, raw)
        assert ledger.answers(list(keys.values())) == {}


def test_settling_again_changes_nothing(sent):
    first = sent.settle([answer_line(f"req__n{number}", GOOD) for number in range(3)])
    again = sent.settle([])
    assert again == first


@pytest.mark.parametrize(
    ("batch", "state", "reason", "retryable"),
    [
        (Batch("b", "expired"), "expired", "batch_expired: not answered in time", True),
        (Batch("b", "cancelled"), "failed", "cancelled: the batch was cancelled", False),
        (
            Batch("b", "failed", errors=(BatchError("empty_file", "Nothing in it."),)),
            "failed",
            "batch_failed: empty_file",
            True,
        ),
        (COMPLETED, "missing", "missing: in neither the output nor the error file", True),
    ],
)
def test_a_request_without_a_line_has_the_state_of_its_batch(batch, state, reason, retryable, sent):
    settled = sent.settle([answer_line("req__n0", GOOD)], batch)
    assert states(settled) == ["ok", state, state]
    assert (settled["req__n1"].reason, settled["req__n1"].retryable) == (reason, retryable)


@pytest.mark.parametrize(("status", "retryable"), [(429, True), (500, True), (400, False)])
def test_an_error_line_is_asked_again_only_when_that_may_help(status, retryable, sent):
    settled = sent.settle([error_line("req__n0", status)])
    assert (settled["req__n0"].state, settled["req__n0"].retryable) == ("failed", retryable)


def test_tokens_of_the_answers_are_kept(sent):
    settled = sent.settle([answer_line("req__n0", GOOD)])
    assert (settled["req__n0"].prompt_tokens, settled["req__n0"].completion_tokens) == (100, 20)


def test_the_request_file_leaves_the_spool_once_it_is_settled(sent):
    spool = sent.project.root / ".goldpan" / "spool"
    assert len(list(spool.iterdir())) == 1
    sent.settle([answer_line("req__n0", GOOD)])
    assert list(spool.iterdir()) == []


def test_an_answer_is_not_judged_by_a_task_that_was_edited_since_it_was_asked(sent):
    topic = {**TOPIC_TASK["features"][0], "labels": ["soil", "water"]}
    sent.project.write_task({**TOPIC_TASK, "features": [topic, *TOPIC_TASK["features"][1:]]})
    assert states(sent.settle([answer_line(f"req__n{number}", GOOD) for number in range(3)])) == ["ok"] * 3


def test_an_answer_to_a_task_that_is_gone_is_kept(sent):
    (sent.project.root / "config" / "tasks" / "topic.yaml").unlink()
    settled = sent.settle([answer_line("req__n0", GOOD), error_line("req__n1", 400)])
    assert states(settled) == ["ok", "failed", "missing"]


def test_an_answer_to_a_task_that_is_broken_in_two_places_is_kept(sent):
    broken = [{"name": name, "type": "score"} for name in ("one", "two")]
    sent.project.write_task({**TOPIC_TASK, "features": broken})
    settled = sent.settle([answer_line("req__n0", GOOD), error_line("req__n1", 400)])
    assert states(settled) == ["ok", "failed", "missing"]


# Batches that cannot be taken at their word.


def test_rows_are_not_missing_where_a_batch_was_described_before_its_file_was_there(sent):
    early = Batch("batch_1", "completed", total=3, completed=3)
    with pytest.raises(
        InDoubtError, match="it counts 3 rows as answered, and names no output file"
    ) as caught:
        sent.settle([], early)
    assert "goldpan batches give-up batch_1" in caught.value.remedy
    with Ledger(sent.run.project.ledger) as ledger:
        assert ledger.submissions()[0].is_open and ledger.counts() == {}


def test_rows_are_not_missing_where_the_lines_are_those_of_another_batch(sent):
    with pytest.raises(InDoubtError, match="lines of requests of another batch"):
        sent.settle([answer_line("req__n0", GOOD), answer_line("req__x7", GOOD)])
    with Ledger(sent.run.project.ledger) as ledger:
        assert ledger.submissions()[0].is_open and ledger.counts() == {}
