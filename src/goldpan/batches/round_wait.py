"""Waiting for the batches of one round, and what is done before, after, and when one stays in doubt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from goldpan.batches.orphans import look_for_orphans
from goldpan.batches.progress import Progress
from goldpan.batches.submit import asks_elsewhere
from goldpan.batches.the_rest import take_over
from goldpan.batches.wait import Ask, Waiting, wait_for_batches
from goldpan.clock import Clock
from goldpan.errors import InDoubtError, PendingError
from goldpan.ledger import Ledger, Submission
from goldpan.providers.base import BatchProvider
from goldpan.providers.patience import say_on_stderr
from goldpan.stages.plan import Shard
from goldpan.study.load import Project
from goldpan.study.run_again import run_command
from goldpan.study.stage import Poll, Stage

# The local engine works while it is asked, so there is nothing to wait for between two looks.
_LOCAL_POLL = Poll(first=0.02, longest=0.2, patience=0.0)
# A job that answers is on this machine or a node beside it.
_JOB_POLL = Poll(first=0.5, longest=10.0, patience=0.0)


def poll_of(provider: BatchProvider, stage: Stage) -> Poll:
    """How often the batches of a stage are looked at."""
    if provider.answers_in_jobs:
        return _JOB_POLL
    return _LOCAL_POLL if provider.works_here else stage.poll


def under_way(
    submissions: Iterable[tuple[Shard, Submission]], service: str
) -> tuple[list[Waiting], list[Submission]]:
    """What became of the shards of a plan.

    Args:
        submissions: each shard with its latest submission.
        service: who answers the stage now.

    Returns:
        Batches to wait for, and submissions that are open at another service.
    """
    waiting: list[Waiting] = []
    elsewhere: list[Submission] = []
    for shard, submission in submissions:
        if asks_elsewhere(submission, service):
            elsewhere += [submission] if submission.is_open else []
        elif submission.is_open or submission.batch_id is not None:
            waiting.append(Waiting(shard.name, shard.hash, submission))
    return waiting, elsewhere


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
