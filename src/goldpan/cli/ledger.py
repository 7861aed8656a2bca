"""`goldpan ledger`: what is in the ledger, and how it is published."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from goldpan.cli import add_project_options

if TYPE_CHECKING:
    from goldpan.ledger import Ledger
    from goldpan.ledger.exchange import Selection
    from goldpan.study.load import Project


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `goldpan ledger` to the command line."""
    parser = commands.add_parser("ledger", help="show, export and import the record of what was paid")
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
    for action in (show, export, import_):
        add_project_options(action)


def _show(options: argparse.Namespace) -> None:
    from collections import Counter

    from goldpan.cli.project import project_of
    from goldpan.cli.tables import print_table
    from goldpan.ledger import Ledger

    project = project_of(options)
    with Ledger(project.ledger) as ledger:
        print(f"ledger {ledger.path}")
        submissions = Counter((given.study, given.stage, given.state) for given in ledger.submissions())
        print_table(
            ["study", "stage", "submissions", "count"],
            [[*names, count] for names, count in sorted(submissions.items())],
            empty="no submissions",
        )
        print_table(
            ["answers", "count"], [list(item) for item in ledger.counts().items()], empty="no answers"
        )


def _export(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_of
    from goldpan.ledger import Ledger
    from goldpan.ledger.exchange import export_ledger

    project = project_of(options)
    with Ledger(project.ledger) as ledger:
        selection = None if options.all_studies else _used_by_study(project, ledger)
        exported = export_ledger(ledger, options.file, selection)
    print(f"{exported.answers} answers written to {options.file}")
    if exported.unanswered:
        print(f"{exported.unanswered} of the study's requests have no answer yet")


def _used_by_study(project: Project, ledger: Ledger) -> Selection:
    """The requests that the study's results name, whoever paid; of a stage without any, what it paid for."""
    from goldpan.batches.plan import iter_asked
    from goldpan.ledger.exchange import Selection

    keys: set[bytes] = set()
    submissions: set[int] = set()
    for stage in project.study.stages:
        asked = project.root / project.paths.asked(stage, 1)
        if asked.exists():
            keys.update(bytes.fromhex(row["key"]) for row in iter_asked(asked) if "key" in row)
        else:
            submissions.update(row.id for row in ledger.submissions(study=project.study.study, stage=stage))
    return Selection(keys, submissions)


def _import(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_of
    from goldpan.ledger import Ledger
    from goldpan.ledger.exchange import import_ledger

    project = project_of(options)
    with Ledger(project.ledger) as ledger:
        added = import_ledger(ledger, options.file)
    print(f"{added} answers added from {options.file}")
