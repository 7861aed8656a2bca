"""`goldpan batches` and `goldpan retry`: looking after what is at the providers."""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from goldpan.cli import add_project_options
from goldpan.cli.known_batches import KnownBatches, batches_of
from goldpan.cli.tables import print_table
from goldpan.errors import LedgerError, StudyError

if TYPE_CHECKING:
    from goldpan.batches.progress import Progress
    from goldpan.ledger import Orphan, Submission
    from goldpan.providers.base import Batch


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `goldpan batches` and `goldpan retry` to the command line."""
    parser = commands.add_parser("batches", help="list, check, wait for, cancel and adopt batches")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    listing = actions.add_parser("list", help="every batch the ledger knows, with status, task, rows and age")
    listing.add_argument("--open", action="store_true", help="only those that are not settled")
    listing.add_argument("--all-studies", action="store_true", help="not only those of this study")
    listing.set_defaults(run=_list)

    status = actions.add_parser("status", help="ask the provider how a batch, or every open one, is doing")
    status.add_argument("batch", nargs="?", help="batch id")
    status.set_defaults(run=_status)

    wait = actions.add_parser("wait", help="wait until every open batch of the study is terminal")
    wait.add_argument(
        "--poll-interval", type=_seconds, metavar="SECONDS", help="ask this often; default: growing intervals"
    )
    wait.set_defaults(run=_wait)

    cancel = actions.add_parser("cancel", help="cancel a batch, or all open ones; asks first")
    cancel.add_argument("batch", help="batch id, or `all`")
    cancel.add_argument("--yes", action="store_true", help="do not ask")
    cancel.set_defaults(run=_cancel)

    adopt = actions.add_parser("adopt", help="tell the ledger which batch belongs to an intent in doubt")
    adopt.add_argument("submission", type=int, help="number of the submission, as `list` shows it")
    adopt.add_argument("batch", help="batch id; `none` when you are certain that no batch was made")
    adopt.set_defaults(run=_adopt)

    give_up = actions.add_parser("give-up", help="settle a batch that is in doubt or forgotten; asks first")
    give_up.add_argument("batch", help="batch id")
    what = give_up.add_mutually_exclusive_group(required=True)
    what.add_argument("--ask-again", action="store_true", help="ask its requests without an answer again")
    what.add_argument("--record", action="store_true", help="record them as missing, for good")
    give_up.add_argument("--yes", action="store_true", help="do not ask")
    give_up.set_defaults(run=_give_up)

    for action in (listing, status, wait, cancel, adopt, give_up):
        add_project_options(action)

    retry = commands.add_parser("retry", help="let requests of a stage that came to nothing be asked again")
    retry.add_argument("stage")
    retry.add_argument("--state", action="append", metavar="STATE", help="only these states (repeatable)")
    add_project_options(retry)
    retry.set_defaults(run=_retry)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 86400:
        raise argparse.ArgumentTypeError("must be above 0 and below a day, in seconds")
    return seconds


def _list(options: argparse.Namespace) -> None:
    from goldpan.batches.orphans import description, orphans_of

    with batches_of(options) as batches:
        study = None if options.all_studies else batches.project.study.study
        submissions = batches.ledger.submissions(study=study, only_open=options.open)
        orphans = orphans_of(batches.ledger, study)
        others = {known.study for known in batches.ledger.submissions(only_open=options.open)} - {study}
        lacking = batches.lacking()
    now = time.time()
    print_table(
        ["no", "batch", "status", "study", "stage", "round", "task", "model", "rows", "done", "bad",
         "age", "submitted", "looked at"],
        [
            [submission.id, submission.batch_id or "-", _status_of(submission), submission.study,
             submission.stage, submission.round, submission.task, submission.model, submission.requests,
             submission.completed, submission.failed, _age(now - submission.intent_at),
             _local_time(submission.intent_at), _local_time(submission.checked_at)]
            for submission in submissions
        ],
        empty="no batches" if study is None else f"no batches of study {study}",
    )  # fmt: skip
    if study is not None and others:
        print(f"other studies of this ledger have batches, too: {', '.join(sorted(others))} (--all-studies)")
    for orphan, owner in orphans:
        print(description(orphan, owner), file=sys.stderr)
    if lacking:
        print(f"but {lacking}", file=sys.stderr)


def _status_of(submission: Submission) -> str:
    if submission.state == "intent":
        return "in doubt" if submission.sent_at is not None else "not sent"
    return (
        submission.status or submission.state
        if submission.state == "created"
        else f"{submission.state} ({submission.status or '-'})"
    )


def _local_time(seconds: float | None) -> str:
    """Unix seconds to the minute, in the zone of this machine."""
    return "-" if seconds is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _age(seconds: float) -> str:
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} d"


def _status(options: argparse.Namespace) -> int:
    with batches_of(options) as batches:
        submissions = [batches.by_id(options.batch)] if options.batch else batches.at_provider()
        rows = []
        for submission in submissions:
            batch = batches.attempt(submission.batch_id, partial(batches.retrieve, submission))
            if batch is None:
                continue
            for error in batch.errors:
                line = f"line {error.line}: " if error.line else ""
                print(f"{batch.id}: {error.code}: {line}{error.message}", file=sys.stderr)
            rows.append(
                [batch.id, batch.status, submission.stage, submission.requests, batch.completed, batch.failed,
                 f"{100 * (batch.completed + batch.failed) / max(1, submission.requests):.0f} %",
                 _age(_elapsed(submission, batch)), _local_time(batch.created_at),
                 _local_time(batch.completed_at), _local_time(batch.expires_at)]
            )  # fmt: skip
        if not options.batch:
            batches.look_for_orphans()
    print_table(
        ["batch", "status", "stage", "rows", "done", "failed", "percent", "elapsed",
         "made", "ended", "expires"],
        rows,
        empty="no answer" if submissions else "no open batches",
    )  # fmt: skip
    return batches.say_failures()


def _elapsed(submission: Submission, batch: Batch) -> float:
    """Seconds from when a batch was made to its end, by its provider's clock, or else to now."""
    if batch.completed_at is not None and batch.created_at is not None:
        return batch.completed_at - batch.created_at
    return (submission.settled_at or time.time()) - submission.intent_at


def _wait(options: argparse.Namespace) -> int:
    from goldpan.batches.wait import Waiting, wait_for_batches
    from goldpan.study.stage import Poll

    with batches_of(options) as batches:
        submissions = batches.at_provider()
        if not submissions:
            print("no open batches")
            return 0
        submissions = [submission for submission in submissions if batches.has_provider(submission)]
        if online := [submission for submission in submissions if submission.is_online]:
            print(
                f"{len(online)} batches are asked online: they are answered while the study runs, and are"
                " not waited for here",
                file=sys.stderr,
            )
        submissions = [submission for submission in submissions if not submission.is_online]
        if in_jobs := [item for item in submissions if batches.provider(item).answers_in_jobs]:
            print(
                f"{len(in_jobs)} batches are answered by jobs of `snakemake`, and are not waited for here",
                file=sys.stderr,
            )
        submissions = [submission for submission in submissions if submission not in in_jobs]
        if not submissions:
            return batches.say_failures()
        stages = set(batches.project.study.asked_stages) & {item.stage for item in submissions}
        settings = [batches.project.study.asked_stages[name].poll for name in stages] or [Poll()]
        poll = Poll(
            first=options.poll_interval or min(poll.first for poll in settings),
            longest=options.poll_interval or min(poll.longest for poll in settings),
            patience=max(poll.patience for poll in settings),
        )
        wait_for_batches(
            batches.ledger,
            batches.retrieve,
            [Waiting(submission.shard[:12], submission.shard, submission) for submission in submissions],
            poll=poll,
            wait=True,
            resubmit=None,
            report=_say_progress,
        )
    what = "all other batches" if batches.failed else "all batches"
    print(f"{what} are terminal; the next run takes their answers over")
    return batches.say_failures()


def _say_progress(progress: Progress) -> None:
    still = progress.batches - progress.terminal
    parts = [f"{still} of {progress.batches} batches open", f"{progress.done} rows done", *progress.remarks]
    print(", ".join(parts), file=sys.stderr, flush=True)


def _cancel(options: argparse.Namespace) -> int:
    with batches_of(options) as batches:
        submissions, orphans = _to_be_cancelled(batches, options.batch)
        if not submissions and not orphans:
            print("there is nothing to cancel: no such batch is open")
            return 0
        rows = sum(submission.requests for submission in submissions)
        question = f"cancel {len(submissions)} batches with {rows} requests?"
        if orphans:
            question = f"{question[:-1]}, and {len(orphans)} that nobody waits for?"
        if not options.yes and not _confirmed(f"{question} Answers so far are kept."):
            print("nothing was cancelled")
            return 1
        acts = [(submission.batch_id, partial(batches.cancel, submission)) for submission in submissions]
        acts += [
            (orphan.batch_id, partial(batches.cancel_orphan, orphan, owner)) for orphan, owner in orphans
        ]
        statuses = set()
        for batch_id, act in acts:
            if batch := batches.attempt(batch_id, act):
                print(f"{batch.id}: {batch.status}")
                statuses.add(batch.status)
    if submissions and statuses != {"completed"}:
        print(
            "requests without an answer will be recorded as failed (cancelled);"
            f" `goldpan retry STAGE --study {batches.project.study.study}` asks them again"
        )
    return batches.say_failures()


def _to_be_cancelled(
    batches: KnownBatches, wanted: str
) -> tuple[list[Submission], list[tuple[Orphan, Submission]]]:
    """Open submissions, and orphans that may still be at work, by a batch id or `all`; an orphan also as
    `SUBMISSION:ID`.

    Raises:
        LedgerError: the ledger does not know it, or several services have a batch of that id.
    """
    from goldpan.batches.orphans import is_at_work, orphans_of

    known = orphans_of(batches.ledger, batches.project.study.study)
    orphans = [(orphan, owner) for orphan, owner in known if is_at_work(orphan)]
    if wanted == "all":
        return batches.at_provider(), orphans
    for orphan, owner in orphans:
        if wanted == f"{owner.id}:{orphan.batch_id}":
            return [], [(orphan, owner)]
    if chosen := [(orphan, owner) for orphan, owner in orphans if orphan.batch_id == wanted]:
        others = [submission for submission in batches.at_provider() if submission.batch_id == wanted]
        if len(chosen) + len(others) > 1:
            names = [f"{owner.id}:{wanted} (an orphan at {owner.service})" for _, owner in chosen]
            names += [f"{submission.id} (open at {submission.service})" for submission in others]
            raise LedgerError(
                f"several batches have the id {wanted!r}",
                where=str(batches.ledger.path),
                remedy=f"name one of them: goldpan batches cancel {', or '.join(names)}",
            )
        return [], chosen
    submission = batches.by_id(wanted)
    return ([submission] if submission.is_open else []), []


def _give_up(options: argparse.Namespace) -> int:
    from goldpan.batches.give_up import give_up

    with batches_of(options) as batches:
        submission = batches.by_id(options.batch)
        if not submission.is_open:
            print(f"there is nothing to give up: {options.batch} is {_status_of(submission)}")
            return 0
        question = (
            f"give up {options.batch} ({submission.status}, {submission.requests} requests)? What can be had"
            " of its answers now is kept; what it may answer later is paid for and not used"
            + (", and requests without an answer are asked and paid for again." if options.ask_again else ".")
        )
        if not options.yes and not _confirmed(question):
            print("nothing was given up")
            return 1
        provider = batches.provider(submission)
        outcome = give_up(batches.ledger, batches.project, provider, submission, ask_again=options.ask_again)
    what = "will be asked again by the next run" if options.ask_again else "are recorded as missing"
    print(f"{outcome.kept} rows had a line, {outcome.without_answer} {what}; run again to go on")
    return 0


def _confirmed(question: str) -> bool:
    """Whether a person says yes; without one at the keyboard the answer is no."""
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False


def _adopt(options: argparse.Namespace) -> None:
    from goldpan.batches.adoption import adopt, rule_out
    from goldpan.ledger.lock import ShardLock

    with batches_of(options) as batches:
        ledger = batches.ledger
        chosen = [known for known in ledger.submissions(only_open=True) if known.id == options.submission]
        if not chosen or chosen[0].state != "intent":
            raise LedgerError(
                f"there is no submission {options.submission} in doubt",
                where=str(ledger.path),
                remedy=f"`goldpan batches list --open --study {batches.project.study.study}` shows those"
                " there are",
            )
        with ShardLock(ledger.path, chosen[0].shard, patience=0.0):
            # A run that held the lock until now may have found it.
            submission = ledger.submission(options.submission)
            if options.batch == "none":
                rule_out(ledger, lambda: batches.provider(submission), submission)
                print("the shard will be submitted again on the next run")
            else:
                batch = adopt(ledger, batches.provider(submission), submission, options.batch)
                print(f"{batch.id}: {batch.status}; the next run goes on with it")


def _retry(options: argparse.Namespace) -> None:
    from goldpan.batches.forgive import forgive
    from goldpan.cli.project import project_of, stage_of
    from goldpan.stages.rows import STATES

    run = stage_of(project_of(options), options.stage)
    wanted = set(options.state or ()) or set(STATES) - {"ok", "skipped"}
    if unknown := wanted - set(STATES):
        raise StudyError(f"no such state: {', '.join(sorted(unknown))}; there are: {', '.join(STATES)}")
    count = forgive(run.project, run.name, wanted)
    print(f"{count} requests may be asked again" + ("; run again" if count else ""))
