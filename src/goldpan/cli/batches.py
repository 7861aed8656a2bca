"""`goldpan batches` and `goldpan retry`: looking after what is at the providers."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from goldpan.cli import add_project_options
from goldpan.cli.tables import print_table
from goldpan.errors import LedgerError, StudyError

if TYPE_CHECKING:
    from goldpan.ledger import Ledger, Submission
    from goldpan.providers.base import Batch, BatchProvider
    from goldpan.study import Project


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
    from goldpan.cli.project import project_of
    from goldpan.ledger import Ledger

    project = project_of(options)
    study = None if options.all_studies else project.study.study
    with Ledger(project.ledger) as ledger:
        found = ledger.submissions(study=study, only_open=options.open)
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


def _status_of(given: Submission) -> str:
    if given.state == "intent":
        return "in doubt" if given.file_id else "not sent"
    return (
        given.status or given.state if given.state == "created" else f"{given.state} ({given.status or '-'})"
    )


def _age(seconds: float) -> str:
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} d"


def _status(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_of
    from goldpan.ledger import Ledger

    project = project_of(options)
    with Ledger(project.ledger) as ledger:
        if options.batch:
            chosen = [_by_batch(ledger, options.batch)]
        else:
            chosen = _at_provider(ledger, project)
        rows = []
        for given in chosen:
            batch = _retrieve(project, ledger, given)
            rows.append([batch.id, batch.status, given.stage, batch.total, batch.completed, batch.failed])
            for error in batch.errors:
                line = f"line {error.line}: " if error.line else ""
                print(f"{batch.id}: {error.code}: {line}{error.message}", file=sys.stderr)
    print_table(["batch", "status", "stage", "rows", "done", "failed"], rows, empty="no open batches")


def _wait(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_of
    from goldpan.ledger import Ledger

    project = project_of(options)
    with Ledger(project.ledger) as ledger:
        chosen = _at_provider(ledger, project)
        interval = 1.0
        while True:
            states = [_retrieve(project, ledger, given) for given in chosen]
            done = sum(batch.completed for batch in states)
            still = [batch for batch in states if not batch.is_terminal]
            print(f"{len(still)} of {len(states)} batches open, {done} rows done", file=sys.stderr)
            if not still:
                break
            time.sleep(interval)
            interval = min(interval * 1.5, 120.0)
    print("all batches are terminal; `snakemake` takes their answers over")


def _cancel(options: argparse.Namespace) -> int:
    from goldpan.cli.project import project_of
    from goldpan.ledger import Ledger

    project = project_of(options)
    with Ledger(project.ledger) as ledger:
        if options.batch == "all":
            chosen = _at_provider(ledger, project)
        else:
            chosen = [_by_batch(ledger, options.batch)]
        if not chosen:
            print("no open batches")
            return 0
        rows = sum(given.requests for given in chosen)
        question = f"cancel {len(chosen)} batches with {rows} requests? Answers so far are kept. [y/N] "
        if not options.yes and input(question).strip().lower() not in ("y", "yes"):
            print("nothing was cancelled")
            return 1
        for given in chosen:
            assert given.batch_id is not None
            batch = _provider(project, given).cancel(given.batch_id)
            ledger.record_status(given.id, batch.status, batch.completed, batch.failed)
            print(f"{batch.id}: {batch.status}")
    print(
        "requests without an answer will be recorded as failed (cancelled); `goldpan retry` asks them again"
    )
    return 0


def _adopt(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_of
    from goldpan.ledger import Ledger

    project = project_of(options)
    with Ledger(project.ledger) as ledger:
        found = [given for given in ledger.submissions(only_open=True) if given.id == options.submission]
        if not found or found[0].state != "intent":
            raise LedgerError(
                f"there is no submission {options.submission} in doubt",
                where=str(ledger.path),
                remedy="`goldpan batches list --open` shows those there are",
            )
        if options.batch == "none":
            ledger.void(options.submission, "declared as never made by `goldpan batches adopt`")
            print("the shard will be submitted again on the next run")
            return
        batch = _provider(project, found[0]).retrieve(options.batch)
        ledger.record_batch(options.submission, batch.id, batch.created_at, batch.status)
        print(f"{batch.id}: {batch.status}; `snakemake` goes on with it")


def _retry(options: argparse.Namespace) -> None:
    from goldpan.batches.stage import StageRun
    from goldpan.batches.summary import STATES
    from goldpan.cli.project import project_of

    project = project_of(options)
    if options.stage not in project.study.stages:
        raise StudyError(f"there is no stage `{options.stage}`; there are: {', '.join(project.study.stages)}")
    wanted = set(options.state or ()) or set(STATES) - {"ok", "skipped"}
    if unknown := wanted - set(STATES):
        raise StudyError(f"no such state: {', '.join(sorted(unknown))}; there are: {', '.join(STATES)}")
    count = StageRun(project, options.stage).forgive(wanted)
    print(f"{count} requests may be asked again" + ("; run snakemake" if count else ""))


def _by_batch(ledger: Ledger, batch_id: str) -> Submission:
    for given in reversed(ledger.submissions()):
        if given.batch_id == batch_id:
            return given
    raise LedgerError(
        f"the ledger knows no batch {batch_id!r}",
        where=str(ledger.path),
        remedy="`goldpan batches list` shows those it knows",
    )


def _at_provider(ledger: Ledger, project: Project) -> list[Submission]:
    chosen = ledger.submissions(study=project.study.study, only_open=True)
    return [given for given in chosen if given.batch_id is not None]


def _provider(project: Project, given: Submission) -> BatchProvider:
    from goldpan.batches.stage import StageRun

    if given.stage not in project.study.stages:
        raise StudyError(
            f"batch {given.batch_id} belongs to stage `{given.stage}` of study `{given.study}`",
            where=str(project.study_file),
            remedy=f"name that study: --study {given.study}",
        )
    return StageRun(project, given.stage).connect()


def _retrieve(project: Project, ledger: Ledger, given: Submission) -> Batch:
    assert given.batch_id is not None
    batch = _provider(project, given).retrieve(given.batch_id)
    if given.is_open:
        ledger.record_status(given.id, batch.status, batch.completed, batch.failed)
    return batch
