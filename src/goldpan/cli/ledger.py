"""`goldpan ledger`: what is in the ledger, and how it is published."""

from __future__ import annotations

import argparse
from pathlib import Path

from goldpan.cli import add_project_options


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `goldpan ledger` to the command line."""
    parser = commands.add_parser("ledger", help="show, export and import the record of what was paid")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="submissions and answers by state")
    show.set_defaults(run=_show)
    export = actions.add_parser("export", help="write answers to a .jsonl.zst file for publication")
    export.add_argument("file", type=Path)
    export.add_argument("--all-studies", action="store_true", help="not only those of this study")
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
        study = None if options.all_studies else project.study.study
        written = export_ledger(ledger, options.file, study=study)
    print(f"{written} answers written to {options.file}")


def _import(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_of
    from goldpan.ledger import Ledger
    from goldpan.ledger.exchange import import_ledger

    project = project_of(options)
    with Ledger(project.ledger) as ledger:
        added = import_ledger(ledger, options.file)
    print(f"{added} answers added from {options.file}")
