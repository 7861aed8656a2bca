"""`goldpan report`: the study on one page, as far as it is."""

from __future__ import annotations

import argparse

from goldpan.cli import add_project_options


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `goldpan report` to the command line."""
    parser = commands.add_parser("report", help="write the page of a study from what is there now")
    parser.add_argument("name", nargs="?", help="study, as --study")
    add_project_options(parser)
    parser.set_defaults(run=_report)


def _report(options: argparse.Namespace) -> None:
    from goldpan.cli.project import project_of
    from goldpan.report.index.page import write_index_of_now

    options.study = options.name or options.study
    print(write_index_of_now(project_of(options)))
