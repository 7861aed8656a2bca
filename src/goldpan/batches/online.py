"""Waiting for what is answered online: the waiting is the work, and it saves what comes as it comes."""

from __future__ import annotations

from collections.abc import Callable

from goldpan.batches.left_to_batches import may_be_left_to_batches
from goldpan.batches.online_work import OnlineWork
from goldpan.batches.wait import Ask, asking
from goldpan.clock import SYSTEM_CLOCK, Clock
from goldpan.errors import FirstRefusedError, NoRoomError
from goldpan.ledger import Ledger, Submission
from goldpan.providers.base import Batch, BatchProvider, is_online
from goldpan.providers.online import OnlineProvider
from goldpan.providers.online.tier import tier_of
from goldpan.providers.patience import say_on_stderr
from goldpan.study.load import Project
from goldpan.study.stage import Stage


def asking_in_mode(
    ledger: Ledger,
    project: Project,
    stage_name: str,
    provider: BatchProvider,
    *,
    say: Callable[[str], None] = say_on_stderr,
    clock: Clock = SYSTEM_CLOCK,
) -> Ask:
    """Ask for batches as the stage's mode has it: what is open of the other mode is waited for or ended.

    In mode online an open batch of goldpan's own is worked through, and one of the service is waited for. In
    mode batch one of goldpan's own is ended: what it has answered is kept, and the next round asks the rest.
    """
    if not isinstance(provider, OnlineProvider):
        return asking(provider)
    stage = project.study.asked_stages[stage_name]
    mode, may_be_ours = stage.mode, may_be_left_to_batches(stage)
    provider.tidy(is_settled=ledger.has_settled)
    said: set[str] = set()

    def say_once(text: str) -> None:
        if text not in said:
            said.add(text)
            say(f"{stage_name}: {text}")

    def ask(submission: Submission) -> Batch:
        batch_id = str(submission.batch_id)
        if is_online(batch_id) and submission.is_open:
            if mode == "online":
                return _work(ledger, project, stage_name, provider, submission, say=say, clock=clock)
            batch = provider.end(batch_id)
            if batch.is_terminal:
                rest = batch.total - batch.completed
                say_once(
                    f"{batch_id} was asked online and is ended: {batch.completed} of its requests are"
                    f" answered, and {rest} are asked in a batch next"
                )
            return batch
        batch = provider.retrieve(batch_id)
        if mode == "online" and submission.is_open and not batch.is_terminal and not may_be_ours:
            say_once(
                f"{batch_id} is a batch at the service, from a run in mode batch: it is waited for, and none"
                " of its requests is asked online"
            )
        return batch

    return ask


def _work(
    ledger: Ledger,
    project: Project,
    stage_name: str,
    provider: OnlineProvider,
    submission: Submission,
    *,
    say: Callable[[str], None],
    clock: Clock,
) -> Batch:
    """Work through a batch of goldpan's own; what came is in the ledger when this ends, however it does."""
    work = OnlineWork(ledger, project, stage_name, submission, say=say, clock=clock)
    try:
        return provider.work(str(submission.batch_id), work, tier_of(project.study.asked_stages[stage_name]))
    except NoRoomError as error:
        work.take()
        batch = provider.end(str(submission.batch_id))
        say(
            f"{stage_name}: {error.what}; {batch.completed} requests are answered, and"
            f" {batch.total - batch.completed} are asked in a batch next"
        )
        return batch
    except FirstRefusedError as error:
        work.take()
        _close_if_nothing_is_under_way(
            ledger, project.study.asked_stages[stage_name], provider, work, submission, error
        )
        raise
    finally:
        work.take()


def _close_if_nothing_is_under_way(
    ledger: Ledger,
    stage: Stage,
    provider: OnlineProvider,
    work: OnlineWork,
    submission: Submission,
    refused: FirstRefusedError,
) -> None:
    """Close a batch, some of whose requests are refused, so that it stands in nobody's way once they are
    corrected. While all that came of it is a call that may be paid, the batch stays open, and says it."""
    batch_id = str(submission.batch_id)
    if ledger.sent(submission.id):
        return
    if not work.done:
        if ledger.submission(submission.id).lost_calls:
            return
        provider.cancel(batch_id)
        ledger.void(submission.id, f"refused: {refused.what}")
    elif not may_be_left_to_batches(stage):
        # What is answered is kept; the others are asked in the next round, as if they were new.
        provider.end(batch_id)
