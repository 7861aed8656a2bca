"""`goldpan ledger`: what is in the ledger, and how it is published."""

from __future__ import annotations

import argparse
from pathlib import Path

from goldpan.cli import add_project_options


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `goldpan ledger` to the command line."""
    parser = commands.add_parser(
        "ledger", help="show, back up, repair, export and import the record of what was paid"
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="submissions and answers by state")
    show.set_defaults(run=_show)
    export = actions.add_parser("export", help="write answers to a .jsonl.zst file for publication")
    export.add_argument("file", type=Path)
    export.add_argument("--all-studies", action="store_true", help="not only those that this study uses")
    export.set_defaults(run=_export)
    import_ = actions.add_parser("import", help="add a published file's answers to the ledger")
    import_.add_argument("file", type=Path)
    import_.set_defaults(run=_import)
    backup = actions.add_parser("backup", help="copy the ledger as it is now, also while runs go on")
    backup.add_argument(
        "file", type=Path, nargs="?", help="default: a new file in `backups` beside the ledger"
    )
    backup.set_defaults(run=_backup)
    repair = actions.add_parser("repair", help="save what can be read of a damaged ledger into a new one")
    repair.set_defaults(run=_repair)
    take_in = actions.add_parser(
        "take-in", help="enter the batches that results/ know and the ledger does not"
    )
    take_in.set_defaults(run=_take_in)
    for action in (show, export, import_, backup, repair, take_in):
        add_project_options(action)


def _show(options: argparse.Namespace) -> None:
    from collections import Counter

    from goldpan.cli.project import project_of
    from goldpan.cli.tables import print_table
    from goldpan.ledger import Ledger

    project = project_of(options)
    with Ledger(project.ledger) as ledger:
        print(f"ledger {ledger.path}")
        submissions = Counter(
            (submission.study, submission.stage, submission.state) for submission in ledger.submissions()
        )
        print_table(
            ["study", "stage", "submissions", "count"],
            [[*names, count] for names, count in sorted(submissions.items())],
            empty="no submissions",
        )
        print_table(
            ["answers", "count"], [list(item) for item in ledger.counts().items()], empty="no answers"
        )


def _export(options: argparse.Namespace) -> None:
    from goldpan.bundle.answers import answers_used
    from goldpan.cli.project import project_of
    from goldpan.ledger import Ledger
    from goldpan.ledger.exchange import export_ledger

    project = project_of(options)
    with Ledger(project.ledger) as ledger:
        selection = None if options.all_studies else answers_used(project, ledger)
        exported = export_ledger(ledger, options.file, selection)
    print(f"{exported.answers} answers written to {options.file}")
    if exported.unanswered:
        print(f"{exported.unanswered} of the study's requests have no answer yet")


def _import(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_of
    from goldpan.ledger import Ledger
    from goldpan.ledger.exchange import import_ledger

    project = project_of(options)
    with Ledger(project.ledger) as ledger:
        added = import_ledger(ledger, options.file)
    print(f"{added} answers added from {options.file}")


def _backup(options: argparse.Namespace) -> None:
    import time

    from goldpan.cli.project import project_of
    from goldpan.errors import LedgerError
    from goldpan.ledger import Ledger
    from goldpan.ledger.backup import back_up

    path = project_of(options).ledger
    if not path.exists():
        raise LedgerError("there is no ledger here yet", where=str(path))
    stamp = time.strftime("%Y%m%d-%H%M%S")
    copy = options.file or path.parent / "backups" / f"{path.stem}-{stamp}{path.suffix}"
    with Ledger(path) as ledger:
        back_up(ledger, copy)
    print(f"{path} is copied to {copy}, which is whole")


def _repair(options: argparse.Namespace) -> int:
    from goldpan.cli.project import project_of
    from goldpan.cli.tables import print_table
    from goldpan.ledger.repair import repair

    path = project_of(options).ledger
    repaired = repair(path)
    if repaired is None:
        print(f"{path} is whole; there is nothing to repair")
        return 0
    print(f"{path} was damaged: {'; '.join(repaired.problems) or 'an earlier repair was stopped'}")
    print_table(
        ["table", "saved", "lost"],
        [[table.table, table.saved, _lost(table.lost)] for table in repaired.tables],
        empty="nothing could be read",
    )
    print(f"the damaged file is kept as {repaired.kept}")
    if any(table.lost != 0 for table in repaired.tables):
        print("what is lost and lies in results/ comes back by `goldpan ledger take-in`, for each study")
    return 0


def _lost(count: int | None) -> str:
    if count is None:
        return "unknown"
    return f"at least {count}" if count else "0"


def _take_in(options: argparse.Namespace) -> int:
    from goldpan.batches.take_in import take_in
    from goldpan.cli.project import project_of
    from goldpan.ledger import Ledger

    project = project_of(options)
    any_taken = any_problem = False
    with Ledger(project.ledger) as ledger:
        for stage in project.study.asked_stages:
            for taken in take_in(ledger, project, stage):
                any_taken = True
                any_problem |= taken.problem is not None
                print(f"{taken.file.batch_id} ({taken.file.path}): {taken.done or taken.problem}")
    if not any_taken:
        print("the ledger knows every batch that the study's results name")
    return int(any_problem)
