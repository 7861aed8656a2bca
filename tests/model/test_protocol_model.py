"""A search for sequences of faults after which something was paid for twice, lost, or put on the wrong row.

The ledger and the code that submits, waits, fetches and settles are the real ones; the service and the clock
are simulated. `GOLDPAN_MODEL_EXAMPLES=20000` searches longer, and with other seeds each time.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from goldpan.batches.doubt import DoubtResolver
from tests.model import faults_put_back
from tests.model.protocol import GRACE, ROWS_OF, Protocol
from tests.model.simulated_service import OUTCOMES, Manner

EXAMPLES = int(os.environ.get("GOLDPAN_MODEL_EXAMPLES", "0"))
# Making a failing sequence shorter takes minutes.
SHRINK = bool(os.environ.get("GOLDPAN_MODEL_SHRINK"))
# Each transaction of the ledger is flushed to disk: a disk of memory makes the search ten times as fast.
FOLDER = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

MANNERS = st.builds(
    Manner,
    clock_offset=st.sampled_from((0.0, -7 * 3600.0, 7 * 3600.0)),
    says_time=st.booleans(),
    keeps_metadata=st.booleans(),
    reuses_file_ids=st.booleans(),
    lag=st.sampled_from((0.0, 15.0, 300.0)),
    # Together with the longest lag it is within the grace.
    late=st.sampled_from((20.0, 250.0)),
    shows_batches=st.sampled_from((True, True, True, False)),
    order=st.sampled_from(("newest", "oldest", "mixed")),
    page=st.sampled_from((2, 3, 100)),
    says_more=st.booleans(),
    knows_after=st.booleans(),
    counts_after=st.booleans(),
).filter(
    # A service that says nothing of nonce and time and uses file ids again is told apart by nothing.
    lambda manner: manner.keeps_metadata or manner.says_time or not manner.reuses_file_ids
)
STUDIES = st.sampled_from(sorted(ROWS_OF))
PAID_CALLS = st.lists(st.sampled_from(OUTCOMES), max_size=2)
SUBMIT_POINTS = st.sampled_from(
    (None, None, None, "intent_written", "uploaded", "paying", "created", "id_recorded", "batch_file_written")
)
FINISH_POINTS = st.sampled_from((None, None, "polling", "downloading", "settling"))


class ProtocolMachine(RuleBasedStateMachine):
    """Two studies with rows in common, at one service."""

    resolver = staticmethod(DoubtResolver)

    @initialize(manner=MANNERS)
    def begin(self, manner):
        self.protocol = Protocol(Path(tempfile.mkdtemp(dir=FOLDER)), manner, self.resolver)

    @rule(study=STUDIES, outcomes=PAID_CALLS, kill_at=SUBMIT_POINTS)
    def plan_and_submit(self, study, outcomes, kill_at):
        work = self.protocol.plan(study)
        if work is not None:
            self.protocol.submit(work, *outcomes, kill_at=kill_at)

    @rule(study=STUDIES, other=STUDIES, outcomes=PAID_CALLS, others=PAID_CALLS)
    def two_runs_submit_at_once(self, study, other, outcomes, others):
        # Both plan before either submits: rows that they share are in both plans.
        work, theirs = self.protocol.plan(study), self.protocol.plan(other)
        if work is None:
            return

        def meanwhile():
            # The same shard is locked: whoever wants it waits.
            if theirs is not None and theirs.shard.hash != work.shard.hash:
                self.protocol.submit(theirs, *others)

        self.protocol.submit(work, *outcomes, meanwhile=meanwhile)

    @precondition(lambda self: self.protocol.works)
    @rule(at=st.integers(0, 5), outcomes=PAID_CALLS, kill_at=SUBMIT_POINTS)
    def submit_again(self, at, outcomes, kill_at):
        work = self.protocol.works[at % len(self.protocol.works)]
        if self.protocol.is_open(work):
            self.protocol.submit(work, *outcomes, kill_at=kill_at)

    @precondition(lambda self: self.protocol.works)
    @rule(at=st.integers(0, 5), kill_at=FINISH_POINTS)
    def finish(self, at, kill_at):
        self.protocol.finish(self.protocol.works[at % len(self.protocol.works)], kill_at=kill_at)

    @rule()
    def the_service_answers(self):
        self.protocol.service.complete_all()

    @rule(seconds=st.sampled_from((1.0, 100.0, GRACE, 7200.0)))
    def time_passes(self, seconds):
        self.protocol.clock.sleep(seconds)

    @rule(count=st.sampled_from((1, 5)))
    def strangers_make_batches(self, count):
        self.protocol.service.add_strangers(count)

    @rule()
    def back_up(self):
        self.protocol.back_up()

    @rule()
    def restore(self):
        self.protocol.restore()

    @precondition(lambda self: self.protocol.works)
    @rule(at=st.integers(0, 5))
    def a_person_decides(self, at):
        self.protocol.decide(self.protocol.works[at % len(self.protocol.works)])

    @invariant()
    def holds(self):
        if hasattr(self, "protocol"):
            self.protocol.check()

    def teardown(self):
        if hasattr(self, "protocol"):
            try:
                self.protocol.come_to_an_end()
            finally:
                self.protocol.clear()


def search(machine: type[RuleBasedStateMachine], examples: int, *, at_random: bool = False) -> None:
    """Try so many sequences; raises AssertionError with the shortest one that breaks a promise."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=12,
            deadline=None,
            derandomize=not at_random,
            phases=(Phase.generate, Phase.shrink) if SHRINK else (Phase.generate,),
            report_multiple_bugs=False,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_no_sequence_of_faults_pays_twice_loses_a_row_or_mixes_answers():
    search(ProtocolMachine, EXAMPLES or 2000, at_random=bool(EXAMPLES))


@pytest.mark.parametrize("name", sorted(faults_put_back.RESOLVERS))
def test_the_search_finds_a_fault_that_is_put_back(name):
    class Faulty(ProtocolMachine):
        resolver = staticmethod(faults_put_back.RESOLVERS[name])

    with pytest.raises(AssertionError):
        search(Faulty, 1000)
