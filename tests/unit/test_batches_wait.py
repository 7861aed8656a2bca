"""Waiting asks until every batch is terminal, tells how far it is, and gives up only with a reason."""

from dataclasses import replace

import pytest

from goldpan.batches.room import LONGEST_PAUSE_SECONDS, LONGEST_WAIT_HOURS
from goldpan.batches.wait import (
    LONGEST_SILENCE_SECONDS,
    Progress,
    Waiting,
    asking,
    wait_for_batches,
)
from goldpan.errors import InDoubtError, PendingError, ProviderError
from goldpan.ledger import Asked, Ledger
from goldpan.providers.base import GIVEN_UP, Batch, BatchError
from goldpan.study.stage import Poll
from tests.scripted_provider import ScriptedProvider
from tests.simulated_clock import SimulatedClock

SILENT = ProviderError("no answer in time", retryable=True)
NOT_FOUND = ProviderError("No such batch.", status=404, retryable=True)
NO_ROOM = BatchError("token_limit_exceeded", "Enqueued token limit reached.")
PATIENCE = 600.0


def batch(status: str, completed: int = 0, failed: int = 0, number: int = 1, **more) -> Batch:
    files = {"output_file_id": "out"} if completed or status == "completed" else {}
    return Batch(f"batch_{number}", status, total=10, completed=completed, failed=failed, **files | more)


def no_room(number: int) -> Batch:
    return batch("failed", number=number, errors=(NO_ROOM,))


@pytest.fixture
def clock():
    return SimulatedClock()


@pytest.fixture
def ledger(tmp_path, clock):
    with Ledger(tmp_path / "ledger.sqlite", clock=clock) as opened:
        yield opened


class Waiter:
    """Submits shards of 10 requests, waits for them without passing time, and notes what is said and done."""

    def __init__(self, ledger: Ledger, clock: SimulatedClock):
        self.ledger, self.clock = ledger, clock
        self.progress: list[Progress] = []
        self.submitted = 0

    @property
    def pauses(self) -> list[float]:
        return self.clock.pauses

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
        self.wait_for(provider, waiting, wait=wait, poll=poll)
        return waiting

    def wait_for(self, provider, waiting, *, wait=True, poll=None) -> None:
        wait_for_batches(
            self.ledger,
            asking(provider),
            waiting,
            poll=poll or Poll(first=1, longest=4, patience=PATIENCE),
            wait=wait,
            resubmit=lambda item: self.submit(item.hash),
            report=self.progress.append,
            clock=self.clock,
        )


@pytest.fixture
def waiter(ledger, clock):
    return Waiter(ledger, clock)


def test_the_last_state_of_each_batch_is_kept(waiter, ledger):
    states = [batch("in_progress", 3), batch("completed", 9, 1)]
    (item,) = waiter.wait(ScriptedProvider({"batch_1": states}))
    assert item.batch == states[-1]
    known = ledger.submission(item.submission.id)
    assert (known.status, known.completed, known.failed) == ("completed", 9, 1)


def test_failed_rows_that_are_counted_as_completed_are_for_fetching_to_decide(waiter, clock):
    all_failed = replace(batch("completed", 10), output_file_id=None, error_file_id="errors")
    (item,) = waiter.wait(ScriptedProvider({"batch_1": [all_failed]}))
    assert item.is_done and sum(clock.pauses) >= PATIENCE
    without_files = replace(all_failed, id="batch_2", error_file_id=None)
    with pytest.raises(InDoubtError, match="names no output file"):
        waiter.wait(ScriptedProvider({"batch_2": [without_files]}), shards=("0001",))


def test_progress_tells_rows_done_failed_and_finalizing(waiter):
    counts = {"validating": (0, 0), "in_progress": (4, 1), "finalizing": (9, 1), "completed": (9, 1)}
    states = [batch(status, *given) for status, given in counts.items()]
    waiter.wait(ScriptedProvider({"batch_1": states}))
    assert [
        (said.done, said.failed, said.statuses.get("finalizing", 0), said.terminal)
        for said in waiter.progress
    ] == [
        (0, 0, 0, 0),
        (4, 1, 0, 0),
        (9, 1, 1, 0),
        (9, 1, 0, 1),
    ]
    assert [said.counts() for said in waiter.progress] == [
        "0/1 batches, 0/10 rows done, 0 failed, 1 validating",
        "0/1 batches, 4/10 rows done, 1 failed, 1 in_progress",
        "0/1 batches, 9/10 rows done, 1 failed, 1 finalizing",
        "1/1 batches, 9/10 rows done, 1 failed",
    ]


def test_progress_tells_rate_time_left_and_cost_while_rows_are_open(ledger, clock):
    given = Waiter(ledger, clock).submit("0000")
    item = Waiting("0000", "0000", replace(given, estimated_usd=2.0))
    waiter = Waiter(ledger, clock)
    states = [batch("in_progress", 2), batch("in_progress", 4), batch("completed", 10)]
    waiter.wait_for(ScriptedProvider({"batch_1": states}), [item])
    assert [said.line().removeprefix(said.counts()) for said in waiter.progress] == [
        ", about 0.4000 USD so far, 0:00 elapsed",
        ", 2 rows a second, 0:03 left, about 0.8000 USD so far, 0:01 elapsed",
        ", 0:02 elapsed",
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


# Silence.


def test_hours_of_silence_are_waited_out_and_said(waiter, clock):
    waiter.wait(ScriptedProvider({"batch_1": [SILENT] * 3000 + [batch("completed", 10)]}))
    assert clock.monotonic() > 3 * 3600
    assert "no answer about 1 since " in waiter.progress[0].line()
    # Said once: the line is the same until something changes.
    assert len({said.line().rpartition(",")[0] for said in waiter.progress}) == 2


def test_a_service_that_asks_to_be_left_alone_is(waiter):
    busy = ProviderError("busy", status=429, retryable=True, retry_after=90)
    waiter.wait(ScriptedProvider({"batch_1": [busy, batch("completed", 10)]}))
    assert waiter.pauses == [90]


@pytest.mark.slow
def test_a_day_of_silence_is_an_error_that_says_that_nothing_is_lost(waiter, clock):
    with pytest.raises(ProviderError, match="no answer in time") as caught:
        waiter.wait(ScriptedProvider({"batch_1": [SILENT]}))
    assert caught.value.where == "batch batch_1 (shard 0000)"
    assert "nothing is lost" in caught.value.remedy
    assert clock.monotonic() >= LONGEST_SILENCE_SECONDS


def test_a_refusal_of_the_key_is_an_error_at_once(waiter):
    with pytest.raises(ProviderError, match="Incorrect API key"):
        waiter.wait(ScriptedProvider({"batch_1": [ProviderError("Incorrect API key", status=401)]}))
    assert waiter.pauses == []


# Batches that are not what they seem.

DONE_WITHOUT_FILE = batch("completed", 10, output_file_id=None)


def test_a_batch_just_made_may_be_not_found_for_minutes(waiter):
    (item,) = waiter.wait(ScriptedProvider({"batch_1": [NOT_FOUND] * 100 + [batch("completed", 10)]}))
    assert item.is_done


def test_a_forgotten_batch_stops_the_run_only_after_the_others_are_done(waiter, ledger, clock):
    provider = ScriptedProvider(
        {
            "batch_1": [NOT_FOUND],
            "batch_2": [batch("in_progress", number=2)] * 400 + [batch("completed", 10, number=2)],
        }
    )
    with pytest.raises(InDoubtError, match=r"batch_1 .*: the provider does not know it \(404\)") as caught:
        waiter.wait(provider, ("a", "b"))
    assert "goldpan batches give-up batch_1 --ask-again" in caught.value.remedy
    assert [known.status for known in ledger.submissions()] == ["validating", "completed"]
    assert clock.monotonic() > PATIENCE


def test_a_batch_that_comes_back_while_others_are_waited_for_is_taken(waiter):
    provider = ScriptedProvider(
        {
            "batch_1": [NOT_FOUND] * 300 + [batch("completed", 10)],
            "batch_2": [batch("in_progress", number=2)] * 400 + [batch("completed", 10, number=2)],
        }
    )
    assert all(item.is_done for item in waiter.wait(provider, ("a", "b")))


def test_a_batch_that_was_not_seen_for_long_is_in_doubt_after_a_few_looks(waiter, clock):
    waiting = [Waiting("0000", "0000", waiter.submit("0000"))]
    clock.sleep(7 * 24 * 3600)
    with pytest.raises(InDoubtError):
        waiter.wait_for(ScriptedProvider({"batch_1": [NOT_FOUND]}), waiting)
    assert len(waiter.progress) == 3


def test_a_forgotten_batch_is_an_error_also_without_waiting(waiter, clock):
    waiting = [Waiting("0000", "0000", waiter.submit("0000"))]
    provider = ScriptedProvider({"batch_1": [NOT_FOUND]})
    with pytest.raises(PendingError, match="does not know it"):
        waiter.wait_for(provider, waiting, wait=False)
    clock.sleep(PATIENCE)
    with pytest.raises(InDoubtError):
        waiter.wait_for(provider, waiting, wait=False)


def test_completed_before_its_file_is_there_is_looked_at_again(waiter):
    states = [DONE_WITHOUT_FILE] * 20 + [batch("completed", 10)]
    (item,) = waiter.wait(ScriptedProvider({"batch_1": states}))
    assert item.batch == states[-1]
    says = "looked at again batch_1: completed, but it counts 10 rows as answered, and names no output file"
    assert says in waiter.progress[0].line()


@pytest.mark.parametrize(
    "state",
    [
        DONE_WITHOUT_FILE,
        batch("completed", output_file_id=None),
        batch("expired", 4, output_file_id=None),
        batch("cancelled", 4, output_file_id=None),
        batch("failed", 4, output_file_id=None),
    ],
)
def test_a_batch_that_goes_on_contradicting_itself_is_in_doubt(state, waiter, clock):
    with pytest.raises(InDoubtError, match="nothing was settled"):
        waiter.wait(ScriptedProvider({"batch_1": [state]}))
    assert PATIENCE <= clock.monotonic() < 2 * PATIENCE


@pytest.mark.parametrize(
    "state",
    [
        batch("completed", 0, 10, output_file_id=None, error_file_id="err"),
        batch("completed", 0, 0),
        batch("expired", 0, 10),
        batch("cancelled"),
        batch("failed"),
    ],
)
def test_what_services_really_say_is_no_contradiction(state, waiter):
    (item,) = waiter.wait(ScriptedProvider({"batch_1": [state]}))
    assert item.is_done and waiter.pauses == []


def test_a_terminal_batch_that_is_open_again_is_waited_for(waiter):
    states = [DONE_WITHOUT_FILE, batch("in_progress", 5), batch("completed", 10)]
    (item,) = waiter.wait(ScriptedProvider({"batch_1": states}))
    assert item.batch == states[-1]


def test_a_status_that_is_not_known_is_open_and_said_once(waiter):
    states = [batch("paused", 3)] * 50 + [batch("completed", 10)]
    waiter.wait(ScriptedProvider({"batch_1": states}))
    lines = [said.line().rpartition(",")[0] for said in waiter.progress]
    assert lines[0] == "0/1 batches, 3/10 rows done, 0 failed, 1 paused (not a status goldpan knows)"
    assert len(set(lines)) == 2


def test_an_answer_about_another_batch_is_not_taken(waiter, ledger):
    provider = ScriptedProvider({"batch_1": [batch("completed", 10, number=7)] * 5 + [batch("expired")]})
    (item,) = waiter.wait(provider)
    assert item.batch == batch("expired")
    assert "the provider answers with batch batch_7" in waiter.progress[0].line()


def test_a_call_that_is_refused_for_one_batch_does_not_stop_the_others(waiter):
    refused = ProviderError("the service answered 400: bad id", status=400)
    provider = ScriptedProvider({"batch_1": [refused], "batch_2": [batch("completed", 10, number=2)]})
    with pytest.raises(InDoubtError, match="bad id"):
        waiter.wait(provider, ("a", "b"))
    assert waiter.progress[-1].terminal == 1


def test_a_batch_given_up_meanwhile_is_done(waiter, ledger):
    class Impatient(ScriptedProvider):
        def retrieve(self, batch_id):
            if len(self.calls) == 5:
                ledger.settle(1, [], status=GIVEN_UP, note=lambda: "{}")
            return super().retrieve(batch_id)

    (item,) = waiter.wait(Impatient({"batch_1": [NOT_FOUND]}))
    assert item.batch == Batch("batch_1", GIVEN_UP) and item.is_done


def test_a_settled_batch_that_the_provider_has_forgotten_is_done(waiter, ledger):
    given = waiter.submit("0000")
    ledger.settle(given.id, [], status="completed", note=lambda: "{}")
    item = Waiting("0000", "0000", ledger.submission(given.id))
    waiter.wait_for(ScriptedProvider({"batch_1": [NOT_FOUND]}), [item])
    assert item.batch == Batch("batch_1", "completed")


# No room.


def test_a_batch_for_which_there_was_no_room_is_submitted_again(waiter, ledger):
    provider = ScriptedProvider({"batch_1": [no_room(1)], "batch_2": [batch("completed", 10, number=2)]})
    (item,) = waiter.wait(provider)
    assert item.submission.batch_id == "batch_2"
    assert [given.state for given in ledger.submissions()] == ["void", "created"]
    assert waiter.progress[0].queued == 1
    assert "1 queued for room (token_limit_exceeded), tried again at" in waiter.progress[0].line()


def test_room_is_waited_for_for_hours_with_growing_intervals(waiter, clock):
    full = {f"batch_{number}": [no_room(number)] for number in range(1, 31)}
    waiter.wait(ScriptedProvider({**full, "batch_31": [batch("completed", 10, number=31)]}))
    assert 8 * 3600 < clock.monotonic() < LONGEST_WAIT_HOURS * 3600
    assert waiter.submitted == 31


@pytest.mark.slow
def test_a_shard_for_which_there_is_never_room_is_an_error_after_days(waiter, clock):
    full = {f"batch_{number}": [no_room(number)] for number in range(1, 200)}
    with pytest.raises(
        ProviderError, match=f"no room for this shard for {LONGEST_WAIT_HOURS} hours"
    ) as caught:
        waiter.wait(ScriptedProvider(full))
    assert "`limits: prompt_tokens:`" in caught.value.remedy
    assert clock.monotonic() < LONGEST_WAIT_HOURS * 3600 + LONGEST_PAUSE_SECONDS + 10


def test_of_several_queued_shards_one_at_a_time_is_tried(waiter):
    states = {f"batch_{number}": [no_room(number)] for number in (1, 2, 3)}
    waits = {f"batch_{number}": [batch("validating", number=number)] * 3 for number in (4, 5, 6)}
    done = {name: [*states_, batch("completed", 10, number=int(name[-1]))] for name, states_ in waits.items()}
    waiter.wait(ScriptedProvider({**states, **done}), ("a", "b", "c"))
    assert waiter.submitted == 6
    assert max(said.statuses.get("validating", 0) for said in waiter.progress) == 1


def test_a_batch_that_ends_makes_room_at_once(waiter, clock):
    # Refused eleven times in 1,023 seconds; by the clock alone the next try would come after 2,047.
    full = {f"batch_{number}": [no_room(number)] for number in range(2, 13)}
    running = [batch("in_progress", 1)] * 400 + [batch("completed", 10)]
    room = {"batch_13": [batch("completed", 10, number=13)]}
    waiter.wait(ScriptedProvider({"batch_1": running, **full, **room}), ("a", "b"))
    ended = next(at for at, said in enumerate(waiter.progress) if said.done >= 10)
    assert waiter.progress[ended + 1].terminal == 2
    assert 1_023 < clock.monotonic() < 2_047


def test_a_create_call_for_which_there_is_no_room_is_made_again_later(waiter):
    refused = [ProviderError("Enqueued token limit reached.", status=429, retryable=True)] * 5
    provider = ScriptedProvider({"batch_1": [no_room(1)], "batch_2": [batch("completed", 10, number=2)]})
    waiting = [Waiting("0000", "0000", waiter.submit("0000"))]

    def resubmit(item):
        if refused:
            raise refused.pop()
        return waiter.submit(item.hash)

    wait_for_batches(
        waiter.ledger, asking(provider), waiting, poll=Poll(first=1, longest=4), wait=True, resubmit=resubmit,
        report=waiter.progress.append, clock=waiter.clock,
    )  # fmt: skip
    assert waiting[0].is_done


def test_a_queued_shard_of_a_stopped_run_is_submitted_by_the_next_also_without_waiting(waiter, ledger):
    stopped = waiter.submit("0000")
    ledger.void(stopped.id, "no room: token_limit_exceeded")
    item = Waiting("0000", "0000", ledger.submission(stopped.id))
    provider = ScriptedProvider({"batch_2": [batch("in_progress", number=2)]})
    with pytest.raises(PendingError, match=r"batch_2 \(in_progress\)"):
        waiter.wait_for(provider, [item], wait=False)


def test_an_intent_that_was_left_open_is_submitted_and_not_a_traceback(waiter, ledger):
    asked = [Asked("req__1", bytes(32), "topic")]
    intent = ledger.record_intent(
        asked, shard="0000", provider="main", study="notes", stage="topics", round=1, task="topic",
        task_hash="hash", model="m", requests=1, bytes=1,
    )  # fmt: skip
    item = Waiting("0000", "0000", intent)

    def resubmit(item):
        ledger.record_batch(intent.id, "batch_9", None, "validating")
        return ledger.submission(intent.id)

    wait_for_batches(
        ledger, asking(ScriptedProvider({"batch_9": [batch("completed", 10, number=9)]})), [item],
        poll=Poll(), wait=True, resubmit=resubmit, report=waiter.progress.append, clock=waiter.clock,
    )  # fmt: skip
    assert item.is_done


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_a_shard_whose_rows_another_study_took_while_it_had_no_room_is_waited_for_no_more(
    waiter, ledger, is_elsewhere
):
    waiting = [Waiting(shard, shard, waiter.submit(shard)) for shard in ("a", "b")]

    def resubmit(item):
        if is_elsewhere:
            return None
        taken = waiter.submit("of another study")
        ledger.void(taken.id, "nothing was left to ask")
        return replace(ledger.submission(taken.id), batch_id=None)

    wait_for_batches(
        ledger,
        asking(ScriptedProvider({"batch_1": [no_room(1)], "batch_2": [batch("completed", 10, number=2)]})),
        waiting, poll=Poll(), wait=True, resubmit=resubmit, report=waiter.progress.append, clock=waiter.clock,
    )  # fmt: skip
    assert [item.shard for item in waiting] == ["b"]


def test_a_batch_that_failed_for_another_reason_is_terminal(waiter):
    wrong = batch("failed", errors=(BatchError("invalid_json_line", "Line 3.", 3),))
    (item,) = waiter.wait(ScriptedProvider({"batch_1": [wrong]}))
    assert item.is_done
    assert waiter.submitted == 1


def test_a_batch_that_answered_rows_before_there_was_no_room_is_not_sent_again(waiter):
    partly = batch("failed", 3, errors=(NO_ROOM,))
    (item,) = waiter.wait(ScriptedProvider({"batch_1": [partly]}))
    assert item.is_done
    assert waiter.submitted == 1
