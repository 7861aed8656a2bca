"""`goldpan batches` and `goldpan retry`: looking after what is at the providers."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from goldpan.cli import add_project_options
from goldpan.cli.tables import print_table
from goldpan.errors import LedgerError, ProviderError, StudyError

if TYPE_CHECKING:
    from goldpan.ledger import Ledger, Submission
    from goldpan.providers.base import Batch, BatchProvider
    from goldpan.study import Project

_LONGEST_INTERVAL = 120.0


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
    wait.set_defaults(run=_wait)

    cancel = actions.add_parser("cancel", help="cancel a batch, or all open ones; asks first")
    cancel.add_argument("batch", help="batch id, or `all`")
    cancel.add_argument("--yes", action="store_true", help="do not ask")
    cancel.set_defaults(run=_cancel)

    adopt = actions.add_parser("adopt", help="tell the ledger which batch belongs to an intent in doubt")
    adopt.add_argument("submission", type=int, help="number of the submission, as `list` shows it")
    adopt.add_argument("batch", help="batch id; `none` when you are certain that no batch was made")
    adopt.set_defaults(run=_adopt)

    for action in (listing, status, wait, cancel, adopt):
        add_project_options(action)

    retry = commands.add_parser("retry", help="let requests of a stage that came to nothing be asked again")
    retry.add_argument("stage")
    retry.add_argument("--state", action="append", metavar="STATE", help="only these states (repeatable)")
    add_project_options(retry)
    retry.set_defaults(run=_retry)


def _list(options: argparse.Namespace) -> None:
    from goldpan.batches.orphans import descriptions

    with _batches_of(options) as batches:
        study = None if options.all_studies else batches.project.study.study
        found = batches.ledger.submissions(study=study, only_open=options.open)
        orphans = descriptions(batches.ledger, study)
    now = time.time()
    print_table(
        ["no", "batch", "status", "study", "stage", "round", "task", "model", "rows", "done", "bad", "age"],
        [
            [given.id, given.batch_id or "-", _status_of(given), given.study, given.stage, given.round,
             given.task, given.model, given.requests, given.completed, given.failed,
             _age(now - given.intent_at)]
            for given in found
        ],
        empty="no batches",
    )  # fmt: skip
    for orphan in orphans:
        print(orphan, file=sys.stderr)


def _status_of(given: Submission) -> str:
    if given.state == "intent":
        return "in doubt" if given.sent_at is not None else "not sent"
    return (
        given.status or given.state if given.state == "created" else f"{given.state} ({given.status or '-'})"
    )


def _age(seconds: float) -> str:
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} d"


def _status(options: argparse.Namespace) -> None:
    with _batches_of(options) as batches:
        chosen = [batches.by_id(options.batch)] if options.batch else batches.at_provider()
        rows = []
        for given in chosen:
            batch = batches.retrieve(given)
            rows.append([batch.id, batch.status, given.stage, batch.total, batch.completed, batch.failed])
            for error in batch.errors:
                line = f"line {error.line}: " if error.line else ""
                print(f"{batch.id}: {error.code}: {line}{error.message}", file=sys.stderr)
    print_table(["batch", "status", "stage", "rows", "done", "failed"], rows, empty="no open batches")


def _wait(options: argparse.Namespace) -> None:
    from goldpan.batches.wait import LONGEST_SILENCE

    with _batches_of(options) as batches:
        chosen = batches.at_provider()
        if not chosen:
            print("no open batches")
            return
        interval, silence = 1.0, 0
        while True:
            try:
                states = [batches.retrieve(given) for given in chosen]
            except ProviderError as error:
                silence += 1
                if not error.retryable or silence == LONGEST_SILENCE:
                    raise
                print(f"no answer: {error.what}", file=sys.stderr)
            else:
                silence = 0
                done = sum(batch.completed for batch in states)
                still = sum(not batch.is_terminal for batch in states)
                print(f"{still} of {len(states)} batches open, {done} rows done", file=sys.stderr)
                if not still:
                    break
            time.sleep(interval)
            interval = min(interval * 1.5, _LONGEST_INTERVAL)
    print("all batches are terminal; `snakemake` takes their answers over")


def _cancel(options: argparse.Namespace) -> int:
    from goldpan.batches.orphans import orphan_of, record_state

    with _batches_of(options) as batches:
        if orphan := orphan_of(batches.ledger, options.batch):
            if not options.yes and not _confirmed(f"cancel 1 batch with {orphan.requests} requests?"):
                print("nothing was cancelled")
                return 1
            owner = batches.ledger.submission(orphan.submission)
            batch = batches.provider(owner).cancel(orphan.batch_id)
            record_state(batches.ledger, batch, owner.id)
            print(f"{batch.id}: {batch.status}")
            return 0
        chosen = batches.at_provider() if options.batch == "all" else [batches.by_id(options.batch)]
        chosen = [given for given in chosen if given.is_open]
        if not chosen:
            print("there is nothing to cancel: no such batch is open")
            return 0
        rows = sum(given.requests for given in chosen)
        if not options.yes and not _confirmed(f"cancel {len(chosen)} batches with {rows} requests?"):
            print("nothing was cancelled")
            return 1
        for given in chosen:
            assert given.batch_id is not None
            batch = batches.provider(given).cancel(given.batch_id)
            batches.ledger.record_status(given.id, batch.status, batch.completed, batch.failed)
            print(f"{batch.id}: {batch.status}")
    print(
        "requests without an answer will be recorded as failed (cancelled); `goldpan retry` asks them again"
    )
    return 0


def _confirmed(question: str) -> bool:
    """Whether a person says yes; without one at the keyboard the answer is no."""
    try:
        return input(f"{question} Answers so far are kept. [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False


def _adopt(options: argparse.Namespace) -> None:
    from goldpan.batches.adoption import adopt, rule_out
    from goldpan.ledger.lock import ShardLock

    with _batches_of(options) as batches:
        ledger = batches.ledger
        chosen = [known for known in ledger.submissions(only_open=True) if known.id == options.submission]
        if not chosen or chosen[0].state != "intent":
            raise LedgerError(
                f"there is no submission {options.submission} in doubt",
                where=str(ledger.path),
                remedy="`goldpan batches list --open` shows those there are",
            )
        with ShardLock(ledger.path, chosen[0].shard, patience=0.0):
            # A run that held the lock until now may have found it.
            submission = ledger.submission(options.submission)
            if options.batch == "none":
                rule_out(ledger, lambda: batches.provider(submission), submission)
                print("the shard will be submitted again on the next run")
            else:
                batch = adopt(ledger, batches.provider(submission), submission, options.batch)
                print(f"{batch.id}: {batch.status}; `snakemake` goes on with it")


def _retry(options: argparse.Namespace) -> None:
    from goldpan.batches.summary import STATES
    from goldpan.cli.project import project_of, stage_of

    run = stage_of(project_of(options), options.stage)
    wanted = set(options.state or ()) or set(STATES) - {"ok", "skipped"}
    if unknown := wanted - set(STATES):
        raise StudyError(f"no such state: {', '.join(sorted(unknown))}; there are: {', '.join(STATES)}")
    count = run.forgive(wanted)
    print(f"{count} requests may be asked again" + ("; run snakemake" if count else ""))


class _Batches:
    """The batches that a project's ledger knows, and the providers they are with."""

    def __init__(self, project: Project, ledger: Ledger):
        self.project, self.ledger = project, ledger
        self._providers: dict[str, BatchProvider] = {}

    def at_provider(self) -> list[Submission]:
        """The open batches of the study."""
        chosen = self.ledger.submissions(study=self.project.study.study, only_open=True)
        return [given for given in chosen if given.batch_id is not None]

    def by_id(self, batch_id: str) -> Submission:
        """The submission with a batch id. Raises LedgerError when the ledger does not know it."""
        for given in reversed(self.ledger.submissions()):
            if given.batch_id == batch_id:
                return given
        raise LedgerError(
            f"the ledger knows no batch {batch_id!r}",
            where=str(self.ledger.path),
            remedy="`goldpan batches list` shows those it knows",
        )

    def provider(self, given: Submission) -> BatchProvider:
        """Who has a batch. Raises StudyError when it belongs to another study."""
        from goldpan.batches.stage import StageRun

        if given.study != self.project.study.study or given.stage not in self.project.study.stages:
            raise StudyError(
                f"batch {given.batch_id} belongs to stage `{given.stage}` of study `{given.study}`",
                where=str(self.project.study_file),
                remedy=f"name that study: --study {given.study}",
            )
        if given.stage not in self._providers:
            self._providers[given.stage] = StageRun(self.project, given.stage).connect()
        return self._providers[given.stage]

    def retrieve(self, given: Submission) -> Batch:
        """The present state of a batch, which the ledger is told, too."""
        assert given.batch_id is not None
        batch = self.provider(given).retrieve(given.batch_id)
        if given.is_open:
            self.ledger.record_status(given.id, batch.status, batch.completed, batch.failed)
        return batch


@contextmanager
def _batches_of(options: argparse.Namespace) -> Iterator[_Batches]:
    from goldpan.cli.project import project_of
    from goldpan.ledger import Ledger

    project = project_of(options)
    with Ledger(project.ledger) as ledger:
        yield _Batches(project, ledger)
