"""A paid call of which nobody knows whether it went through: what is done about it, case by case."""

import pytest

from goldpan.batches.adoption import adopt, rule_out
from goldpan.batches.matching import CERTAIN_ORDER, NewestFirst
from goldpan.batches.orphans import description, look_for_orphans, orphans_of
from goldpan.errors import LedgerError, ProviderError
from goldpan.ledger.lock import ShardLock
from goldpan.providers.base import Batch
from tests.model.protocol import GRACE, Protocol
from tests.model.simulated_service import Manner, SimulatedProvider


@pytest.fixture
def protocol(tmp_path):
    """A protocol whose service behaves as told; two shards of study `first` are planned in turn."""

    def make(**manner) -> Protocol:
        return Protocol(tmp_path, Manner(**manner))

    return make


# manner of the service, what becomes of the paid call, and how the submission ends: with nothing else in the
# account; and with the study's other shard made right after the call.
MADE, DOUBT = "submitted", "in_doubt"
BEHAVIOURS = {
    "made": ({}, ["made"], MADE, MADE),
    "429 twice": ({}, ["refused", "refused"], MADE, MADE),
    "never reached": ({}, ["unreached"] * 4, MADE, MADE),
    "answer lost": ({}, ["lost_after"], MADE, MADE),
    "answer lost, list lags 15 s": ({"lag": 15.0}, ["lost_after"], MADE, MADE),
    "answer lost, list lags 60 s": ({"lag": 60.0}, ["lost_after"], MADE, MADE),
    "answer lost, oldest first": ({"order": "oldest"}, ["lost_after"], MADE, MADE),
    "answer lost, pages of 3 without has_more, oldest first": (
        {"order": "oldest", "page": 3, "says_more": False},
        ["lost_after"],
        MADE,
        MADE,
    ),
    "answer lost, `after` counts itself": (
        {"order": "oldest", "page": 3, "counts_after": True},
        ["lost_after"],
        MADE,
        MADE,
    ),
    "answer lost, `after` is not known": (
        {"page": 3, "knows_after": False},
        ["lost_after"],
        MADE,
        MADE,
    ),
    "answer lost, `after` is not known, oldest first": (
        {"page": 3, "knows_after": False, "order": "oldest"},
        ["lost_after"],
        DOUBT,
        DOUBT,
    ),
    "answer lost, the list stays empty": ({"shows_batches": False}, ["lost_after"], DOUBT, DOUBT),
    "answer lost, clocks differ by hours": (
        {"clock_offset": -7 * 3600.0},
        ["lost_after"],
        MADE,
        MADE,
    ),
    "answer lost, clocks differ the other way": (
        {"clock_offset": 7 * 3600.0},
        ["lost_after"],
        MADE,
        MADE,
    ),
    "answer lost, metadata is dropped": ({"keeps_metadata": False}, ["lost_after"], MADE, MADE),
    "answer lost, file ids are used again": (
        {"reuses_file_ids": True},
        ["lost_after"],
        MADE,
        MADE,
    ),
    "504, goes through after 20 s": ({"late": 20.0}, ["late"], MADE, MADE),
    "504, goes through after 5 min, list lags 60 s": (
        {"late": 300.0, "lag": 60.0},
        ["late"],
        MADE,
        MADE,
    ),
    "504, nothing made": ({}, ["lost_before"], DOUBT, MADE),
    "504, nothing made, clocks differ by hours": (
        {"clock_offset": -7 * 3600.0},
        ["lost_before"],
        DOUBT,
        MADE,
    ),
    "504, nothing made, the list stays empty": (
        {"shows_batches": False},
        ["lost_before"],
        DOUBT,
        DOUBT,
    ),
    "504, nothing made, nothing in the list tells whose": (
        {"keeps_metadata": False, "reuses_file_ids": True, "says_time": False},
        ["lost_before"],
        DOUBT,
        DOUBT,
    ),
    "504 twice, nothing made": ({}, ["lost_before", "lost_before"], DOUBT, DOUBT),
}


@pytest.mark.parametrize("accompanied", [False, True], ids=["alone", "with another shard"])
@pytest.mark.parametrize("name", BEHAVIOURS)
def test_batches_paid_are_those_expected(name, accompanied, protocol):
    manner, outcomes, alone, with_others = BEHAVIOURS[name]
    protocol = protocol(**manner)
    protocol.service.add_strangers(8)
    protocol.clock.sleep(48 * 3600.0)
    work = protocol.plan("first")

    def other_shard() -> None:
        assert protocol.submit(protocol.plan("first")) == "submitted"

    ended = protocol.submit(work, *outcomes, meanwhile=other_shard if accompanied else None)
    protocol.check()
    assert ended == (with_others if accompanied else alone)
    own = [made for made in protocol.service.made if not made.nonce.startswith("stranger")]
    made = ended == "submitted" or "lost_after" in outcomes
    assert len(own) == made + accompanied
    protocol.come_to_an_end()


def test_other_peoples_batches_from_after_the_call_are_proof_too(protocol):
    protocol = protocol()
    work = protocol.plan("first")
    assert protocol.submit(work, "lost_before") == "in_doubt"
    protocol.service.add_strangers(1)
    assert protocol.submit(work) == "submitted"


def test_other_peoples_batches_are_no_proof_where_the_service_does_not_say_its_time(protocol):
    protocol = protocol(says_time=False)
    work = protocol.plan("first")
    assert protocol.submit(work, "lost_before") == "in_doubt"
    protocol.service.add_strangers(1)
    assert protocol.submit(work) == "in_doubt"


def test_an_upload_that_was_never_followed_by_a_paid_call_is_no_doubt(protocol):
    protocol = protocol(shows_batches=False)
    work = protocol.plan("first")
    assert protocol.submit(work, kill_at="uploaded") == "killed"
    assert protocol.submit(work) == "submitted"
    assert protocol.said == []


def test_a_doubt_is_said_on_the_screen_with_both_commands(protocol):
    protocol = protocol()
    assert protocol.submit(protocol.plan("first"), "lost_before") == "in_doubt"
    assert "for up to 10 min" in protocol.said[0] and "nothing is lost" in protocol.said[0]
    assert "`goldpan batches adopt 1 BATCH_ID --study first`" in protocol.failure.remedy
    assert "`goldpan batches adopt 1 none --study first`" in protocol.failure.remedy


def test_a_later_run_looks_shortly_and_once_the_grace_has_passed(protocol):
    protocol = protocol()
    work = protocol.plan("first")
    protocol.submit(work, "lost_before")
    began = protocol.clock.monotonic()
    assert protocol.submit(work) == "in_doubt"
    assert protocol.clock.monotonic() - began < 10 < GRACE


def test_of_two_batches_the_older_is_adopted_and_the_other_is_an_orphan(protocol):
    protocol = protocol(lag=30.0)
    work = protocol.plan("first")
    protocol.submit(work, "lost_after", kill_at="created")
    with protocol.ledger() as ledger:
        submission = ledger.submissions()[0]
        first = protocol.service.made[0]
        content = protocol.service.files[submission.file_id]
        protocol.clock.sleep(5.0)
        protocol.service.make(content, submission.file_id, {"nonce": submission.nonce})
        protocol.clock.sleep(60.0)
        assert protocol.submit(work) == "submitted"
        # The list was read to its end, but the doubt was of the first; wait looks again where two were sent.
        ledger.record_paid_call(submission.id, None)
        look_for_orphans(
            ledger, SimulatedProvider(protocol.service), ledger.submissions(), say=protocol.said.append
        )
        assert ledger.submissions()[0].batch_id == first.batch.id
        assert [orphan.batch_id for orphan in ledger.orphans()] == ["batch-1"]
        (orphan,) = orphans_of(ledger, "first")
        line = description(*orphan)
        assert "`goldpan batches cancel batch-1 --study first` stops it" in line
        assert orphans_of(ledger, "second") == []
    assert line in protocol.said


def test_a_batch_that_turns_up_after_a_persons_word_that_there_is_none_is_an_orphan(protocol):
    protocol = protocol(late=2 * GRACE)
    work = protocol.plan("first")
    assert protocol.submit(work, "late") == "in_doubt"
    with protocol.ledger() as ledger:
        rule_out(ledger, lambda: SimulatedProvider(protocol.service), ledger.submissions()[0])
    assert protocol.submit(work) == "submitted"
    protocol.clock.sleep(3 * GRACE)
    assert protocol.submit(protocol.plan("first"), "lost_after") == "submitted"
    with protocol.ledger() as ledger:
        assert [(orphan.submission, orphan.status) for orphan in ledger.orphans()] == [(1, "in_progress")]


def test_it_is_looked_for_as_long_as_the_stage_runs(protocol):
    protocol = protocol(late=2 * GRACE)
    work = protocol.plan("first")
    assert protocol.submit(work, "late") == "in_doubt"
    said = []
    with protocol.ledger() as ledger:
        provider = SimulatedProvider(protocol.service)
        rule_out(ledger, lambda: provider, ledger.submissions()[0], say=said.append)
        assert "your word alone holds" in said[0]
        assert protocol.submit(work) == "submitted"
        protocol.clock.sleep(3 * GRACE)
        look_for_orphans(ledger, provider, ledger.submissions()[1:], say=said.append)
        assert [(orphan.submission, orphan.status) for orphan in ledger.orphans()] == [(1, "in_progress")]
    assert "goldpan batches cancel batch-" in said[1]


def test_the_word_that_there_is_none_is_held_against_the_list(protocol):
    protocol = protocol(lag=2 * GRACE)
    work = protocol.plan("first")
    assert protocol.submit(work, "lost_after") == "in_doubt"
    protocol.clock.sleep(3 * GRACE)
    with protocol.ledger() as ledger, pytest.raises(LedgerError, match="there is a batch") as caught:
        rule_out(ledger, lambda: SimulatedProvider(protocol.service), ledger.submissions()[0])
    assert "`goldpan batches adopt 1 batch-0 --study first`" in caught.value.remedy


def test_another_submissions_batch_is_not_adopted(protocol):
    protocol = protocol(keeps_metadata=False, reuses_file_ids=True)
    assert protocol.submit(protocol.plan("first")) == "submitted"
    protocol.clock.sleep(7200.0)
    work = protocol.plan("first")
    assert protocol.submit(work, "lost_before") == "in_doubt"
    with protocol.ledger() as ledger, pytest.raises(LedgerError, match="was not made for submission 2"):
        adopt(ledger, SimulatedProvider(protocol.service), ledger.submissions()[1], "batch-0")


@pytest.mark.parametrize("outcome", ["lost_after", "lost_before"])
def test_a_batch_with_another_nonce_is_not_adopted_though_it_is_of_the_same_file_id(outcome, protocol):
    protocol = protocol(reuses_file_ids=True)
    assert protocol.submit(protocol.plan("first")) == "submitted"
    protocol.clock.sleep(60.0)
    protocol.submit(protocol.plan("first"), outcome)
    with protocol.ledger() as ledger:
        first, second = ledger.submissions()
        assert (first.file_id == second.file_id, first.batch_id == second.batch_id) == (True, False)


def test_a_strangers_older_batch_of_a_reused_file_id_is_not_adopted_by_a_run_that_did_not_upload(protocol):
    """The run that pays has heard nothing of the service's time from an upload of its own."""
    protocol = protocol(keeps_metadata=False, reuses_file_ids=True, clock_offset=-7 * 3600.0)
    protocol.service.add_strangers(1)
    work = protocol.plan("first")
    assert protocol.submit(work, kill_at="uploaded") == "killed"
    protocol.clock.sleep(600.0)
    assert protocol.submit(work, "lost_before") == "in_doubt"


def test_an_upload_that_is_listed_but_gone_is_repeated_once(protocol, monkeypatch):
    """A service may list a file of which no batch can be made any more; asking on for ever helps nobody."""
    protocol = protocol()
    work = protocol.plan("first")
    assert protocol.submit(work, kill_at="uploaded") == "killed"
    made_of = []

    def create(provider, file_id, endpoint, metadata):
        made_of.append(file_id)
        raise ProviderError("no such file", status=404)

    monkeypatch.setattr(SimulatedProvider, "create", create)
    assert protocol.submit(work) == "failed"
    assert made_of == ["file-0", "file-1"]
    assert "the request file is uploaded anew" in protocol.failure.remedy


def test_the_services_time_at_the_paid_call_counts_all_pauses_before_it(protocol):
    """Too early a time would let a batch that was made in between pass for a later one, which is proof."""
    protocol = protocol(clock_offset=-7 * 3600.0)
    protocol.submit(protocol.plan("first"), "unreached", "unreached", "unreached")
    with protocol.ledger() as ledger:
        submission = ledger.submissions()[0]
    assert submission.server_at == submission.sent_at - 7 * 3600.0


@pytest.mark.parametrize(("keeps_metadata", "ended"), [(True, "submitted"), (False, "in_doubt")])
def test_in_a_list_that_breaks_off_only_a_nonce_is_certain(keeps_metadata, ended, protocol):
    """Where metadata is dropped, the batch that is ours may be among those not seen, and a stranger's of its
    file id among those that are."""
    order = "oldest" if keeps_metadata else "newest"
    protocol = protocol(
        keeps_metadata=keeps_metadata, order=order, page=1, knows_after=False, reuses_file_ids=True
    )
    work = protocol.plan("first")
    assert protocol.submit(work, "killed_after") == "killed"
    protocol.clock.sleep(GRACE)
    protocol.service.add_strangers(3)
    assert protocol.submit(work) == ended
    protocol.service.manner.knows_after = True
    assert protocol.submit(work) == "submitted"
    with protocol.ledger() as ledger:
        assert ledger.submissions()[0].batch_id == "batch-0"


def test_a_shard_in_doubt_at_one_service_is_not_sent_to_another(protocol):
    protocol = protocol()
    work = protocol.plan("first")
    assert protocol.submit(work, "lost_before") == "in_doubt"
    assert protocol.submit(work, service="elsewhere") == "failed"
    assert "the study now names elsewhere" in protocol.failure.what
    assert protocol.service.made == []


def test_a_shard_that_was_never_sent_goes_to_the_service_that_is_named_now(protocol):
    protocol = protocol()
    work = protocol.plan("first")
    assert protocol.submit(work, kill_at="uploaded") == "killed"
    assert protocol.submit(work, service="elsewhere") == "submitted"
    with protocol.ledger() as ledger:
        assert [(s.state, s.service) for s in ledger.submissions()] == [
            ("void", "simulated"),
            ("created", "elsewhere"),
        ]


def test_who_does_not_wait_for_a_shard_that_is_being_submitted_is_told(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with ShardLock(path, "shard"), pytest.raises(LedgerError, match="submitting this shard"):
        ShardLock(path, "shard", patience=0.0).__enter__()


def test_a_list_is_cut_off_only_after_many_older_batches_in_order():
    def batches(times):
        return [Batch(f"b{at}", "completed", created_at=at) for at in times]

    def read(times, past=10_000):
        order = NewestFirst(past)
        for count, batch in enumerate(batches(times), 1):
            if order.is_past(batch):
                return count
        return None

    falling = list(range(10_100, 9_000, -1))
    assert read(falling) == 100 + CERTAIN_ORDER + 1
    assert read(falling, past=None) is None
    assert read(falling[::-1]) is None
    assert read([*falling[200:400], 10_500, *falling[400:]]) is None
