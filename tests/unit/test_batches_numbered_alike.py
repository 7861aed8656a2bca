"""Two services may number their batches alike: an id alone does not say which batch is meant."""

import pytest

from goldpan.cli.known_batches import KnownBatches
from goldpan.errors import LedgerError
from goldpan.ledger import Asked, BatchName, Ledger
from tests.projects import note_rows
from tests.stage_builders import finish, make_stage, send


def intend(ledger, study, service, number):
    submission = ledger.record_intent(
        [Asked("req__1", bytes([number]) * 32, "t")], shard=f"shard{number}", provider="p", study=study,
        stage="one", round=1, task="t", task_hash="h", model="m", requests=1, bytes=1, service=service,
    )  # fmt: skip
    ledger.record_batch(submission.id, "batch_1", 1, "completed")
    return ledger.submission(submission.id)


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        yield ledger


def test_a_batch_is_found_by_its_shard_number_and_service(ledger):
    first, second = intend(ledger, "a", "here", 1), intend(ledger, "b", "there", 2)
    for submission in (first, second):
        for name in (
            BatchName("batch_1", submission.service, shard=submission.shard, number=submission.id),
            # The number is that of another ledger.
            BatchName("batch_1", submission.service, shard=submission.shard, number=3 - submission.id),
            # The study names another service by now.
            BatchName("batch_1", "elsewhere", shard=submission.shard, number=submission.id),
            BatchName("batch_1", submission.service, submission.nonce),
            BatchName("batch_1", submission.service),
        ):
            assert ledger.submission_of_batch(name) == submission, name
    assert ledger.submission_of_batch(BatchName("batch_1", "elsewhere")) is None


def test_a_lost_batch_is_not_taken_for_one_that_another_service_numbered_alike(ledger):
    other = intend(ledger, "b", "there", 2)
    lost = BatchName("batch_1", "here", "0123456789abcdef", "shard1", other.id)
    old = BatchName("batch_1", "here")
    assert ledger.known_batches([lost, old]) == set()
    assert ledger.submission_of_batch(lost) is None
    own = BatchName("batch_1", "there", other.nonce)
    assert ledger.known_batches([own, BatchName("batch_1")]) == {own, BatchName("batch_1")}


def test_answers_land_on_the_rows_of_their_own_study(tmp_path):
    run = make_stage(tmp_path, note_rows(4))
    plan = run.plan(1)
    send(run, plan)
    with Ledger(run.project.ledger) as ledger:
        (own,) = ledger.submissions()
        other = intend(ledger, "b", "there", 2)
        ledger.record_batch(other.id, own.batch_id, 1, "in_progress")
    assert finish(run, plan).outcomes == {"ok": 4}
    with Ledger(run.project.ledger) as ledger:
        assert [submission.state for submission in ledger.submissions()] == ["settled", "created"]


def test_the_command_asks_which_of_two_batches_is_meant(ledger, tmp_path):
    first, _ = intend(ledger, "a", "here", 1), intend(ledger, "b", "there", 2)
    batches = KnownBatches(make_stage(tmp_path, note_rows(1)).project, ledger)
    with pytest.raises(LedgerError, match=r"submission 1 \(study `a`.*submission 2 \(study `b`"):
        batches.by_id("batch_1")
    assert batches.by_id("1") == first
