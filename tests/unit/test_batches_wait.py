"""Waiting asks until every batch is terminal, tells how far it is, and gives up only with a reason."""

import pytest

from goldpan.batches.wait import LONGEST_QUEUE_TRIES, LONGEST_SILENCE, Progress, Waiting, wait_for_batches
from goldpan.errors import PendingError, ProviderError
from goldpan.ledger import Asked, Ledger
from goldpan.providers.base import Batch, BatchError
from goldpan.study.model import Poll
from tests.scripted_provider import ScriptedProvider

SILENT = ProviderError("no answer in time", retryable=True)
NO_ROOM = BatchError("token_limit_exceeded", "Enqueued token limit reached.")


def batch(status: str, completed: int = 0, failed: int = 0, number: int = 1, **more) -> Batch:
    return Batch(f"batch_{number}", status, total=10, completed=completed, failed=failed, **more)


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as opened:
        yield opened


class Waiter:
    """Submits shards of 10 requests, waits for them without passing time, and notes what is said and done."""

    def __init__(self, ledger: Ledger):
        self.ledger = ledger
        self.progress: list[Progress] = []
        self.pauses: list[float] = []
        self.submitted = 0

    def submit(self, shard: str):
        """Record another submission of a shard, as batch_1, batch_2, ..."""
        self.submitted += 1
        asked = [
            Asked(f"req__{shard}{row}", f"{shard}{row}".encode().ljust(32), "topic") for row in range(10)
        ]
        given = self.ledger.record_intent(
            asked, shard=shard, provider="main", study="notes", stage="topics", round=1, task="topic",
            task_hash="hash", model="m", requests=10, bytes=100,
        )  # fmt: skip
        self.ledger.record_batch(given.id, f"batch_{self.submitted}", None, "validating")
        return self.ledger.submission(given.id)

    def wait(self, provider, shards=("0000",), *, wait=True, poll=None) -> list[Waiting]:
        waiting = [Waiting(shard, shard, self.submit(shard)) for shard in shards]
        wait_for_batches(
            self.ledger,
            provider,
            waiting,
            poll=poll or Poll(first=1, longest=4),
            wait=wait,
            resubmit=lambda item: self.submit(item.hash),
            report=self.progress.append,
            sleep=self.pauses.append,
        )
        return waiting


@pytest.fixture
def waiter(ledger):
    return Waiter(ledger)


def test_the_last_state_of_each_batch_is_kept(waiter, ledger):
    states = [batch("in_progress", 3), batch("completed", 9, 1)]
    (item,) = waiter.wait(ScriptedProvider({"batch_1": states}))
    assert item.batch == states[-1]
    known = ledger.submission(item.submission.id)
    assert (known.status, known.completed, known.failed) == ("completed", 9, 1)


def test_progress_tells_rows_done_failed_and_finalizing(waiter):
    counts = {"validating": (0, 0), "in_progress": (4, 1), "finalizing": (9, 1), "completed": (9, 1)}
    states = [batch(status, *given) for status, given in counts.items()]
    waiter.wait(ScriptedProvider({"batch_1": states}))
    assert [(said.done, said.failed, said.finalizing, said.terminal) for said in waiter.progress] == [
        (0, 0, 0, 0),
        (4, 1, 0, 0),
        (9, 1, 1, 0),
        (9, 1, 0, 1),
    ]
    lines = [said.line().rpartition(",")[0] for said in waiter.progress]
    assert lines == [
        "0/1 batches, 0/10 rows done, 0 failed, 1 validating",
        "0/1 batches, 4/10 rows done, 1 failed, 1 in_progress",
        "0/1 batches, 9/10 rows done, 1 failed, 1 finalizing",
        "1/1 batches, 9/10 rows done, 1 failed",
    ]


def test_intervals_grow_while_nothing_changes_and_start_again_when_something_does(waiter):
    waits = [batch("in_progress", 1)] * 6 + [batch("in_progress", 2)] * 2 + [batch("completed", 10)]
    waiter.wait(ScriptedProvider({"batch_1": waits}))
    assert waiter.pauses == [1, 1.5, 2.25, 3.375, 4, 4, 1, 1.5]


def test_a_terminal_batch_is_not_asked_again_while_others_are_open(waiter):
    provider = ScriptedProvider(
        {
            "batch_1": [batch("completed", 10)],
            "batch_2": [batch("in_progress", number=2), batch("expired", 3, number=2)],
        }
    )
    waiter.wait(provider, ("a", "b"))
    assert provider.calls.count(("retrieve", "batch_1")) == 1


def test_without_waiting_open_batches_are_an_error_that_names_them(waiter):
    states = {"batch_1": [batch("completed", 10)], "batch_2": [batch("in_progress", number=2)]}
    says = r"1 of 2 batches are still open: batch_2 \(in_progress\)"
    with pytest.raises(PendingError, match=says) as caught:
        waiter.wait(ScriptedProvider(states), ("a", "b"), wait=False)
    assert caught.value.exit_code == 3
    assert waiter.pauses == []


def test_without_waiting_finished_batches_are_enough(waiter):
    assert waiter.wait(ScriptedProvider({"batch_1": [batch("completed", 10)]}), wait=False)[0].is_done


def test_a_few_lost_answers_are_passed_over(waiter):
    waiter.wait(ScriptedProvider({"batch_1": [SILENT] * (LONGEST_SILENCE - 1) + [batch("completed", 10)]}))
    assert len(waiter.pauses) == LONGEST_SILENCE - 1


def test_long_silence_is_an_error_that_says_that_nothing_is_lost(waiter):
    with pytest.raises(ProviderError, match="no answer in time") as caught:
        waiter.wait(ScriptedProvider({"batch_1": [SILENT]}))
    assert caught.value.where == "batch batch_1 (shard 0000)"
    assert "nothing is lost" in caught.value.remedy


def test_a_refusal_is_an_error_at_once(waiter):
    with pytest.raises(ProviderError, match="Incorrect API key"):
        waiter.wait(ScriptedProvider({"batch_1": [ProviderError("Incorrect API key", status=401)]}))
    assert waiter.pauses == []


def test_a_batch_for_which_there_was_no_room_is_submitted_again(waiter, ledger):
    provider = ScriptedProvider(
        {
            "batch_1": [batch("failed", errors=(NO_ROOM,))],
            "batch_2": [batch("completed", 10, number=2)],
        }
    )
    (item,) = waiter.wait(provider)
    assert item.submission.batch_id == "batch_2"
    assert [given.state for given in ledger.submissions()] == ["void", "created"]
    assert waiter.progress[0].queued == 1


def test_a_shard_for_which_there_is_never_room_is_an_error(waiter):
    full = {f"batch_{number}": [batch("failed", number=number, errors=(NO_ROOM,))] for number in range(1, 20)}
    with pytest.raises(ProviderError, match=f"no room for this shard {LONGEST_QUEUE_TRIES} times") as caught:
        waiter.wait(ScriptedProvider(full))
    assert "`limits: prompt_tokens:`" in caught.value.remedy


def test_a_batch_that_failed_for_another_reason_is_terminal(waiter):
    wrong = batch("failed", errors=(BatchError("invalid_json_line", "Line 3.", 3),))
    (item,) = waiter.wait(ScriptedProvider({"batch_1": [wrong]}))
    assert item.is_done
    assert waiter.submitted == 1


def test_a_settled_batch_that_the_provider_has_forgotten_is_done(waiter, ledger):
    given = waiter.submit("0000")
    ledger.settle(given.id, [], status="completed", note=lambda: "{}")
    item = Waiting("0000", "0000", ledger.submission(given.id))
    provider = ScriptedProvider({"batch_1": [ProviderError("No such batch.", status=404)]})
    wait_for_batches(
        ledger, provider, [item], poll=Poll(), wait=True, resubmit=lambda item: item.submission,
        report=waiter.progress.append, sleep=waiter.pauses.append,
    )  # fmt: skip
    assert item.batch == Batch("batch_1", "completed")
