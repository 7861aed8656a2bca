"""Results that name batches which the ledger does not know: nothing is asked until it has taken them in."""

import shutil

import orjson
import pytest

from goldpan.batches.take_in import take_in
from goldpan.errors import LedgerError, SourceError
from goldpan.files import read_whole_unpacked
from goldpan.ledger import Ledger
from goldpan.ledger.backup import back_up
from goldpan.serve import running_server
from goldpan.serve.fault_plan import FaultPlan
from tests.faults.conftest import scripted_answer
from tests.projects import note_rows
from tests.stage_builders import STAGE, answer, at, finish, make_stage, send, with_records


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("server"), answerer=scripted_answer) as running:
        yield running


@pytest.fixture
def run(server, tmp_path):
    provider = {"kind": "openai", "base_url": server.base_url, "grace_seconds": 0}
    return make_stage(
        tmp_path, note_rows(6), provider, limits={"requests": 3}, poll={"first": 0.01, "longest": 0.1}
    )


def lose(run) -> None:
    for file in run.project.ledger.parent.glob("ledger.sqlite*"):
        file.unlink()


def taken(run) -> list[str]:
    with Ledger(run.project.ledger) as ledger:
        return [one.done or one.problem for one in take_in(ledger, run.project, STAGE)]


def batches(server) -> int:
    return len(server.engine.list_batches())


def features(run) -> bytes:
    assert {state: count for state, count in run.consolidate().states.items() if count} == {"ok": 6}
    return at(run, run.paths.features(STAGE)).read_bytes()


def test_an_empty_ledger_stops_and_takes_in_what_is_settled_without_a_call(run, server):
    answer(run)
    before, paid, calls = features(run), batches(server), sum(server.calls.values())
    lose(run)
    with pytest.raises(LedgerError, match=r"does not know 2 batches.*0000\.json\), batch_") as caught:
        run.plan(1)
    assert "goldpan ledger take-in --study notes" in str(caught.value)
    assert taken(run) == ["settled from the raw lines that are here"] * 2
    assert taken(run) == []
    assert sum(server.calls.values()) == calls
    assert run.plan(1).requests["answered"] == 6
    assert features(run) == before
    assert batches(server) == paid


def test_batches_under_way_are_known_again_and_waited_for(run, server):
    plan = run.plan(1)
    send(run, plan)
    paid = batches(server)
    lose(run)
    for step in (lambda: run.plan(1), lambda: run.wait(1, lambda progress: None)):
        with pytest.raises(LedgerError, match="goldpan ledger take-in"):
            step()
    assert taken(run) == ["known again; the next run waits for it and fetches its answers"] * 2
    assert run.plan(1).requests["pending"] == 6
    send(run, run.plan(1))
    finish(run, run.plan(1))
    features(run)
    assert batches(server) == paid


def test_an_older_backup_stops_before_it_pays_and_numbers_of_its_own_do_no_harm(run, server, tmp_path):
    """The backup gives the number of a lost submission to another one: results say which batch is meant."""
    first = run.plan(1)
    run.place(1, "0000")
    run.submit(1, "0000")
    with Ledger(run.project.ledger) as ledger:
        back_up(ledger, tmp_path / "backup.sqlite")
    run.place(1, "0001")
    run.submit(1, "0001")
    finish(run, first)
    before, paid = features(run), batches(server)
    lose(run)
    shutil.copy(tmp_path / "backup.sqlite", run.project.ledger)
    with Ledger(run.project.ledger) as ledger:
        number = ledger.record_intent(
            [], shard="other", provider="p", study="x", stage="y", round=1, task="t", task_hash="h",
            model="m", requests=1, bytes=1,
        ).id  # fmt: skip
        assert number == 2
    with pytest.raises(LedgerError, match="does not know 1 batches"):
        run.submit(1, "0001")
    assert taken(run) == ["settled from the raw lines that are here"] * 2
    run.settle(1)
    for shard in first.shards:
        run.fetch(1, shard.name)
    assert run.plan(1).requests["answered"] == 6
    assert features(run) == before
    assert batches(server) == paid


def test_an_intent_of_the_backup_gets_the_batch_that_was_made_of_it(run, server, tmp_path):
    plan = run.plan(1)
    send(run, plan)
    paid = batches(server)
    with Ledger(run.project.ledger) as ledger:
        # As the ledger was between the intent and the batch id.
        ledger.db.execute("UPDATE submissions SET state = 'intent', batch_id = NULL, file_id = NULL")
    assert len(taken(run)) == 2
    finish(run, plan)
    features(run)
    assert batches(server) == paid


def test_a_batch_of_another_plan_is_named_and_left(run, server):
    send(run, run.plan(1))
    lose(run)
    asked = at(run, run.paths.asked(STAGE, 1))
    asked.write_bytes(read_whole_unpacked(asked).replace(b'"attempts":0', b'"attempts":1', 1))
    first, second = taken(run)
    assert "planned anew since" in first
    assert "known again" in second


def test_answers_that_a_repair_could_not_save_are_restored(run, server):
    answer(run)
    before = features(run)
    with Ledger(run.project.ledger) as ledger:
        ledger.db.execute("DELETE FROM answers WHERE rowid IN (2, 3)")
        ledger.db.execute("DELETE FROM submissions WHERE id = 2")
    assert taken(run) == [
        "2 lost answers restored from the raw lines that are here",
        "settled from the raw lines that are here",
    ]
    assert features(run) == before


@pytest.fixture
def in_three_rounds(tmp_path):
    """A stage of six rows, of which three came to nothing in rounds 1 and 2; and its server."""
    fault = {"fault": "row_error", "rows": "req__n[024]", "times": 6}
    plan = FaultPlan(faults=[fault])
    with running_server(tmp_path / "server", answerer=scripted_answer, faults=plan) as server:
        provider = {"kind": "openai", "base_url": server.base_url, "grace_seconds": 0}
        run = make_stage(tmp_path, note_rows(6), provider, poll={"first": 0.01, "longest": 0.1})
        assert [answer(run, number).left for number in (1, 2, 3)] == [3, 3, 0]
        yield run, server


def test_answers_of_later_rounds_are_restored_too(in_three_rounds):
    run, _ = in_three_rounds
    before = features(run)
    with Ledger(run.project.ledger) as ledger:
        ledger.db.execute("DELETE FROM answers")
    assert [done.partition(" restored")[0] for done in taken(run)] == [
        "6 lost answers",
        "3 lost answers",
        "3 lost answers",
    ]
    assert taken(run) == []
    with Ledger(run.project.ledger) as ledger:
        attempts = sorted(answer.attempts for _, answer in ledger.all_answers())
    assert attempts == [1, 1, 1, 3, 3, 3]
    assert run.plan(1).requests["answered"] == 6
    assert features(run) == before


def test_a_run_heals_a_ledger_that_lost_answers_and_comes_to_an_end(in_three_rounds):
    """Without take-in: each round finds that its shard is settled, and takes over again what came of it."""
    run, server = in_three_rounds
    before, paid = features(run), batches(server)
    with Ledger(run.project.ledger) as ledger:
        ledger.db.execute("DELETE FROM answers")
    left, number = 1, 0
    while left:
        number += 1
        assert number <= 3
        left = answer(run, number).left
    assert features(run) == before
    assert batches(server) == paid


def test_results_of_an_earlier_goldpan_say_enough(run, server):
    """Batch files of before had no nonce, service and endpoint."""
    import orjson

    answer(run)
    paid = batches(server)
    for path in at(run, run.paths.batch(STAGE, 1, "x")).parent.glob("*.json"):
        says = orjson.loads(path.read_bytes())
        path.write_bytes(
            orjson.dumps({k: v for k, v in says.items() if k not in ("nonce", "service", "endpoint")})
        )
    lose(run)
    taken(run)
    run = with_records(run.project.root)
    assert run.plan(1).requests["answered"] == 6
    assert batches(server) == paid


def test_a_batch_in_doubt_is_named_and_the_others_are_taken_in(run, server):
    answer(run)
    lose(run)
    raw = at(run, run.paths.raw(STAGE, 1, "0000"))
    # Lines of another batch, where its own were asked.
    raw.write_bytes(raw.read_bytes().replace(b"req__", b"other__"))
    first, second = taken(run)
    assert "nothing is settled from batch" in first
    assert second == "settled from the raw lines that are here"


@pytest.mark.parametrize("was_sent", [False, True])
def test_an_intent_of_another_nonce_does_not_get_the_batch(run, server, was_sent):
    plan = run.plan(1)
    send(run, plan)
    with Ledger(run.project.ledger) as ledger:
        ledger.db.execute(
            "UPDATE submissions SET state = 'intent', batch_id = NULL, nonce = 'another' || id, sent_at = ?",
            (1.7e9 if was_sent else None,),
        )
    said = taken(run)
    with Ledger(run.project.ledger) as ledger:
        states = [(row.state, row.batch_id is not None) for row in ledger.submissions()]
    if was_sent:
        assert all("is in doubt, and this is not its batch" in line for line in said)
        assert states == [("intent", False)] * 2
    else:
        assert states == [("void", False)] * 2 + [("created", True)] * 2


def test_a_note_of_another_hand_does_not_stop_the_settlement(run, server):
    plan = run.plan(1)
    send(run, plan)
    finish(run, plan)
    with Ledger(run.project.ledger) as ledger:
        ledger.db.execute("UPDATE submissions SET note = 'no JSON'")
    assert run.settle(1).noticed == {"0000": {}, "0001": {}}


def test_a_batch_file_that_lacks_what_is_needed_is_named_and_the_others_are_taken_in(run):
    answer(run)
    lose(run)
    first, _ = sorted(at(run, run.paths.batch(STAGE, 1, "x")).parent.glob("*.json"))
    says = orjson.loads(first.read_bytes())
    first.write_bytes(orjson.dumps({key: says[key] for key in says if key not in ("submission", "tasks")}))
    with pytest.raises(LedgerError, match="does not know 2 batches"):
        run.plan(1)
    named, other = taken(run)
    assert named.startswith("it does not say submission, tasks")
    assert other == "settled from the raw lines that are here"
    first.write_text("[]")
    with pytest.raises(SourceError, match="is not a batch-id file"):
        taken(run)
