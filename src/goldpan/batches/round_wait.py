"""Waiting for the batches of one round, and what is done before, after, and when one stays in doubt."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from goldpan.batches.orphans import look_for_orphans
from goldpan.batches.progress import Progress
from goldpan.batches.the_rest import take_over
from goldpan.batches.wait import Ask, Waiting, wait_for_batches
from goldpan.clock import Clock
from goldpan.errors import InDoubtError, PendingError
from goldpan.ledger import Ledger, Submission
from goldpan.providers.base import BatchProvider
from goldpan.providers.patience import say_on_stderr
from goldpan.study.load import Project
from goldpan.study.run_again import run_command
from goldpan.study.stage import Poll


def wait_for_round(
    ledger: Ledger,
    project: Project,
    provider: BatchProvider,
    waiting: list[Waiting],
    *,
    ask: Ask,
    poll: Poll,
    wait: bool,
    submit: Callable[[Waiting], Submission],
    is_elsewhere: Callable[[Submission], bool],
    report: Callable[[Progress], None],
    clock: Clock,
) -> list[Submission]:
    """Wait until all batches are terminal; orphans are looked for before and after.

    Args:
        waiting: the batches; each is given its last state.
        ask: for the state of a batch.
        wait: False looks once.
        submit: a shard again, which the service had no room for.
        is_elsewhere: whether a submission is with a service that this study does not ask.

    Returns:
        Open submissions that turned out to be elsewhere.

    Raises:
        PendingError: `wait` is False and batches are open.
        InDoubtError: a batch contradicts itself; the others are settled first.
    """
    submissions = [item.submission for item in waiting]
    elsewhere: list[Submission] = []

    def resubmit(item: Waiting) -> Submission | None:
        submission = submit(item)
        if is_elsewhere(submission):
            elsewhere.append(submission)
            return None
        return submission

    look_for_orphans(ledger, provider, submissions, say=say_on_stderr, clock=clock)
    try:
        wait_for_batches(
            ledger,
            ask,
            waiting,
            poll=poll,
            wait=wait,
            resubmit=resubmit,
            report=report,
            clock=clock,
        )
    except InDoubtError:
        done = [(item.submission.id, item.batch) for item in waiting if item.is_done and item.batch]
        take_over(ledger, project, provider, done, patience=poll.patience, clock=clock)
        raise
    look_for_orphans(ledger, provider, submissions, say=say_on_stderr, clock=clock)
    return [submission for submission in elsewhere if submission.is_open]


def asked_elsewhere(submissions: Sequence[Submission]) -> PendingError:
    """What is under way at a service that does not know us."""
    batches = "; ".join(
        f"{submission.batch_id or 'a batch in doubt'} of stage `{submission.stage}` of study"
        f" `{submission.study}`, at {submission.service}"
        for submission in submissions[:5]
    )
    studies = sorted({submission.study for submission in submissions})
    commands = " and ".join(map(run_command, studies))
    return PendingError(
        f"requests of this stage are under way at another service than it asks now: {batches}",
        remedy=f"run {commands} until these are settled, then this takes the answers from the ledger; where"
        " no stage asks that service any more, name it again until then",
    )
